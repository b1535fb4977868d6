/**
 * Where one chooses an emoji for a message: a few common ones, and a field to type any other. One at a time. It knows nothing
 * of what a reaction does; what an emoji is, the server decides.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { isComposed } from "./field";
import { strings } from "./strings";

export interface PickerActions {
  react(id: string, emoji: string): void;
  changed(): void;
  /** It is over. */
  left(id: string): void;
}

/** What is chosen for message `id`; another value whenever it looks different. */
export interface Picking {
  readonly id: string;
  readonly problem: boolean;
}

const COMMON = ["👍", "❤️", "😄", "🎉", "🙏", "👀", "🤔", "✅"];
const graphemes = new Intl.Segmenter();

export class Picker {
  #picking: Picking | null = null;

  constructor(private readonly actions: PickerActions) {}

  /** Open it at a message, or close it where it is open. */
  toggle(id: string): void {
    if (this.#picking?.id === id) return this.#leave();
    this.#picking = { id, problem: false };
    this.actions.changed();
  }

  picking(id: string): Picking | null {
    return this.#picking?.id === id ? this.#picking : null;
  }

  template({ id, problem }: Picking, name: string): TemplateResult {
    return html`<div class="nbgc-emojis" role="group" aria-label=${strings.choose(name)} @keydown=${this.#keydown}>
      <div class="nbgc-choices" role="toolbar" aria-label=${strings.choose(name)}>
        ${COMMON.map((emoji, index) => this.#choice(id, emoji, index === 0))}
      </div>
      <form class="nbgc-other" @submit=${this.#submit}>
        <input
          class="nbgc-other-input"
          maxlength="24"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.other}
          placeholder=${strings.other}
          aria-invalid=${problem ? "true" : nothing}
        />
        <span role="alert" class="nbgc-emojis-note">${problem ? strings.noEmoji : nothing}</span>
      </form>
    </div>`;
  }

  #choice(id: string, emoji: string, first: boolean): TemplateResult {
    return html`<button
      type="button"
      class="nbgc-tool nbgc-emoji"
      data-choice=${emoji}
      tabindex="-1"
      data-lm-suppress-shortcuts="true"
      aria-label=${emoji}
      @click=${() => this.#choose(id, emoji)}
      ${first ? ref(this.#focus) : nothing}
    >
      ${emoji}
    </button>`;
  }

  #choose(id: string, emoji: string): void {
    this.actions.react(id, emoji);
    this.#leave();
  }

  // It is not in the page yet when it is made.
  readonly #focus = (element: Element | undefined): void => {
    queueMicrotask(() => (element as HTMLElement | undefined)?.focus());
  };

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector<HTMLInputElement>(".nbgc-other-input");
    if (this.#picking === null || field === null) return;
    const typed = field.value.trim();
    if (isOne(typed)) return this.#choose(this.#picking.id, typed);
    this.#picking = { ...this.#picking, problem: true };
    this.actions.changed();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !isComposed(event)) this.#leave();
  };

  #leave(): void {
    const id = this.#picking?.id;
    this.#picking = null;
    this.actions.changed();
    if (id !== undefined) this.actions.left(id);
  }
}

/** Say whether a text is a single sign that may be an emoji: nobody has to ask the server about a word. */
function isOne(text: string): boolean {
  return [...graphemes.segment(text)].length === 1 && /\p{Emoji_Presentation}|\p{Emoji}\u{FE0F}|\p{Extended_Pictographic}|\p{RI}|\u{20E3}/u.test(text);
}
