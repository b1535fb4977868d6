"""Ways to break a hub on purpose, each in the product's behaviour, so that each detector is seen to go red.

Applied in the hub's own process before it begins; the detectors and what they are given are left as they are.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from nbgroupchat import log
from nbgroupchat.backplanes import sqlite_changes
from nbgroupchat.backplanes.base import NOTHING
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.backplanes.sqlite_writer import Writer
from nbgroupchat.channel import Channel
from nbgroupchat.compose import ChatSession
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Edited, Member, ReplyClosed
from nbgroupchat.replies import Replies
from nbgroupchat.signalr.application import Reply


def lose() -> None:
    """Acknowledge and show what is in a transaction that is committed only now and then."""
    groups = itertools.count(1)

    def transact(_self: Writer, db: sqlite3.Connection, group: Sequence[Any]) -> None:
        if not db.in_transaction:
            db.execute("BEGIN IMMEDIATE")
        for write in group:
            write.carry_out(db)
        if next(groups) % 50 == 0:
            db.execute("COMMIT")

    Writer._transact = transact  # type: ignore[assignment,method-assign]  # it takes writes of any kind


def duplicate() -> None:
    """Forget which client's id a post had."""
    append = SqliteBackplane.append

    async def forget(self: SqliteBackplane, room: str, entry: Any, key: str | None = None, files: Any = NOTHING) -> Any:
        return await append(self, room, entry, None if key and key.startswith("post ") else key, files)

    SqliteBackplane.append = forget  # type: ignore[method-assign]  # on purpose


def reorder() -> None:
    """Carry out each invocation in a task of its own, however long the one before takes."""
    invoked, running = ChatSession.invoked, set()

    async def later(self: ChatSession, invocation: Any, reply: Any) -> None:
        # As long as a database may take.
        await asyncio.sleep(random.random() / 50)
        await invoked(self, invocation, reply)

    async def begin(self: ChatSession, invocation: Any, reply: Any) -> None:
        # The connection takes it for answered and goes on to the next.
        reply.used, own = True, Reply(self._connection, invocation.invocation_id)
        running.add(task := asyncio.get_running_loop().create_task(later(self, invocation, own)))
        task.add_done_callback(running.discard)

    ChatSession.invoked = begin  # type: ignore[method-assign]  # on purpose


def skip() -> None:
    """Leave out the first entry of some frames that hold several."""
    after = Channel.entries_after

    def leave_out(self: Channel, seq: int) -> tuple[bytes, int] | None:
        more = self.log.position.seq > seq + 1
        return after(self, seq + 1 if more and seq % 3 == 0 else seq)

    Channel.entries_after = leave_out  # type: ignore[method-assign]  # on purpose


def stop_late() -> None:
    """Store with a stop the text as it was when the stop came, while the reply goes on to be told."""
    close = Replies.close

    async def forgetful(
        self: Replies, channel: Channel, by: Member | Identity, reply: str, status: Any, error: str | None
    ) -> ReplyClosed | None:
        draft = channel.drafts.get(reply)
        if draft is None or status != "stopped":
            return await close(self, channel, by, reply, status, error)
        me = channel.member(by) if isinstance(by, Identity) else by
        entry = ReplyClosed(seq=0, eid="", ts=0, by=me.id, id=reply, text=draft.text, status=status, error=error)
        # As long as a slow disk may take; nobody holds the room's lock meanwhile.
        await asyncio.sleep(0.2)
        appended = await self._backplane.append(channel.room, entry, f"close {reply}")
        assert isinstance(appended.entry, ReplyClosed)
        return appended.entry

    Replies.close = forgetful  # type: ignore[method-assign]  # on purpose


def edit_otherwise() -> None:
    """Acknowledge an edit, and store and show another text."""
    append = SqliteBackplane.append

    async def alter(self: SqliteBackplane, room: str, entry: Any, key: str | None = None, files: Any = NOTHING) -> Any:
        altered = replace(entry, text="!") if isinstance(entry, Edited) else entry
        return await append(self, room, altered, key, files)

    SqliteBackplane.append = alter  # type: ignore[method-assign]  # on purpose


def show_old_texts() -> None:
    """Show who comes back edits as if they were the messages' first texts."""
    after = Channel.entries_after

    def forget(self: Channel, seq: int) -> tuple[bytes, int] | None:
        found = after(self, seq)
        return None if found is None else (re.sub(rb" and more ", b" and less ", found[0]), found[1])

    Channel.entries_after = forget  # type: ignore[method-assign]  # on purpose


def keep_in_the_file() -> None:
    """Redact in memory alone."""
    sqlite_changes.without_text = lambda entry: entry  # type: ignore[attr-defined]  # on purpose


def keep_in_memory() -> None:
    """Redact in the file alone."""
    log.redacted = lambda entries, message: list(entries)  # named as it is called


BREAKS: dict[str, tuple[str, Callable[[], None]]] = {
    "lose": ("lost", lose),
    "duplicate": ("duplicated", duplicate),
    "reorder": ("reordered", reorder),
    "skip": ("gaps", skip),
    "stop_late": ("late_tokens", stop_late),
    "edit_otherwise": ("lost", edit_otherwise),
    "show_old_texts": ("lost", show_old_texts),
    "keep_in_the_file": ("unredacted", keep_in_the_file),
    "keep_in_memory": ("unredacted", keep_in_memory),
}
"""By name: the figure that each makes something else than 0."""
