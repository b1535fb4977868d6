"""One view's connection to the hub through its kernel: frames up, frames down, and when it is over.

It knows nothing of the messages that carry the frames (`relay`) or of how the hub is reached (`pipe`), and reads no
frame.

Neither side can make it hold more than it may. What the panel sends is bounded in size and number; the hub is read only
as far as the panel acknowledges, and slower than Jupyter begins to drop. A panel that has gone without a word is let
go: its silence counts while no cell runs, for then its own pings arrive. While one runs they wait, and the line pings
the hub in its place, since a front end that is gone cannot be told from one that is not heard; after half a day it ends
all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.link import LinkClosed
from nbgroupchat.pipe import LOST, Pipe, open_pipe
from nbgroupchat.protocol import MAX_FRAME
from nbgroupchat.signalr.keepalive import Clock, KeepAlive
from nbgroupchat.signalr.messages import PING

log = logging.getLogger(__name__)

UP_FRAMES = 256
"""How many frames of a panel may wait for the hub."""

WINDOW_BYTES = 4 * 1024 * 1024
"""How much a panel may be sent beyond what it has said to have heard. While a cell runs it can say nothing."""

BYTES_PER_SECOND = 512 * 1024
"""How fast a panel is sent to. Above 1 MB a second Jupyter drops what a kernel sends (`iopub_data_rate_limit`)."""

PING_SECONDS = 15.0
"""After so long without a frame for the hub, which gives up after 30, it is sent a ping."""

SILENCE_SECONDS = 60.0
"""How long a panel may say nothing while no cell runs. Its SignalR client pings every 15 s, in a hidden tab too, where
timers are slow but the hub's pings wake it."""

LONGEST_CELL_SECONDS = 12 * 3600.0
"""How long a panel may say nothing because a cell runs."""

TOO_BIG, BROKEN, TRY_LATER = 1009, 1002, 1013
"""Close codes of RFC 6455 section 7.4.1, the last one as registered with IANA."""


class Line:
    """One view's connection to the hub. Lives on the connection's thread; `say` takes what to say and its fields."""

    def __init__(self, say: Callable[..., None], clock: Clock | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._say = say
        self._clock: Clock = clock or loop
        self._up: asyncio.Queue[str] = asyncio.Queue(UP_FRAMES)
        self._unheard: deque[tuple[int, int]] = deque()  # number and size of each frame
        self._unheard_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._end: asyncio.Future[tuple[int, str]] = loop.create_future()
        self._keeper: KeepAlive | None = None
        self._paused = False
        self._last_word = self._clock.time()

    async def run(self, found: ConnectionFile | None) -> None:
        """Carry frames both ways until either side ends it, and tell the panel how it ended."""
        try:
            pipe = await open_pipe(found)
        except LinkClosed as error:
            self._say("closed", code=LOST, reason=str(error))
            return
        tasks: list[asyncio.Task[None]] = []
        try:
            self._say("opened")
            tasks = [asyncio.ensure_future(work) for work in (self._carry_down(pipe), self._carry_up(pipe))]
            for task in tasks:
                task.add_done_callback(self._broke)
            code, reason = await self._end
            self._say("closed", code=code, reason=reason)
        finally:
            if self._keeper is not None:
                self._keeper.cancel()
            for task in tasks:
                task.cancel()
            pipe.leave()

    def heard(self, frames: Sequence[str], number: int) -> None:
        """Take what the panel says: its next frames, and the number of the last one it has heard."""
        self._last_word = self._clock.time()
        if self._keeper is not None:
            self._keeper.heard()
        while self._unheard and self._unheard[0][0] <= number:
            self._unheard_bytes -= self._unheard.popleft()[1]
        if self._unheard_bytes < WINDOW_BYTES:
            self._has_room.set()
        for frame in frames:
            self._take(frame)

    def pause(self, paused: bool) -> None:
        """Count the panel's silence from now on, or excuse it, because a cell runs."""
        self._paused = paused
        if self._keeper is not None:
            self._keeper.paused = paused
            self._keeper.heard()

    def end(self, code: int, reason: str) -> None:
        """End it, unless it has ended already."""
        if not self._end.done():
            self._end.set_result((code, reason))

    def _take(self, frame: str) -> None:
        try:
            size = len(frame.encode())
        except UnicodeEncodeError:
            self.end(BROKEN, "a frame holds half of a surrogate pair")
            return
        if size > MAX_FRAME:
            self.end(TOO_BIG, f"a frame has {size} bytes, and may have {MAX_FRAME}")
            return
        try:
            self._up.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(TRY_LATER, f"{UP_FRAMES} frames wait for the hub already")

    async def _carry_up(self, pipe: Pipe) -> None:
        while True:
            await pipe.send(await self._up.get())
            if self._keeper is None:
                # From here on, for the first frame is the handshake, before which the hub knows no ping.
                self._keeper = KeepAlive(self._clock, PING_SECONDS, SILENCE_SECONDS, self._ping, self._silent)
                self._keeper.paused = self._paused
            self._keeper.spoke()

    async def _carry_down(self, pipe: Pipe) -> None:
        number = 0
        while (frame := await pipe.receive()) is not None:
            await self._has_room.wait()
            number += 1
            self._say("frame", number=number, data=frame)
            self._unheard.append((number, len(frame)))
            self._unheard_bytes += len(frame)
            if self._unheard_bytes >= WINDOW_BYTES:
                self._has_room.clear()
            await asyncio.sleep(len(frame) / BYTES_PER_SECOND)
        self.end(*pipe.ended)

    def _ping(self) -> None:
        """Speak for a panel whose own pings wait for a cell to end."""
        if self._clock.time() - self._last_word > LONGEST_CELL_SECONDS:
            self.end(LOST, "the panel has said nothing for too long")
        elif self._up.empty():
            self._up.put_nowait(PING.decode())

    def _silent(self) -> None:
        self.end(LOST, f"the panel has said nothing for {SILENCE_SECONDS:.0f} s")

    def _broke(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, LinkClosed):
            log.error("the relay failed", exc_info=error)
        self.end(LOST, str(error) if isinstance(error, LinkClosed) else "the relay failed")
