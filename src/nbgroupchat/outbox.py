"""One client's bounded send queue.

It holds places, not frames: how far the client is in each room's log, and how many pieces it has of each open reply.
What it misses is taken from the room when the client can take it, encoded once for all who miss the same. So a slow
reader gets fewer and larger frames, and costs no more memory than a quick one. Of what is ephemeral only the newest of
each kind waits. Knows nothing of sockets: frames are handed to `write`, which says whether the reader keeps up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from nbgroupchat.log import Gap


class Source(Protocol):
    """A room, as an outbox sees it: where the frames come from."""

    def entries_after(self, seq: int) -> tuple[bytes, int] | None:
        """Give a frame of the entries that follow `seq` and the last one's `seq`; None where none do.

        Raises Gap where they are no longer held.
        """

    def pieces_after(self, reply: str, pieces: int) -> tuple[bytes, int] | None:
        """Give a frame of what follows the first `pieces` of an open reply, and how many there are then, or None."""

    def live(self, seq: int) -> bytes:
        """Give the frame that says that a reader has everything up to `seq`."""


Write: TypeAlias = Callable[[bytes], bool]
"""Takes a frame; False where the reader is behind and `Outbox.drained` will be called when it has caught up."""


class _Cursor:
    def __init__(self, seq: int, live_at: int) -> None:
        self.seq = seq
        self.live_at: int | None = live_at
        self.replies: dict[str, int] = {}
        self.newest: dict[str, bytes] = {}


class Outbox:
    """What one client is still to be sent. `lost` is called once when it is too far behind: it has to join again."""

    def __init__(self, write: Write, lost: Callable[[], None]) -> None:
        self._write = write
        self._lost = lost
        self._cursors: dict[Source, _Cursor] = {}
        self._waiting: dict[Source, None] = {}
        self._corks = 0
        self._blocked = False
        self.sent = 0
        """How many frames were written."""

    def follow(self, source: Source, seq: int, live_at: int, pieces: dict[str, int]) -> None:
        """Begin to send a room from entry `seq` on, saying `live` after entry `live_at`, and its open replies, of each
        of which the client has that many pieces.
        """
        cursor = self._cursors[source] = _Cursor(seq, live_at)
        cursor.replies.update(pieces)
        self.wake(source)

    def follow_reply(self, source: Source, reply: str) -> None:
        """Begin to send the pieces of a reply that has just been opened."""
        if cursor := self._cursors.get(source):
            cursor.replies[reply] = 0

    def drop_reply(self, source: Source, reply: str) -> None:
        """Send no more pieces of a reply: its close carries the whole text."""
        if cursor := self._cursors.get(source):
            cursor.replies.pop(reply, None)

    def wake(self, source: Source) -> None:
        """Send what is new in a room."""
        if source in self._cursors:
            self._waiting[source] = None
            self.flush()

    def put_newest(self, source: Source, key: str, frame: bytes) -> None:
        """Queue an ephemeral frame, in place of one with the same `key` that still waits."""
        if cursor := self._cursors.get(source):
            cursor.newest[key] = frame
            self.wake(source)

    def leave(self, source: Source) -> None:
        """Send no more of a room."""
        self._cursors.pop(source, None)
        self._waiting.pop(source, None)

    @contextmanager
    def corked(self) -> Iterator[None]:
        """Hold frames back inside the block, so that a command's answer comes before what it caused."""
        self._corks += 1
        try:
            yield
        finally:
            self._corks -= 1
            self.flush()

    def drained(self) -> None:
        """Go on after `write` had said that the reader is behind."""
        self._blocked = False
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as the reader keeps up."""
        while self._waiting and not (self._blocked or self._corks):
            source = next(iter(self._waiting))
            try:
                frame = self._next(source, self._cursors[source])
            except Gap:
                self.close()
                self._lost()
                return
            if frame is None:
                del self._waiting[source]
            else:
                self._blocked = not self._write(frame)
                self.sent += 1

    def close(self) -> None:
        """Send nothing any more."""
        self._cursors.clear()
        self._waiting.clear()

    def _next(self, source: Source, cursor: _Cursor) -> bytes | None:
        """Take the next frame: the log before everything, then `live`, then pieces, then what is ephemeral."""
        if found := source.entries_after(cursor.seq):
            frame, cursor.seq = found
            return frame
        if cursor.live_at is not None and cursor.seq >= cursor.live_at:
            cursor.live_at = None
            return source.live(cursor.seq)
        for reply, pieces in cursor.replies.items():
            if found := source.pieces_after(reply, pieces):
                frame, cursor.replies[reply] = found
                return frame
        for key in cursor.newest:
            return cursor.newest.pop(key)
        return None
