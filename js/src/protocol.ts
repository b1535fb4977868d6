/**
 * The vocabulary of the wire: commands go up, events come down. Twin of `protocol.py`; the frames under `tests/frames/`
 * hold both to the same shapes.
 *
 * It validates what arrives. It knows nothing of rooms as they stand, of connections, or of who may do what.
 */

/** Version of these frames; a server that speaks another one refuses to join with `version`. */
export const WIRE = 1;

/** The method that the server invokes on clients, with the room's name and a list of events. */
export const EVENT_TARGET = "event";

import type { Attachment } from "./attachment";

export type Kind = "human" | "agent" | "kernel" | "system";
export type ReplyStatus = "complete" | "stopped" | "interrupted" | "failed" | "length";
export type AgentState = "off" | "loading" | "ready" | "failed";
export type Role = "instructor" | "member" | "observer";
export type AgentMode = "off" | "on" | "mention" | "hint";
/** Who may: anyone, whose message it is (of a reply: who asked for it) and instructors, or instructors alone. */
export type Allowed = "anyone" | "asker" | "instructors";

/** A place in a room's log: the entry `seq` of `epoch`, recognised by its random `eid` ("" before the first). */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
  readonly eid: string;
}

/** Someone in a room. `id` means nothing outside that room. */
export interface Member {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
}

interface Entry {
  readonly seq: number;
  readonly eid: string;
  /** UTC, milliseconds since 1970. */
  readonly ts: number;
  readonly by: string;
}

export interface Posted extends Entry {
  readonly type: "posted";
  readonly name: string;
  readonly kind: Kind;
  readonly text: string;
  readonly reply_to: string | null;
  readonly asks: readonly string[];
  readonly attachments: readonly Attachment[];
}

export interface ReplyOpened extends Entry {
  readonly type: "reply_opened";
  readonly name: string;
  readonly to: string;
  readonly context: number;
  /** The reply it goes on with; null for a new one. */
  readonly continues: string | null;
}

export interface ReplyClosed extends Entry {
  readonly type: "reply_closed";
  readonly id: string;
  readonly text: string;
  readonly status: ReplyStatus;
  readonly error: string | null;
  /** Of who stopped it, then. */
  readonly name: string;
}

/** Message `id` says `text` from now on. */
export interface Edited extends Entry {
  readonly type: "edited";
  readonly id: string;
  readonly text: string;
}

/** What message `id` said is gone. */
export interface Redacted extends Entry {
  readonly type: "redacted";
  readonly id: string;
}

/** A member, called `name` then, put an emoji to message `id`, or took it away. */
export interface Reacted extends Entry {
  readonly type: "reacted";
  readonly name: string;
  readonly id: string;
  /** Empty where the message is redacted. */
  readonly emoji: string;
  readonly on: boolean;
}

export interface RoomChanged extends Entry {
  readonly type: "room_changed";
  /** The ids of the room's pinned messages from now on. */
  readonly pinned: readonly string[];
  /** What the room allows from now on; null where nobody has decided. */
  readonly policy: RoomPolicy | null;
}

/** A durable event of a later server: its place in the log counts, what it says is not understood. */
export interface Unknown extends Entry {
  readonly type: "unknown";
}

export interface Delta {
  readonly type: "delta";
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export interface TypingChanged {
  readonly type: "typing";
  readonly by: string;
  readonly on: boolean;
}

export interface Presence {
  readonly type: "presence";
  readonly members: readonly Member[];
}

/** A question that waits for its turn, and how many turns come before it. */
export interface Waiting {
  readonly id: string;
  readonly before: number;
}

export interface Queue {
  readonly type: "queue";
  readonly waiting: readonly Waiting[];
}

/** How the agent's model is; `progress` goes from 0 to 1 while it loads, `message` says what to do where it failed. */
export interface Status {
  readonly type: "status";
  readonly state: AgentState;
  readonly model: string;
  readonly progress: number | null;
  readonly message: string | null;
}

export interface Live {
  readonly type: "live";
  readonly seq: number;
}

export type DurableEvent = Posted | ReplyOpened | ReplyClosed | Edited | Redacted | Reacted | RoomChanged | Unknown;
export type EphemeralEvent = Delta | TypingChanged | Presence | Queue | Status | Live;
export type RoomEvent = DurableEvent | EphemeralEvent;

/** What a client asks for, by the method it invokes. Optional fields are left out, never null. */
export interface Commands {
  join: { room: string; wire: number; resume?: Position; have?: Readonly<Record<string, number>> };
  post: { room: string; cid: string; text: string; reply_to?: string; attachments?: readonly string[] };
  upload: { room: string; id: string; name: string; mime: string; size: number; at: number; data: string };
  download: { room: string; id: string; at: number };
  cancel: { room: string; id: string };
  edit: { room: string; cid: string; id: string; text: string };
  redact: { room: string; id: string };
  pin: { room: string; id: string; on: boolean };
  react: { room: string; id: string; emoji: string; on: boolean };
  regenerate: { room: string; id: string; cid: string };
  resume_reply: { room: string; id: string; cid: string };
  explain: { room: string; id: string };
  typing: { room: string; on: boolean };
  history: { room: string; before: number; limit?: number };
  search: { room: string; text: string; limit?: number; before?: number };
  set_policy: { room: string; cid: string } & Partial<Omit<RoomPolicy, "mention">>;
  who: { room: string; id: string };
  rooms: { room: string; limit?: number };
  leave: { room: string };
}

export interface RoomPolicy {
  /** What to write to be answered, such as "@llama". */
  readonly mention: string;
  readonly stop: Allowed;
  readonly pin: Allowed;
  readonly redact: Allowed;
  readonly agent: AgentMode;
  /** The instructors' own words to the model; "" to everybody else. */
  readonly prompt: string;
  /** Numbers are without limit where they are 0; the length of replies is the server's then. */
  readonly slow_seconds: number;
  readonly turns_per_hour: number;
  readonly reply_tokens: number;
  /** When the room is open, such as "mon 09:00-10:30", in the time zone `zone`; always where there are none. */
  readonly hours: readonly string[];
  readonly zone: string;
  /** Members can only read. */
  readonly locked: boolean;
  readonly anonymous: boolean;
}

/** What a room allows where nobody has decided otherwise. */
export const PLAIN: RoomPolicy = {
  mention: "", stop: "anyone", pin: "anyone", redact: "asker", agent: "mention", prompt: "", slow_seconds: 0,
  turns_per_hour: 0, reply_tokens: 0, hours: [], zone: "UTC", locked: false, anonymous: false,
};

export interface Joined {
  readonly you: Member;
  readonly policy: RoomPolicy;
  /** Sizes in bytes that the server accepts. */
  readonly limits: { readonly frame: number; readonly text: number };
  readonly position: Position;
  readonly base: number;
  readonly mode: "tail" | "snapshot";
  /** The ids of the messages pinned at `position`. */
  readonly pinned: readonly string[];
  readonly role: Role;
}

/** Answer to `set_policy`: what the room allows now, all of it. */
export interface PolicyAnswer {
  readonly seq: number;
  readonly policy: RoomPolicy;
}

/** Answer to `who`: the user's name, and the name they are shown under elsewhere. */
export interface WhoAnswer {
  readonly user: string;
  readonly name: string;
  readonly kind: Kind;
}

export interface PostAnswer {
  readonly id: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

/** How many bytes the server holds of what is sent to it. */
export interface UploadAnswer {
  readonly held: number;
}

/** Some of an attachment's bytes, in base64, and how many there are of the whole. */
export interface DownloadAnswer {
  readonly data: string;
  readonly size: number;
}

export interface CancelAnswer {
  readonly seq: number;
  readonly status: ReplyStatus;
}

/** Answer to `edit`, `redact`, `pin` and `react`: the entry that made the change. */
export interface ChangeAnswer {
  readonly seq: number;
}

/** Answer to `regenerate` and `resume_reply`: the message to which there will be another reply. */
export interface TurnAnswer {
  readonly to: string;
}

/** A part of what the model read: message `id`, called what its speaker is called there, or the server's own `text`. */
export interface Read {
  readonly id: string;
  readonly speaker: string;
  readonly text: string;
}

/** What the model read for a reply, in order, and how it was run. Counts are of tokens, `left_out` of messages. */
export interface Explanation {
  readonly id: string;
  readonly to: string;
  readonly context: number;
  readonly read: readonly Read[];
  readonly left_out: number;
  readonly redacted: readonly string[];
  readonly prompt: number;
  readonly evaluated: number;
  readonly cached: number;
  readonly written: number;
  readonly model: string;
  readonly sha256: string;
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
}

export interface HistoryAnswer {
  readonly events: readonly DurableEvent[];
  readonly more: boolean;
}

/** A message that was found, and the part of its text around the first word. */
export interface Hit {
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
  readonly name: string;
  readonly snippet: string;
}

/** Hits, the newest first, and before which entry to go on, 0 where all was looked through. */
export interface SearchAnswer {
  readonly hits: readonly Hit[];
  readonly before: number;
}

/** A room as others see it: where its log ends, when that was (0 where nothing is kept), and how many members are there. */
export interface RoomListed {
  readonly name: string;
  readonly epoch: string;
  readonly seq: number;
  readonly ts: number;
  readonly members: number;
}

export interface RoomsAnswer {
  readonly rooms: readonly RoomListed[];
  readonly more: boolean;
}

/** A command that was not carried out; `retry_ms` is when the same one may succeed, null where it never will. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retry_ms: number | null;
}

/** What arrived is not a frame of this wire. */
export class Malformed extends Error {}

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const oneOf = (...names: string[]): Check => (value) => typeof value === "string" && names.includes(value);
const orNull = (check: Check): Check => (value) => value === null || check(value);
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const shaped = (shape: Shape): Check => (value) =>
  isRecord(value) && Object.entries(shape).every(([field, check]) => check(value[field]));

const kind = oneOf("human", "agent", "kernel", "system");
const replyStatus = oneOf("complete", "stopped", "interrupted", "failed", "length");
const finite: Check = (value) => typeof value === "number" && Number.isFinite(value);
const member = { id: text, name: text, kind };
const position = { epoch: text, seq: count, eid: text };
const allowed = oneOf("anyone", "asker", "instructors");
const policy = shaped({
  mention: text, stop: allowed, pin: allowed, redact: allowed, agent: oneOf("off", "on", "mention", "hint"), prompt: text,
  slow_seconds: count, turns_per_hour: count, reply_tokens: count, hours: listOf(text), zone: text, locked: flag,
  anonymous: flag,
});
const entry = { seq: count, eid: text, ts: count, by: text };

const attachment = shaped({
  id: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  name: text, mime: text, size: count, width: count, height: count, text, cut: flag,
});

const events: Readonly<Record<string, Shape>> = {
  posted: { ...entry, name: text, kind, text, reply_to: orNull(text), asks: listOf(text), attachments: listOf(attachment) },
  reply_opened: { ...entry, name: text, to: text, context: count, continues: orNull(text) },
  reply_closed: { ...entry, id: text, text, status: replyStatus, error: orNull(text), name: text },
  edited: { ...entry, id: text, text },
  redacted: { ...entry, id: text },
  reacted: { ...entry, name: text, id: text, emoji: text, on: flag },
  room_changed: { ...entry, pinned: listOf(text), policy: orNull(policy) },
  delta: { id: text, from: count, to: count, text },
  typing: { by: text, on: flag },
  presence: { members: listOf(shaped(member)) },
  queue: { waiting: listOf(shaped({ id: text, before: count })) },
  status: {
    state: oneOf("off", "loading", "ready", "failed"),
    model: text,
    progress: orNull(finite),
    message: orNull(text),
  },
  live: { seq: count },
};

/** What the server leaves out where it is the default. */
const defaults: Readonly<Record<string, object>> = {
  posted: { reply_to: null, asks: [], attachments: [] },
  reply_opened: { continues: null },
  reply_closed: { error: null, name: "" },
  room_changed: { pinned: [], policy: null },
  delta: { text: "" },
  status: { model: "", progress: null, message: null },
};

const joined = shaped({
  you: shaped(member),
  policy,
  limits: shaped({ frame: count, text: count }),
  position: shaped(position),
  base: count,
  mode: oneOf("tail", "snapshot"),
  pinned: listOf(text),
  role: oneOf("instructor", "member", "observer"),
});
const policyAnswer = shaped({ seq: count, policy });
const whoAnswer = shaped({ user: text, name: text, kind });
const postAnswer = shaped({ id: text, seq: count, duplicate: flag });
const uploadAnswer = shaped({ held: count });
const downloadAnswer = shaped({ data: text, size: count });
const cancelAnswer = shaped({ seq: count, status: replyStatus });
const changeAnswer = shaped({ seq: count });
const turnAnswer = shaped({ to: text });
const explanation = shaped({
  id: text, to: text, context: count, read: listOf(shaped({ id: text, speaker: text, text })), left_out: count,
  redacted: listOf(text), prompt: count, evaluated: count, cached: count, written: count, model: text, sha256: text,
  max_tokens: count, temperature: finite, seed: finite,
});
const historyAnswer = shaped({ events: listOf(isRecord), more: flag });
const searchAnswer = shaped({
  hits: listOf(shaped({ id: text, seq: count, ts: count, name: text, snippet: text })), before: count,
});
const roomsAnswer = shaped({
  rooms: listOf(shaped({ name: text, epoch: text, seq: count, ts: count, members: count })), more: flag,
});
const refusal = shaped({ code: text, message: text });

/**
 * Decode the arguments of a server invocation of `event`. Events of unknown types are left out, except for the place that
 * durable ones take. Throws Malformed for anything else that does not fit.
 */
export function decodeEvents(room: unknown, list: unknown): { room: string; events: RoomEvent[] } {
  if (typeof room !== "string" || !Array.isArray(list)) throw new Malformed("expected a room and a list of events");
  return { room, events: list.flatMap((item) => decodeEvent(item) ?? []) };
}

export function decodeJoined(value: unknown): Joined {
  return checked<Joined>(isRecord(value) ? { pinned: [], role: "member", ...value } : value, joined, "join");
}

export function decodePolicyAnswer(value: unknown): PolicyAnswer {
  return checked<PolicyAnswer>(value, policyAnswer, "set_policy");
}

export function decodeWhoAnswer(value: unknown): WhoAnswer {
  return checked<WhoAnswer>(value, whoAnswer, "who");
}

export function decodePostAnswer(value: unknown): PostAnswer {
  return checked<PostAnswer>(value, postAnswer, "post");
}

export function decodeUploadAnswer(value: unknown): UploadAnswer {
  return checked<UploadAnswer>(value, uploadAnswer, "upload");
}

export function decodeDownloadAnswer(value: unknown): DownloadAnswer {
  return checked<DownloadAnswer>(value, downloadAnswer, "download");
}

export function decodeCancelAnswer(value: unknown): CancelAnswer {
  return checked<CancelAnswer>(value, cancelAnswer, "cancel");
}

export function decodeChangeAnswer(value: unknown): ChangeAnswer {
  return checked<ChangeAnswer>(value, changeAnswer, "change");
}

export function decodeTurnAnswer(value: unknown): TurnAnswer {
  return checked<TurnAnswer>(value, turnAnswer, "turn");
}

export function decodeExplanation(value: unknown): Explanation {
  return checked<Explanation>(value, explanation, "explain");
}

export function decodeSearchAnswer(value: unknown): SearchAnswer {
  return checked<SearchAnswer>(value, searchAnswer, "search");
}

export function decodeHistoryAnswer(value: unknown): HistoryAnswer {
  const answer = checked<{ events: unknown[]; more: boolean }>(value, historyAnswer, "history");
  const decoded = answer.events.flatMap((item) => decodeEvent(item) ?? []);
  return { events: decoded.filter(isDurable), more: answer.more };
}

export function decodeRoomsAnswer(value: unknown): RoomsAnswer {
  return checked<RoomsAnswer>(value, roomsAnswer, "rooms");
}

/** Give the refusal that an answer holds, or null where the command was carried out. */
export function refusalOf(answer: unknown): Refusal | null {
  if (!isRecord(answer) || !("error" in answer)) return null;
  const error = checked<Refusal>(answer["error"], refusal, "refusal");
  return { ...error, retry_ms: typeof error.retry_ms === "number" ? error.retry_ms : null };
}

export function isDurable(event: RoomEvent): event is DurableEvent {
  return "seq" in event && event.type !== "live";
}

function decodeEvent(value: unknown): RoomEvent | null {
  if (!isRecord(value) || typeof value["type"] !== "string") throw new Malformed("an event has no type");
  const type = value["type"];
  const shape = Object.hasOwn(events, type) ? events[type] : undefined;
  if (shape === undefined) {
    return shaped(entry)(value) ? ({ ...value, type: "unknown" } as unknown as Unknown) : null;
  }
  const event = { ...defaults[type], ...value };
  return checked<RoomEvent>(event, shaped(shape), type);
}

function checked<T>(value: unknown, check: Check, what: string): T {
  if (!check(value)) throw new Malformed(`a frame of '${what}' does not fit`);
  return value as T;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
