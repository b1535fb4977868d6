/**
 * Searching the room, as a sheet beside the transcript: words in, messages that say them out, each a button that goes there.
 * It knows nothing of how a search is carried out, nor of how a message is found in the panel.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { isComposed } from "./field";
import { icon } from "./icon";
import { time } from "./message";
import type { Hit, Refusal, SearchAnswer } from "./protocol";
import { strings } from "./strings";

export interface SearchActions {
  search(text: string, before: number | null): Promise<SearchAnswer | Refusal | null>;
  show(id: string): void;
  changed(): void;
  /** It is to be opened. */
  opened(): void;
  /** It was closed. */
  left(): void;
}

export class SearchSheet {
  #open = false;
  #text = "";
  #hits: readonly Hit[] = [];
  /** Before which entry to go on; null where there is nothing to go on with. */
  #before: number | null = null;
  #state: "new" | "asked" | "done" = "new";
  #problem: string | null = null;
  /** Which search is waited for: answers to earlier ones come too late. */
  #asked = 0;
  #olderButton: Element | undefined;

  constructor(private readonly actions: SearchActions) {}

  open(): void {
    this.#open = true;
    this.actions.changed();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.actions.changed();
    this.actions.left();
  }

  /** What opens it. */
  button(): TemplateResult {
    return html`<button
      type="button"
      class="nbgc-tool nbgc-search-open"
      data-lm-suppress-shortcuts="true"
      aria-label=${strings.search}
      title=${strings.searchKeys}
      aria-expanded=${this.#open ? "true" : "false"}
      @click=${() => (this.#open ? this.close() : this.actions.opened())}
    >
      ${icon("search")}
    </button>`;
  }

  template(): TemplateResult | typeof nothing {
    if (!this.#open) return nothing;
    return html`<section class="nbgc-sheet nbgc-search" role="dialog" aria-label=${strings.search} @keydown=${this.#keydown}>
      <header class="nbgc-sheet-head">
        <form class="nbgc-search-form" role="search" @submit=${this.#submit}>
          <input
            class="nbgc-search-input"
            type="search"
            maxlength="200"
            data-lm-suppress-shortcuts="true"
            aria-label=${strings.searchWords}
            placeholder=${strings.searchWords}
            .defaultValue=${this.#text}
            ${ref(this.#focus)}
          />
        </form>
        <button
          type="button"
          class="nbgc-tool nbgc-close"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.close}
          title=${strings.close}
          @click=${() => this.close()}
        >
          ${icon("close")}
        </button>
      </header>
      <div class="nbgc-sheet-body">
        <p role="status" ?data-problem=${this.#problem !== null}>${this.#problem ?? this.#summary()}</p>
        <ol class="nbgc-hits">
          ${this.#hits.map((hit) => this.#hit(hit))}
        </ol>
        ${this.#before === null ? nothing : this.#older()}
      </div>
    </section>`;
  }

  #summary(): string {
    if (this.#state === "new") return "";
    return this.#state === "asked" ? strings.searching : strings.found(this.#hits.length, this.#before !== null);
  }

  #hit(hit: Hit): TemplateResult {
    return html`<li>
      <button
        type="button"
        class="nbgc-read"
        data-hit-id=${hit.id}
        data-lm-suppress-shortcuts="true"
        @click=${() => this.actions.show(hit.id)}
      >
        <bdi class="nbgc-read-author">${hit.name}</bdi> ${time(hit.ts)} <bdi>${hit.snippet}</bdi>
      </button>
    </li>`;
  }

  #older(): TemplateResult {
    return html`<button
      type="button"
      class="nbgc-plain nbgc-search-older"
      data-lm-suppress-shortcuts="true"
      aria-disabled=${this.#state === "asked" ? "true" : nothing}
      @click=${this.#goOn}
      ${ref(this.#holdOlder)}
    >
      ${strings.searchOlder}
    </button>`;
  }

  async #search(before: number | null): Promise<void> {
    const asked = (this.#asked += 1);
    if (before === null) this.#hits = [];
    this.#state = "asked";
    this.#problem = null;
    this.actions.changed();
    const found = await this.actions.search(this.#text, before);
    if (asked !== this.#asked) return;
    this.#state = "done";
    if (found === null) this.#problem = strings.notExplained;
    else if ("code" in found) this.#problem = found.message;
    else {
      this.#hits = [...this.#hits, ...found.hits];
      this.#before = found.before || null;
    }
    this.actions.changed();
  }

  readonly #goOn = (): void => {
    if (this.#state !== "asked") void this.#search(this.#before);
  };

  // Where it goes because there is nothing older, the focus stays in the sheet.
  readonly #holdOlder = (button: Element | undefined): void => {
    const before = this.#olderButton;
    this.#olderButton = button;
    if (button !== undefined || before?.matches(":focus") !== true) return;
    before.closest(".nbgc-search")?.querySelector<HTMLElement>(".nbgc-search-input")?.focus({ preventScroll: true });
  };

  // It is not in the page yet when it is made.
  readonly #focus = (field: Element | undefined): void => {
    queueMicrotask(() => (field as HTMLElement | undefined)?.focus());
  };

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector<HTMLInputElement>(".nbgc-search-input");
    this.#text = field?.value.trim() ?? "";
    this.#before = null;
    if (this.#text !== "") void this.#search(null);
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !isComposed(event)) this.close();
  };
}
