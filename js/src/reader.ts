/**
 * One reader of one room: joins it, folds in what it hears, joins again where it left off, and carries what its member does.
 *
 * It knows nothing of how a connection is made (`connection`) or of what is shown (`view`).
 */

import { backoff, type Clock } from "./clock";
import { isHeard } from "./echo";
import { History } from "./history";
import { Keep, shelf, type Shelf } from "./keep";
import { Outbox, randomId, type Pending, type PendingEdit, type PendingPost, type Wire } from "./outbox";
import {
  WIRE, decodeExplanation, decodeJoined, decodePolicyAnswer, decodeRoomsAnswer, decodeSearchAnswer, decodeWhoAnswer, isDurable,
  refusalOf, type Commands, type Explanation, type Joined, type PolicyAnswer, type Refusal, type RoomEvent, type RoomsAnswer,
  type SearchAnswer, type WhoAnswer,
} from "./protocol";
import { patiently } from "./patience";
import { Gap, emptyRoom, join, reduce, type Room } from "./room";
import type { Delay, LinkState, Problem, Snapshot } from "./snapshot";
import { Typist, Typists } from "./typist";
import { fetchFile, type Outgoing } from "./upload";

const REFUSALS: ReadonlySet<Problem["kind"]> = new Set(["version", "no_room", "refused"]);

type Phase = "away" | "joining" | "replay" | "live";

/** Joins that follow each other sooner than this are a loop, and slowed down. */
const CALM_MS = 30_000;
/** A connection that is made anew on purpose is nothing to speak of for so long. */
const QUIET_MS = 3_000;
/** Without a connection for so long, one is told more than that it is being made. */
const GONE_MS = 10_000;
/** What `have` may name. */
const MAX_HAVE = 64;

export class Reader {
  readonly outbox: Outbox;
  readonly typist: Typist;
  /** What a panel that went had in its text field: running the cell again replaces it by another. */
  draft = "";
  /** What stood in the text field when this page was loaded again, until a panel takes it. */
  restored = "";
  #room: Room = emptyRoom();
  #phase: Phase = "away";
  #wire: Wire | null = null;
  #joined: Joined | null = null;
  #problem: Problem | null = null;
  #relay: Snapshot["relay"] = "none";
  #wasLive = false;
  /** What was heard before the answer to `join` was: the client library gives answers later than events. */
  #early: RoomEvent[] = [];
  #attempt = 0;
  #losses = 0;
  #lastLoss = -Infinity;
  #cancelRejoin: () => void = () => {};
  /** The room as it was when a connection ended on purpose, until there is another. */
  #kept: Room | null = null;
  #endQuiet: () => void = () => {};
  #delay: Delay | null = null;
  #gone = false;
  #cancelGone: () => void = () => {};
  readonly #keep: Keep;
  readonly #history: History;
  readonly #typists: Typists;
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly name: string,
    private readonly clock: Clock,
    storage: Shelf | null = shelf(),
  ) {
    this.#keep = new Keep(storage);
    this.outbox = new Outbox(name, clock, () => this.#outboxChanged(), () => this.#rejoin());
    this.#history = new History({
      name, room: () => this.#room, hold: (room) => (this.#room = room), changed: () => this.#changed(), clock,
    });
    this.#typists = new Typists(clock, (by) => this.#apply([{ type: "typing", by, on: false }]));
    this.typist = new Typist(clock, (on) => this.#send("typing", { room: this.name, on }));
  }

  get snapshot(): Snapshot {
    return {
      link: this.#link(),
      problem: this.#problem,
      relay: this.#relay,
      you: this.#joined?.you ?? null,
      mention: this.#room.policy.agent === "off" ? null : this.#mention,
      agent: this.#mention?.replace(/^@/, "") ?? null,
      role: this.#joined?.role ?? "member",
      textLimit: this.#joined?.limits.text ?? Infinity,
      room: this.#kept === null ? this.#room : { ...this.#room, members: this.#kept.members },
      pending: this.outbox.pending.filter((one) => this.#standsAlone(one)),
      changes: new Map(this.outbox.pending.flatMap((one) => (one.method === "post" ? [] : [[one.id, one]]))),
      history: this.#history.state,
      delay: this.#delay,
      gone: this.#gone,
    };
  }

  /** Be called after every change, until the returned function is. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** There is a connection: join over it. */
  connected(wire: Wire): void {
    this.#wire = wire;
    this.#problem = null;
    this.#here();
    void this.#join();
  }

  /** The connection ended; on purpose, where it is to be made anew at once. */
  disconnected(onPurpose = false): void {
    if (onPurpose && this.#phase === "live") this.#keepQuiet();
    this.#stopJoining();
    this.#wire = null;
    this.#delay = null;
    this.missing();
    this.outbox.pause();
    this.typist.reset();
    this.#room = { ...this.#room, live: false };
    this.#typists.clear();
    this.#changed();
  }

  /** There is no connection, and for this reason there will be none by itself. */
  unreachable(problem: Problem | null): void {
    this.#problem = problem;
    this.#changed();
  }

  /** There is no connection, and nobody knows why: after a while that is said. */
  missing(): void {
    this.#here();
    this.#cancelGone = this.clock.after(GONE_MS, () => {
      this.#gone = true;
      this.#changed();
    });
  }

  /** Keep what stands in the text field, for when this page is loaded again. */
  keepDraft(text: string): void {
    this.#keep.draft(text);
  }

  /** Whether the connection goes through a kernel, and whether that lets what is sent wait. */
  relayed(relay: Snapshot["relay"]): void {
    this.#relay = relay;
    this.#changed();
  }

  /** Say what was to be said over a connection that never came about. */
  takeOver(other: Reader): void {
    for (const deed of other.outbox.takeAll()) this.outbox.add(deed);
  }

  /** Take what the server told this room. */
  hear(events: readonly RoomEvent[]): void {
    if (this.#phase === "joining") this.#early.push(...events);
    else this.#apply(events);
  }

  /** Something was told that could not be understood: join again. */
  lost(): void {
    if (this.#phase !== "away") this.#rejoin();
  }

  /** Say something, in answer to a message where `reply_to` names one. */
  post(text: string, files: readonly Outgoing[] = [], reply_to: string | null = null): void {
    this.typist.reset();
    const deed = { method: "post", text: carried(text), reply_to } as const;
    this.outbox.add(files.length === 0 ? deed : { ...deed, files });
  }

  /** Give an own post another text. */
  edit(id: string, text: string): void {
    this.outbox.add({ method: "edit", id, text: carried(text) });
  }

  /** Take back what a message says. */
  redact(id: string): void {
    this.outbox.add({ method: "redact", id });
  }

  pin(id: string, on: boolean): void {
    this.outbox.add({ method: "pin", id, on });
  }

  /** Put an emoji to a message, or take it away. */
  react(id: string, emoji: string, on: boolean): void {
    this.outbox.add({ method: "react", id, emoji, on });
  }

  /** Ask for another reply to what a reply answers. */
  regenerate(id: string): void {
    this.outbox.add({ method: "regenerate", id });
  }

  /** Ask the agent to go on with a reply that ended early. */
  resumeReply(id: string): void {
    this.outbox.add({ method: "resume_reply", id });
  }

  /** Ask what the model read for a reply. Gives the refusal where there is one, null where no answer came. */
  async explain(id: string): Promise<Explanation | Refusal | null> {
    try {
      const wire = this.#wire;
      const answer = await patiently(this.clock, async () => wire?.invoke("explain", { room: this.name, id }));
      return refusalOf(answer) ?? decodeExplanation(answer);
    } catch {
      return null;
    }
  }

  /** Change what the room allows and give all of it, the refusal where there is one, null where no answer came. */
  async setPolicy(change: Omit<Commands["set_policy"], "room" | "cid">): Promise<PolicyAnswer | Refusal | null> {
    try {
      const answer = await this.#wire?.invoke("set_policy", { room: this.name, cid: randomId(), ...change });
      return refusalOf(answer) ?? decodePolicyAnswer(answer);
    } catch {
      return null;
    }
  }

  /** Ask which rooms there are; null where no answer came. */
  async rooms(): Promise<RoomsAnswer | null> {
    try {
      const wire = this.#wire;
      return decodeRoomsAnswer(await patiently(this.clock, async () => wire?.invoke("rooms", { room: this.name })));
    } catch {
      return null;
    }
  }

  /** Ask which messages say some words. Gives the refusal where there is one, null where no answer came. */
  async search(text: string, before: number | null): Promise<SearchAnswer | Refusal | null> {
    try {
      const answer = await this.#wire?.invoke("search", { room: this.name, text, ...(before === null ? {} : { before }) });
      return refusalOf(answer) ?? decodeSearchAnswer(answer);
    } catch {
      return null;
    }
  }

  /** Ask who a member with a pseudonym is. */
  async who(id: string): Promise<WhoAnswer | Refusal | null> {
    try {
      const answer = await this.#wire?.invoke("who", { room: this.name, id });
      return refusalOf(answer) ?? decodeWhoAnswer(answer);
    } catch {
      return null;
    }
  }

  /** Fetch the bytes of an attachment over the connection; null where they did not come. */
  async download(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      return this.#wire === null ? null : await fetchFile(this.#wire, this.name, id);
    } catch {
      return null;
    }
  }

  /** Stop an open reply. That it has ended is heard as an event like everybody hears it. */
  cancel(id: string): void {
    this.#wire?.invoke("cancel", { room: this.name, id }).catch(() => {});
  }

  /** Fetch older messages, and put them before those held. */
  history(): Promise<void> {
    return this.#history.fetch(this.#wire);
  }

  /** Hold a message, fetching older ones up to a limit. Says whether it is held. */
  find(id: string): Promise<boolean> {
    return this.#history.find(this.#wire, id);
  }

  leave(): void {
    this.#send("leave", { room: this.name });
    this.disconnected();
    this.#here();
  }

  get #mention(): string | null {
    return this.#joined?.policy.mention || null;
  }

  #standsAlone(one: Pending): one is PendingPost | PendingEdit {
    if (one.method === "post") return !isHeard(one, this.#room, this.#joined?.you.id);
    return one.method === "edit" && !this.#room.messages.has(one.id);
  }

  #link(): LinkState {
    if (this.#problem !== null) {
      return REFUSALS.has(this.#problem.kind) ? "refused" : "unreachable";
    }
    if (this.#phase === "live" || this.#kept !== null) return "live";
    return this.#wasLive ? "reconnecting" : "connecting";
  }

  async #join(): Promise<void> {
    this.#stopJoining();
    const attempt = this.#attempt;
    const wire = this.#wire;
    if (wire === null) return;
    this.#phase = "joining";
    this.#changed();
    try {
      const answer = await wire.invoke("join", this.#request());
      if (attempt !== this.#attempt) return;
      const refusal = refusalOf(answer);
      if (refusal === null) this.#enter(wire, decodeJoined(answer));
      else this.#refused(refusal);
    } catch {
      if (attempt === this.#attempt) this.#rejoin();
    }
  }

  #request(): Commands["join"] {
    const { position, drafts } = this.#room;
    const request: Commands["join"] = { room: this.name, wire: WIRE };
    if (position.epoch === "") return request;
    request.resume = position;
    if (drafts.size > 0) request.have = Object.fromEntries([...drafts].slice(-MAX_HAVE));
    return request;
  }

  #enter(wire: Wire, answer: Joined): void {
    this.#joined = answer;
    this.#delay = null;
    const kept = this.#keep.begin(answer.you.id);
    this.#room = join(this.#room, answer);
    if (answer.mode === "snapshot") this.#history.restart();
    this.#phase = "replay";
    const early = this.#early;
    this.#early = [];
    this.outbox.seen(this.#room.position.seq);
    if (kept.draft !== "") this.restored = kept.draft;
    if (kept.posts.length > 0) this.outbox.restore(kept.posts);
    this.outbox.resume(wire);
    this.#apply(early);
  }

  #refused(refusal: Refusal): void {
    this.#phase = "away";
    this.#delay = null;
    if (refusal.code === "version") this.#problem = { kind: "version", message: refusal.message };
    else if (refusal.code === "invalid") this.#problem = { kind: "no_room", message: refusal.message };
    else if (refusal.retry_ms === null) this.#problem = { kind: "refused", message: refusal.message };
    else {
      this.#delay = { message: refusal.message, until: this.clock.now() + refusal.retry_ms };
      this.#cancelRejoin = this.clock.after(refusal.retry_ms, () => void this.#join());
    }
    this.#changed();
  }

  #here(): void {
    this.#cancelGone();
    this.#gone = false;
  }

  #outboxChanged(): void {
    this.#keep.posts(this.outbox.pending.filter((one) => one.method === "post").filter(({ state }) => state !== "acknowledged"));
    this.#changed();
  }

  #apply(events: readonly RoomEvent[]): void {
    try {
      for (const event of events) this.#applyOne(event);
      // One is called something else now, which the answer to `join` tells.
      if (this.#phase === "live" && this.#room.policy.anonymous !== this.#joined?.policy.anonymous) this.#rejoin();
    } catch (error) {
      if (!(error instanceof Gap)) throw error;
      this.#rejoin();
    }
    this.#changed();
  }

  #applyOne(event: RoomEvent): void {
    if (this.#phase === "away" || this.#phase === "joining") return;
    const { seq } = this.#room.position;
    // What was on its way when this join began may come before its entries; `live` tells whether all came.
    if (this.#phase === "replay" && isDurable(event) && event.seq !== seq + 1) return;
    if (event.type === "live") {
      if (event.seq > seq) throw new Gap(`live at ${event.seq} came after entry ${seq}`);
      this.#phase = "live";
      this.#wasLive = true;
      this.#endQuiet();
    }
    this.#room = reduce(this.#room, event);
    if (event.type === "typing") this.#typists.hear(event);
    if (isDurable(event)) this.outbox.seen(event.seq);
  }

  /** Join again: at once the first time, later when it happens over and over. */
  #rejoin(): void {
    this.#stopJoining();
    this.outbox.pause();
    const now = this.clock.now();
    this.#losses = now - this.#lastLoss > CALM_MS ? 0 : this.#losses + 1;
    this.#lastLoss = now;
    if (this.#losses === 0) void this.#join();
    else this.#cancelRejoin = this.clock.after(backoff(this.#losses, Math.random), () => void this.#join());
    this.#changed();
  }

  #keepQuiet(): void {
    this.#kept = this.#room;
    const cancel = this.clock.after(QUIET_MS, () => {
      this.#endQuiet();
      this.#changed();
    });
    this.#endQuiet = () => {
      cancel();
      this.#kept = null;
    };
  }

  #stopJoining(): void {
    this.#cancelRejoin();
    this.#attempt += 1;
    this.#phase = "away";
    this.#early = [];
  }

  #send<M extends "typing" | "leave">(method: M, argument: Commands[M]): void {
    if (this.#phase === "replay" || this.#phase === "live") this.#wire?.send(method, argument).catch(() => {});
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A text as the wire can carry it: neither NUL nor half of a surrogate pair. */
function carried(text: string): string {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\u{FFFD}");
}
