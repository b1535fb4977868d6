"""The chat-completions dialect: what is asked of a server, and how its stream of bytes becomes a reply. No I/O.

The stream is read here and not by the `openai` package, which bounds neither a line nor a reply and checks no type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec
from msgspec import Struct

from nbgroupchat.engines.base import Finish, FinishReason, Piece, Sampling
from nbgroupchat.engines.openai_refusal import Refused, judge, quote
from nbgroupchat.prompt import Prompt, Role, Segment
from nbgroupchat.window import BYTES_PER_TOKEN

MAX_LINE = 1 << 20
"""Bytes of one line of a stream; a piece takes some hundred."""

PIECES_PER_TOKEN = 8
"""A server may write a token in several pieces; one that writes more than these does not know `max_tokens`."""


OPTIONAL = ("stream_options", "seed", "temperature", "max_tokens")
"""Fields that some servers or models refuse, and that a reply can do without."""


class Message(TypedDict):
    """One message of a chat request."""

    role: Role
    content: str


def whole_turns(prompt: Prompt, dropped: int) -> int:
    """Drop the replies that would come first, too: many templates refuse those."""
    rest = prompt.segments[prompt.told :]
    while dropped < len(rest) and rest[dropped].role == "assistant":
        dropped += 1
    return dropped


def newer_half(prompt: Prompt, dropped: int) -> int | None:
    """Drop the older half of what is left after the system message; None where only the question is.

    The last two segments stay, the post to answer and the server's line that says so, and what is pinned.
    """
    rest = prompt.segments[prompt.told :]
    left = [place for place in range(dropped, len(rest)) if not rest[place].pinned]
    if len(left) <= 2:
        return None
    return whole_turns(prompt, left[min((len(left) + 1) // 2, len(left) - 2)])


def messages(segments: Sequence[Segment]) -> list[Message]:
    """One message a turn: neighbours of the same role are joined by a newline, as `llama` does with them."""
    joined: list[Message] = []
    for segment in segments:
        if joined and joined[-1]["role"] == segment.role:
            joined[-1]["content"] += f"\n{segment.text}"
        else:
            joined.append({"role": segment.role, "content": segment.text})
    return joined


class Request(Struct, frozen=True):
    """What is asked for, without the fields in `refused`; the oldest `dropped` segments are left out."""

    prompt: Prompt
    sampling: Sampling
    model: str
    refused: frozenset[str] = frozenset()
    dropped: int = 0

    @classmethod
    def of(cls, prompt: Prompt, sampling: Sampling, model: str, refused: frozenset[str]) -> Request:
        """Ask for the reply to a whole prompt."""
        return cls(prompt, sampling, model, refused, whole_turns(prompt, 0))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What is not left out."""
        return self.prompt.kept(self.dropped)

    def arguments(self) -> dict[str, Any]:
        """Give it as the arguments of the `openai` package."""
        optional: dict[str, Any] = {
            "stream_options": {"include_usage": True},
            "temperature": self.sampling.temperature,
            "max_tokens": self.sampling.max_tokens,
        }
        if self.sampling.seed:
            optional["seed"] = self.sampling.seed
        given = {name: value for name, value in optional.items() if name not in self.refused}
        if "max_tokens" in self.refused:
            # What OpenAI's newer models call it.
            given["max_completion_tokens"] = self.sampling.max_tokens
        return {"model": self.model, "messages": messages(self.segments), "stream": True, **given}

    def without(self, refused: Refused) -> Request | None:
        """Ask for less, where that may help: a shorter conversation, or without a field the server does not take."""
        if refused.kind == "too_long" and (dropped := newer_half(self.prompt, self.dropped)) is not None:
            return msgspec.structs.replace(self, dropped=dropped)
        if refused.kind == "refused":
            named = {refused.param, *re.findall(r"\w+", refused.detail)}
            for field in OPTIONAL:
                if field in named and field not in self.refused:
                    return msgspec.structs.replace(self, refused=self.refused | {field})
        return None


class _Delta(Struct):
    content: str | None = None
    # What a model thinks: llama-server and vLLM name it in these two ways.
    reasoning_content: object = None
    reasoning: object = None


class _Choice(Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(Struct):
    cached_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Fault(Struct):
    message: object = ""
    code: object = None
    type: object = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: _Fault | str | None = None


class ReplyReader:
    """Reads the bytes of one reply, in whatever parts they come.

    `signs` counts what the model gave a sign of life with; `over` is True when nothing more is to be read.
    """

    def __init__(self, request: Request, secret: str = "") -> None:
        self.over = False
        self.signs = 0
        self.reason: FinishReason | None = None
        """Set when the reply is whole; what may still come is its usage."""
        self._request = request
        self._most = request.sampling.max_tokens * PIECES_PER_TOKEN
        self._secret = secret
        self._held = bytearray()
        self._pieces = 0
        self._usage: _Usage | None = None

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes; gives the pieces they complete. Raises Refused, after which no more can be read."""
        pieces: list[Piece] = []
        for place, part in enumerate(data.split(b"\n")):
            if place:
                line = self._held.decode(errors="replace")
                self._held.clear()
                pieces += self._line(line)
                if self.over:
                    break
            self._held += part
            if len(self._held) > MAX_LINE:
                raise Refused("garbage", f"a line of more than {MAX_LINE >> 20} MiB")
        return pieces

    def end(self) -> None:
        """Take the end of the stream. Raises Refused where the reply is not whole."""
        if self.reason is None:
            raise Refused("broken")
        self.over = True

    def finish(self) -> Finish:
        """Give the end of the reply, with the server's count, or an estimate of the prompt where it has none."""
        usage = self._usage or _Usage()
        details = usage.prompt_tokens_details
        size = sum(len(segment.text.encode()) for segment in self._request.segments)
        prompt = max(usage.prompt_tokens, 0) or size // BYTES_PER_TOKEN + 1
        cached = min(max(details.cached_tokens or 0, 0), prompt) if details is not None else 0
        return Finish(
            reason=self.reason or "length",
            prompt=prompt,
            evaluated=prompt - cached,
            cached=cached,
            written=max(usage.completion_tokens, self._pieces),
            dropped=self._request.dropped,
        )

    def _line(self, line: str) -> list[Piece]:
        # Every server writes an event on one line; comments (": ping"), other fields and noise are left out as the
        # standard of Server-Sent Events has it. llama-server names a failure in the field `error`.
        field, _, value = line.partition(":")
        value = value.strip()
        if field not in ("data", "error") or not value:
            return []
        if value == "[DONE]":
            self.reason = self.reason or "complete"
            self.over = True
            return []
        try:
            chunk = msgspec.json.decode(value if field == "data" else f'{{"error":{value}}}', type=_Chunk)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Refused("garbage", "a line that is not in its form") from None
        if chunk.error is not None:
            raise self._fault(chunk.error)
        self._usage = chunk.usage or self._usage
        return self._choice(chunk.choices[0]) if chunk.choices else []

    def _choice(self, choice: _Choice) -> list[Piece]:
        delta = choice.delta or _Delta()
        pieces = [Piece(delta.content)] if delta.content and self.reason is None else []
        if delta.content or delta.reasoning_content or delta.reasoning:
            self.signs += 1
            self._pieces += len(pieces)
        if choice.finish_reason == "content_filter":
            raise Refused("filtered")
        if choice.finish_reason is not None:
            self.signs += 1
            self.reason = "length" if choice.finish_reason == "length" else "complete"
        elif self.signs >= self._most:
            self.reason, self.over = "length", True
        return pieces

    def _fault(self, fault: _Fault | str) -> Refused:
        if isinstance(fault, str):
            fault = _Fault(fault)
        text = str(fault.message or "")
        status = fault.code if isinstance(fault.code, int) else 0
        return Refused(judge(status, (fault.code, fault.type), text), quote(text, self._secret))
