"""What a backplane is: the order and the store of every room's log, and the way hubs hear of new events.

Local events take the same way as remote ones: what is appended or journaled here comes back through the room's
listener, stored before anybody is shown it. A backplane knows nothing of members, connections or rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from nbgroupchat.protocol import Delta, DurableEvent, Event, Kind

NOTHING: Final[Mapping[str, bytes]] = {}

RoomListener: TypeAlias = Callable[[Sequence[Event]], None]


def now_ms() -> int:
    """Give the time in milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000


class Opened(Struct, frozen=True):
    """A room's state when it is opened: its epoch, its secret `key`, the newest entries, and the drafts of open
    replies.

    `earlier` are older entries that hold: the last `room_changed`, what made and changed the messages it pins, and
    the openings of open replies. `records` are those of the replies in both, by the reply's id.
    """

    epoch: str
    key: bytes
    entries: Sequence[DurableEvent]
    drafts: Sequence[Delta]
    base: int = 0
    """Entries up to this one are no longer kept, but for those in `earlier`."""
    earlier: Sequence[DurableEvent] = ()
    records: Mapping[str, bytes] = {}


class Act(Struct, frozen=True):
    """Something done by right of office, as the audit trail keeps it: who did what, about which id, and how.

    `ts` is stamped when it is stored, in milliseconds since 1970; `user` is the user's name, `name` what they are shown
    as. None of it is ever changed or forgotten.
    """

    ts: int
    user: str
    name: str
    action: str
    about: str = ""
    details: str = ""


class Person(Struct, frozen=True):
    """Who a member is that has a pseudonym."""

    user: str
    name: str
    kind: Kind


class Known(Struct, frozen=True):
    """A room in which something was said: its newest entry, and when that was made, 0 where it was trimmed."""

    name: str
    epoch: str
    seq: int
    ts: int


class Appended(Struct, frozen=True):
    """The entry that stands in the log; `duplicate` where its key had been used before."""

    entry: DurableEvent
    duplicate: bool


class Backplane(Protocol):
    """Keeps logs. Every implementation passes `tests/backplanes/contract.py`."""

    async def open(self, room: str, listener: RoomListener) -> Opened:
        """Begin to hear a room, and give its newest entries; `listener` is called with all that follows, in order."""

    def release(self, room: str) -> None:
        """Hear an empty room no more, and forget it."""

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        """Store an entry at the end of the log, stamped with `seq`, `eid` and `ts`, and tell the listeners.

        The first entry with a `key` wins, and a later one is answered with it: a post's retry has the same key, and so
        have all attempts to close one reply.

        A `redacted` entry takes the text out of every entry about its message, wherever they are kept, and the record
        of a reply with it.

        `files` is what a post has attached, by the SHA-256 of its bytes. It is stored with the entry, and kept for as
        long as a message of the room has it.
        """

    async def attachment(self, room: str, id_: str) -> bytes | None:
        """Give what a message of a room has attached, None where none has, or the room is none."""

    async def journal(self, room: str, delta: Delta) -> bool:
        """Store the next pieces of an open reply and tell the listeners; False where the reply is not open."""

    async def read(self, room: str, before: int, limit: int) -> tuple[Sequence[DurableEvent], bool]:
        """Give contiguous entries up to the one before `before` that hold `limit` messages, and whether there are
        older.
        """

    async def rooms(self, limit: int) -> Sequence[Known]:
        """Give the rooms in which something was said, those with the newest entries first, up to `limit`."""

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        """Give the entries that made and changed these messages, in order; none for ids that are no message's."""

    async def keyed(self, room: str, key: str) -> DurableEvent | None:
        """Give the entry that stands under a key, or None."""

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """Keep what is recorded with a reply, in place of what was; nothing is kept of a redacted one."""

    async def records(self, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
        """Give what was recorded with these replies, where something was."""

    async def audit(self, room: str, act: Act) -> None:
        """Add to the room's audit trail."""

    async def audited(self, room: str) -> Sequence[Act]:
        """Give the room's audit trail, oldest first."""

    async def meet(self, room: str, member: str, person: Person) -> None:
        """Keep who a member is."""

    async def met(self, room: str, member: str) -> Person | None:
        """Say who a member is; None where that was not kept."""

    async def trim(self, before: int) -> Mapping[str, int]:
        """Forget the entries from the beginning of each log up to the first that is not older than the time `before`.

        Kept are the last `room_changed`, the messages it pins, and all from the oldest open reply on. Gives the last
        entry forgotten of each room that had some. It may be only a part: to be called until it gives nothing.
        """

    async def close(self) -> None:
        """Store what is still to be stored, and let go."""
