/**
 * One's own name, and the little form to change it. It asks an `Account` what may be done; it knows nothing of how a server
 * keeps names.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { strings } from "./strings";

export interface Account {
  /** Say whether one may change the own name here. */
  mayRename(): Promise<boolean>;
  /** Change it. Says whether that was done. */
  rename(name: string): Promise<boolean>;
}

const MAX_NAME = 64;

export class NameControl {
  #allowed = false;
  #asked = false;
  #editing = false;
  #refused = false;

  constructor(
    private readonly account: Account | null,
    private readonly changed: () => void,
  ) {}

  /** Find out once whether the name may be changed. */
  ask(): void {
    if (this.#asked || this.account === null) return;
    this.#asked = true;
    this.account.mayRename().then(
      (allowed) => {
        this.#allowed = allowed;
        this.changed();
      },
      () => {
        this.#asked = false;
      },
    );
  }

  /** `remark` is what there is to say about it. */
  template(name: string | null, remark: string | null = null): TemplateResult {
    if (name === null) return html`<div class="nbgc-own"></div>`;
    if (this.#editing) return this.#form(name);
    const control = html`<span class="nbgc-name">
      <button type="button" class="nbgc-plain nbgc-name-change" data-lm-suppress-shortcuts="true" @click=${this.#edit}>
        ${strings.change}
      </button>
    </span>`;
    return html`<div class="nbgc-own">
      <span class="nbgc-you" title=${name}>${strings.youAre} <bdi>${name}</bdi></span> ${this.#allowed ? control : nothing}
      ${remark === null ? nothing : html`<span class="nbgc-through">${remark}</span>`}
    </div>`;
  }

  #form(name: string): TemplateResult {
    return html`<form class="nbgc-own nbgc-name" @submit=${this.#submit} @keydown=${this.#keydown}>
      <input
        class="nbgc-name-input"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.nameLabel}
        maxlength=${MAX_NAME}
        autocomplete="nickname"
        .defaultValue=${name}
        ${ref(this.#select)}
      />
      <button class="nbgc-plain nbgc-name-save" data-lm-suppress-shortcuts="true">${strings.save}</button>
      <button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${this.#cancel}>
        ${strings.cancel}
      </button>
      ${this.#refused ? html`<span class="nbgc-note" data-problem>${strings.notRenamed}</span>` : nothing}
    </form>`;
  }

  readonly #edit = (): void => {
    this.#editing = true;
    this.#refused = false;
    this.changed();
  };

  // It is not in the page yet when it is made.
  readonly #select = (field: Element | undefined): void => {
    queueMicrotask(() => (field as HTMLInputElement | undefined)?.select());
  };

  readonly #cancel = (): void => {
    this.#editing = false;
    this.changed();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) this.#cancel();
  };

  readonly #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const field = (event.currentTarget as Element).querySelector<HTMLInputElement>(".nbgc-name-input");
    const name = field?.value.trim() ?? "";
    if (name === "" || this.account === null) return;
    this.#refused = !(await this.account.rename(name).catch(() => false));
    this.#editing = this.#refused;
    this.changed();
  };
}
