/** What a panel shows, as one value: made by `reader`, read by everything that renders. Types only. */

import type { PendingChange, PendingEdit, PendingPost } from "./outbox";
import type { Member, Role } from "./protocol";
import type { Room } from "./room";

/** Why there is no connection, where trying again by itself would not help. */
export interface Problem {
  readonly kind: "no_server" | "no_hub" | "not_installed" | "signed_out" | "version" | "no_room" | "refused";
  /** What the server said. */
  readonly message: string | null;
}

export type LinkState = "connecting" | "live" | "reconnecting" | "unreachable" | "refused";

/** What a panel shows, as it is now. */
export interface Snapshot {
  readonly link: LinkState;
  readonly problem: Problem | null;
  /** Whether the panel speaks through a kernel, and whether that lets what is sent wait. */
  readonly relay: "none" | "open" | "waiting";
  readonly you: Member | null;
  /** What to write to be answered, such as "@llama"; null where it is not known, or nobody answers in this room. */
  readonly mention: string | null;
  /** What the agent is called, also where it is turned off; null where there is none. */
  readonly agent: string | null;
  /** What part one has in the room. */
  readonly role: Role;
  /** The longest text of a message, in bytes of UTF-8. */
  readonly textLimit: number;
  readonly room: Room;
  /** What is on its way and stands in no message of the room: posts, and edits of messages that are not held any more. */
  readonly pending: readonly (PendingPost | PendingEdit)[];
  /** What is on its way to be changed of messages that are held, by their ids; the newest of each. */
  readonly changes: ReadonlyMap<string, PendingChange>;
  readonly history: "none" | "more" | "loading";
  /** Why the server lets one wait at the door, in its words, and when the panel asks again. */
  readonly delay: Delay | null;
  /** Whether there has been no connection for a while. */
  readonly gone: boolean;
}

export interface Delay {
  readonly message: string;
  /** In milliseconds since 1970. */
  readonly until: number;
}
