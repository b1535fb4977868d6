/**
 * What one is about to attach: chosen, pasted or dropped files and a notebook's cells, with previews, until they are sent.
 * It knows nothing of how they are sent, nor of where cells come from.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { MAX_ATTACHED, MAX_ATTACHMENT, PICTURES, isPicture } from "./attachment";
import { icon } from "./icon";
import type { CellBrief, Notebook } from "./notebook";
import { strings } from "./strings";
import type { Outgoing } from "./upload";

interface Chosen extends Outgoing {
  /** An address in this page for a picture. */
  readonly preview: string | null;
}

const TYPES: Readonly<Record<string, string>> = {
  md: "text/markdown", csv: "text/csv", py: "text/x-python", json: "application/json",
};
/** Longest name that is sent; the server cuts it further. */
const NAME = 120;

let counter = 0;

export class Attaching {
  #chosen: readonly Chosen[] = [];
  #problem: string | null = null;
  #cells: readonly CellBrief[] | null = null;
  #picker: HTMLInputElement | null = null;

  /** `changed` is called after every change, `left` when what had the focus may be gone. */
  constructor(
    private readonly notebook: Notebook | null,
    private readonly changed: () => void,
    private readonly left: () => void,
  ) {}

  get isEmpty(): boolean {
    return this.#chosen.length === 0;
  }

  /** Give what is to be sent, and begin anew. */
  take(): readonly Outgoing[] {
    const taken = this.#chosen;
    this.#chosen = [];
    this.#problem = null;
    this.#cells = null;
    for (const { preview } of taken) if (preview !== null) URL.revokeObjectURL(preview);
    return taken.map(({ id, name, mime, data }) => ({ id, name, mime, data }));
  }

  /** Put back what could not be sent. */
  restore(files: readonly Outgoing[]): void {
    for (const file of files) this.#add(file.name, file.mime, file.data);
    this.changed();
  }

  async add(files: Iterable<File>): Promise<void> {
    this.#problem = null;
    for (const file of files) {
      if (file.size > MAX_ATTACHMENT) this.#problem = strings.fileTooLarge(file.name, MAX_ATTACHMENT);
      else if (file.size === 0) this.#problem = strings.fileEmpty(file.name);
      else await this.#read(file);
    }
    this.changed();
  }

  dispose(): void {
    this.take();
  }

  /** Take files that are pasted or dropped. Says whether there were any. */
  takeFrom(data: DataTransfer | null): boolean {
    const files = [...(data?.files ?? [])];
    if (files.length === 0) return false;
    void this.add(files);
    return true;
  }

  /** The buttons that begin it. */
  buttons(disabled: boolean): TemplateResult {
    return html`<button
        type="button"
        class="nbgc-tool nbgc-attach"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.attach}
        title=${strings.attach}
        ?disabled=${disabled}
        @click=${() => this.#picker?.click()}
      >
        ${icon("attach")}
      </button>
      ${this.#cellsButton(disabled)}
      <input
        class="nbgc-picker"
        type="file"
        multiple
        hidden
        data-lm-suppress-shortcuts="true"
        tabindex="-1"
        aria-label=${strings.attach}
        ${ref(this.#hold)}
        @change=${this.#picked}
      />`;
  }

  #cellsButton(disabled: boolean): TemplateResult | typeof nothing {
    if (this.notebook === null) return nothing;
    return html`<button
      type="button"
      class="nbgc-tool nbgc-attach-cell"
      data-lm-suppress-shortcuts="true"
      aria-label=${strings.attachCell}
      aria-expanded=${this.#cells === null ? "false" : "true"}
      title=${strings.attachCell}
      ?disabled=${disabled}
      @click=${this.#listCells}
    >
      ${icon("cell")}
    </button>`;
  }

  /** What was chosen so far, above the text. */
  tray(): TemplateResult | typeof nothing {
    if (this.#chosen.length === 0 && this.#problem === null && this.#cells === null) return nothing;
    return html`${this.#cellList()}
      ${this.#chosen.length === 0
        ? nothing
        : html`<ul class="nbgc-chosen" aria-label=${strings.chosen}>
            ${this.#chosen.map((one) => this.#item(one))}
          </ul>`}
      ${this.#problem === null ? nothing : html`<p class="nbgc-note" data-problem role="alert">${this.#problem}</p>`}`;
  }

  #item(one: Chosen): TemplateResult {
    const label = strings.unattach(one.name);
    return html`<li>
      ${one.preview === null ? nothing : html`<img src=${one.preview} alt="" />`}
      <bdi>${one.name}</bdi> <span>${strings.fileSize(one.data.length)}</span>
      <button
        type="button"
        class="nbgc-tool nbgc-unattach"
        data-lm-suppress-shortcuts="true"
        aria-label=${label}
        title=${label}
        @click=${() => this.#remove(one)}
      >
        ${icon("close")}
      </button>
    </li>`;
  }

  #cellList(): TemplateResult | typeof nothing {
    const cells = this.#cells;
    if (cells === null) return nothing;
    return html`<div class="nbgc-cells" role="group" aria-label=${strings.attachCell} @keydown=${this.#keydown}>
      ${cells.length === 0 ? html`<p class="nbgc-note">${strings.noCells}</p>` : nothing}
      ${cells.map(
        (cell) => html`<button type="button" class="nbgc-plain" data-lm-suppress-shortcuts="true" @click=${() => this.#takeCell(cell)}>
          <span>${cell.label}</span> <bdi>${cell.beginning}</bdi>
        </button>`,
      )}
    </div>`;
  }

  // It may be outlived by the field it stands in.
  readonly #hold = (element: Element | undefined): void => {
    this.#picker = (element as HTMLInputElement | undefined) ?? null;
  };

  readonly #picked = (event: Event): void => {
    const picker = event.target as HTMLInputElement;
    void this.add([...(picker.files ?? [])]);
    picker.value = "";
    this.left();
  };

  readonly #listCells = (): void => {
    this.#cells = this.#cells === null ? (this.notebook?.cells() ?? null) : null;
    this.changed();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    this.#cells = null;
    this.changed();
    this.left();
  };

  #takeCell(cell: CellBrief): void {
    this.#cells = null;
    this.#problem = null;
    for (const { name, mime, data } of cell.parts()) this.#add(name, mime, data);
    this.changed();
    this.left();
  }

  #remove(one: Chosen): void {
    this.#chosen = this.#chosen.filter((other) => other !== one);
    if (one.preview !== null) URL.revokeObjectURL(one.preview);
    this.changed();
    this.left();
  }

  async #read(file: File): Promise<void> {
    const data = new Uint8Array(await file.arrayBuffer());
    const mime = PICTURES.includes(file.type) ? file.type : typeOf(file.name);
    if (!isPicture({ mime }) && !isText(data)) this.#problem = strings.fileNoText(file.name);
    else this.#add(file.name, mime, data);
  }

  #add(name: string, mime: string, data: Uint8Array): void {
    if (this.#chosen.length === MAX_ATTACHED) {
      this.#problem = strings.tooManyFiles(MAX_ATTACHED);
      return;
    }
    const preview = isPicture({ mime }) ? URL.createObjectURL(new Blob([new Uint8Array(data)], { type: mime })) : null;
    const kept = [...name.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\u{FFFD}")].slice(-NAME).join("");
    this.#chosen = [...this.#chosen, { id: `f${Date.now().toString(36)}-${(counter += 1)}`, name: kept, mime, data, preview }];
  }
}

function typeOf(name: string): string {
  return TYPES[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ""] ?? "text/plain";
}

function isText(data: Uint8Array): boolean {
  if (data.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(data);
    return true;
  } catch {
    return false;
  }
}
