"""What the worker does with its requests: write replies, and read ahead while idle.

One sequence, one turn at a time. Knows the model only by the interface below, and nothing of pipes or llama.cpp.
"""

from __future__ import annotations

import codecs
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_messages import Alive, Failed, Finished, Generate, Listen, Report, Written
from nbgroupchat.engines.prompt_ids import Composed, Composer

_Reason: TypeAlias = Literal["complete", "length", "stopped"]
_Piece: TypeAlias = tuple[str, tuple[int, ...]]

CHUNK = 64
"""Tokens read in one call, and so the longest a stop waits. Smaller ones read slower."""


class ModelError(Exception):
    """llama.cpp refused; the message says what it was asked."""


class Model(Protocol):
    """What a turn needs of a loaded model with one sequence."""

    context_tokens: int

    def truncate(self, length: int) -> int:
        """Forget what is in memory from `length` on; returns how much is left: 0 where it can only forget all."""

    def read(self, ids: Sequence[int]) -> None:
        """Read ids after what is in memory. Raises ModelError."""

    def sampler(self, sampling: Sampling) -> AbstractContextManager[Callable[[], int]]:
        """A function that chooses the next token from what was read last."""

    def piece(self, token: int) -> bytes:
        """The text of a token."""

    def ends_reply(self, token: int) -> bool:
        """Whether a reply ends with this token."""


class Turns:
    """Works through requests; `put` and `stop` may be called from another thread, `run` ends never."""

    def __init__(self, model: Model, composer: Composer, report: Callable[[Report], None]) -> None:
        self._model = model
        self._composer = composer
        self._report = report
        self._read: list[int] = []
        self._requests: queue.SimpleQueue[Generate | None] = queue.SimpleQueue()
        self._hint: Listen | None = None
        self._stopped: dict[int, int] = {}
        self._reply_tokens = Sampling().max_tokens

    def put(self, request: Generate | Listen) -> None:
        """Take a request. Only the latest hint counts."""
        if isinstance(request, Listen):
            self._hint = request
            self._requests.put(None)
        else:
            self._requests.put(request)

    def stop(self, turn: int, pieces: int) -> None:
        """Stop a turn, now or before it began; its reader has seen the first `pieces`."""
        self._stopped[turn] = pieces

    def run(self) -> None:
        """Answer requests for ever."""
        while True:
            self.step()

    def step(self) -> None:
        """Wait for a request and do what is asked, and what there is to do until the next one."""
        request = self._requests.get()
        if request is not None:
            self._generate(request)
        self._read_ahead()

    def _read_ahead(self) -> None:
        hint, self._hint = self._hint, None
        if hint is None or not self._requests.empty():
            # Another request is waiting, and a hint comes again with the next post.
            self._hint = self._hint or hint
            return
        composed = self._compose(hint, self._reply_tokens)
        try:
            for _ in self._read_to(composed.ids):
                if not self._requests.empty():
                    return
        except ModelError:
            # The turn that needs it will meet the same refusal, and says so to somebody.
            return

    def _compose(self, request: Generate | Listen, reply_tokens: int) -> Composed:
        length = max(self._model.context_tokens - reply_tokens, self._model.context_tokens // 2)
        return self._composer.compose(request.room, request.segments, length, opening=isinstance(request, Generate))

    def _read_to(self, ids: list[int]) -> Iterator[int]:
        """Bring the memory to these ids, a chunk at a time; yields what was in memory before, then after each chunk."""
        known = next(
            (place for place, (old, new) in enumerate(zip(self._read, ids, strict=False)) if old != new),
            min(len(self._read), len(ids)),
        )
        # The last token is read again even if it is known: what follows is sampled from its reading.
        known = max(min(known, len(ids) - 1), 0)
        if known < len(self._read):
            known = self._model.truncate(known)
            del self._read[known:]
        yield known
        while len(self._read) < len(ids):
            self._append(ids[len(self._read) : len(self._read) + CHUNK])
            yield known

    def _append(self, ids: list[int]) -> None:
        try:
            self._model.read(ids)
        except ModelError:
            del self._read[self._model.truncate(0) :]
            raise
        self._read += ids

    def _generate(self, request: Generate) -> None:
        self._reply_tokens = request.sampling.max_tokens
        self._stopped = {turn: pieces for turn, pieces in self._stopped.items() if turn >= request.turn}
        composed = self._compose(request, self._reply_tokens)
        cached = written = 0
        reason: _Reason = "stopped"
        try:
            for cached in self._read_to(composed.ids):  # noqa: B007  # its last value counts
                if request.turn in self._stopped:
                    break
                self._report(Alive(request.turn))
            else:
                reason, written = self._write(request, self._model.context_tokens - len(composed.ids))
        except ModelError as error:
            self._report(Failed(str(error), request.turn))
            return
        prompt = len(composed.ids)
        self._report(Finished(request.turn, reason, prompt, prompt - cached, cached, written, composed.dropped))

    def _write(self, request: Generate, space: int) -> tuple[_Reason, int]:
        """Sample a reply of at most `space` tokens; returns why it ended, and its tokens."""
        turn, reply = request.turn, _ReplyText()
        most = min(request.sampling.max_tokens, space)
        reason: _Reason = "length"
        with self._model.sampler(request.sampling) as choose:
            while reply.tokens < most:
                if turn in self._stopped:
                    reason = "stopped"
                    break
                token = choose()
                if self._model.ends_reply(token) or token in self._composer.markers:
                    reason = "complete"
                    break
                self._tell(turn, reply.add(token, self._model.piece(token)))
                if reply.tokens < most:
                    self._append([token])
        if reason != "stopped" and (piece := reply.end()) is not None:
            self._tell(turn, piece)
        seen = reply.pieces[: self._stopped[turn]] if reason == "stopped" else reply.pieces
        if seen:
            self._composer.remember("".join(text for text, _ in seen), [token for _, ids in seen for token in ids])
        return reason, reply.tokens

    def _tell(self, turn: int, piece: _Piece | None) -> None:
        self._report(Alive(turn) if piece is None else Written(turn, *piece))


class _ReplyText:
    """A reply's text so far, in pieces of whole characters."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.tokens = 0
        self._held: list[int] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int, text: bytes) -> _Piece | None:
        """Add a token; None while it ends inside a character."""
        self.tokens += 1
        self._held.append(token)
        return self._take(self._decoder.decode(text))

    def end(self) -> _Piece | None:
        """What a reply that ends inside a character still has to say."""
        return self._take(self._decoder.decode(b"", final=True))

    def _take(self, text: str) -> _Piece | None:
        if not text:
            return None
        self.pieces.append((text, tuple(self._held)))
        self._held.clear()
        return self.pieces[-1]
