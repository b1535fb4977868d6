/**
 * What a screen reader is told: whole sentences about what others said and about the connection, never tokens. Pure: the
 * panel before and after in, a sentence out.
 */

import { gist } from "./attachment";
import type { Snapshot } from "./snapshot";
import type { Message } from "./room";
import { strings } from "./strings";

/** Longer texts are cut: they can be read in the transcript. */
const MAX_SPOKEN = 300;

export function announcement(before: Snapshot, after: Snapshot): string {
  if (before.link === "live" && after.link === "reconnecting") return strings.announceLost;
  if (after.link !== "live") return "";
  if (before.link === "reconnecting") return strings.announceBack;
  if (before.link !== "live" || before.room.messages === after.room.messages) return "";
  const said: string[] = [];
  for (const message of after.room.messages.values()) {
    const held = before.room.messages.get(message.id);
    if (held === message || message.seq <= before.room.base || message.by === after.you?.id) continue;
    if (held === undefined && message.seq <= before.room.position.seq) continue; // brought by history
    if (held === undefined || held.status === "open") said.push(...sentence(message));
    else said.push(...changed(held, message));
  }
  return said.join(" ");
}

function changed(before: Message, { name, kind, text, redacted }: Message): string[] {
  if (redacted) return before.redacted ? [] : [strings.announceRemoved(name, kind)];
  return text === before.text ? [] : [strings.announceEdit(name, text.slice(0, MAX_SPOKEN))];
}

function sentence(message: Message): string[] {
  const text = gist(message).slice(0, MAX_SPOKEN);
  if (message.redacted) return [];
  switch (message.status) {
    case "open":
      return [];
    case "posted":
      return [strings.announcePost(message.name, text)];
    case "complete":
      return [strings.announceReply(message.name, text)];
    default:
      return [strings.announceEnd(message.name, message.error ?? strings.ended[message.status])];
  }
}
