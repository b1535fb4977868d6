"""What the worker does with its requests: writes replies for several rooms at once, and reads ahead beside them.

Each step is one batch, and a stop is looked at before every one. Knows the model only by its interface, and nothing of
pipes or llama.cpp.
"""

from __future__ import annotations

import math
import queue
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

import msgspec

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_batches import Job, next_batch, reads_ahead
from nbgroupchat.engines.llama_messages import (
    Alive,
    Began,
    Failed,
    Finished,
    Forget,
    Generate,
    Listen,
    Rebuild,
    Rebuilt,
    Report,
    Stop,
    Written,
)
from nbgroupchat.engines.llama_model import Model, ModelError, Part, Sampler
from nbgroupchat.engines.llama_parking import Parking
from nbgroupchat.engines.llama_reply import ReplyText
from nbgroupchat.engines.llama_rest import Rest
from nbgroupchat.engines.llama_sequences import Sequences
from nbgroupchat.engines.prompt_ids import Composed, Composer

_Reason: TypeAlias = Literal["complete", "length", "stopped"]
_Request: TypeAlias = Generate | Listen | Forget | Stop | Rebuild

PACE = 0.025
"""Seconds between two reports of a reply. Each wakes the server, which takes a core from the threads that write.
Readers are told in slices of twice that.
"""


class _Turn:
    """A turn that has a sequence: first its prompt is read, then its reply is written."""

    def __init__(self, request: Generate, composed: Composed, began: Began, sequence: int, sampler: Sampler) -> None:
        self.request = request
        self.composed = composed
        self.began = began
        self.sequence = sequence
        self.sampler = sampler
        self.reply = ReplyText()
        self.token: int | None = None
        """Sampled, but not read yet."""
        self.told = -math.inf
        """When something was reported last."""


class Turns:
    """Works through requests; `put` may be called from another thread."""

    def __init__(
        self,
        model: Model,
        composer: Composer,
        report: Callable[[Report], None],
        parked_bytes: int = 0,
        rest: Rest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sequences = Sequences(model, Parking(parked_bytes))
        self._model = model
        self._composer = composer
        self._report = report
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._waiting: list[Generate] = []
        self._turns: list[_Turn] = []
        self._hints: dict[str, Listen] = {}
        self._forgets: dict[str, Forget] = {}
        self._newest = 0
        # Turns whose stop overtook them.
        self._early: set[int] = set()
        self._reply_tokens = Sampling().max_tokens
        self._batches = 0
        self._rest = rest or Rest(1.0, lambda: 0.0)
        self._clock = clock

    def put(self, request: _Request) -> None:
        """Take a request. Of a room's hints only the latest counts."""
        self._requests.put(request)

    def run(self) -> None:
        """Answer requests for ever."""
        while True:
            if not self.step():
                self._wait()

    def step(self) -> bool:
        """Take in what was asked and read one batch; False where there is nothing to read."""
        while not self._requests.empty():
            self._take(self._requests.get())
        self._begin_turns()
        jobs = self._jobs()
        parts = next_batch(jobs, self._batches)
        self._batches += 1
        if any(job.kind == "ahead" for job in jobs):
            self._rest.begin()
            self._read(parts)
            self._rest.end()
        elif parts:
            self._read(parts)
        return bool(parts)

    def _wait(self) -> None:
        """Until something is asked, or what was heard may be read."""
        with suppress(queue.Empty):
            self._take(self._requests.get(timeout=self._rest.left if self._hints else None))

    def _take(self, request: _Request) -> None:
        match request:
            case Generate(turn=turn):
                self._newest = turn
                # What was to be read ahead begins this prompt too.
                self._hints.pop(request.room, None)
                self._waiting.append(request)
                if turn in self._early:
                    self._early.remove(turn)
                    self._give_up(request)
            case Listen(room=room):
                # One that comes during a reply cannot know it, and would have it forgotten.
                if all(asked.room != room for asked in (*self._waiting, *(turn.request for turn in self._turns))):
                    self._hints[room] = request
            case Forget(room=room):
                self._hints.pop(room, None)
                self._forgets[room] = request
                self._forget(room)
            case Stop():
                self._stop(request)
            case Rebuild():
                length = self._prompt_length(request.max_tokens)
                ids = self._composer.rebuild(request.segments, request.replies, length, request.dropped)
                self._report(Rebuilt(request.turn, ids))

    def _forget(self, room: str) -> None:
        """Let go of what was redacted in a room; while a reply is written from it, that waits for the reply's end."""
        if room in self._forgets and all(turn.request.room != room for turn in self._turns):
            self._composer.forget_texts()
            self.sequences.keep(room, self._compose(self._forgets.pop(room), self._reply_tokens).ids)

    def _stop(self, stop: Stop) -> None:
        turn = next((turn for turn in self._turns if turn.request.turn == stop.turn), None)
        if turn is not None:
            self._end(turn, "stopped")
            return
        for request in self._waiting:
            if request.turn == stop.turn:
                self._give_up(request)
                return
        if stop.turn > self._newest:
            self._early.add(stop.turn)

    def _give_up(self, request: Generate) -> None:
        self._waiting.remove(request)
        self._report(Finished(turn=request.turn, reason="stopped"))

    def _begin_turns(self) -> None:
        """Give sequences to those who wait, in their order; a room's next turn waits for the one before."""
        for request in tuple(self._waiting):
            if any(turn.request.room == request.room for turn in self._turns):
                continue
            if (sequence := self.sequences.take(request.room, busy=True)) is not None:
                self._waiting.remove(request)
                self._begin(request, sequence)

    def _begin(self, request: Generate, sequence: int) -> None:
        self._reply_tokens = request.sampling.max_tokens
        seed = request.sampling.seed & 0xFFFFFFFF or random.SystemRandom().randrange(1, 2**32)
        request = msgspec.structs.replace(request, sampling=msgspec.structs.replace(request.sampling, seed=seed))
        composed = self._compose(request, self._reply_tokens)
        cached = self.sequences.begin(sequence, composed.ids, sample=True)
        began = Began(
            turn=request.turn,
            prompt=len(composed.ids),
            evaluated=len(composed.ids) - cached,
            cached=cached,
            dropped=composed.dropped,
            replies=composed.replies,
            seed=seed,
        )
        self._turns.append(_Turn(request, composed, began, sequence, self._model.sampler(request.sampling)))
        self._report(began)

    def _compose(self, request: Generate | Listen | Forget, reply_tokens: int) -> Composed:
        length = self._prompt_length(reply_tokens)
        return self._composer.compose(request.room, request.segments, length, opening=isinstance(request, Generate))

    def _prompt_length(self, reply_tokens: int) -> int:
        return max(self._model.context_tokens - reply_tokens, self._model.context_tokens // 2)

    def _jobs(self) -> list[Job]:
        jobs = []
        for turn in self._turns:
            held = len(self.sequences.held(turn.sequence))
            if turn.token is not None:
                jobs.append(Job(turn.sequence, held, [turn.token], "writing"))
            else:
                jobs.append(Job(turn.sequence, held, turn.composed.ids[held:], "asked"))
        if not self._rest.left and reads_ahead(jobs, self._batches) and (ahead := self._read_ahead()) is not None:
            jobs.append(ahead)
        return jobs

    def _read_ahead(self) -> Job | None:
        """The next hint that has something to read and a sequence to read it into."""
        for room, hint in tuple(self._hints.items()) if len(self._turns) < self._model.sequences else ():
            sequence = self.sequences.take(room, busy=False)
            if sequence is None:
                # It would drive out what cannot be kept. The next post brings another.
                del self._hints[room]
                continue
            ids = self._compose(hint, self._reply_tokens).ids
            held = self.sequences.begin(sequence, ids, sample=False)
            if held < len(ids):
                return Job(sequence, held, ids[held:], "ahead")
            del self._hints[room]
        return None

    def _read(self, parts: Sequence[Part]) -> None:
        try:
            rows = self._model.decode(parts)
        except ModelError as error:
            self._refused(parts, error)
            return
        for part, row in zip(parts, rows, strict=True):
            self.sequences.read(part)
            turn = next((turn for turn in self._turns if turn.sequence == part.sequence), None)
            if turn is None:
                continue
            if part.sample:
                self._write(turn, turn.sampler.choose(row))
            else:
                self._report(Alive(turn.request.turn))

    def _refused(self, parts: Sequence[Part], error: ModelError) -> None:
        """Find the part that cannot be read, by reading each alone."""
        for part in parts:
            if self.sequences.repair(part.sequence) and len(parts) > 1:
                self._read([part])
            else:
                self._fail(part.sequence, error)

    def _fail(self, sequence: int, error: ModelError) -> None:
        turn = next((turn for turn in self._turns if turn.sequence == sequence), None)
        if turn is not None:
            self._leave(turn)
            self._tell(turn)
            self._report(Failed(str(error), turn.request.turn))
            self._forget(turn.request.room)
        else:
            # The turn that needs what was hinted will meet the same refusal, and says so to somebody.
            self._hints = {room: hint for room, hint in self._hints.items() if self.sequences.of(room) != sequence}
        self.sequences.forget(sequence)

    def _write(self, turn: _Turn, token: int) -> None:
        """Take the token that was sampled for a turn."""
        if self._model.ends_reply(token) or token in self._composer.markers:
            self._finish(turn, "complete")
            return
        turn.reply.add(token, self._model.piece(token))
        turn.token = token
        now = self._clock()
        if now - turn.told >= PACE:
            turn.told = now
            self._tell(turn)
        space = self._model.context_tokens - len(turn.composed.ids)
        if turn.reply.tokens >= min(turn.request.sampling.max_tokens, space):
            self._finish(turn, "length")

    def _finish(self, turn: _Turn, reason: _Reason) -> None:
        turn.reply.end()
        self._tell(turn)
        self._end(turn, reason)

    def _end(self, turn: _Turn, reason: _Reason) -> None:
        self._leave(turn)
        self._report(Finished(reason=reason, written=turn.reply.tokens, **msgspec.structs.asdict(turn.began)))
        self._forget(turn.request.room)

    def _leave(self, turn: _Turn) -> None:
        self._turns.remove(turn)
        self.sequences.give_back(turn.sequence)
        turn.sampler.free()

    def _tell(self, turn: _Turn) -> None:
        piece = turn.reply.take()
        self._report(Alive(turn.request.turn) if piece is None else Written(turn.request.turn, *piece))
