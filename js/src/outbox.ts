/**
 * The posts and changes of one room that the server has not acknowledged yet. They are sent in order, one at a time, and
 * again with the same `cid` after a connection was lost, so that each is done exactly once; to redact or pin something, or
 * to react to it, twice is to do it once.
 *
 * It knows nothing of how a connection is made or lost: it is given a wire, or told that there is none.
 */

import { backoff, type Clock } from "./clock";
import { decodeChangeAnswer, decodePostAnswer, decodeTurnAnswer, refusalOf, type Commands, type Refusal } from "./protocol";
import { sendFiles, type Outgoing } from "./upload";

/** The part of a connection that carries commands. */
export interface Wire {
  invoke<M extends keyof Commands>(method: M, argument: Commands[M]): Promise<unknown>;
  /** Without an answer: nothing waits for it. */
  send<M extends keyof Commands>(method: M, argument: Commands[M]): Promise<void>;
}

/** What is to be done: to say something, or to change the message `id`. */
export type Deed =
  | { readonly method: "post"; readonly text: string; readonly reply_to?: string | null; readonly files?: readonly Outgoing[] }
  | { readonly method: "edit"; readonly id: string; readonly text: string }
  | { readonly method: "redact"; readonly id: string }
  | { readonly method: "pin"; readonly id: string; readonly on: boolean }
  | { readonly method: "react"; readonly id: string; readonly emoji: string; readonly on: boolean }
  | { readonly method: "regenerate" | "resume_reply"; readonly id: string };

interface Progress {
  /** The client's own id for it. */
  readonly cid: string;
  readonly ts: number;
  readonly state: "waiting" | "sending" | "acknowledged" | "failed";
  /** The newest entry known when it was first sent: what was said is after it. */
  readonly after: number | null;
  /** Its place in the log, once acknowledged. */
  readonly seq: number | null;
  /** Why it failed, or has to wait. */
  readonly error: string | null;
  /** When it goes again, where the server has said so. */
  readonly until: number | null;
}

export type Pending = Deed & Progress;
export type PendingPost = Extract<Pending, { method: "post" }>;
export type PendingEdit = Extract<Pending, { method: "edit" }>;
export type PendingChange = Exclude<Pending, PendingPost>;

const ATTEMPTS = 4;

/** What may be sent again this soon waits for it; for anything later somebody has to decide. */
const PATIENCE_MS = 120_000;

export class Outbox {
  #pending: readonly Pending[] = [];
  #wire: Wire | null = null;
  #seen = 0;
  #busy = false;
  #wake: () => void = () => {};

  /** `changed` is called after every change; `notJoined` when the server says that the room was left. */
  constructor(
    private readonly room: string,
    private readonly clock: Clock,
    private readonly changed: () => void,
    private readonly notJoined: () => void,
  ) {}

  get pending(): readonly Pending[] {
    return this.#pending;
  }

  /** A change takes the place of one like it that had failed. */
  add(deed: Deed): void {
    const pending: Pending = {
      ...deed, cid: randomId(), ts: this.clock.now(), state: "waiting", after: null, seq: null, error: null, until: null,
    };
    const replaced = (one: Pending): boolean =>
      one.state === "failed" && one.method !== "post" && isAlike(one, deed);
    this.#pending = [...this.#pending.filter((one) => !replaced(one)), pending];
    this.changed();
    void this.#drain();
  }

  /** Put posts of an earlier page before what is here: those that had arrived are answered as such. */
  restore(posts: readonly PendingPost[]): void {
    const here = new Set(this.#pending.map(({ cid }) => cid));
    this.#pending = [...posts.filter(({ cid }) => !here.has(cid)), ...this.#pending];
    this.changed();
    void this.#drain();
  }

  /** Send what waits over this wire, until told otherwise. */
  resume(wire: Wire): void {
    this.#wire = wire;
    this.#wake();
    void this.#drain();
  }

  pause(): void {
    this.#wire = null;
    this.#wake();
  }

  /** Say that the room is known up to entry `seq`: what was acknowledged up to there is in it. */
  seen(seq: number): void {
    this.#seen = seq;
    const left = this.#pending.filter((post) => post.seq === null || post.seq > seq);
    if (left.length < this.#pending.length) {
      this.#pending = left;
      this.changed();
    }
  }

  /** Try something again that had failed. */
  retry(cid: string): void {
    this.#update(cid, { state: "waiting", error: null, until: null });
    void this.#drain();
  }

  /** Give up something that had failed. Returns its text, "" where it has none. */
  discard(cid: string): string {
    const post = this.#pending.find((one) => one.cid === cid && one.state === "failed");
    this.#pending = this.#pending.filter((one) => one !== post);
    this.changed();
    return post !== undefined && "text" in post ? post.text : "";
  }

  /** Give up everything, to be done some other way. */
  takeAll(): readonly Deed[] {
    const all = this.#pending;
    this.#pending = [];
    this.changed();
    return all;
  }

  async #drain(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    let attempt = 0;
    for (;;) {
      const post = this.#pending.find((one) => one.state === "waiting");
      if (post === undefined || this.#wire === null) break;
      const wait = await this.#send(post, this.#wire, ++attempt);
      if (wait === null) attempt = 0;
      else await this.#sleep(wait);
    }
    this.#busy = false;
  }

  /** Send one of them. Returns null where it is settled, else after how many milliseconds to go on. */
  async #send(post: Pending, wire: Wire, attempt: number): Promise<number | null> {
    this.#update(post.cid, { state: "sending", after: post.after ?? this.#seen });
    try {
      const answer = await invoked(wire, this.room, post, (ms) => this.#sleep(ms));
      const refusal = refusalOf(answer);
      if (refusal !== null) return this.#refused(post, wire, refusal);
      this.#update(post.cid, { state: "acknowledged", seq: seqOf(post, answer) });
      this.seen(this.#seen);
      return null;
    } catch {
      const gone = this.#wire !== wire;
      if (gone || attempt < ATTEMPTS) {
        this.#update(post.cid, { state: "waiting", error: null, until: null });
        return gone ? 0 : backoff(attempt, Math.random);
      }
      this.#update(post.cid, { state: "failed", error: null, until: null });
      return null;
    }
  }

  #refused(post: Pending, wire: Wire, refusal: Refusal): number | null {
    if (refusal.code === "not_joined") {
      this.#update(post.cid, { state: "waiting" });
      if (this.#wire === wire) {
        this.#wire = null;
        this.notJoined();
      }
      return 0;
    }
    // Nobody waits for a turn behind what others have asked: what is written next would wait, too.
    const waits = post.method !== "regenerate" && post.method !== "resume_reply";
    if (waits && refusal.retry_ms !== null && refusal.retry_ms <= PATIENCE_MS) {
      this.#update(post.cid, { state: "waiting", error: refusal.message, until: this.clock.now() + refusal.retry_ms });
      return refusal.retry_ms;
    }
    this.#update(post.cid, { state: "failed", error: refusal.message, until: null });
    return null;
  }

  #update(cid: string, change: Partial<Progress>): void {
    this.#pending = this.#pending.map((post) => (post.cid === cid ? { ...post, ...change } : post));
    this.changed();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function isAlike(one: PendingChange, deed: Deed): boolean {
  if (deed.method === "post" || one.method !== deed.method || one.id !== deed.id) return false;
  return one.method !== "react" || deed.method !== "react" || one.emoji === deed.emoji;
}

type Sleep = (ms: number) => Promise<void>;

function invoked(wire: Wire, room: string, pending: Pending, sleep: Sleep): Promise<unknown> {
  switch (pending.method) {
    case "post":
      return said(wire, room, pending, sleep);
    case "edit":
      return wire.invoke("edit", { room, cid: pending.cid, id: pending.id, text: pending.text });
    case "redact":
      return wire.invoke("redact", { room, id: pending.id });
    case "pin":
      return wire.invoke("pin", { room, id: pending.id, on: pending.on });
    case "regenerate":
    case "resume_reply":
      return wire.invoke(pending.method, { room, id: pending.id, cid: pending.cid });
    case "react":
      return wire.invoke("react", { room, id: pending.id, emoji: pending.emoji, on: pending.on });
  }
}

/** What a post attaches goes before it; a connection forgets it with its end, so that all of it goes again then. */
async function said(wire: Wire, room: string, post: PendingPost, sleep: Sleep): Promise<unknown> {
  const { cid, text, reply_to, files = [] } = post;
  const posting = reply_to == null ? { room, cid, text } : { room, cid, text, reply_to };
  if (files.length === 0) return wire.invoke("post", posting);
  const refused = await sendFiles(wire, room, files, sleep);
  return refused ?? wire.invoke("post", { ...posting, attachments: files.map(({ id }) => id) });
}

/** Give the entry that shows that something was done; a turn that was asked for is shown by the queue. */
function seqOf({ method }: Pending, answer: unknown): number {
  if (method === "regenerate" || method === "resume_reply") {
    decodeTurnAnswer(answer);
    return 0;
  }
  return (method === "post" ? decodePostAnswer(answer) : decodeChangeAnswer(answer)).seq;
}

/** `crypto.randomUUID` is missing on pages served by plain HTTP from another machine; `getRandomValues` is not. */
export function randomId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
