/**
 * One connection that several panels share: it dials, dials again for as long as anybody reads, and hands what it hears to
 * the reader of the room that is meant.
 *
 * It knows nothing of SignalR (`dial`), of what a room holds (`reader`) or of what is shown.
 */

import { backoff, type Clock } from "./clock";
import { EVENT_TARGET, Malformed, decodeEvents } from "./protocol";
import type { Wire } from "./outbox";
import { Reader } from "./reader";
import type { Problem, Snapshot } from "./snapshot";

/** The part of a SignalR hub connection that is used. */
export interface HubConnection {
  start(): Promise<void>;
  stop(): Promise<void>;
  invoke(method: string, ...args: unknown[]): Promise<unknown>;
  send(method: string, ...args: unknown[]): Promise<void>;
  on(method: string, heard: (...args: unknown[]) => void): void;
  onclose(closed: () => void): void;
}

/** `start` failed and nobody answered at all: the page may have no way to the server. */
export class CutOff extends Error {}

/** `start` failed for a reason that trying again does not change. */
export class Unreachable extends Error {
  constructor(readonly problem: Problem) {
    super(problem.kind);
  }
}

export interface Handle {
  readonly reader: Reader;
  release(): void;
}

interface Reading {
  readonly reader: Reader;
  holders: number;
  cancelEnd: () => void;
}

/** How long a room is kept after its last panel went: running a cell again replaces a panel by another. */
const LINGER_MS = 3_000;
/** A connection that held this long was a good one: the next attempt starts from the beginning. */
const STEADY_MS = 10_000;
/** So many first attempts without any answer, and this page is held to have no way there. */
const CUT_OFF_ATTEMPTS = 2;

export class Connection {
  readonly #readings = new Map<string, Reading>();
  #hub: HubConnection | null = null;
  #wire: Wire | null = null;
  #running = false;
  #attempt = 0;
  #wasConnected = false;
  #problem: Problem | null = null;
  #wake: () => void = () => {};
  #hurry = false;
  #relay: Snapshot["relay"] = "none";
  #everConnected = false;
  #cutOff = 0;
  readonly #cutOffListeners = new Set<() => void>();

  constructor(
    private readonly dial: () => HubConnection,
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
  ) {}

  /** Read a room, as one of perhaps several panels that show it. */
  open(room: string): Handle {
    const reading = this.#readings.get(room) ?? this.#begin(room);
    reading.cancelEnd();
    reading.holders += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      reading.holders -= 1;
      if (reading.holders === 0) this.#endLater(room, reading);
    };
    return { reader: reading.reader, release };
  }

  /**
   * Whether this page has no way to the server. That is decided once, before the first connection: a way that was there
   * comes back, and whoever has gone another way stays there until the page is loaded again.
   */
  get isCutOff(): boolean {
    return this.#cutOff >= CUT_OFF_ATTEMPTS;
  }

  /** Be called when that is found, until what is returned is called. */
  onCutOff(listener: () => void): () => void {
    this.#cutOffListeners.add(listener);
    return () => this.#cutOffListeners.delete(listener);
  }

  /** Whether this goes through a kernel. */
  get isRelayed(): boolean {
    return this.#relay !== "none";
  }

  /** This goes through a kernel, which takes what is sent or, while it runs a cell, lets it wait. */
  relayed(waits: boolean): void {
    this.#relay = waits ? "waiting" : "open";
    for (const { reader } of this.#readings.values()) reader.relayed(this.#relay);
  }

  /** Connect anew, so that the server learns who one is now. */
  redial(): void {
    this.#hurry = true;
    this.#hub?.stop().catch(() => {});
    this.#wake();
  }

  /** Try again now instead of later. */
  hurry(): void {
    if (this.#problem === null) this.#wake();
  }

  /** Try again after a problem, which somebody may have solved. */
  retry(): void {
    this.#tell(null);
    this.#wake();
    if (this.#wire === null) return;
    for (const { reader } of this.#readings.values()) {
      if (reader.snapshot.link !== "live") reader.connected(this.#wire);
    }
  }

  #begin(room: string): Reading {
    const reading: Reading = { reader: new Reader(room, this.clock), holders: 0, cancelEnd: () => {} };
    this.#readings.set(room, reading);
    reading.reader.relayed(this.#relay);
    reading.reader.unreachable(this.#problem);
    if (this.#wire !== null) reading.reader.connected(this.#wire);
    else reading.reader.missing();
    if (!this.#running) void this.#run();
    return reading;
  }

  #endLater(room: string, reading: Reading): void {
    reading.cancelEnd = this.clock.after(LINGER_MS, () => {
      const unsent = reading.reader.outbox.pending.some((post) => post.state === "waiting" || post.state === "sending");
      if (unsent && this.#problem === null) this.#endLater(room, reading);
      else this.#end(room, reading);
    });
  }

  #end(room: string, reading: Reading): void {
    this.#readings.delete(room);
    reading.reader.leave();
    if (this.#readings.size > 0) return;
    this.#hub?.stop().catch(() => {});
    this.#wake();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#readings.size > 0) {
      const hub = this.dial();
      const closed = new Promise<void>((resolve) => hub.onclose(resolve));
      hub.on(EVENT_TARGET, (room, list) => this.#hear(room, list));
      this.#hub = hub;
      try {
        await hub.start();
        await this.#serve(hub, closed);
      } catch (error) {
        this.#failed(error);
      }
      this.#hub = null;
      if (this.#readings.size > 0) await this.#pause();
    }
    this.#running = false;
    this.#wasConnected = false;
    this.#problem = null;
  }

  /** Let everybody read over this connection until it is closed. */
  async #serve(hub: HubConnection, closed: Promise<void>): Promise<void> {
    if (this.#readings.size === 0) return hub.stop();
    const began = this.clock.now();
    this.#wasConnected = true;
    this.#everConnected = true;
    this.#problem = null;
    this.#wire = {
      invoke: (method, argument) => hub.invoke(method, argument),
      send: (method, argument) => hub.send(method, argument),
    };
    for (const { reader } of this.#readings.values()) reader.connected(this.#wire);
    await closed;
    this.#wire = null;
    for (const { reader } of this.#readings.values()) reader.disconnected(this.#hurry);
    if (this.clock.now() - began > STEADY_MS) this.#attempt = 0;
  }

  #failed(error: unknown): void {
    if (error instanceof CutOff) this.#failedWithoutAnswer();
    if (!(error instanceof Unreachable)) return;
    // A server that is starting again behind a proxy is not found for a while.
    if ((error.problem.kind === "not_installed" || error.problem.kind === "no_hub") && this.#wasConnected) return;
    this.#tell(error.problem);
  }

  #failedWithoutAnswer(): void {
    if (this.#everConnected || this.isCutOff) return;
    this.#cutOff += 1;
    if (this.isCutOff) for (const listener of [...this.#cutOffListeners]) listener();
  }

  #tell(problem: Problem | null): void {
    this.#problem = problem;
    for (const { reader } of this.#readings.values()) reader.unreachable(problem);
  }

  async #pause(): Promise<void> {
    if (!this.#hurry) {
      await new Promise<void>((resolve) => {
        this.#attempt += 1;
        const wait = this.#problem === null ? backoff(this.#attempt, this.random) : null;
        const cancel = wait === null ? () => {} : this.clock.after(wait, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#hurry = false;
    this.#wake = () => {};
  }

  #hear(room: unknown, list: unknown): void {
    const reading = this.#readings.get(String(room));
    if (reading === undefined) return;
    try {
      reading.reader.hear(decodeEvents(room, list).events);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      reading.reader.lost();
    }
  }
}
