/** Who somebody with a pseudonym is, as a strip below the header, for an instructor who asked. */

import { html, nothing, type TemplateResult } from "lit-html";
import { icon } from "./icon";
import type { Refusal, WhoAnswer } from "./protocol";
import { strings } from "./strings";

export interface WhoActions {
  who(member: string): Promise<WhoAnswer | Refusal | null>;
  changed(): void;
  /** It was closed: what was asked about the author of message `id`. */
  left(id: string): void;
}

export class Identification {
  #asked: string | null = null;
  #words = "";

  constructor(private readonly actions: WhoActions) {}

  /** Ask who wrote message `id`: a member who is shown as `alias`. */
  open(id: string, member: string, alias: string): void {
    this.#asked = id;
    this.#words = strings.fetching;
    this.actions.changed();
    void this.actions.who(member).then((answer) => {
      if (this.#asked !== id) return;
      this.#words = answer === null ? strings.notAnswered : "code" in answer ? answer.message : strings.is(alias, answer);
      this.actions.changed();
    });
  }

  template(): TemplateResult | typeof nothing {
    if (this.#asked === null) return nothing;
    return html`<div class="nbgc-who nbgc-strip" @keydown=${this.#keydown}>
      <span role="status"><bdi>${this.#words}</bdi></span>
      <button
        type="button"
        class="nbgc-tool nbgc-who-close"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.close}
        title=${strings.close}
        @click=${this.#close}
      >
        ${icon("close")}
      </button>
    </div>`;
  }

  readonly #close = (): void => {
    const id = this.#asked;
    this.#asked = null;
    this.actions.changed();
    if (id !== null) this.actions.left(id);
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) this.#close();
  };
}
