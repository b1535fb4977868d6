"""The one thread that writes the file of rooms: whatever waits goes into one transaction, and so into one flush of the
disk. What is asked for is answered and told on the event loop, in order, once it is on the disk and not before.

What was erased may have copies in the side file, which is emptied before that is answered. Where that fails, or another
program reads the file, it is tried again at intervals without waiting.

Where the file cannot be opened or written everything is refused with `unavailable`, and each time it is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from nbgroupchat.backplanes.sqlite_file import StoreError, explain
from nbgroupchat.errors import Code, Refusal

T = TypeVar("T")

RETRY_MS = 2_000
"""When what was refused may be tried again, where the cause may pass by itself."""

MOST_AT_ONCE = 500
"""Writes in one transaction."""

AGAIN_SECONDS = 2.0
"""How long after the side file could not be emptied it is tried again."""

_log = logging.getLogger(__name__)


def refusal(error: StoreError) -> Refusal:
    """Give what a command is answered with where the file cannot be used."""
    return Refusal(Code.UNAVAILABLE, str(error), RETRY_MS if error.passes else None)


class _Write(Generic[T]):
    def __init__(self, change: Callable[[sqlite3.Connection], T], tell: Callable[[T], None], erases: bool) -> None:
        self.change = change
        self.tell = tell
        self.erases = erases
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.done: T | Exception

    def carry_out(self, db: sqlite3.Connection) -> None:
        self.done = self.change(db)

    def settle(self) -> None:
        """On the event loop: acknowledge, then show."""
        if isinstance(self.done, Exception):
            self.future.set_exception(self.done)
            self.future.exception()  # who asked may be gone
        else:
            self.future.set_result(self.done)
            self.tell(self.done)


class Writer:
    """Writes with the connection that `open_file` gives; it says where that is, and raises StoreError.

    `took` is told of each group, in the thread, how many seconds it took to store.
    """

    def __init__(self, open_file: Callable[[], tuple[Path, sqlite3.Connection]], took: Callable[[float], None]) -> None:
        self._open_file = open_file
        self._took = took
        self._waiting: queue.SimpleQueue[_Write[object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._db: sqlite3.Connection | None = None
        self._path = Path()
        self._leftovers = False
        """Whether the side file may hold what was erased."""
        self._tried = 0.0
        """When it was last tried to empty it."""
        self._left = ""
        """Why that failed, which is reported once."""
        self._refused = ""
        """Why the newest group of writes failed, which is reported once."""

    async def write(
        self,
        change: Callable[[sqlite3.Connection], T],
        tell: Callable[[T], None] = lambda _: None,
        erases: bool = False,
    ) -> T:
        """Carry out a change and give what it gives, once it is on the disk; `tell` has been called with it by then.

        After what `erases`, no copy is left in the side file either, unless something keeps it from being emptied.
        Whoever is cancelled waits until it is decided, so that a lock held around the call covers all of it. Raises
        Refusal with `unavailable`.
        """
        if self._closing:
            raise Refusal(Code.UNAVAILABLE, "The server is ending. Send it again when it is back.", RETRY_MS)
        write = _Write(change, tell, erases)
        self._waiting.put(write)  # type: ignore[arg-type]  # a queue of writes of all kinds
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nbgroupchat rooms", daemon=True)
            self._thread.start()
        cancelled: asyncio.CancelledError | None = None
        while not write.future.done():
            try:
                await asyncio.wait([write.future])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        return write.future.result()

    async def close(self) -> None:
        """Store what waits, and let go of the file."""
        self._closing = True
        self._waiting.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        ending = False
        while not ending:
            group, ending = self._next()
            self._commit(group)
            by_loop: dict[asyncio.AbstractEventLoop, list[_Write[object]]] = {}
            for write in group:
                by_loop.setdefault(write.loop, []).append(write)
            for loop, writes in by_loop.items():
                with suppress(RuntimeError):  # a loop that has ended
                    loop.call_soon_threadsafe(_settle, writes)
            if self._db is not None and self._leftovers and self._again_in() <= 0:
                self._empty(self._db, wait=False)
        if self._db is not None:
            self._let_go(self._db)

    def _next(self) -> tuple[list[_Write[object]], bool]:
        """Wait for what is to be written, none where the side file is due before, and say whether it is the last."""
        group: list[_Write[object]] = []
        with suppress(queue.Empty):
            found = self._waiting.get(timeout=max(self._again_in(), 0) if self._leftovers and self._db else None)
            while found is not None:
                group.append(found)
                if len(group) == MOST_AT_ONCE:
                    return group, False
                found = self._waiting.get_nowait()
            return group, True
        return group, False

    def _again_in(self) -> float:
        return self._tried + AGAIN_SECONDS - time.monotonic()

    def _commit(self, group: Sequence[_Write[object]]) -> None:
        """Carry out a group in one transaction, or, where one of it has a fault of its own, each by itself."""
        if not group:
            return
        try:
            if self._db is None:
                self._path, self._db = self._open_file()
            began = time.perf_counter()
            self._transact(self._db, group)
            self._took(time.perf_counter() - began)
            self._refused = ""
        except StoreError as error:
            self._refuse(group, error)
        except sqlite3.Error as error:
            self._refuse(group, explain(self._path, error))
            if self._db is not None:
                self._let_go(self._db)
        except Exception as error:
            if len(group) == 1:
                group[0].done = error
            else:
                for write in group:
                    self._commit([write])

    def _transact(self, db: sqlite3.Connection, group: Sequence[_Write[object]]) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for write in group:
                write.carry_out(db)
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite has rolled back by itself
                db.execute("ROLLBACK")
            raise
        if any(write.erases for write in group):
            # Only the first waits for who reads: each later one would hold up all rooms for as long.
            wait, self._leftovers = not self._leftovers, True
            self._empty(db, wait)

    def _empty(self, db: sqlite3.Connection, wait: bool) -> None:
        """Empty the side file, which holds pages as they were before. What is committed stays so where that fails."""
        try:
            (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
            try:
                if not wait:
                    db.execute("PRAGMA busy_timeout = 0")
                busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                db.execute(f"PRAGMA busy_timeout = {patience}")
            self._leftovers, self._left = bool(busy), ""
        except sqlite3.Error as error:
            if str(error) != self._left:
                _log.error(
                    "What was redacted or forgotten may still be in %s-wal, which cannot be emptied (%s). Look after "
                    "the disk and its free space; it is tried again every %g seconds.",
                    self._path, error, AGAIN_SECONDS,
                )  # fmt: skip
            self._left = str(error)
        self._tried = time.monotonic()

    def _refuse(self, group: Sequence[_Write[object]], error: StoreError) -> None:
        if str(error) != self._refused:
            _log.error("%s", error)
        self._refused = str(error)
        for write in group:
            write.done = refusal(error)

    def _let_go(self, db: sqlite3.Connection) -> None:
        self._db = None
        with suppress(sqlite3.Error):
            db.close()


def _settle(writes: Sequence[_Write[object]]) -> None:
    for write in writes:
        try:
            write.settle()
        except Exception:
            # It is stored and acknowledged: a listener that fails takes nothing from the others.
            _log.exception("A listener failed on what was stored")
