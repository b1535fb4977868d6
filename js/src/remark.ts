/** A short remark on what one has just done, which goes away by itself. It knows nothing of what was done. */

import { html, nothing, type TemplateResult } from "lit-html";

const SHOWN_MS = 5_000;

export class Remark {
  #text = "";
  #cancel: () => void = () => {};

  constructor(private readonly changed: () => void) {}

  say(text: string): void {
    this.dispose();
    this.#text = text;
    const timer = setTimeout(() => {
      this.#text = "";
      this.changed();
    }, SHOWN_MS);
    this.#cancel = () => clearTimeout(timer);
    this.changed();
  }

  template(): TemplateResult | typeof nothing {
    // The announcer says it to a screen reader.
    return this.#text === "" ? nothing : html`<div class="nbgc-remark" aria-hidden="true">${this.#text}</div>`;
  }

  dispose(): void {
    this.#cancel();
  }
}
