/**
 * Where one writes: the text field, to whom the text would go, and sending. The draft lives in the text field itself, so
 * that rendering again never touches it.
 *
 * It knows nothing of the connection: what it says and does goes through `ComposerActions`.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { Answering } from "./answering";
import type { Attaching } from "./attaching";
import { bytes, fit, isComposed } from "./field";
import { Mentioning, type Mentionable } from "./mentioning";
import { mayWrite } from "./policy";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";
import { mentions } from "./text";

export interface ComposerActions {
  /** `reply_to` is the message it answers, or null. */
  post(text: string, reply_to: string | null): void;
  /** Something was written. */
  wrote(): void;
  /** Nothing is being written any more. */
  stopped(): void;
  /** Stop one's own request: there is nothing else to give up. */
  escape(): void;
  /** Edit one's own newest message. Says whether there is one. */
  editNewest(): boolean;
  /** Whom one can mention. */
  mentionable(): Mentionable[];
  /** Tell a screen reader. */
  announce(sentence: string): void;
  /** What is shown depends on the draft and has to be shown again. */
  changed(): void;
}

/** From this part of the limit on, the size is shown. */
const NEAR_LIMIT = 0.8;

export class Composer {
  readonly answering: Answering;
  #field: HTMLTextAreaElement | null = null;
  #draft = "";
  #limit = Infinity;
  readonly #mentioning: Mentioning;

  constructor(
    private readonly actions: ComposerActions,
    readonly attaching: Attaching,
  ) {
    this.answering = new Answering(actions.changed);
    this.#mentioning = new Mentioning({
      take: (text, caret) => this.#replace(text, caret), changed: () => actions.changed(),
      announce: (sentence) => actions.announce(sentence),
    });
  }

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

  /** Put back what stood in the field when the page was loaded again; what was written since comes after it. */
  restore(draft: string): void {
    if (this.#field === null) return;
    const after = this.#field.value === "" ? "" : `\n${this.#field.value}`;
    this.#field.value = this.#draft = draft + after;
    fit(this.#field);
    this.actions.changed();
  }

  focus(): void {
    this.#field?.focus();
  }

  /** Put a text into the field, before what is there. */
  insert(text: string): void {
    if (this.#field === null || this.#field.disabled) return;
    this.#replace(text + this.#field.value, text.length);
  }

  #replace(text: string, caret: number): void {
    if (this.#field === null) return;
    this.#field.value = text;
    this.#field.focus();
    this.#field.setSelectionRange(caret, caret);
    this.#input();
  }

  template(room: string, snapshot: Snapshot): TemplateResult {
    this.#limit = snapshot.textLimit;
    const readOnly = !mayWrite(snapshot.room, snapshot.role);
    const closed = snapshot.link === "unreachable" || snapshot.link === "refused" || readOnly;
    const { mention } = snapshot;
    const { controls, active } = this.#mentioning.field;
    return html`<form class="nbgc-composer" @submit=${this.#submit}>
      ${this.answering.template(snapshot.room, () => this.focus())}
      ${this.#mentioning.template()}
      ${this.attaching.tray()}
      <textarea
        class="nbgc-input"
        rows="1"
        dir="auto"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.composer(room)}
        placeholder=${readOnly ? strings.readOnly : strings.placeholder}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls=${controls}
        aria-activedescendant=${active}
        ?disabled=${closed}
        @input=${this.#input}
        @keydown=${this.#keydown}
        @keyup=${this.#moved}
        @click=${this.#moved}
        @paste=${this.#paste}
        @blur=${this.#blur}
      ></textarea>
      <div class="nbgc-composer-foot">
        ${this.attaching.buttons(closed)} ${readOnly ? nothing : this.#addressee(snapshot, mention)} ${this.#size()}
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
    return (this.#draft.trim() !== "" || !this.attaching.isEmpty) && bytes(this.#draft) <= this.#limit;
  }

  readonly #input = (): void => {
    const field = this.#field;
    if (field === null) return;
    this.#draft = field.value;
    fit(field);
    this.#mentioning.update(field.value, field.selectionEnd, this.actions.mentionable());
    if (this.#draft.trim() === "") this.actions.stopped();
    else this.actions.wrote();
    this.actions.changed();
  };

  readonly #moved = (): void => {
    const field = this.#field;
    if (field !== null) this.#mentioning.moved(field.value, field.selectionEnd, this.actions.mentionable());
  };

  readonly #blur = (): void => {
    this.#mentioning.hide();
    this.actions.stopped();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (isComposed(event)) return;
    if (this.#mentioning.key(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape") {
      if (this.answering.end() === null) this.actions.escape();
    } else if (event.key === "ArrowUp" && this.#field?.value === "" && !isModified(event) && this.actions.editNewest()) {
      event.preventDefault();
    }
  };

  readonly #paste = (event: ClipboardEvent): void => {
    // A text that is copied together with a picture of itself, as from a spreadsheet, is pasted as text.
    const { clipboardData } = event;
    if (clipboardData?.getData("text/plain") === "" && this.attaching.takeFrom(clipboardData)) event.preventDefault();
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
    this.actions.post(this.#draft.trim() === "" ? "" : this.#draft, this.answering.end());
    field.value = "";
    this.#draft = "";
    this.#mentioning.update("", 0, []);
    fit(field);
    this.actions.changed();
    field.focus();
  }
}

function isModified(event: KeyboardEvent): boolean {
  return event.shiftKey || event.altKey || event.ctrlKey || event.metaKey;
}
