/** Which message one's next post answers, shown above the text field until it is sent or given up. */

import { html, nothing, type TemplateResult } from "lit-html";
import { gist } from "./attachment";
import { icon } from "./icon";
import type { Room } from "./room";
import { strings } from "./strings";
import { beginning } from "./text";

const SHOWN = 100;

export class Answering {
  #id: string | null = null;

  /** `changed` is called after every change. */
  constructor(private readonly changed: () => void) {}

  get id(): string | null {
    return this.#id;
  }

  begin(id: string): void {
    this.#id = id;
    this.changed();
  }

  /** Answer nothing any more. Gives what was answered. */
  end(): string | null {
    const id = this.#id;
    this.#id = null;
    if (id !== null) this.changed();
    return id;
  }

  /** `left` is called where it is given up by hand. */
  template(room: Room, left: () => void): TemplateResult | typeof nothing {
    if (this.#id === null) return nothing;
    const message = room.messages.get(this.#id);
    const words = message === undefined ? strings.notFetched : beginning(gist(message), SHOWN);
    const giveUp = (): void => {
      this.end();
      left();
    };
    return html`<div class="nbgc-answering" data-answers=${this.#id}>
      ${icon("reply")}
      <span class="nbgc-answered"
        >${strings.answerTo} <bdi class="nbgc-answered-author">${message?.name ?? ""}</bdi>
        <bdi>${message?.redacted === true ? strings.removed(message.kind) : words}</bdi></span
      >
      <button
        type="button"
        class="nbgc-tool nbgc-unanswer"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.answerNothing}
        title=${strings.answerNothing}
        @click=${giveUp}
      >
        ${icon("close")}
      </button>
    </div>`;
  }
}
