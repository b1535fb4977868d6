/**
 * Completes the name of somebody who is mentioned: a list above the text field while one writes "@" and the beginning of a
 * name. It offers only names that are a mention once they stand there (`text`).
 *
 * The field stays a text field to a screen reader, with the listbox as its popup: HTML gives a `textarea` no other role, so
 * that of a combobox is not to be had. It knows nothing of the field but its text and the place of the caret.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { avatar } from "./avatar";
import type { Kind, Member } from "./protocol";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";
import { mentions } from "./text";

export interface Mentionable {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
}

/** A mention that is being written: its "@" stands at `at`, and what follows up to the caret is `query`. */
export interface Query {
  readonly at: number;
  readonly query: string;
}

const MOST = 8;
const LONGEST_NAME = 64;
/** An "@" that begins a mention, as in `mention.py`, and the rest of its line so far. */
const BEGUN = /(?<![\p{L}\p{N}_@/`-])@([^@\n]*)$/u;

/** Give whom one can mention: the agent, who is here, and who has said something that is held. Not oneself. */
export function mentionable({ room, you, mention }: Snapshot): Mentionable[] {
  const found = new Map<string, Mentionable>();
  const agent = mention?.replace(/^@/, "");
  if (agent !== undefined) found.set(agent, { id: "", name: agent, kind: "agent" });
  const others: Mentionable[] = room.members.filter(({ kind }) => kind !== "agent");
  const said = [...room.messages.values()].reverse().map(({ by, name, kind }): Member => ({ id: by, name, kind }));
  for (const one of [...others, ...said.filter(({ kind }) => kind !== "agent")]) {
    if (one.id !== you?.id && !found.has(one.name)) found.set(one.name, one);
  }
  return [...found.values()];
}

export function queryAt(text: string, caret: number): Query | null {
  const begun = BEGUN.exec(text.slice(0, caret));
  const query = begun?.[1];
  return begun === null || query === undefined || query.length > LONGEST_NAME ? null : { at: begun.index, query };
}

/** Give those whose name, or a later part of it, begins so; nobody where the name stands there already. */
export function matching(all: readonly Mentionable[], query: string): Mentionable[] {
  const wanted = plain(query);
  const begins = all.filter(({ name }) => plain(name).startsWith(wanted));
  const within = all.filter((one) => !begins.includes(one) && plain(one.name).includes(` ${wanted}`));
  const found = [...begins, ...within].slice(0, MOST);
  return found.length === 1 && plain(found[0]?.name ?? "") === wanted ? [] : found;
}

/** Give the text with the mention in it, and where the caret is then; null where it would be none, as in code. */
export function completed(text: string, caret: number, { at }: Query, name: string): { text: string; caret: number } | null {
  const rest = text.slice(caret);
  const before = `${text.slice(0, at)}@${name}`;
  const gap = /^\s/.test(rest) ? "" : " ";
  return mentions(`${before}${gap}`, `@${name}`) ? { text: before + gap + rest, caret: before.length + 1 } : null;
}

export interface MentioningActions {
  /** Put a text into the field. */
  take(text: string, caret: number): void;
  changed(): void;
  /** Tell a screen reader. */
  announce(sentence: string): void;
}

export class Mentioning {
  /** Each panel of a page has a list of its own. */
  readonly #id = `nbgc-${Math.random().toString(36).slice(2)}`;
  #text = "";
  #caret = 0;
  #query: Query | null = null;
  #found: readonly Mentionable[] = [];
  #chosen = 0;
  /** Where the "@" stands that one does not want completed. */
  #dismissed = -1;

  constructor(private readonly actions: MentioningActions) {}

  get isOpen(): boolean {
    return this.#found.length > 0;
  }

  /** The text or the caret is another one. */
  update(text: string, caret: number, all: readonly Mentionable[]): void {
    const query = queryAt(text, caret);
    if (query?.at !== this.#dismissed) this.#dismissed = -1;
    this.#text = text;
    this.#caret = caret;
    this.#query = query;
    const before = this.#found[this.#chosen]?.name;
    const wasOpen = this.isOpen;
    this.#found =
      query === null || query.at === this.#dismissed
        ? []
        : matching(all, query.query).filter(({ name }) => completed(text, caret, query, name) !== null);
    this.#chosen = Math.max(0, this.#found.findIndex(({ name }) => name === before));
    if (!wasOpen && this.isOpen) this.actions.announce(strings.mentionKeys(this.#found.length));
  }

  /** The caret went elsewhere: a list that is open follows it. */
  moved(text: string, caret: number, all: readonly Mentionable[]): void {
    if (!this.isOpen || (text === this.#text && caret === this.#caret)) return;
    this.update(text, caret, all);
    this.actions.changed();
  }

  /** Show no list any more, until something is written. */
  hide(): void {
    if (!this.isOpen) return;
    this.#found = [];
    this.actions.changed();
  }

  /** Do what a key does in the list. Says whether it was for the list. */
  key(event: KeyboardEvent): boolean {
    if (!this.isOpen || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return false;
    switch (event.key) {
      case "ArrowDown":
        this.#choose(this.#chosen + 1);
        return true;
      case "ArrowUp":
        this.#choose(this.#chosen - 1);
        return true;
      case "Enter":
      case "Tab":
        this.#take(this.#chosen);
        return true;
      case "Escape":
        this.#dismissed = this.#query?.at ?? -1;
        this.hide();
        return true;
      default:
        return false;
    }
  }

  /** What tells a screen reader about the list; to be bound to the field. */
  get field(): { readonly controls: string | typeof nothing; readonly active: string | typeof nothing } {
    return this.isOpen ? { controls: this.#id, active: this.#optionId(this.#chosen) } : { controls: nothing, active: nothing };
  }

  template(): TemplateResult | typeof nothing {
    if (!this.isOpen) return nothing;
    return html`<ul class="nbgc-mentionable" role="listbox" id=${this.#id} aria-label=${strings.mentionable}>
      ${repeat(this.#found, ({ name }) => name, (one, index) => this.#option(one, index))}
    </ul>`;
  }

  #option(one: Mentionable, index: number): TemplateResult {
    // The field keeps the focus, also while one presses the mouse here.
    return html`<li
      role="option"
      id=${this.#optionId(index)}
      class="nbgc-option"
      data-name=${one.name}
      aria-selected=${index === this.#chosen ? "true" : "false"}
      @mousedown=${(event: Event) => event.preventDefault()}
      @click=${() => this.#take(index)}
    >
      ${avatar(one.name, one.kind)} <bdi>${one.name}</bdi>
    </li>`;
  }

  #optionId(index: number): string {
    return `${this.#id}-${index}`;
  }

  #choose(index: number): void {
    const count = this.#found.length;
    this.#chosen = (index + count) % count;
    this.actions.changed();
  }

  #take(index: number): void {
    const one = this.#found[index];
    const done = one === undefined || this.#query === null ? null : completed(this.#text, this.#caret, this.#query, one.name);
    this.#found = [];
    if (done !== null) this.actions.take(done.text, done.caret);
    this.actions.changed();
  }
}

/** Without the marks on letters: who writes "Sanchez" means Sánchez. */
function plain(name: string): string {
  return name.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
}
