/**
 * What one has not read yet: which message was the newest while the panel was in sight, and which is the first that came
 * since. Pure but for a shelf, where the place is kept for when the room is opened again. It knows nothing of what is in sight.
 */

import type { Member } from "./protocol";
import type { Room } from "./room";

/** The part of a `Storage` that is used. */
export type Bookmarks = Pick<Storage, "getItem" | "setItem">;

const KEY = "nbgroupchat.read";
const MAX_ROOMS = 100;

/** Up to which entry a member has read. */
interface Place {
  readonly you: string;
  readonly seq: number;
}

/** By the epochs of logs, each of which is one room's alone. */
type Places = Readonly<Record<string, Place>>;

/** Give the browser's storage, or null where a page may not have one. */
export function bookmarks(): Bookmarks | null {
  try {
    return (globalThis as { localStorage?: Bookmarks }).localStorage ?? null;
  } catch {
    return null;
  }
}

export class Unread {
  #you: string | null = null;
  #epoch = "";
  #read = 0;
  /** The newest entry read before the messages that are marked; null where none are. */
  #mark: number | null = null;
  #wasInSight = true;

  constructor(private readonly storage: Bookmarks | null) {}

  /**
   * Look at a room that is live, as member `you`. `inSight` says whether the panel is, `atEnd` whether its newest message
   * would be then. Gives the id of the first message that was new when one came back, or null.
   */
  look(room: Room, you: Member, inSight: boolean, atEnd: boolean): string | null {
    if (you.id !== this.#you || room.position.epoch !== this.#epoch) this.#open(room, you);
    if (this.#wasInSight && !inSight) this.#mark = null;
    this.#wasInSight = inSight;
    const reading = inSight && atEnd;
    if (this.#mark === null && !reading && newer(room, this.#read, you) !== null) this.#mark = this.#read;
    if (reading && room.position.seq > this.#read) {
      this.#read = room.position.seq;
      this.#write();
    }
    return this.#mark === null ? null : newer(room, this.#mark, you);
  }

  /** One has taken note: nothing is new any more. */
  forget(): void {
    this.#mark = null;
  }

  /** Say whether a room, known by where its log ends, has something that was not read. False where it was never read. */
  isNew({ epoch, seq }: { readonly epoch: string; readonly seq: number }): boolean {
    const place = this.#places()[epoch];
    return place !== undefined && seq > place.seq;
  }

  #open(room: Room, you: Member): void {
    this.#you = you.id;
    this.#epoch = room.position.epoch;
    this.#wasInSight = true;
    const place = this.#places()[this.#epoch];
    const known = place?.you === you.id;
    this.#read = known ? Math.min(place.seq, room.position.seq) : room.position.seq;
    this.#mark = known && newer(room, this.#read, you) !== null ? this.#read : null;
    if (!known) this.#write();
  }

  #places(): Places {
    try {
      const found: unknown = JSON.parse(this.storage?.getItem(KEY) ?? "{}");
      if (typeof found !== "object" || found === null) return {};
      return Object.fromEntries(Object.entries(found).filter(([, place]) => isPlace(place)));
    } catch {
      return {};
    }
  }

  #write(): void {
    if (this.storage === null || this.#you === null) return;
    const { [this.#epoch]: _, ...others } = this.#places();
    const kept = Object.entries(others).slice(1 - MAX_ROOMS);
    try {
      const places = Object.fromEntries([...kept, [this.#epoch, { you: this.#you, seq: this.#read }]]);
      this.storage.setItem(KEY, JSON.stringify(places));
    } catch {
      // It is full, or the browser forbids it: the next page begins with everything read.
    }
  }
}

/** Give the first message of somebody else after an entry. */
function newer({ messages }: Room, seq: number, you: Member): string | null {
  for (const message of messages.values()) {
    if (message.seq > seq && message.by !== you.id && !message.redacted) return message.id;
  }
  return null;
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== "object" || value === null) return false;
  const { you, seq } = value as Record<string, unknown>;
  return typeof you === "string" && Number.isSafeInteger(seq);
}
