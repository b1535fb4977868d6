"""The engine that plays a script: deterministic replies with gates and failures in them. For tests, docs and nbval.

A script is a list of replies, played in order and again from the first. In a file it is JSON; a reply is a text, or a
list of steps: a text is one piece, `{"gate": "/path/to/fifo"}` holds until a line is written there, `{"fail": "why"}`
and `{"interrupt": "why"}` end it the way a model may. In Python a step may also be a function without arguments that
returns something to await, such as `asyncio.Event().wait`. Knows nothing of what a prompt means.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from nbgroupchat.engines.base import (
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Finish,
    Part,
    Piece,
    Reading,
    Sampling,
)
from nbgroupchat.engines.echo import prompt_size, words
from nbgroupchat.engines.gate import wait_at_gate
from nbgroupchat.engines.status import Watched
from nbgroupchat.prompt import Prompt


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that is no text; exactly one of its fields is given."""

    gate: str = ""
    fail: str = ""
    interrupt: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.gate, self.fail, self.interrupt))) != 1:
            raise ValueError("a step is a text, or one of gate, fail and interrupt")


FileReply: TypeAlias = str | list[str | Step]
Reply: TypeAlias = str | Sequence[str | Step | Callable[[], Awaitable[object]]]

BUILT_IN: tuple[Reply, ...] = (
    "I am the script engine: I read the room and answer with the same words every time.",
    "That is my second answer, word for word as always.",
    "Set c.NbGroupChat.engine to 'llama' and I will think before I speak.",
)


def read_script(path: str) -> list[FileReply]:
    """Read a script file. Raises EngineError whose message names the file, what is wrong with it and what to do."""
    advice = "Set c.NbGroupChat.script_path to a JSON file with a list of replies."
    try:
        replies = msgspec.json.decode(Path(path).read_bytes(), type=list[FileReply])
    except OSError as error:
        raise EngineError(f"The script {path!r} cannot be read ({error.strerror}). {advice}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(f"The script {path!r} is not one ({error}). {advice}") from None
    if not replies:
        raise EngineError(f"The script {path!r} has no reply. {advice}")
    return replies


class ScriptEngine(Watched):
    """Plays `script`: replies, or the path of a file of them; a small built-in script where it is empty.

    Every prompt it gets is added to `prompts`.
    """

    def __init__(self, script: str | Sequence[Reply] = "") -> None:
        super().__init__()
        self.prompts: list[tuple[str, Prompt]] = []
        """The room and the prompt of each reply asked for."""
        self.heard: list[tuple[str, Prompt]] = []
        """The room and the prompt of each hint."""
        self._path = script if isinstance(script, str) else ""
        self._script: Sequence[Reply] = BUILT_IN if isinstance(script, str) or not script else script
        self._played = 0

    def start(self) -> None:
        """Read the script file, if there is one; after a failure the next call reads it again."""
        if self.status.state == "ready":
            return
        try:
            if self._path:
                self._script = read_script(self._path)
        except EngineError as error:
            self._board.show(EngineStatus(state="failed", model="script", message=str(error)))
        else:
            self._board.show(EngineStatus(state="ready", model="script"))

    def listen(self, room: str, prompt: Prompt) -> None:
        """Write the hint down."""
        self.heard.append((room, prompt))

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Play the next reply."""
        self.start()
        if self.status.state == "failed":
            raise EngineError(self.status.message or "The script cannot be played.")
        self.prompts.append((room, prompt))
        reply = self._script[self._played % len(self._script)]
        self._played += 1
        size = prompt_size(prompt)
        yield Reading(prompt=size, evaluated=size)
        written = 0
        for step in words(reply) if isinstance(reply, str) else reply:
            if not isinstance(step, str):
                await _take(step)
                continue
            if written == sampling.max_tokens:
                yield Finish(reason="length", prompt=size, evaluated=size, written=written)
                return
            # A model takes its time between pieces; without a pause nobody else would run until the end of the reply.
            await asyncio.sleep(0)
            written += 1
            yield Piece(step)
        yield Finish(reason="complete", prompt=size, evaluated=size, written=written)

    async def close(self) -> None:
        """Nothing runs between replies."""
        self._board.show(EngineStatus(state="off"))


async def _take(step: Step | Callable[[], Awaitable[object]]) -> None:
    if not isinstance(step, Step):
        await step()
    elif step.fail:
        raise EngineError(step.fail)
    elif step.interrupt:
        raise EngineInterrupted(step.interrupt)
    else:
        try:
            await wait_at_gate(step.gate)
        except OSError as error:
            raise EngineError(f"The script's gate {step.gate!r} cannot be opened ({error.strerror}).") from None
