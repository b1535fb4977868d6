/** The reactions to a message, as a row of buttons that put one's own emoji there or take it away. Pure templates. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Reaction } from "./reaction";
import type { Message } from "./room";
import { strings } from "./strings";

export interface Reacting {
  react(id: string, emoji: string, on: boolean): void;
}

/** `you` is null while that is not known. `rover` gives one of these buttons a place in the order of tabs. */
export function chipsTemplate(message: Message, you: string | null, actions: Reacting): TemplateResult | typeof nothing {
  if (message.reactions.length === 0) return nothing;
  return html`<div class="nbgc-reactions" role="toolbar" aria-label=${strings.reactions(message.name)}>
    ${message.reactions.map((reaction) => chip(reaction, message, you, actions))}
  </div>`;
}

function chip({ emoji, by }: Reaction, { id }: Message, you: string | null, actions: Reacting): TemplateResult {
  const own = by.some((who) => who.id === you);
  const label = strings.reactionOf(emoji, by.map((who) => (who.id === you ? strings.you : who.name)));
  return html`<button
    type="button"
    class="nbgc-chip"
    data-emoji=${emoji}
    tabindex="-1"
    data-lm-suppress-shortcuts="true"
    aria-pressed=${own ? "true" : "false"}
    aria-label=${label}
    title=${label}
    @click=${() => actions.react(id, emoji, !own)}
  >
    <span class="nbgc-emoji">${emoji}</span><span>${by.length}</span>
  </button>`;
}
