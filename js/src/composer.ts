/**
 * Where one writes: the text field, to whom the text would go, and sending. The draft lives in the text field itself, so
 * that rendering again never touches it.
 *
 * It knows nothing of the connection: what it says and does goes through `ComposerActions`.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { bytes, fit, isComposed } from "./field";
import { mayWrite } from "./policy";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";
import { mentions } from "./text";

export interface ComposerActions {
  post(text: string): void;
  /** Something was written. */
  wrote(): void;
  /** Nothing is being written any more. */
  stopped(): void;
  /** Stop one's own request. */
  escape(): void;
  /** Edit one's own newest message. Says whether there is one. */
  editNewest(): boolean;
  /** What is shown depends on the draft and has to be shown again. */
  changed(): void;
}

/** From this part of the limit on, the size is shown. */
const NEAR_LIMIT = 0.8;

export class Composer {
  #field: HTMLTextAreaElement | null = null;
  #draft = "";
  #limit = Infinity;

  constructor(private readonly actions: ComposerActions) {}

  get draft(): string {
    return this.#draft;
  }

  /** Take the text field, once it is there, and put a draft into it. */
  attach(root: ParentNode, draft: string): void {
    this.#field = root.querySelector<HTMLTextAreaElement>(".nbgc-input");
    if (this.#field === null || draft === "") return;
    this.#field.value = draft;
    this.#draft = draft;
    this.actions.changed();
  }

  focus(): void {
    this.#field?.focus();
  }

  /** Put a text into the field, before what is there. */
  insert(text: string): void {
    if (this.#field === null) return;
    this.#field.value = text + this.#field.value;
    this.#field.focus();
    this.#field.setSelectionRange(text.length, text.length);
    this.#input();
  }

  template(room: string, snapshot: Snapshot): TemplateResult {
    this.#limit = snapshot.textLimit;
    const readOnly = !mayWrite(snapshot.room, snapshot.role);
    const closed = snapshot.link === "unreachable" || snapshot.link === "refused" || readOnly;
    const { mention } = snapshot;
    return html`<form class="nbgc-composer" @submit=${this.#submit}>
      <textarea
        class="nbgc-input"
        rows="1"
        dir="auto"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.composer(room)}
        placeholder=${readOnly ? strings.readOnly : strings.placeholder}
        ?disabled=${closed}
        @input=${this.#input}
        @keydown=${this.#keydown}
        @blur=${() => this.actions.stopped()}
      ></textarea>
      <div class="nbgc-composer-foot">
        ${this.#addressee(snapshot, mention)} ${this.#size()}
        <button
          class="nbgc-send"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.sendLabel}
          title=${strings.keys}
          ?disabled=${closed || !this.#isSendable()}
        >
          ${strings.send}
        </button>
      </div>
    </form>`;
  }

  #addressee(snapshot: Snapshot, mention: string | null): TemplateResult | typeof nothing {
    if (mention === null) return nothing;
    const agent = mention.replace(/^@/, "");
    if (!mentions(this.#draft, mention) && snapshot.room.policy.agent !== "on") {
      const ask = (): void => this.insert(`${mention} `);
      return html`<span class="nbgc-addressee" data-to="everybody">${strings.toEverybody}</span>
        <button type="button" class="nbgc-ask" data-lm-suppress-shortcuts="true" @click=${ask}>${strings.ask(mention)}</button>`;
    }
    const { state, message } = snapshot.room.status;
    const none = snapshot.link === "live" && state === "off" && message === null;
    const able = snapshot.link === "live" && state === "failed" ? strings.willTryAgain(agent) : strings.willAnswer(agent);
    return html`<span class="nbgc-addressee" data-to=${none ? "nobody" : "agent"}
      >${none ? strings.cannotAnswer(agent) : able}</span
    >`;
  }

  #size(): TemplateResult | typeof nothing {
    const limit = this.#limit;
    const size = bytes(this.#draft);
    if (size <= limit * NEAR_LIMIT) return nothing;
    const over = size > limit;
    return html`<span class="nbgc-size" ?data-problem=${over}
      >${over ? strings.tooLong(size, limit) : strings.size(size, limit)}</span
    >`;
  }

  #isSendable(): boolean {
    return this.#draft.trim() !== "" && bytes(this.#draft) <= this.#limit;
  }

  readonly #input = (): void => {
    const field = this.#field;
    if (field === null) return;
    this.#draft = field.value;
    fit(field);
    if (this.#draft.trim() === "") this.actions.stopped();
    else this.actions.wrote();
    this.actions.changed();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (isComposed(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape") {
      this.actions.escape();
    } else if (event.key === "ArrowUp" && this.#field?.value === "" && !isModified(event) && this.actions.editNewest()) {
      event.preventDefault();
    }
  };

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    this.#send();
  };

  #send(): void {
    const field = this.#field;
    if (field === null || field.disabled) return;
    this.#draft = field.value;
    if (!this.#isSendable()) return;
    this.actions.post(this.#draft);
    field.value = "";
    this.#draft = "";
    fit(field);
    this.actions.changed();
    field.focus();
  }
}

function isModified(event: KeyboardEvent): boolean {
  return event.shiftKey || event.altKey || event.ctrlKey || event.metaKey;
}
