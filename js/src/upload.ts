/** Files on their way up and down, in parts that fit a frame. It knows nothing of posts or of pictures. */

import type { Wire } from "./outbox";
import { decodeDownloadAnswer, decodeUploadAnswer, refusalOf } from "./protocol";

/** Something to be attached; `id` is this client's own for it. */
export interface Outgoing {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly data: Uint8Array;
}

/** As the server takes it (`attachment.py`). */
export const PART = 32 * 1024;
/** How many characters are made at once: arguments of a call are limited. */
const STEP = 8 * 1024;

/**
 * Send files, one part after another; `sleep` waits where the server asks for that. Gives the answer that refuses one of
 * them, null where all are there. Throws where the connection ends.
 */
export async function sendFiles(
  wire: Wire, room: string, files: readonly Outgoing[], sleep: (ms: number) => Promise<void>,
): Promise<unknown> {
  for (const { id, name, mime, data } of files) {
    for (let at = 0; at < data.length; ) {
      const part = base64(data.subarray(at, at + PART));
      const answer = await wire.invoke("upload", { room, id, name, mime, size: data.length, at, data: part });
      const refusal = refusalOf(answer);
      // Never back: a server that says less than it was sent would be asked for ever.
      if (refusal === null) at = Math.max(at + 1, decodeUploadAnswer(answer).held);
      else if (refusal.code === "too_fast" && refusal.retry_ms !== null) await sleep(refusal.retry_ms);
      else return answer;
    }
  }
  return null;
}

/** Fetch an attachment over the connection; null where the server does not give it. */
export async function fetchFile(wire: Wire, room: string, id: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let held = 0;
  for (;;) {
    const answer = await wire.invoke("download", { room, id, at: held });
    if (refusalOf(answer) !== null) return null;
    const { data, size } = decodeDownloadAnswer(answer);
    const part = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    parts.push(part);
    held += part.length;
    if (held >= size || part.length === 0) break;
  }
  const whole = new Uint8Array(held);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP));
  return btoa(text);
}
