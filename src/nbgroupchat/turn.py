"""One turn of the agent: a question, what the model reads for it, and the reply as it is written.

Everything it says goes through its seat, piece by piece, and what the model read is recorded with it. Knows nothing of
who waits (`turns`), of hubs or of model files.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

from msgspec.structs import replace

from nbgroupchat.engines.base import (
    Engine,
    EngineError,
    EngineInterrupted,
    Finish,
    Part,
    Piece,
    Reading,
    Sampling,
)
from nbgroupchat.errors import Refusal
from nbgroupchat.explain import ReplyRecord, Seen, encode_record, seen_in
from nbgroupchat.guard import Guard
from nbgroupchat.logbook import note
from nbgroupchat.measures import Measures
from nbgroupchat.prompt import Segment
from nbgroupchat.protocol import MAX_TEXT, Delta, DurableEvent, Queue, ReplyStatus, Status
from nbgroupchat.slices import slices
from nbgroupchat.turns import Request
from nbgroupchat.window import Window, cue

SLICE_SECONDS = 0.05
"""Pieces that come within this time are told together: at 20 to 60 tokens/s a browser's frames would merge nothing."""

COUNTS = ("prompt", "evaluated", "cached", "written")

_NO_END = "The model ended without saying so. Ask again."
_SERVER_ENDED = "The server ended before this was written. Ask again."

_log = logging.getLogger(__name__)


class Seat(Protocol):
    """What the agent can do in a room."""

    def me(self, room: str) -> str:
        """Give the agent's member id."""

    async def open_reply(self, room: str, request: Request, context: int) -> str:
        """Begin to answer a request, having read everything up to entry `context`; gives the reply's id."""

    async def write(self, room: str, delta: Delta) -> bool:
        """Add pieces to a reply; False where it has been closed."""

    async def close_reply(self, room: str, reply: str, status: ReplyStatus, error: str | None = None) -> None:
        """End a reply, unless it has been closed already."""

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """Keep what the model read for a reply."""

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        """Give the entries that made and changed these messages. Raises Refusal."""

    def show_queue(self, room: str, queue: Queue) -> None:
        """Tell a room which of its questions wait."""

    def announce(self, status: Status) -> None:
        """Tell every room how the model is."""


class Turn:
    """A question in a room that is being answered by `engine`; once it is open, `reply` is the reply's id."""

    def __init__(
        self, seat: Seat, engine: Engine, sampling: Sampling, room: str, request: Request, measures: Measures
    ) -> None:
        self.request = request
        self.asked = request.asked
        self.reply: str | None = None
        self.task: asyncio.Task[None] | None = None
        self._seat = seat
        self._engine = engine
        self._sampling = sampling
        self._room = room
        self._measures = measures
        self._over = False
        self._ending = False
        self._pieces: list[Piece] = []
        self._record: ReplyRecord | None = None
        self._finish: Finish | None = None
        self._sampled: tuple[int, ...] = ()

    def stop(self) -> None:
        """Write no more of it."""
        # The close that is heard at last is the turn's own, which must not stop it in the middle of its end.
        if self.task is not None and not self._over:
            self.task.cancel()

    def end(self) -> None:
        """Write no more of it, since the server ends; a reply whose opening is being stored is closed too."""
        self._ending = True
        if self.task is not None:
            self.task.cancel()

    def closed(self, text: str) -> tuple[int, ...]:
        """Hear what the reply says in the end; gives the ids that all of it was sampled as, none where not known."""
        self._sampled = self._ids_of(text)
        return self._sampled

    def _ids_of(self, text: str) -> tuple[int, ...]:
        # White space around a reply is sampled and not told.
        ids: list[int] = []
        found: tuple[int, ...] = ()
        said, wanted = "", text.strip()
        for piece in self._pieces:
            said += piece.text
            ids += piece.ids
            if not piece.ids or len(said.strip()) > len(wanted):
                break
            if said.strip() == wanted:
                found = tuple(ids)
        return found

    async def answer(self, window: Window, agent_name: str) -> None:
        """Open the reply, tell what the model writes, and close it with how it ended."""
        context = window.seq
        prompt, left_out = window.prompt(self.asked.eid, self.request.continues), window.left_out()
        speakers = window.speakers_of()
        guard = Guard(agent_name, window.speakers(), cue(agent_name))
        reply = self.reply = await self._begin(context)
        if reply is None:
            return
        note("reply_begun", room=self._room, reply=reply)
        began = time.monotonic()
        status: ReplyStatus = "interrupted"
        error: str | None = None
        stream = self._engine.stream(self._room, prompt, self._sampling)
        try:
            reading = await anext(stream)
            if isinstance(reading, Reading):
                kept = prompt.kept(reading.dropped)
                left_out += _messages(prompt.segments) - _messages(kept)
                await self._keep(self._begun(reading, seen_in(kept, speakers), left_out))
            status = await self._write(reply, stream, guard)
        except StopAsyncIteration:
            error = _NO_END
        except EngineInterrupted as found:
            error = str(found)
        except EngineError as found:
            status, error = "failed", str(found)
        except Refusal as found:
            status, error = "failed", found.message
        except Exception:
            incident = secrets.token_hex(4)
            _log.exception("The model failed in an unforeseen way, incident %s", incident)
            status, error = "failed", f"The model failed in an unforeseen way; the server's log has more at {incident}."
        finally:
            self._over = True
            try:
                await self._seat.close_reply(self._room, reply, status, error)
            finally:
                await stream.aclose()
                record = self._ended(self._record) if self._record is not None else None
                counts = {} if record is None else {name: getattr(record, name) for name in COUNTS}
                ms = round(1000 * (time.monotonic() - began))
                note("reply_ended", room=self._room, reply=reply, status=status, **counts, ms=ms)
                if record is not None:
                    await self._keep(record)

    async def _begin(self, context: int) -> str | None:
        try:
            return await begin(self._seat, self._room, self.request, context)
        except asyncio.CancelledError:
            # What was being stored is stored all the same. Where the server goes on, whoever withdrew it closes it.
            if self._ending:
                with suppress(Refusal):
                    reply = await self._seat.open_reply(self._room, self.request, context)
                    await self._seat.close_reply(self._room, reply, "interrupted", _SERVER_ENDED)
            raise

    def _begun(self, reading: Reading, seen: tuple[Seen, ...], left_out: int) -> ReplyRecord:
        model = self._engine.model
        return ReplyRecord(
            model=model.name if model is not None else self._engine.status.model,
            sha256=model.sha256 if model is not None else "",
            context_tokens=model.context_tokens if model is not None else 0,
            seen=seen,
            left_out=left_out,
            spelled=reading.replies,
            prompt=reading.prompt,
            evaluated=reading.evaluated,
            cached=reading.cached,
            max_tokens=self._sampling.max_tokens,
            temperature=self._sampling.temperature,
            seed=reading.seed,
        )

    def _ended(self, record: ReplyRecord) -> ReplyRecord:
        model, end = self._engine.model, self._finish
        if model is not None:
            # The hash of a large file takes a while.
            record = replace(record, sha256=model.sha256 or record.sha256)
        if end is not None:
            # Some engines can count only now.
            record = replace(record, prompt=end.prompt, evaluated=end.evaluated, cached=end.cached)
        written = end.written if end is not None else sum(len(piece.ids) or 1 for piece in self._pieces)
        self._measures.tokens.update(evaluated=record.evaluated, cached=record.cached, written=written)
        return replace(record, sampled=self._sampled, written=written)

    async def _keep(self, record: ReplyRecord) -> None:
        self._record = record
        await self._seat.record(self._room, self.reply or "", encode_record(record))

    async def _write(self, reply: str, stream: AsyncGenerator[Part, None], guard: Guard) -> ReplyStatus:
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
                        self._finish = item
                    elif isinstance(item, Piece):
                        text += guard.feed(item.text)
                        self._pieces.append(item)
                        pieces += 1
                fitting = text.encode()[: MAX_TEXT - size].decode(errors="ignore")
                size += len(fitting.encode())
                if fitting:
                    pieces = max(pieces, told + 1)
                    if not await self._seat.write(self._room, Delta(id=reply, start=told, end=pieces, text=fitting)):
                        return "stopped"
                    if told == 0:
                        self._measures.first_token.add(max(0.0, time.time() - self.asked.ts / 1000))
                    told = pieces
                if fitting != text:
                    return "length"
                if status is not None or guard.ended:
                    return status or "complete"
        raise EngineInterrupted(_NO_END)


async def begin(
    seat: Seat, room: str, request: Request, context: int, give_up: Callable[[], bool] = lambda: False
) -> str | None:
    """Open a reply, again and again where it cannot be stored now; None where that will not change by itself, or where
    it is time to `give_up`.
    """
    while True:
        try:
            return await seat.open_reply(room, request, context)
        except Refusal as refusal:
            _log.warning("A question in room %s cannot be answered: %s", room, refusal.message)
            if refusal.retry_ms is None or give_up():
                return None
            await asyncio.sleep(refusal.retry_ms / 1000)


def _messages(segments: Sequence[Segment]) -> int:
    return sum(bool(segment.key) for segment in segments)
