/**
 * What a member may do to a message, and so what the panel offers. Pure. Twin of `policy.py`, which decides: what is offered
 * here may still be refused there.
 */

import type { Message, Room } from "./room";

export type Tool = "reply" | "again" | "go_on" | "explain" | "edit" | "react" | "pin" | "unpin" | "link" | "remove";

/**
 * Give what somebody may do to a message, in the order in which it is offered; `you` is null while that is not known,
 * `linked` says whether messages have an address here.
 */
export function tools(message: Message, room: Room, you: string | null, linked = false): Tool[] {
  if (message.redacted || message.status === "open") return [];
  const asked = message.to === null ? undefined : room.messages.get(message.to);
  const mine = you !== null && (message.by === you || asked?.by === you);
  const found: Tool[] = ["reply", "react"];
  if (mayAskAgain(message, room)) found.push("again");
  if (mayGoOn(message, room)) found.push("go_on");
  if (message.to !== null) found.push("explain");
  if (mayEdit(message, you)) found.push("edit");
  found.push(room.pinned.includes(message.id) ? "unpin" : "pin");
  if (linked) found.push("link");
  return mine ? [...found, "remove"] : found;
}

function mayAskAgain(message: Message, room: Room): boolean {
  const asked = message.to === null ? undefined : room.messages.get(message.to);
  return message.to !== null && asked?.redacted !== true && newestReply(room, message.to)?.status !== "open";
}

/** Only the newest reply to a question goes on, where it ended early and says something. */
function mayGoOn(message: Message, room: Room): boolean {
  const early = ["length", "stopped", "interrupted"].includes(message.status) && message.text !== "";
  return early && mayAskAgain(message, room) && newestReply(room, message.to)?.id === message.id;
}

const newestReplies = new WeakMap<Room["messages"], ReadonlyMap<string, Message>>();

/** Found once for each state of the room: every message asks. */
function newestReply({ messages }: Room, to: string | null): Message | undefined {
  let found = newestReplies.get(messages);
  if (found === undefined) {
    found = new Map([...messages.values()].flatMap((message) => (message.to === null ? [] : [[message.to, message]])));
    newestReplies.set(messages, found);
  }
  return to === null ? undefined : found.get(to);
}

/** Give the newest message that somebody may edit. */
export function newestEditable(room: Room, you: string | null): Message | null {
  return [...room.messages.values()].reverse().find((message) => mayEdit(message, you)) ?? null;
}

export function mayEdit(message: Message, you: string | null): boolean {
  return message.by === you && message.status === "posted" && !message.redacted;
}
