/** One's own posts as they come back from the room. Pure. */

import type { PendingPost } from "./outbox";
import type { Room } from "./room";

/** Say whether a post of `you` is in the room: it is often heard before it is acknowledged, and would stand there twice. */
export function isHeard(post: PendingPost, room: Room, you: string | undefined): boolean {
  const { after } = post;
  if (after === null || post.state === "failed") return false;
  const said = normalised(post.text);
  for (const message of room.messages.values()) {
    if (message.seq > after && message.by === you && message.text === said) return true;
  }
  return false;
}

const HIDDEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

/** As the server stores a post (`characters.py`), but for stacked marks. */
function normalised(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(HIDDEN, "").normalize("NFC");
}
