/**
 * When to show again what grows: not before the page had time for anything else. Whoever waits for the next showing is asked
 * for the newest state then, so nothing is shown that is older than necessary. It knows nothing of what is shown.
 */

import type { Clock } from "./clock";

/** Between the beginnings of two showings. */
const LEAST_MS = 50;
/** A showing may take one part in so many of the time, and one. */
const SHARE = 4;

export class Pace {
  #due = -Infinity;
  #waiting: (() => void) | null = null;
  #cancel: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly page: Pick<Document, "addEventListener" | "removeEventListener">,
  ) {}

  /** Run this now, or as soon as it is time; in place of what waits. */
  ask(run: () => void): void {
    const wait = this.#due - this.clock.now();
    if (wait <= 0) return this.now(run);
    const waited = this.#waiting !== null;
    this.#waiting = run;
    if (waited) return;
    this.#cancel = this.clock.after(wait, this.#flush);
    // The timers of a hidden page are late; who comes back to it wants to see what is there.
    this.page.addEventListener("visibilitychange", this.#flush);
  }

  /** Run this now, in place of what waits. */
  now(run: () => void): void {
    this.stop();
    const begun = this.clock.now();
    run();
    const ended = this.clock.now();
    this.#due = Math.max(begun + LEAST_MS, ended + SHARE * (ended - begun));
  }

  /** Forget what waits. */
  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#waiting = null;
    this.page.removeEventListener("visibilitychange", this.#flush);
  }

  readonly #flush = (): void => {
    if (this.#waiting !== null) this.now(this.#waiting);
  };
}
