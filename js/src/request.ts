/** What a member has asked for and not got yet. Pure: a room in, a message's id out. */

import type { Room } from "./room";

/** Give what Escape stops: the newest open reply to a member, else the newest question of theirs that waits. */
export function stoppable(room: Room, member: string): string | null {
  const messages = [...room.messages.values()].reverse();
  const asked = (id: string | null): boolean => id !== null && room.messages.get(id)?.by === member;
  const open = messages.find(({ status, to }) => status === "open" && asked(to));
  const waiting = messages.find(({ id, by }) => by === member && room.waiting.has(id));
  return (open ?? waiting)?.id ?? null;
}
