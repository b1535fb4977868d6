/**
 * What the model saw when it wrote a reply, as a sheet beside the transcript: which messages, in which order, how many tokens
 * that was, and how the model was run. It knows nothing of how the explanation is got, nor of how a message is found.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { gist } from "./attachment";
import { icon } from "./icon";
import { locale } from "./language";
import type { Explanation, Read, Refusal } from "./protocol";
import type { Message, Room } from "./room";
import { strings } from "./strings";
import { beginning } from "./text";

export interface ExplanationActions {
  explain(id: string): Promise<Explanation | Refusal | null>;
  show(id: string): void;
  changed(): void;
  /** It was closed: the explanation of message `id`. */
  left(id: string): void;
}

const SHOWN = 90;
const SHOWN_HASH = 12;

export class ExplanationSheet {
  #id: string | null = null;
  #found: Explanation | Refusal | "asked" | null = "asked";

  constructor(private readonly actions: ExplanationActions) {}

  open(id: string): void {
    this.#id = id;
    this.#found = "asked";
    this.actions.changed();
    void this.actions.explain(id).then((found) => {
      if (this.#id !== id) return;
      this.#found = found;
      this.actions.changed();
    });
  }

  close(): void {
    const id = this.#id;
    this.#id = null;
    this.actions.changed();
    if (id !== null) this.actions.left(id);
  }

  template(room: Room): TemplateResult | typeof nothing {
    if (this.#id === null) return nothing;
    const title = strings.saw(room.messages.get(this.#id)?.name ?? strings.model);
    return html`<section class="nbgc-sheet" role="dialog" aria-label=${title} data-explains=${this.#id} @keydown=${this.#keydown}>
      <header class="nbgc-sheet-head">
        <h3><bdi>${title}</bdi></h3>
        <button
          type="button"
          class="nbgc-tool nbgc-close"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.close}
          title=${strings.close}
          @click=${() => this.close()}
          ${ref(this.#focus)}
        >
          ${icon("close")}
        </button>
      </header>
      <div class="nbgc-sheet-body" aria-live="polite">${this.#body(room)}</div>
    </section>`;
  }

  #body(room: Room): TemplateResult {
    const found = this.#found;
    if (found === "asked") return html`<p>${strings.fetching}</p>`;
    if (found === null) return html`<p data-problem>${strings.notExplained}</p>`;
    if ("code" in found) return html`<p data-problem>${found.message}</p>`;
    return html`<p>${strings.tokens(found)}</p>
      <h4>${strings.readInOrder}</h4>
      ${found.left_out === 0 ? nothing : html`<p>${strings.leftOut(found.left_out)}</p>`}
      <ol class="nbgc-reads">
        ${found.read.map((part) => this.#part(part, found, room))}
      </ol>
      <h4>${strings.howRun}</h4>
      ${run(found)}`;
  }

  #part(part: Read, { redacted }: Explanation, room: Room): TemplateResult | typeof nothing {
    if (part.id === "") return part.text === "" ? nothing : html`<li class="nbgc-read-server">${server(part.text)}</li>`;
    const message = room.messages.get(part.id);
    const gone = redacted.includes(part.id) || message?.redacted === true;
    return html`<li>
      <button
        type="button"
        class="nbgc-read"
        data-read-id=${part.id}
        data-lm-suppress-shortcuts="true"
        @click=${() => this.actions.show(part.id)}
      >
        ${said(part, message, gone)}
      </button>
    </li>`;
  }

  // It is not in the page yet when it is made.
  readonly #focus = (button: Element | undefined): void => {
    queueMicrotask(() => (button as HTMLElement | undefined)?.focus());
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) this.close();
  };
}

function said(part: Read, message: Message | undefined, gone: boolean): TemplateResult {
  const name = part.speaker || message?.name || strings.somebody;
  const words = gone ? strings.goneSince : message === undefined ? strings.notFetched : beginning(gist(message), SHOWN);
  const mark = message?.edited === true && !gone ? html` <em>${strings.editedMark}</em>` : nothing;
  return html`<bdi class="nbgc-read-author">${name}</bdi> <bdi ?data-missing=${gone || message === undefined}>${words}</bdi>${mark}`;
}

/** The server's own words; the whole of them where one asks for it. */
function server(text: string): TemplateResult {
  const short = beginning(text, SHOWN);
  if (short === text) return html`<span class="nbgc-read-author">${strings.server}</span> ${text}`;
  return html`<details>
    <summary data-lm-suppress-shortcuts="true"><span class="nbgc-read-author">${strings.server}</span> ${short}</summary>
    <div class="nbgc-read-whole">${text}</div>
  </details>`;
}

function run({ model, sha256, temperature, seed, max_tokens }: Explanation): TemplateResult {
  const { run: label } = strings;
  return html`<dl class="nbgc-run">
    <dt>${label.model}</dt>
    <dd><bdi>${model || strings.unknown}</bdi></dd>
    ${sha256 === "" ? nothing : html`<dt>${label.file}</dt><dd><code title=${sha256}>${sha256.slice(0, SHOWN_HASH)}…</code></dd>`}
    <dt>${label.temperature}</dt>
    <dd>${temperature.toLocaleString(locale)}</dd>
    <dt>${label.seed}</dt>
    <dd>${seed}</dd>
    <dt>${label.limit}</dt>
    <dd>${strings.atMost(max_tokens)}</dd>
  </dl>`;
}
