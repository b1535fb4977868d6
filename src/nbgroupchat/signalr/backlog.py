"""What a connection over plain HTTP requests is still to be sent: frames that wait until a request takes them.

The base of the two transports that are made of requests (`eventstream`, `longpolling`). This module knows nothing of
HTTP. Covered: what waits is bounded as a WebSocket's is, for `write` says that the reader is behind; one request takes
at a time, a newer one sends the older away; what was said last is kept for a short while and then forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.keepalive import Clock, Timer
from nbgroupchat.signalr.websocket import HIGH_WATER

LINGER = 5.0
"""Seconds for which a closed connection keeps its last words, as long as Tornado waits for a WebSocket's answer."""


class Backlog:
    """A transport whose frames wait to be taken.

    `sender` is the one request that brings messages of the client now, or None.
    """

    def __init__(self, clock: Clock) -> None:
        self.sender: object | None = None
        self.closed = False
        self._clock = clock
        self._frames: list[bytes] = []
        self._size = 0  # bytes in `_frames`
        self._behind = False
        self._taking: tuple[object, asyncio.Future[None]] | None = None
        self._linger: Timer | None = None

    def attach(self, connection: Connection, lost: Callable[[], None], forget: Callable[[], None]) -> None:
        """Learn whose transport this is, whom to tell that it has closed, and whom that nothing more is to be said."""
        self._connection = connection
        self._lost = lost
        self._forget = forget

    def write(self, payload: bytes) -> bool:
        """Keep `payload` until it is taken; False when much is waiting already, or nobody will come."""
        if self.closed:
            return False
        self._frames.append(payload)
        self._size += len(payload)
        self._behind = self._behind or self._size > HIGH_WATER
        self._wake()
        return not self._behind

    def close(self, _code: int = 1000, _reason: str = "") -> None:
        """End. What was written before may still be taken for a while. Harmless when repeated."""
        if not self.closed:
            self.closed = True
            self._wake()
            self._linger = self._clock.call_later(LINGER, self.give_up)
            self._lost()

    def give_up(self) -> None:
        """Wait no longer for the last words to be taken."""
        self.forget()

    def forget(self) -> None:
        """Drop what is left: nobody can come back to this connection. Harmless when repeated."""
        if self._linger is not None:
            self._linger.cancel()
        self._frames.clear()
        self._wake()
        self._forget()

    def finished(self) -> bool:
        """Say whether it has ended and everything was taken."""
        return self.closed and not self._frames

    async def take(self, taker: object) -> bytes | None:
        """Wait for frames and take all there are, or None: it has ended, or a newer taker came, or this one left."""
        previous, mine = self._taking, asyncio.get_running_loop().create_future()
        self._taking = (taker, mine)
        if previous is not None and not previous[1].done():
            previous[1].set_result(None)
        if not self._frames and not self.closed:
            await mine
        if self._taking is None or self._taking[1] is not mine:
            return None
        self._taking = None
        payload = b"".join(self._frames)
        self._frames.clear()
        self._size = 0
        if self._behind:
            self._behind = False
            self._connection.drained()
        return payload or None

    def leave(self, taker: object) -> None:
        """Hear that a taker has gone."""
        if self._taking is not None and self._taking[0] is taker:
            self._wake()
            self._taking = None

    def _wake(self) -> None:
        # What is written in the same breath goes together: the taker looks only when it runs.
        if self._taking is not None and not self._taking[1].done():
            self._taking[1].set_result(None)
