/** What can be done to a message, as a row of buttons. Pure templates; which buttons, `policy` says. */

import { html, nothing, type TemplateResult } from "lit-html";
import { icon } from "./icon";
import type { Tool } from "./policy";
import type { Message } from "./room";
import { strings } from "./strings";

export interface Tools {
  use(tool: Tool, id: string): void;
}

/** `rover` gives one of these buttons a place in the order of tabs. */
export function toolbarTemplate(message: Message, offered: readonly Tool[], actions: Tools): TemplateResult | typeof nothing {
  if (offered.length === 0) return nothing;
  return html`<div class="nbgc-tools" role="toolbar" aria-label=${strings.tools(message.name)}>
    ${offered.map((tool) => button(tool, message, actions))}
  </div>`;
}

function button(tool: Tool, message: Message, actions: Tools): TemplateResult {
  const label = tool === "explain" ? strings.saw(message.name) : strings.tool[tool];
  return html`<button
    type="button"
    class="nbgc-tool"
    data-tool=${tool}
    tabindex="-1"
    data-lm-suppress-shortcuts="true"
    aria-label=${label}
    title=${label}
    @click=${() => actions.use(tool, message.id)}
  >
    ${icon(tool)}${tool === "explain" ? html`<bdi class="nbgc-tool-label">${label}</bdi>` : nothing}
  </button>`;
}
