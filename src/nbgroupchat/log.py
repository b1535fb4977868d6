"""A room's log: entries numbered without holes, and what a reader at some position still has to be told.

Pure state. It holds the newest part of a log in memory; where the whole of it lives is the backplane's business.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nbgroupchat.protocol import (
    DurableEvent,
    Edited,
    Position,
    Posted,
    Reacted,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    RoomChanged,
)

MAX_TAIL = 2_000
"""The longest gap, in entries, that a returning client is told as a tail; beyond it, it starts over."""

SNAPSHOT_MESSAGES = 100
"""How many of the newest messages a snapshot holds."""


class Gap(Exception):
    """An event does not follow what is held: something was missed, and the reader has to join again."""


class Log:
    """The newest entries of one room, after entry `base`."""

    def __init__(self, epoch: str, entries: Sequence[DurableEvent] = (), keep: int = MAX_TAIL, base: int = 0) -> None:
        self.epoch = epoch
        self._keep = keep
        self._entries: list[DurableEvent] = []
        self.base = entries[0].seq - 1 if entries else base
        for entry in entries:
            self.append(entry)

    @property
    def position(self) -> Position:
        """Where the log stands: its newest entry."""
        if not self._entries:
            return Position(self.epoch, self.base, "")
        newest = self._entries[-1]
        return Position(self.epoch, newest.seq, newest.eid)

    def append(self, entry: DurableEvent) -> None:
        """Add the next entry. Raises Gap for any other."""
        expected = self.base + len(self._entries) + 1
        if entry.seq != expected:
            raise Gap(f"entry {entry.seq} came where {expected} was due")
        self._entries.append(entry)
        if isinstance(entry, Redacted):
            self._entries = redacted(self._entries, entry.id)
        # Dropped in blocks: one removal from the front of a list costs as much as many.
        if len(self._entries) > 2 * self._keep:
            del self._entries[: -self._keep]
            self.base = self._entries[0].seq - 1

    def trim(self, base: int) -> None:
        """Hold the entries up to `base` no more."""
        if base > self.base:
            del self._entries[: base - self.base]
            self.base = base

    def after(self, seq: int) -> Sequence[DurableEvent] | None:
        """Give the entries that follow `seq`, or None where some of them are no longer held."""
        return self._entries[seq - self.base :] if seq >= self.base else None

    def tail(self, resume: Position) -> Sequence[DurableEvent] | None:
        """Give the entries after `resume`, or None where the reader has to start over.

        A tail is given only when the epoch is this one, the entry at `resume.seq` is the one the reader has, and no
        more than `MAX_TAIL` entries follow.
        """
        held = resume.seq - self.base
        if resume.epoch != self.epoch or held < 0 or held > len(self._entries):
            return None
        if len(self._entries) - held > MAX_TAIL:
            return None
        if held == 0:
            # Nothing is held to compare with, except before the first entry of all.
            return list(self._entries) if self.base == 0 and resume.eid == "" else None
        if self._entries[held - 1].eid != resume.eid:
            return None
        return self._entries[held:]

    def close_of(self, reply: str) -> ReplyClosed | None:
        """Give the entry that closed a reply, or None where none is held."""
        for entry in reversed(self._entries):
            if isinstance(entry, ReplyClosed) and entry.id == reply:
                return entry
        return None

    def reply_to(self, asked: str) -> ReplyOpened | None:
        """Give the newest entry that opened a reply to a message, of whatever attempt, or None where none is held."""
        for entry in reversed(self._entries):
            if isinstance(entry, ReplyOpened) and entry.to == asked:
                return entry
        return None

    def snapshot(self, messages: int = SNAPSHOT_MESSAGES) -> tuple[int, Sequence[DurableEvent]]:
        """Give the entries from the newest `messages` messages on, and the `seq` before the first of them."""
        return newest(self._entries, messages, self.base)


def message_of(entry: DurableEvent) -> str:
    """Give the id of the message that an entry made or changed, "" where it is about none."""
    match entry:
        case Posted() | ReplyOpened():
            return entry.eid
        case ReplyClosed() | Edited() | Redacted() | Reacted():
            return entry.id
        case _:
            return ""


def without_text(entry: DurableEvent) -> DurableEvent:
    """Give an entry as it stands in the log once its message is redacted: the same place, and no text."""
    if isinstance(entry, Posted):
        return msgspec.structs.replace(entry, text="", attachments=())
    if isinstance(entry, (ReplyClosed, Edited)):
        return msgspec.structs.replace(entry, text="")
    if isinstance(entry, Reacted):
        return msgspec.structs.replace(entry, emoji="")
    return entry


def public(entry: DurableEvent) -> DurableEvent:
    """Give an entry as members may see it: without what the instructors told the model."""
    if isinstance(entry, RoomChanged) and entry.policy is not None and entry.policy.prompt:
        return msgspec.structs.replace(entry, policy=msgspec.structs.replace(entry.policy, prompt=""))
    return entry


def redacted(entries: Sequence[DurableEvent], message: str) -> list[DurableEvent]:
    """Take the text of a message out of all entries about it."""
    return [without_text(entry) if message_of(entry) == message else entry for entry in entries]


def newest(entries: Sequence[DurableEvent], messages: int, base: int) -> tuple[int, Sequence[DurableEvent]]:
    """Cut contiguous entries, which follow entry `base`, so that the newest `messages` messages remain."""
    left = messages
    for index in range(len(entries) - 1, -1, -1):
        if isinstance(entries[index], (Posted, ReplyOpened)):
            left -= 1
            if left == 0:
                return entries[index].seq - 1, entries[index:]
    return base, entries
