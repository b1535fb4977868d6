"""The agent: a member that hears every room, and answers posts that address it, one after another.

It speaks only through its seat and hears a stop as everybody does, by the close of its reply. It knows nothing of hubs,
connections or model files.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Protocol

from nbgroupchat.engines.base import (
    Engine,
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Finish,
    Piece,
    Sampling,
)
from nbgroupchat.guard import Guard
from nbgroupchat.protocol import (
    MAX_TEXT,
    Delta,
    DurableEvent,
    Event,
    Posted,
    Queue,
    ReplyClosed,
    ReplyOpened,
    ReplyStatus,
    Status,
)
from nbgroupchat.settings import Settings
from nbgroupchat.slices import slices
from nbgroupchat.turns import TurnQueue, TurnRefused
from nbgroupchat.window import BYTES_PER_TOKEN, Window, cue

SLICE_SECONDS = 0.05
"""Pieces that come within this time are told together: at 20 to 60 tokens/s a browser's frames would merge nothing."""

_log = logging.getLogger(__name__)


class Seat(Protocol):
    """What the agent can do in a room."""

    def me(self, room: str) -> str:
        """Give the agent's member id."""

    async def open_reply(self, room: str, to: str, context: int) -> str:
        """Begin to answer the message `to`, having read everything up to entry `context`; gives the reply's id."""

    async def write(self, room: str, delta: Delta) -> bool:
        """Add pieces to a reply; False where it has been closed."""

    async def close_reply(self, room: str, reply: str, status: ReplyStatus, error: str | None = None) -> None:
        """End a reply, unless it has been closed already."""

    def show_queue(self, room: str, queue: Queue) -> None:
        """Tell a room which of its questions wait."""

    def announce(self, status: Status) -> None:
        """Tell every room how the model is."""


class _Turn:
    """A question that is being answered: the task that does it and, once it is open, the reply's id."""

    def __init__(self, asked: Posted) -> None:
        self.asked = asked
        self.reply: str | None = None
        self.task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Agent:
    """Answers with what `engine` writes, once it has been given a seat: one reply at a time in each room."""

    _seat: Seat

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._sampling = Sampling(settings.reply_tokens, settings.temperature, settings.seed)
        self._windows: dict[str, Window] = {}
        self._queue = TurnQueue(settings.turns_per_minute)
        self._queued: set[str] = set()
        self._turns: dict[str, _Turn] = {}
        self._refusals: set[asyncio.Task[None]] = set()

    def sit(self, seat: Seat) -> None:
        """Take a seat, and say how the model is from now on."""
        self._seat = seat
        self._engine.watch(self._tell)
        self._tell(self._engine.status)

    def opened(self, room: str, entries: Sequence[DurableEvent]) -> None:
        """Hear what a room's log held; what was asked then is not answered now. The first room starts the model."""
        budget = (self._settings.context_tokens - self._settings.reply_tokens) * BYTES_PER_TOKEN
        window = Window(self._settings.agent_name, room, budget, self._settings.system_prompt)
        for entry in entries:
            window.apply(entry)
        self._windows[room] = window
        self._engine.start()

    def hear(self, room: str, events: Sequence[Event]) -> None:
        """Hear what happened in a room."""
        window, turn = self._windows[room], self._turns.get(room)
        for event in events:
            if isinstance(event, (Posted, ReplyOpened, ReplyClosed)):
                window.apply(event)
            if isinstance(event, Posted):
                if self._seat.me(room) in event.asks:
                    self._ask(room, event)
                elif turn is None:
                    self._engine.listen(room, window.read_ahead())
            elif turn is not None and isinstance(event, ReplyOpened) and event.to == turn.asked.eid:
                turn.reply = event.eid
            elif turn is not None and isinstance(event, ReplyClosed) and event.id == turn.reply:
                turn.stop()
        self._next_turns()

    def withdraw(self, room: str, asked: str) -> bool:
        """Answer a question no more that has no reply yet; False where it is not waiting for one."""
        turn = self._turns.get(room)
        if turn is not None and turn.asked.eid == asked and turn.reply is None:
            turn.stop()
            return True
        withdrawn = self._queue.withdraw(room, asked)
        self._next_turns()
        return withdrawn

    def closed(self, room: str) -> None:
        """Hear that an empty room was given back."""
        self._windows.pop(room, None)

    async def close(self) -> None:
        """Stop answering and end the engine."""
        self._queue.clear()
        tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
        for task in tasks:
            task.cancel()
        if running := [*tasks, *self._refusals]:
            await asyncio.wait(running)
        await self._engine.close()

    def _tell(self, status: EngineStatus) -> None:
        self._seat.announce(Status(status.state, status.model, status.progress, status.message))

    def _ask(self, room: str, asked: Posted) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._queue.add(room, asked, loop.time())
        except TurnRefused as refused:
            # An answer like any other, for whoever asked may be a cell that waits for one.
            task = loop.create_task(self._refuse(room, asked, str(refused)))
            self._refusals.add(task)
            task.add_done_callback(self._refusals.discard)

    async def _refuse(self, room: str, asked: Posted, why: str) -> None:
        reply = await self._seat.open_reply(room, asked.eid, asked.seq)
        await self._seat.close_reply(room, reply, "failed", why)

    def _next_turns(self) -> None:
        """Begin what can begin, and let everybody know who waits."""
        while len(self._turns) < self._settings.turns_at_once and (found := self._queue.take(self._turns)):
            room, asked = found
            turn = self._turns[room] = _Turn(asked)
            turn.task = asyncio.get_running_loop().create_task(self._answer(room, turn))
            turn.task.add_done_callback(partial(self._ended, room))
        waiting = self._queue.waiting(len(self._turns))
        for room in self._queued | set(waiting):
            self._seat.show_queue(room, Queue(waiting.get(room, ())))
        self._queued = set(waiting)

    def _ended(self, room: str, task: asyncio.Task[None]) -> None:
        del self._turns[room]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("The agent could not answer in room %s", room, exc_info=error)
        self._next_turns()
        if room not in self._turns and room in self._windows:
            self._engine.listen(room, self._windows[room].read_ahead())

    async def _answer(self, room: str, turn: _Turn) -> None:
        window, asked = self._windows[room], turn.asked
        prompt, context = window.prompt(asked.eid), window.seq
        guard = Guard(self._settings.agent_name, window.speakers(), cue(self._settings.agent_name))
        reply = await self._seat.open_reply(room, asked.eid, context)
        status: ReplyStatus = "interrupted"
        error: str | None = None
        stream = self._engine.stream(room, prompt, self._sampling)
        try:
            status = await self._write(room, reply, stream, guard)
        except EngineInterrupted as found:
            error = str(found)
        except EngineError as found:
            status, error = "failed", str(found)
        except Exception:
            incident = secrets.token_hex(4)
            _log.exception("The model failed in an unforeseen way, incident %s", incident)
            status, error = "failed", f"The model failed in an unforeseen way; the server's log has more at {incident}."
        finally:
            # From here on the close that is heard is this turn's own, which must not stop it in the middle of its end.
            turn.reply = None
            try:
                await self._seat.close_reply(room, reply, status, error)
            finally:
                await stream.aclose()

    async def _write(
        self, room: str, reply: str, stream: AsyncGenerator[Piece | Finish, None], guard: Guard
    ) -> ReplyStatus:
        """Tell what the model writes, slice by slice, until it has finished, is stopped, or has said enough."""
        told = pieces = size = 0
        status: ReplyStatus | None = None
        async with aclosing(slices(stream, SLICE_SECONDS)) as batches:
            async for batch in batches:
                text = ""
                for item in batch:
                    if isinstance(item, Finish):
                        text += guard.finish()
                        status = item.reason
                    else:
                        text += guard.feed(item.text)
                        pieces += 1
                fitting = text.encode()[: MAX_TEXT - size].decode(errors="ignore")
                size += len(fitting.encode())
                if fitting:
                    pieces = max(pieces, told + 1)
                    if not await self._seat.write(room, Delta(id=reply, start=told, end=pieces, text=fitting)):
                        return "stopped"
                    told = pieces
                if fitting != text:
                    return "length"
                if status is not None or guard.ended:
                    return status or "complete"
        raise EngineInterrupted("The model ended without saying so. Ask again.")
