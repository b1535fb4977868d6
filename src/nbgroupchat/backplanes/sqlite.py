"""The backplane that keeps rooms in a file: one process writes it, and finds everything again after its end.

Commit, then acknowledge, then show: the writer's thread stores, and only what is on the disk is answered and told.
Reads are done in a thread of their own, so the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from nbgroupchat.backplanes import (
    sqlite_acts,
    sqlite_attachments,
    sqlite_changes,
    sqlite_forget,
    sqlite_reads,
    sqlite_trim,
)
from nbgroupchat.backplanes.base import NOTHING, Act, Appended, Known, Opened, Person, RoomListener, now_ms
from nbgroupchat.backplanes.place import Place, network_file_system
from nbgroupchat.backplanes.sqlite_changes import Origin
from nbgroupchat.backplanes.sqlite_file import (
    StoreError,
    explain,
    not_writable,
    open_to_read,
    open_to_write,
)
from nbgroupchat.backplanes.sqlite_rows import Losses
from nbgroupchat.backplanes.sqlite_writer import Writer, refusal
from nbgroupchat.errors import Refusal
from nbgroupchat.protocol import Delta, DurableEvent, Event, Redacted, ReplyClosed, ReplyOpened
from nbgroupchat.settings import Synchronous

T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Heard:
    """A room that somebody hears."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.listeners: list[RoomListener] = []
        self.writes = 0
        """How many are not decided yet."""
        self.empty = True


class SqliteBackplane:
    """Logs in the file `path`, or in one beside it where another server has that.

    `now_ms` gives the time in milliseconds since 1970; `took` is told, in the writer's thread, how many seconds each
    group of writes took.
    """

    def __init__(
        self,
        path: Path,
        synchronous: Synchronous = "full",
        now_ms: Callable[[], int] = now_ms,
        took: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.path = path
        self._place: Place | None = None
        self._synchronous = synchronous
        self._now_ms = now_ms
        self._losses = Losses(str(path))
        self._rooms: dict[str, _Heard] = {}
        self._writer = Writer(self._open_to_write, took)
        self._reader = ThreadPoolExecutor(1, "nbgroupchat reads")
        self._reading: sqlite3.Connection | None = None
        self._read_anew = False

    @property
    def unreadable(self) -> int:
        """How many entries of the file were found damaged, forged or missing."""
        return len(self._losses.found)

    async def begin(self) -> None:
        """Open the file already, so that `path` is the one that is used. Raises Refusal where it cannot be written."""
        await self._writer.write(lambda _db: None)

    async def open(self, room: str, listener: RoomListener) -> Opened:
        """See `Backplane.open`. A file that cannot be written is read all the same."""
        meanwhile: list[Event] = []
        heard = self._rooms.setdefault(room, _Heard(Origin(secrets.token_hex(8), secrets.token_bytes(32))))
        hear = meanwhile.extend
        heard.listeners.append(hear)
        try:
            try:
                await self.begin()
            except Refusal:
                if not self.path.exists():
                    raise
            opened = await self._read(lambda db: sqlite_reads.opened(db, room, self._losses))
            with suppress(Refusal):
                # Once more, so that all that was read has been told, and none of it is told again to `listener`.
                await self.begin()
        except BaseException:
            heard.listeners.remove(hear)
            if not heard.listeners:
                self.release(room)
            raise
        if opened is None:
            opened = Opened(heard.origin.epoch, heard.origin.key, [], [])
        else:
            heard.origin = Origin(opened.epoch, opened.key)
            heard.empty = False
        heard.listeners[heard.listeners.index(hear)] = listener
        return _with(opened, meanwhile)

    def release(self, room: str) -> None:
        """See `Backplane.release`. Of a room in which nothing was said there is nothing in the file."""
        heard = self._rooms.get(room)
        if heard is not None and heard.empty:
            heard.listeners.clear()
            if not heard.writes:
                del self._rooms[room]

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        """See `Backplane.append`."""
        heard, ts = self._rooms[room], self._now_ms()

        def tell(appended: Appended) -> None:
            heard.empty = False
            if not appended.duplicate:
                self._tell(heard, [appended.entry])

        return await self._change(
            heard,
            lambda db: sqlite_changes.append(db, room, heard.origin, entry, key, ts, self._losses, files),
            tell,
            erases=isinstance(entry, Redacted),
        )

    async def attachment(self, room: str, id_: str) -> bytes | None:
        """See `Backplane.attachment`."""
        return await self._read(lambda db: sqlite_attachments.read(db, room, id_)) if self.path.exists() else None

    async def journal(self, room: str, delta: Delta) -> bool:
        """See `Backplane.journal`."""
        heard = self._rooms[room]

        def tell(stored: bool) -> None:
            if stored:
                self._tell(heard, [delta])

        return await self._change(heard, lambda db: sqlite_changes.journal(db, room, heard.origin, delta), tell)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """See `Backplane.record`."""
        heard = self._rooms[room]
        await self._change(
            heard, lambda db: sqlite_changes.record(db, room, heard.origin, reply, record), lambda _nothing: None
        )

    async def read(self, room: str, before: int, limit: int) -> tuple[Sequence[DurableEvent], bool]:
        """See `Backplane.read`."""
        return await self._read(lambda db: sqlite_reads.page(db, room, before, limit, self._losses))

    async def rooms(self, limit: int) -> Sequence[Known]:
        """See `Backplane.rooms`."""
        return await self._read(lambda db: sqlite_reads.known(db, limit))

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        """See `Backplane.about`."""
        return await self._read(lambda db: sqlite_reads.about(db, room, messages, self._losses))

    async def keyed(self, room: str, key: str) -> DurableEvent | None:
        """See `Backplane.keyed`."""
        return await self._read(lambda db: sqlite_reads.keyed(db, room, key, self._losses))

    async def records(self, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
        """See `Backplane.records`."""
        return await self._read(lambda db: sqlite_reads.records(db, room, replies))

    async def audit(self, room: str, act: Act) -> None:
        """See `Backplane.audit`."""
        stamped = msgspec.structs.replace(act, ts=self._now_ms())
        await self._writer.write(lambda db: sqlite_acts.audit(db, room, stamped))

    async def audited(self, room: str) -> Sequence[Act]:
        """See `Backplane.audited`."""
        return await self._read(lambda db: sqlite_acts.audited(db, room))

    async def meet(self, room: str, member: str, person: Person) -> None:
        """See `Backplane.meet`."""
        await self._writer.write(lambda db: sqlite_acts.meet(db, room, member, person))

    async def met(self, room: str, member: str) -> Person | None:
        """See `Backplane.met`."""
        return await self._read(lambda db: sqlite_acts.met(db, room, member))

    async def forget(self, room: str, messages: Collection[str], members: Collection[str]) -> None:
        """Take the name from messages that are redacted, and who these members are; nobody may have the room open."""
        await self._writer.write(
            lambda db: sqlite_forget.forget(db, room, set(messages), members, self._losses), erases=True
        )

    async def trim(self, before: int) -> Mapping[str, int]:
        """See `Backplane.trim`."""
        return await self._writer.write(
            lambda db: sqlite_trim.trim(db, before, self._losses), lambda _moved: None, erases=True
        )

    async def close(self) -> None:
        """See `Backplane.close`."""
        # The reader first: the last to let go of the file tidies its side files away.
        await asyncio.get_running_loop().run_in_executor(self._reader, self._let_go)
        await self._writer.close()
        self._reader.shutdown(wait=False)
        if self._place is not None:
            self._place.release()
        self._rooms.clear()

    async def _change(
        self, heard: _Heard, change: Callable[[sqlite3.Connection], T], tell: Callable[[T], None], erases: bool = False
    ) -> T:
        heard.writes += 1
        try:
            return await self._writer.write(change, tell, erases)
        finally:
            heard.writes -= 1

    async def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._ask, ask)

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """In the reader's thread."""
        try:
            if self._read_anew:
                self._read_anew = False
                self._let_go()
            if self._reading is None:
                self._reading = open_to_read(self.path)
            return ask(self._reading)
        except StoreError as error:
            raise refusal(error) from None
        except sqlite3.Error as error:
            self._let_go()
            raise refusal(explain(self.path, error)) from error

    def _let_go(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _open_to_write(self) -> tuple[Path, sqlite3.Connection]:
        """In the writer's thread."""
        if self._place is None:
            try:
                self._place = Place.take(self.path)
            except OSError as error:
                raise StoreError(not_writable(self.path, error)) from None
            if self._place.path != self.path:
                _log.warning("Another server keeps its rooms in %s; this one takes %s.", self.path, self._place.path)
                self.path = self._place.path
                self._losses = Losses(str(self.path))
            if kind := network_file_system(self.path):
                _log.warning(
                    "The rooms are kept on a network file system (%s, %s), where SQLite's locks may not hold and a "
                    "broken file may follow. Set NbGroupChat.store to a file on a local disk.",
                    self.path,
                    kind,
                )
        db = open_to_write(self.path, self._synchronous)
        # Whatever was read before was perhaps read as a file that cannot change.
        self._read_anew = True
        return self.path, db

    def _tell(self, heard: _Heard, events: Sequence[Event]) -> None:
        for listener in tuple(heard.listeners):
            listener(events)


def _with(opened: Opened, meanwhile: Sequence[Event]) -> Opened:
    """Add what was told while a room was read, as far as it was not read."""
    entries, drafts = list(opened.entries), {delta.id: delta for delta in opened.drafts}
    last = entries[-1].seq if entries else 0
    entries += [event for event in meanwhile if isinstance(event, DurableEvent) and event.seq > last]
    open_ = {entry.eid for entry in (*opened.earlier, *entries) if isinstance(entry, ReplyOpened)}
    open_ -= {entry.id for entry in entries if isinstance(entry, ReplyClosed)}
    for event in meanwhile:
        if isinstance(event, Delta):
            draft = drafts.get(event.id) or Delta(event.id, 0, 0)
            if event.start == draft.end:
                drafts[event.id] = Delta(event.id, 0, event.end, draft.text + event.text)
    kept = [delta for reply, delta in drafts.items() if reply in open_]
    return msgspec.structs.replace(opened, entries=entries, drafts=kept)
