"""The agent: a member that hears every room, and answers posts that address it, one after another.

It speaks only through its seat and hears a stop as everybody does, by the close of its reply. It knows nothing of hubs,
connections or model files.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Sequence
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
    ReplyClosed,
    ReplyOpened,
    ReplyStatus,
    Status,
)
from nbgroupchat.settings import Settings
from nbgroupchat.slices import slices
from nbgroupchat.window import BYTES_PER_TOKEN, Window, cue

SLICE_SECONDS = 0.05
"""Pieces that come within this time are told together: at 20 to 60 tokens/s a browser's frames would merge nothing."""

MAX_WAITING = 100
"""How many questions wait at most, in all rooms together; one more is told so at once."""

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

    def announce(self, status: Status) -> None:
        """Tell every room how the model is."""


class Agent:
    """Answers with what `engine` writes, once it has been given a seat."""

    _seat: Seat

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._sampling = Sampling(settings.reply_tokens, settings.temperature, settings.seed)
        self._windows: dict[str, Window] = {}
        self._waiting: deque[tuple[str, Posted]] = deque()
        self._turn: asyncio.Task[None] | None = None
        self._open_reply: str | None = None

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
        window = self._windows[room]
        for event in events:
            if isinstance(event, (Posted, ReplyOpened, ReplyClosed)):
                window.apply(event)
            if isinstance(event, Posted) and self._seat.me(room) in event.asks:
                self._waiting.append((room, event))
            elif isinstance(event, Posted) and self._turn is None:
                self._engine.listen(room, window.read_ahead())
            elif isinstance(event, ReplyOpened) and self._turn is not None:
                self._open_reply = event.eid
            elif isinstance(event, ReplyClosed) and event.id == self._open_reply and self._turn is not None:
                self._turn.cancel()
        self._next_turn()

    async def close(self) -> None:
        """Stop answering and end the engine."""
        self._waiting.clear()
        if self._turn is not None:
            self._turn.cancel()
            await asyncio.wait([self._turn])
        await self._engine.close()

    def _tell(self, status: EngineStatus) -> None:
        self._seat.announce(Status(status.state, status.model, status.progress, status.message))

    def _next_turn(self) -> None:
        if self._turn is None and self._waiting:
            room, asked = self._waiting.popleft()
            self._turn = asyncio.get_running_loop().create_task(self._answer(room, asked))
            self._turn.add_done_callback(lambda turn: self._ended(room, turn))

    def _ended(self, room: str, turn: asyncio.Task[None]) -> None:
        self._turn = self._open_reply = None
        if not turn.cancelled() and (error := turn.exception()) is not None:
            _log.error("The agent could not answer in room %s", room, exc_info=error)
        if self._waiting:
            self._next_turn()
        else:
            self._engine.listen(room, self._windows[room].read_ahead())

    async def _answer(self, room: str, asked: Posted) -> None:
        window = self._windows[room]
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
            await self._seat.close_reply(room, reply, status, error)
            await stream.aclose()

    async def _write(
        self, room: str, reply: str, stream: AsyncGenerator[Piece | Finish, None], guard: Guard
    ) -> ReplyStatus:
        """Tell what the model writes, slice by slice, until it has finished, is stopped, or has said enough."""
        told = pieces = size = 0
        status: ReplyStatus | None = None
        async for batch in slices(stream, SLICE_SECONDS):
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
