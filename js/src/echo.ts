/** One's own posts as they come back from the room. Pure. */

import type { Pending } from "./outbox";
import type { Room } from "./room";

/** Say whether a post of `you` is in the room: it is often heard before it is acknowledged, and would stand there twice. */
export function isHeard(post: Pending, room: Room, you: string | undefined): boolean {
  const { after } = post;
  if (after === null || post.state === "failed") return false;
  const said = normalised(post.text);
  for (const message of room.messages.values()) {
    if (message.seq > after && message.by === you && message.text === said) return true;
  }
  return false;
}

/** As the server stores a post (`protocol.py`). */
function normalised(text: string): string {
  return text.normalize("NFC").replace(/\r\n?/g, "\n");
}
