/**
 * What a member may do to a message, and so what the panel offers. Pure. Twin of `policy.py`, which decides: what is offered
 * here may still be refused there.
 */

import type { Allowed, Role } from "./protocol";
import type { Message, Room } from "./room";

export type Tool =
  | "reply" | "again" | "go_on" | "explain" | "edit" | "react" | "pin" | "unpin" | "link" | "remove" | "who";

/**
 * Give what somebody may do to a message, in the order in which it is offered; `you` is null while that is not known,
 * `linked` says whether messages have an address here.
 */
export function tools(message: Message, room: Room, you: string | null, linked = false, role: Role = "member"): Tool[] {
  if (message.redacted || message.status === "open") return [];
  const { policy, pinned } = room;
  const found: Tool[] = [];
  const writes = mayWrite(room, role);
  if (writes) found.push("reply", "react");
  if (mayStop(message, room, you, role) && mayAskAgain(message, room)) found.push("again");
  if (mayStop(message, room, you, role) && mayGoOn(message, room)) found.push("go_on");
  if (message.to !== null) found.push("explain");
  if (writes && mayEdit(message, you)) found.push("edit");
  if (writes && may(policy.pin, message, room, you, role)) found.push(pinned.includes(message.id) ? "unpin" : "pin");
  if (linked) found.push("link");
  if (writes && may(policy.redact, message, room, you, role)) found.push("remove");
  const masked = policy.anonymous && message.by !== you && (message.kind === "human" || message.kind === "kernel");
  return role === "instructor" && masked ? [...found, "who"] : found;
}

/** Say whether somebody of this role may change anything in the room now, as far as a panel can tell. */
export function mayWrite({ policy }: Room, role: Role): boolean {
  return role === "instructor" || (role === "member" && !policy.locked);
}

/** Say whether somebody may stop a reply, or the question `message` that waits for one, and have it answered again. */
export function mayStop(message: Message, room: Room, you: string | null, role: Role): boolean {
  return mayWrite(room, role) && may(room.policy.stop, message, room, you, role);
}

function may(allowed: Allowed, message: Message, room: Room, you: string | null, role: Role): boolean {
  const asked = message.to === null ? undefined : room.messages.get(message.to);
  const mine = you !== null && (message.by === you || asked?.by === you);
  return role === "instructor" || allowed === "anyone" || (allowed === "asker" && mine);
}

function mayAskAgain(message: Message, room: Room): boolean {
  const asked = message.to === null ? undefined : room.messages.get(message.to);
  if (room.policy.agent === "off") return false;
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
