/**
 * Who writes. One's own writing is told to the room at most once in a while, and when it has stopped; others are forgotten
 * who do not tell it again. It knows nothing of what is written.
 */

import type { Clock } from "./clock";
import type { TypingChanged } from "./protocol";

const RENEW_MS = 3_000;
const PAUSE_MS = 4_000;
/** Longer than it takes to be told again: who is silent that long has stopped, or lost the connection. */
const FORGET_MS = 8_000;

export class Typist {
  #told = -Infinity;
  #writing = false;
  #cancelPause: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly tell: (on: boolean) => void,
  ) {}

  wrote(): void {
    this.#cancelPause();
    this.#cancelPause = this.clock.after(PAUSE_MS, () => this.stopped());
    if (this.#writing && this.clock.now() - this.#told < RENEW_MS) return;
    this.#writing = true;
    this.#told = this.clock.now();
    this.tell(true);
  }

  stopped(): void {
    this.#cancelPause();
    if (!this.#writing) return;
    this.#writing = false;
    this.tell(false);
  }

  /** Forget what was told: the post that was sent, or a lost connection, has ended it for the others. */
  reset(): void {
    this.#cancelPause();
    this.#writing = false;
  }
}

/** The others. `forget` is called for each who said that they write, and neither said it again nor that they stopped. */
export class Typists {
  readonly #cancel = new Map<string, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly forget: (by: string) => void,
  ) {}

  hear({ by, on }: TypingChanged): void {
    this.#cancel.get(by)?.();
    this.#cancel.delete(by);
    if (on) this.#cancel.set(by, this.clock.after(FORGET_MS, () => this.forget(by)));
  }

  clear(): void {
    for (const cancel of this.#cancel.values()) cancel();
    this.#cancel.clear();
  }
}
