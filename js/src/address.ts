/** Addresses: of the plain page, of rooms and of messages there. Pure. */

/** A message is named behind the "#", which no server sees and which a page that is there already follows. */
const MESSAGE = /^#message-([\w-]{1,64})$/;
/** As `protocol.py` has it. */
const ROOM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Give an address without Jupyter's token, or null where it has none. */
export function withoutToken(address: string): string | null {
  const url = new URL(address);
  if (!url.searchParams.has("token")) return null;
  url.searchParams.delete("token");
  return url.href;
}

/** Say whether a room can be called so. */
export function isRoomName(name: string): boolean {
  return ROOM.test(name);
}

/** Give the path of a room's page below the server's base. */
export function pathOf(room: string): string {
  return `nbgroupchat/rooms/${encodeURIComponent(room)}`;
}

/** Give what stands behind a room's address to lead to a message. */
export function hashOf(message: string): string {
  return `#message-${encodeURIComponent(message)}`;
}

/** Give the message that an address leads to, or null. */
export function messageIn(hash: string): string | null {
  return MESSAGE.exec(hash)?.[1] ?? null;
}
