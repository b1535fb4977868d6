/**
 * Changes a message in its place: gives it another text, or asks once before it is removed. At most one at a time. The text
 * lives in the field itself, so that rendering again never touches it. It knows nothing of what happens to a change.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { bytes, fit, isComposed } from "./field";
import { strings } from "./strings";

export interface EditorActions {
  edit(id: string, text: string): void;
  redact(id: string): void;
  changed(): void;
  /** The field is there. */
  began(form: HTMLElement): void;
  /** It is over; `from` is where one was when it began. */
  left(id: string, from: Origin): void;
}

export type Origin = "composer" | "edit" | "remove";

/** What is being done to message `id`; another value whenever it looks different. */
export interface Doing {
  readonly id: string;
  readonly kind: "edit" | "remove";
  readonly problem: string | null;
}

export class Editor {
  #doing: Doing | null = null;
  #from: Origin = "edit";
  #text = "";
  #limit = Infinity;
  #field: HTMLTextAreaElement | null = null;

  constructor(private readonly actions: EditorActions) {}

  /** Begin to edit a message that says `text`; `limit` is the longest one in bytes. */
  edit(id: string, text: string, limit: number, from: Origin = "edit"): void {
    this.#doing = { id, kind: "edit", problem: null };
    this.#from = from;
    this.#text = text;
    this.#limit = limit;
    this.actions.changed();
  }

  /** Ask whether a message is to be removed. */
  remove(id: string): void {
    this.#doing = { id, kind: "remove", problem: null };
    this.#from = "remove";
    this.actions.changed();
  }

  doing(id: string): Doing | null {
    return this.#doing?.id === id ? this.#doing : null;
  }

  template(doing: Doing): TemplateResult {
    return doing.kind === "edit" ? this.#form(doing) : this.#question();
  }

  #form({ problem }: Doing): TemplateResult {
    return html`<form class="nbgc-editor" @submit=${this.#submit} @keydown=${this.#keydown}>
      <textarea
        class="nbgc-editor-input"
        rows="1"
        dir="auto"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.editLabel}
        aria-invalid=${problem === null ? nothing : "true"}
        .defaultValue=${this.#text}
        @input=${this.#input}
        ${ref(this.#take)}
      ></textarea>
      <div class="nbgc-note" ?data-problem=${problem !== null}>
        <span role=${problem === null ? nothing : "alert"}>${problem ?? strings.editKeys}</span>
        <button class="nbgc-plain nbgc-editor-save" data-lm-suppress-shortcuts="true" ?disabled=${problem !== null}>
          ${strings.save}
        </button>
        <button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${() => this.#leave()}>
          ${strings.cancel}
        </button>
      </div>
    </form>`;
  }

  #question(): TemplateResult {
    return html`<div class="nbgc-removal nbgc-note" role="group" aria-label=${strings.removeAsk} @keydown=${this.#keydown}>
      <span>${strings.removeAsk}</span>
      <button type="button" class="nbgc-plain nbgc-remove" data-lm-suppress-shortcuts="true" @click=${this.#confirm}>
        ${strings.tool.remove}
      </button>
      <button
        type="button"
        class="nbgc-plain"
        data-lm-suppress-shortcuts="true"
        @click=${() => this.#leave()}
        ${ref(this.#focus)}
      >
        ${strings.keep}
      </button>
    </div>`;
  }

  // They are not in the page yet when they are made.
  readonly #take = (element: Element | undefined): void => {
    this.#field = (element as HTMLTextAreaElement | undefined) ?? null;
    const field = this.#field;
    if (field === null) return;
    queueMicrotask(() => {
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
      fit(field);
      if (field.form !== null) this.actions.began(field.form);
    });
  };

  readonly #focus = (element: Element | undefined): void => {
    queueMicrotask(() => (element as HTMLElement | undefined)?.focus());
  };

  readonly #input = (): void => {
    if (this.#field === null || this.#doing === null) return;
    fit(this.#field);
    const problem = this.#problem(this.#field.value);
    if (problem === this.#doing.problem) return;
    this.#doing = { ...this.#doing, problem };
    this.actions.changed();
  };

  #problem(text: string): string | null {
    if (text.trim() === "") return strings.editEmpty;
    const size = bytes(text);
    return size > this.#limit ? strings.tooLong(size, this.#limit) : null;
  }

  readonly #keydown = (event: KeyboardEvent): void => {
    if (isComposed(event)) return;
    if (event.key === "Escape") {
      this.#leave();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === this.#field) {
      event.preventDefault();
      this.#save();
    }
  };

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    this.#save();
  };

  #save(): void {
    if (this.#field === null || this.#doing === null) return;
    const text = this.#field.value;
    if (this.#problem(text) !== null) return;
    if (text !== this.#text) this.actions.edit(this.#doing.id, text);
    this.#leave();
  }

  readonly #confirm = (): void => {
    if (this.#doing === null) return;
    this.actions.redact(this.#doing.id);
    this.#leave();
  };

  #leave(): void {
    const id = this.#doing?.id;
    this.#doing = null;
    this.actions.changed();
    if (id !== undefined) this.actions.left(id, this.#from);
  }
}
