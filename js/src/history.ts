/** Older messages of a room, fetched page by page and put before those held. It knows nothing of how a room is joined. */

import type { Clock } from "./clock";
import type { Wire } from "./outbox";
import { patiently } from "./patience";
import { decodeHistoryAnswer, refusalOf } from "./protocol";
import { prepend, type Room } from "./room";

/** Who holds the room; `changed` is called when it is another one, and when fetching begins or ends. */
export interface Holder {
  readonly name: string;
  readonly room: () => Room;
  readonly hold: (room: Room) => void;
  readonly changed: () => void;
  readonly clock: Clock;
}

const LIMIT = 100;
/** As far back as one search goes. */
const MAX_PAGES = 20;

export class History {
  #fetching: Promise<void> | null = null;
  #beginning = false;

  constructor(private readonly holder: Holder) {}

  get state(): "none" | "more" | "loading" {
    if (this.#fetching !== null) return "loading";
    return this.holder.room().base > 0 && !this.#beginning ? "more" : "none";
  }

  /** The room starts over: what was known of its beginning is not. */
  restart(): void {
    this.#beginning = false;
  }

  /** Fetch one page, or wait for the one that is on its way. */
  fetch(wire: Wire | null): Promise<void> {
    if (this.#fetching !== null) return this.#fetching;
    const { base } = this.holder.room();
    if (base === 0 || wire === null) return Promise.resolve();
    this.#fetching = this.#page(wire, base);
    this.holder.changed();
    return this.#fetching;
  }

  /** Hold a message, fetching as much as that takes, up to a limit. Says whether it is held. */
  async find(wire: Wire | null, id: string): Promise<boolean> {
    for (let pages = 0; pages < MAX_PAGES && !this.holder.room().messages.has(id); pages += 1) {
      const { base } = this.holder.room();
      await this.fetch(wire);
      if (this.holder.room().base === base) break;
    }
    return this.holder.room().messages.has(id);
  }

  async #page(wire: Wire, base: number): Promise<void> {
    try {
      const page = { room: this.holder.name, before: base + 1, limit: LIMIT };
      const answer = await patiently(this.holder.clock, () => wire.invoke("history", page));
      if (refusalOf(answer) === null) {
        const older = decodeHistoryAnswer(answer);
        this.holder.hold(prepend(this.holder.room(), older));
        this.#beginning = !older.more;
      }
    } catch {
      // It can be asked for again.
    } finally {
      this.#fetching = null;
      this.holder.changed();
    }
  }
}
