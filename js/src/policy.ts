/**
 * What a member may do to a message, and so what the panel offers. Pure. Twin of `policy.py`, which decides: what is offered
 * here may still be refused there.
 */

import type { Message, Room } from "./room";

export type Tool = "explain" | "edit" | "pin" | "unpin" | "link" | "remove";

/**
 * Give what somebody may do to a message, in the order in which it is offered; `you` is null while that is not known,
 * `linked` says whether messages have an address here.
 */
export function tools(message: Message, room: Room, you: string | null, linked = false): Tool[] {
  if (message.redacted || message.status === "open") return [];
  const asked = message.to === null ? undefined : room.messages.get(message.to);
  const mine = you !== null && (message.by === you || asked?.by === you);
  const found: Tool[] = [room.pinned.includes(message.id) ? "unpin" : "pin"];
  if (message.to !== null) found.unshift("explain");
  if (mayEdit(message, you)) found.unshift("edit");
  if (linked) found.push("link");
  return mine ? [...found, "remove"] : found;
}

/** Give the newest message that somebody may edit. */
export function newestEditable(room: Room, you: string | null): Message | null {
  return [...room.messages.values()].reverse().find((message) => mayEdit(message, you)) ?? null;
}

export function mayEdit(message: Message, you: string | null): boolean {
  return message.by === you && message.status === "posted" && !message.redacted;
}
