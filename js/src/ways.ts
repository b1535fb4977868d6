/**
 * The ways to the hub, and which of them are left out because they opened and stayed silent, or did not open in time.
 *
 * SignalR's client goes on to the next way only where one refuses to open. A proxy that holds events back, or lets a
 * WebSocket through and nothing over it, refuses nothing. It knows nothing of SignalR's classes.
 */

import type { Clock } from "./clock";

/** As SignalR numbers them, to be added. */
export const WEB_SOCKETS = 1;
export const SERVER_SENT_EVENTS = 2;
export const LONG_POLLING = 4;
const ALL = WEB_SOCKETS | SERVER_SENT_EVENTS | LONG_POLLING;

/** How long a way may take to open, and then how long the server's first word may take. */
export const PATIENCE_MS = 8_000;

export class Ways {
  #leftOut = 0;

  /** The ways that the next attempt may try. */
  get open(): number {
    return ALL & ~this.#leftOut;
  }

  leaveOut(way: number): void {
    this.#leftOut |= way;
  }

  /** Hear that an attempt has failed over the ways that were left: what was wrong may have been something else. */
  failed(tried: number): void {
    if (tried !== ALL && tried === this.open) this.#leftOut = 0;
  }
}

/** Watches one way being opened; gives up where it takes too long. */
export class Watch {
  #cancel: () => void;

  constructor(private readonly clock: Clock, private readonly giveUp: () => void) {
    this.#cancel = clock.after(PATIENCE_MS, giveUp);
  }

  /** It is open, and the server speaks next. */
  opened(): void {
    this.#cancel();
    this.#cancel = this.clock.after(PATIENCE_MS, this.giveUp);
  }

  /** The server has spoken, or it is over: nothing is waited for. */
  done(): void {
    this.#cancel();
  }
}
