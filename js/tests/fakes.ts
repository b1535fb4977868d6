/** What the tests hold in their hands instead of time, a server and a page. */

import { readFileSync } from "node:fs";
import type { Clock } from "../src/clock";
import type { HubConnection } from "../src/connection";
import { PLAIN, type Explanation, type Joined, type RoomPolicy } from "../src/protocol";

/** Read golden frames; the Python tests read the same. npm runs the tests in `js/`. */
export function frames<T>(name: string): T[] {
  return JSON.parse(readFileSync(`../tests/frames/${name}.json`, "utf8")) as T[];
}

/** Let everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

export class FakeClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get waiting(): number {
    return this.#timers.length;
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = due.at;
      this.#timers = this.#timers.filter((one) => one !== due);
      due.run();
      await settle();
    }
    this.#now = end;
  }
}

export interface Invocation {
  readonly method: string;
  readonly argument: Record<string, unknown>;
  answer(result: unknown): Promise<void>;
  fail(): Promise<void>;
}

/** A hub connection that a test plays the server of. */
export class FakeHub implements HubConnection {
  readonly invocations: Invocation[] = [];
  readonly sent: { method: string; argument: unknown }[] = [];
  stopped = false;
  #heard: (...args: unknown[]) => void = () => {};
  #closed: () => void = () => {};
  #reject = new Set<() => void>();

  /** `refusal` is what starting fails with. */
  constructor(private readonly refusal: Error | null = null) {}

  start(): Promise<void> {
    return this.refusal === null ? Promise.resolve() : Promise.reject(this.refusal);
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.drop();
    return Promise.resolve();
  }

  invoke(method: string, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error("the connection was closed"));
      this.#reject.add(fail);
      this.invocations.push({
        method,
        argument: args[0] as Record<string, unknown>,
        answer: (result) => {
          this.#reject.delete(fail);
          resolve(result);
          return settle();
        },
        fail: () => {
          fail();
          return settle();
        },
      });
    });
  }

  send(method: string, ...args: unknown[]): Promise<void> {
    this.sent.push({ method, argument: args[0] });
    return Promise.resolve();
  }

  on(_method: string, heard: (...args: unknown[]) => void): void {
    this.#heard = heard;
  }

  onclose(closed: () => void): void {
    this.#closed = closed;
  }

  /** The server invokes `event`. */
  tell(room: string, ...events: object[]): void {
    this.#heard(room, events);
  }

  /** The connection is lost, with all that waited for an answer. */
  drop(): void {
    for (const fail of this.#reject) fail();
    this.#reject.clear();
    this.#closed();
  }

  last(method: string): Invocation {
    const found = this.invocations.filter((one) => one.method === method).at(-1);
    if (found === undefined) throw new Error(`nobody invoked ${method}`);
    return found;
  }

  all(method: string): Invocation[] {
    return this.invocations.filter((one) => one.method === method);
  }
}

export const ANA = { id: "m1", name: "Ana", kind: "human" } as const;
export const BEN = { id: "m2", name: "Ben", kind: "human" } as const;
export const LLAMA = { id: "m0", name: "llama", kind: "agent" } as const;

export function joinedAnswer(change: Partial<Joined> = {}): Joined {
  return {
    you: ANA,
    policy: { ...PLAIN, mention: "@llama" },
    limits: { frame: 65536, text: 16384 },
    position: { epoch: "e1", seq: 0, eid: "" },
    base: 0,
    mode: "snapshot",
    pinned: [],
    role: "member",
    ...change,
  };
}

export function posted(seq: number, text: string, change: object = {}): { type: "posted"; seq: number; eid: string } {
  return {
    type: "posted", seq, eid: `e${seq}`, ...{ ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, name: BEN.name, kind: "human" },
    ...{ text, reply_to: null, asks: [] }, ...change,
  };
}

export function opened(seq: number, to: string): object {
  return {
    type: "reply_opened", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: LLAMA.id, name: LLAMA.name, to,
    context: seq - 1,
  };
}

export function closed(seq: number, id: string, text: string, status = "complete", error: string | null = null): object {
  return { type: "reply_closed", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: LLAMA.id, id, text, status, error };
}

export function edited(seq: number, id: string, text: string, change: object = {}): object {
  return { type: "edited", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, id, text, ...change };
}

export function redacted(seq: number, id: string): object {
  return { type: "redacted", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, id };
}

export function pinned(seq: number, ...ids: string[]): object {
  return { type: "room_changed", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, pinned: ids };
}

export function reacted(seq: number, id: string, emoji: string, change: object = {}): object {
  return {
    type: "reacted", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, name: BEN.name, id, emoji, on: true,
    ...change,
  };
}

export function ruled(seq: number, policy: Partial<RoomPolicy>): object {
  const rules = { ...PLAIN, mention: "@llama", ...policy };
  return { type: "room_changed", seq, eid: `e${seq}`, ts: 1_760_000_000_000 + seq * 1000, by: BEN.id, pinned: [], policy: rules };
}

export function explanation(change: Partial<Explanation> = {}): Explanation {
  return {
    id: "e2", to: "e1", context: 1, read: [{ id: "", speaker: "", text: "You are llama." }, { id: "e1", speaker: "Ben", text: "" }],
    left_out: 0, redacted: [], prompt: 70, evaluated: 20, cached: 50, written: 9, model: "SmolLM2", sha256: "00ff".repeat(16),
    max_tokens: 512, temperature: 0.5, seed: 7, ...change,
  };
}

export function live(seq: number): object {
  return { type: "live", seq };
}
