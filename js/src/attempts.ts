/**
 * Several replies to one question, shown as one: the newest attempt, with what goes on with it joined to it, and the earlier
 * attempts behind arrows. It knows nothing of how a message looks.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Message } from "./room";
import { strings } from "./strings";

/** What stands in one place: a post, or one of the attempts to answer a question. */
export interface Placed {
  /** The same as long as it stands there. */
  readonly key: string;
  /** A reply and what goes on with it, in order; a post stands alone. */
  readonly parts: readonly Message[];
  /** Which attempt it is, from 1, and how many there are. */
  readonly number: number;
  readonly count: number;
}

export class Attempts {
  /** Which attempt is shown of a question where that is not the newest, by its first part. */
  readonly #chosen = new Map<string, string>();

  constructor(private readonly changed: () => void) {}

  /** Give what stands where, in order: a question's replies have the place of the newest. */
  place(messages: readonly Message[]): readonly Placed[] {
    const attempts = attemptsOf(messages);
    return messages.flatMap((message) => {
      const all = message.to === null ? undefined : attempts.get(message.to);
      if (all === undefined) return { key: message.id, parts: [message], number: 1, count: 1 };
      const newest = all.flat().reduce((one, other) => (other.seq > one.seq ? other : one));
      if (newest !== message) return [];
      const index = this.#index(all, message.to ?? "");
      return { key: message.id, parts: all[index] ?? [message], number: index + 1, count: all.length };
    });
  }

  /** Show the attempt that a message is part of. */
  reveal(messages: readonly Message[], id: string): void {
    const question = messages.find((message) => message.id === id)?.to ?? null;
    const all = question === null ? undefined : attemptsOf(messages).get(question);
    const found = all?.find((parts) => parts.some((part) => part.id === id));
    if (question !== null && all !== undefined && found !== undefined) this.#choose(question, all, found);
  }

  /** Buttons that lead to earlier and later attempts; none where there is one. */
  template({ parts, number, count }: Placed, messages: () => readonly Message[]): TemplateResult | typeof nothing {
    const question = parts[0]?.to ?? null;
    if (count === 1 || question === null) return nothing;
    const go = (by: number): void => {
      const all = attemptsOf(messages()).get(question) ?? [];
      const next = all[number - 1 + by];
      if (next !== undefined) this.#choose(question, all, next);
    };
    return html`<div class="nbgc-attempts" role="toolbar" aria-label=${strings.attempts}>
      ${arrow("earlier", "‹", number > 1, () => go(-1))}
      <span class="nbgc-attempt" aria-label=${strings.attempt(number, count)}>${number}/${count}</span>
      ${arrow("later", "›", number < count, () => go(1))}
    </div>`;
  }

  #index(all: readonly (readonly Message[])[], question: string): number {
    const chosen = all.findIndex((parts) => parts[0]?.id === this.#chosen.get(question));
    return chosen < 0 ? all.length - 1 : chosen;
  }

  #choose(question: string, all: readonly (readonly Message[])[], parts: readonly Message[]): void {
    // Whoever looks at the newest sees what comes after it, too.
    if (parts === all.at(-1)) this.#chosen.delete(question);
    else this.#chosen.set(question, parts[0]?.id ?? "");
    this.changed();
  }
}

/** Give one message in place of its parts: the last one, saying what all of them say. */
export function joined(parts: readonly [Message, ...Message[]] | readonly Message[]): Message {
  const last = parts.at(-1) as Message;
  if (parts.length === 1) return last;
  const said = parts.filter(({ redacted, text }) => !redacted && text !== "").map(({ text }) => text);
  const text = said.reduce((before, after) => before + (inCode(before) ? "\n" : " ") + after, "").trimStart();
  return { ...last, text, edited: false, redacted: parts.every(({ redacted }) => redacted) };
}

function inCode(text: string): boolean {
  return text.split("```").length % 2 === 0;
}

function attemptsOf(messages: readonly Message[]): ReadonlyMap<string, readonly (readonly Message[])[]> {
  const found = new Map<string, Message[][]>();
  for (const message of messages) {
    if (message.to === null) continue;
    const all = found.get(message.to) ?? [];
    found.set(message.to, all);
    const before = message.continues === null ? undefined : all.find((parts) => parts.at(-1)?.id === message.continues);
    if (before === undefined) all.push([message]);
    else before.push(message);
  }
  return found;
}

function arrow(to: "earlier" | "later", sign: string, there: boolean, pressed: () => void): TemplateResult {
  return html`<button
    type="button"
    class="nbgc-tool"
    data-attempt=${to}
    tabindex="-1"
    data-lm-suppress-shortcuts="true"
    aria-label=${strings.toAttempt[to]}
    title=${strings.toAttempt[to]}
    aria-disabled=${there ? nothing : "true"}
    @click=${pressed}
  >
    ${sign}
  </button>`;
}
