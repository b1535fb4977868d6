/** Time, as something that tests can hold in their hands. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Run something once, after that many milliseconds; call what is returned to prevent it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * How long to wait before attempt 1, 2, 3, … in milliseconds: doubling from half a second to half a minute, each time
 * somewhere in the upper half, so that the panels of a class do not all come back in the same moment.
 */
export function backoff(attempt: number, random: () => number): number {
  const longest = Math.min(30_000, 500 * 2 ** Math.min(attempt - 1, 10));
  return longest * (0.5 + random() / 2);
}
