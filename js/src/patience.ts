/** Asks again what the server finds too much at once. It knows nothing of what is asked. */

import type { Clock } from "./clock";
import { refusalOf } from "./protocol";

const ATTEMPTS = 5;

/** Give the answer, or the refusal where asking again does not help. Throws what `ask` throws. */
export async function patiently(clock: Clock, ask: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask();
    const wait = refusalOf(answer)?.retry_ms ?? null;
    if (wait === null || attempt === ATTEMPTS) return answer;
    await new Promise<void>((resolve) => void clock.after(wait, resolve));
  }
}
