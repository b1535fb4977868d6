/**
 * The way to another room: a button that is the room's name, and below it the rooms there are and a field for the name of
 * any. It knows nothing of how rooms are found or opened.
 */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { isRoomName } from "./address";
import { isComposed } from "./field";
import { icon } from "./icon";
import { written } from "./language";
import type { RoomListed, RoomsAnswer } from "./protocol";
import { strings } from "./strings";

export interface SwitcherActions {
  /** Null where the server gave no answer. */
  rooms(): Promise<RoomsAnswer | null>;
  go(room: string): void;
  /** Whether something was said there that one has not read. */
  isNew(room: RoomListed): boolean;
  changed(): void;
  /** It was closed by somebody who stays. */
  left(): void;
}

const DAY_MS = 24 * 60 * 60_000;

export class Switcher {
  #open = false;
  #found: RoomsAnswer | "asked" | null = "asked";
  #problem = false;
  #asked = 0;

  constructor(private readonly actions: SwitcherActions) {}

  /** The button, in place of the room's name. */
  button(room: string): TemplateResult {
    return html`<button
      type="button"
      class="nbgc-switch"
      data-lm-suppress-shortcuts="true"
      aria-haspopup="dialog"
      aria-expanded=${this.#open ? "true" : "false"}
      aria-label=${strings.switchRoom(room)}
      title=${strings.rooms}
      @click=${this.#turn}
    >
      <bdi>${room}</bdi>${icon("more")}
    </button>`;
  }

  /** What the button opens. */
  sheet(here: string): TemplateResult | typeof nothing {
    if (!this.#open) return nothing;
    return html`<section class="nbgc-rooms" role="dialog" aria-label=${strings.rooms} @keydown=${this.#keydown} @focusout=${this.#left}>
      <form @submit=${this.#submit}>
        <input
          class="nbgc-room-name"
          data-lm-suppress-shortcuts="true"
          aria-label=${strings.roomName}
          aria-invalid=${this.#problem ? "true" : nothing}
          placeholder=${strings.roomName}
          maxlength="64"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          @input=${this.#input}
          ${ref(this.#focus)}
        />
        <button class="nbgc-act nbgc-go" data-lm-suppress-shortcuts="true">${strings.go}</button>
      </form>
      <p class="nbgc-note" ?data-problem=${this.#problem}>
        <span role=${this.#problem ? "alert" : nothing}>${this.#problem ? strings.roomRule : strings.roomHint}</span>
      </p>
      <div class="nbgc-rooms-body" aria-live="polite">${this.#list(here)}</div>
    </section>`;
  }

  #list(here: string): TemplateResult {
    const found = this.#found;
    if (found === "asked") return html`<p class="nbgc-note">${strings.fetching}</p>`;
    if (found === null) return html`<p class="nbgc-note" data-problem>${strings.roomsUnknown}</p>`;
    if (found.rooms.length === 0) return html`<p class="nbgc-note">${strings.noRooms}</p>`;
    return html`<ul>
        ${found.rooms.map((room) => html`<li>${this.#room(room, room.name === here)}</li>`)}
      </ul>
      ${found.more ? html`<p class="nbgc-note">${strings.moreRooms}</p>` : nothing}`;
  }

  #room(room: RoomListed, isHere: boolean): TemplateResult {
    const fresh = !isHere && this.actions.isNew(room);
    return html`<button
      type="button"
      class="nbgc-room"
      data-lm-suppress-shortcuts="true"
      data-to-room=${room.name}
      ?data-new=${fresh}
      aria-current=${isHere ? "true" : nothing}
      @click=${() => this.#go(room.name)}
    >
      <bdi class="nbgc-room-title">${room.name}</bdi>
      ${fresh ? html`<span class="nbgc-room-new">${strings.somethingNew}</span>` : nothing}
      <span class="nbgc-room-about">${strings.present(room.members)}${room.ts === 0 ? nothing : ` · ${when(room.ts, Date.now())}`}</span>
    </button>`;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.actions.changed();
  }

  #go(room: string): void {
    this.close();
    this.actions.left();
    this.actions.go(room);
  }

  readonly #turn = (): void => {
    if (this.#open) return this.close();
    this.#open = true;
    this.#problem = false;
    this.#found = "asked";
    const asked = (this.#asked += 1);
    void this.actions.rooms().then((found) => {
      if (asked !== this.#asked) return;
      this.#found = found;
      this.actions.changed();
    });
    this.actions.changed();
  };

  // It is not in the page yet when it is made.
  readonly #focus = (field: Element | undefined): void => {
    queueMicrotask(() => (field as HTMLElement | undefined)?.focus());
  };

  readonly #input = (): void => {
    if (!this.#problem) return;
    this.#problem = false;
    this.actions.changed();
  };

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const field = (event.currentTarget as Element).querySelector<HTMLInputElement>(".nbgc-room-name");
    const name = field?.value.trim().replace(/^#/, "") ?? "";
    if (name === "") return;
    if (isRoomName(name)) return this.#go(name);
    this.#problem = true;
    this.actions.changed();
  };

  readonly #keydown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || isComposed(event)) return;
    this.close();
    this.actions.left();
  };

  /** The focus went out of it: so does the sheet, unless it went nowhere, as when the window lost it. */
  readonly #left = (event: FocusEvent): void => {
    const to = event.relatedTarget as Element | null;
    const sheet = event.currentTarget as Element;
    if (to !== null && !sheet.contains(to) && to.closest(".nbgc-switch") === null) this.close();
  };
}

/** Today the time, else the day. */
function when(ts: number, now: number): string {
  return now - ts < DAY_MS ? written.minute(ts) : written.day(ts, now);
}
