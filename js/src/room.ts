/**
 * A room as a fold over its events: messages, drafts, who is there, who types, how the model is. Twin of `room.py`;
 * `tests/frames/folds.json` holds both to the same results.
 *
 * Values are never changed: `reduce` gives a new one that shares what stayed. It knows nothing of connections or clocks.
 */

import type { Attachment } from "./attachment";
import { PLAIN } from "./protocol";
import type {
  Delta,
  DurableEvent,
  HistoryAnswer,
  Joined,
  Kind,
  Member,
  Position,
  Reacted,
  ReplyStatus,
  RoomEvent,
  RoomPolicy,
  Status,
} from "./protocol";
import { reacted, type Reaction } from "./reaction";

export type MessageStatus = "posted" | "open" | ReplyStatus;

/** A post or a reply as it stands now. `to` and `context` are a reply's: what it answers, the newest entry it had read. */
export interface Message {
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
  readonly by: string;
  readonly name: string;
  readonly kind: Kind;
  readonly text: string;
  readonly status: MessageStatus;
  readonly reply_to: string | null;
  readonly asks: readonly string[];
  readonly attachments: readonly Attachment[];
  readonly to: string | null;
  readonly context: number | null;
  /** The reply that this one goes on with. */
  readonly continues: string | null;
  /** What they were called who stopped it. */
  readonly stopped_by: string | null;
  readonly error: string | null;
  readonly edited: boolean;
  readonly redacted: boolean;
  /** In the order in which each emoji first came. */
  readonly reactions: readonly Reaction[];
}

/** What entries after a message's own have made of it. */
interface Change extends Partial<Pick<Message, "text" | "status" | "stopped_by" | "error" | "edited" | "redacted" | "attachments">> {
  /** In their order. */
  readonly reacted?: readonly Reacted[];
}

export interface Room {
  readonly position: Position;
  /** The entry before the oldest one held. */
  readonly base: number;
  readonly live: boolean;
  readonly messages: ReadonlyMap<string, Message>;
  /** How many pieces are held of each open reply; their text is the message's. */
  readonly drafts: ReadonlyMap<string, number>;
  /** What has become of messages before `base`, by their ids, for when history brings these. */
  readonly changes: ReadonlyMap<string, Change>;
  /** The ids of the pinned messages, in the order in which they were pinned. */
  readonly pinned: readonly string[];
  readonly policy: RoomPolicy;
  readonly members: readonly Member[];
  readonly typing: ReadonlySet<string>;
  readonly status: Status;
  /** How many turns come before each question that waits. */
  readonly waiting: ReadonlyMap<string, number>;
}

/** An event does not follow what is held: something was missed, and the reader has to join again. */
export class Gap extends Error {}

const OFF: Status = { type: "status", state: "off", model: "", progress: null, message: null };

export function emptyRoom(epoch = "", base = 0): Room {
  return {
    position: { epoch, seq: base, eid: "" },
    base,
    live: false,
    messages: new Map(),
    drafts: new Map(),
    changes: new Map(),
    pinned: [],
    policy: PLAIN,
    members: [],
    typing: new Set(),
    status: OFF,
    waiting: new Map(),
  };
}

/** Begin a join: keep what is held where a tail follows, else start over. What is ephemeral is told anew. */
export function join(room: Room, answer: Joined): Room {
  const { position, base, pinned, policy } = answer;
  const held = answer.mode === "tail" ? room : { ...emptyRoom(position.epoch, base), pinned, status: room.status };
  return { ...held, policy, live: false, members: [], typing: new Set(), waiting: new Map() };
}

/**
 * Fold in the next event. Throws Gap where one was missed; a delta that does not fit is left out, since the close of its
 * reply repairs it.
 */
export function reduce(room: Room, event: RoomEvent): Room {
  switch (event.type) {
    case "posted":
    case "reply_opened":
    case "reply_closed":
    case "edited":
    case "redacted":
    case "reacted":
    case "room_changed":
    case "unknown":
      return advance(room, event);
    case "delta":
      return extend(room, event);
    case "presence": {
      const here = new Set(event.members.map((member) => member.id));
      return { ...room, members: event.members, typing: new Set([...room.typing].filter((id) => here.has(id))) };
    }
    case "typing":
      return { ...room, typing: event.on ? new Set(room.typing).add(event.by) : without(room.typing, event.by) };
    case "queue":
      return { ...room, waiting: new Map(event.waiting.map(({ id, before }) => [id, before])) };
    case "status":
      return { ...room, status: event };
    case "live":
      return { ...room, live: true };
  }
}

/** Put older entries before what is held. They have to end where it begins, else the room stays as it is. */
export function prepend(room: Room, answer: HistoryAnswer): Room {
  const first = answer.events[0];
  if (first === undefined || answer.events.at(-1)?.seq !== room.base) return room;
  let older = emptyRoom(room.position.epoch, first.seq - 1);
  for (const event of answer.events) older = reduce(older, event);
  const messages = new Map([...older.messages, ...room.messages]);
  const changes = new Map(older.changes);
  for (const [id, change] of room.changes) {
    const message = older.messages.get(id);
    if (message === undefined) changes.set(id, both(changes.get(id), change));
    else messages.set(id, changed(message, change));
  }
  return { ...room, base: older.base, messages, changes };
}

function advance(room: Room, event: DurableEvent): Room {
  const due = room.position.seq + 1;
  if (event.seq !== due) throw new Gap(`entry ${event.seq} came where ${due} was due`);
  const next = { ...room, position: { epoch: room.position.epoch, seq: event.seq, eid: event.eid } };
  switch (event.type) {
    case "posted":
      return {
        ...next,
        typing: without(room.typing, event.by),
        messages: withMessage(room, {
          id: event.eid, seq: event.seq, ts: event.ts, by: event.by, name: event.name, kind: event.kind,
          text: event.text, status: "posted", reply_to: event.reply_to, asks: event.asks,
          attachments: event.attachments, to: null, context: null, continues: null, stopped_by: null, error: null, edited: false, redacted: false, reactions: [],
        }),
      };
    case "reply_opened":
      return {
        ...next,
        drafts: new Map(room.drafts).set(event.eid, 0),
        messages: withMessage(room, {
          id: event.eid, seq: event.seq, ts: event.ts, by: event.by, name: event.name, kind: "agent",
          text: "", status: "open", reply_to: null, asks: [], attachments: [], to: event.to, context: event.context,
          continues: event.continues, stopped_by: null, error: null, edited: false, redacted: false, reactions: [],
        }),
      };
    case "reply_closed":
      return change(withoutDraft(next, event.id), event.id, {
        text: event.text, status: event.status, error: event.error,
        stopped_by: event.status === "stopped" ? event.name || null : null,
      });
    case "edited":
      return change(next, event.id, { text: event.text, edited: true });
    case "redacted": {
      const pinned = room.pinned.filter((id) => id !== event.id);
      return change({ ...next, pinned }, event.id, { text: "", attachments: [], redacted: true });
    }
    case "reacted":
      return change(next, event.id, { reacted: [event] });
    case "room_changed":
      return { ...next, pinned: event.pinned, policy: event.policy ?? room.policy };
    case "unknown":
      return next;
  }
}

/** Change a message, or remember the change of one that is not held. */
function change(room: Room, id: string, by: Change): Room {
  const message = room.messages.get(id);
  if (message !== undefined) return { ...room, messages: withMessage(room, changed(message, by)) };
  return { ...room, changes: new Map(room.changes).set(id, both(room.changes.get(id), by)) };
}

function changed(message: Message, { reacted: events = [], ...by }: Change): Message {
  const now = { ...message, ...by };
  if (now.redacted) return { ...now, reactions: [] };
  const told = events.filter(({ emoji }) => emoji !== "");
  return told.length === 0 ? now : { ...now, reactions: told.reduce(reacted, now.reactions) };
}

function both(earlier: Change | undefined, later: Change): Change {
  const events = [...(earlier?.reacted ?? []), ...(later.reacted ?? [])];
  return { ...earlier, ...later, ...(events.length > 0 ? { reacted: events } : {}) };
}

function withoutDraft(room: Room, id: string): Room {
  const drafts = new Map(room.drafts);
  drafts.delete(id);
  return { ...room, drafts };
}

function extend(room: Room, delta: Delta): Room {
  const message = room.messages.get(delta.id);
  if (message === undefined || room.drafts.get(delta.id) !== delta.from || delta.to <= delta.from) return room;
  return {
    ...room,
    drafts: new Map(room.drafts).set(delta.id, delta.to),
    messages: withMessage(room, { ...message, text: message.text + delta.text }),
  };
}

function withMessage(room: Room, message: Message): ReadonlyMap<string, Message> {
  return new Map(room.messages).set(message.id, message);
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  if (!ids.has(id)) return ids;
  const left = new Set(ids);
  left.delete(id);
  return left;
}
