/** The emoji on a message, and whose they are. Pure. Its twin is in `room.py`. */

import type { Reacted } from "./protocol";

/** Who put an emoji, and what they were called then. */
export interface Reactor {
  readonly id: string;
  readonly name: string;
}

/** An emoji on a message, and whose it is, in the order in which they put it. */
export interface Reaction {
  readonly emoji: string;
  readonly by: readonly Reactor[];
}

/** Give a message's reactions after one was put or taken away; each member has an emoji once. */
export function reacted(reactions: readonly Reaction[], { emoji, by, name, on }: Reacted): readonly Reaction[] {
  const held = new Map(reactions.map((reaction) => [reaction.emoji, reaction.by]));
  const others = (held.get(emoji) ?? []).filter(({ id }) => id !== by);
  held.set(emoji, on ? [...others, { id: by, name }] : others);
  return [...held].flatMap(([sign, members]) => (members.length === 0 ? [] : [{ emoji: sign, by: members }]));
}
