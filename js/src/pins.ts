/** The pinned messages, as a slim strip: the newest of them or, opened, all. It knows nothing of how a message is found. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { gist } from "./attachment";
import { icon } from "./icon";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";
import { beginning } from "./text";

export interface PinActions {
  show(id: string): void;
  unpin(id: string): void;
  changed(): void;
}

const SHOWN = 100;

export class Pins {
  #open = false;

  constructor(private readonly actions: PinActions) {}

  template(snapshot: Snapshot): TemplateResult | typeof nothing {
    const all = [...snapshot.room.pinned].reverse();
    if (all.length === 0 || snapshot.link === "connecting") return nothing;
    const shown = this.#open ? all : all.slice(0, 1);
    return html`<section class="nbgc-pins" aria-label=${strings.pins} ?data-open=${this.#open && all.length > 1}>
      ${icon("pin")}
      <ul>
        ${repeat(shown, (id) => id, (id) => this.#pin(id, snapshot))}
      </ul>
      ${all.length === 1 ? nothing : this.#toggle(all.length)}
    </section>`;
  }

  #pin(id: string, { room }: Snapshot): TemplateResult {
    const message = room.messages.get(id);
    const words = message === undefined
      ? html`<span>${strings.notFetched}</span>`
      : html`<bdi class="nbgc-pin-author">${message.name}</bdi> <bdi>${beginning(gist(message), SHOWN)}</bdi>`;
    return html`<li>
      <button
        type="button"
        class="nbgc-pin"
        data-pinned-id=${id}
        data-lm-suppress-shortcuts="true"
        @click=${() => this.actions.show(id)}
      >
        ${words}
      </button>
      <button
        type="button"
        class="nbgc-tool nbgc-unpin"
        data-lm-suppress-shortcuts="true"
        aria-label=${strings.unpinLabel(message?.name ?? null)}
        title=${strings.tool.unpin}
        @click=${() => this.actions.unpin(id)}
      >
        ${icon("close")}
      </button>
    </li>`;
  }

  #toggle(count: number): TemplateResult {
    const label = this.#open ? strings.fewerPins : strings.allPins(count);
    return html`<button
      type="button"
      class="nbgc-tool nbgc-pins-toggle"
      data-lm-suppress-shortcuts="true"
      aria-expanded=${this.#open ? "true" : "false"}
      aria-label=${label}
      title=${label}
      @click=${this.#turn}
    >
      <span aria-hidden="true">${count}</span>${icon("more")}
    </button>`;
  }

  readonly #turn = (): void => {
    this.#open = !this.#open;
    this.actions.changed();
  };
}
