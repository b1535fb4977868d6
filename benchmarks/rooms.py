"""Conversations as the window of a room would give them, told to the engine as the agent does it."""

from __future__ import annotations

import asyncio
import time

import psutil  # type: ignore[import-untyped]  # it has no types

from nbgroupchat.engines.base import Finish, Piece, Sampling
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.window import cue, opening, said

LINE = "the {0} group has finished step {0} of the exercise and will look at the plots of run {0} next"
LINE_TOKENS = 24
"""About how long such a line is, in tokens."""

_RESTED = 0.05
_MOST = 120.0


class Room:
    """A conversation that grows: the room `key` of the engine."""

    def __init__(self, engine: LlamaEngine, key: str) -> None:
        self._engine = engine
        self._key = key
        self.segments: list[Segment] = list(opening("llama", ""))
        self._number = 0

    def post(self, text: str, by: str = "Ana") -> None:
        """Say something, and let the engine listen."""
        self._say(text, by)
        self._listen()

    def talk(self, lines: int) -> None:
        """Let people talk for so many lines."""
        for number in range(lines):
            self.post(LINE.format(self._number + number), ("Ana", "Ben", "Cleo")[number % 3])

    def question(self, text: str) -> Prompt:
        """Say something that asks, and give the prompt that answers it: the agent does not have that read ahead."""
        self._say(text, "Ana")
        return Prompt((*self.segments, Segment("user", cue("llama", "Ana"))))

    async def ask(self, text: str, tokens: int) -> tuple[float, float, Finish]:
        """Ask; gives the time to the first piece and from there to the last, in seconds, and the end."""
        return await self.answer(self.question(text), tokens)

    async def answer(self, prompt: Prompt, tokens: int) -> tuple[float, float, Finish]:
        """Have a question answered, as `ask` does."""
        start = time.perf_counter()
        first = last = 0.0
        said = ""
        ids: tuple[int, ...] = ()
        finish = Finish(reason="complete")
        async for item in self._engine.stream(self._key, prompt, Sampling(tokens, 0.0)):
            if isinstance(item, Piece):
                last = time.perf_counter()
                first = first or last
                said += item.text
                ids += item.ids
            elif isinstance(item, Finish):
                finish = item
        self.segments = [*prompt.segments, Segment("assistant", said, f"{self._key}-r{self._number}", ids)]
        self._listen()
        return first - start, last - first, finish

    def _say(self, text: str, by: str) -> None:
        self._number += 1
        self.segments.append(Segment("user", said(by, text), f"{self._key}-{self._number}"))

    def _listen(self) -> None:
        self._engine.listen(self._key, Prompt(tuple(self.segments)))


async def settle(engine: LlamaEngine) -> None:
    """Wait until the engine has read what it heard: its worker has rested for a while. Raises TimeoutError."""
    worker = psutil.Process(engine.worker_pid)
    async with asyncio.timeout(_MOST):
        used, rested = -1.0, 0
        while rested < 3:
            await asyncio.sleep(_RESTED)
            before, used = used, sum(worker.cpu_times()[:2])
            # One that is given no processor does not rest.
            rested = rested + 1 if used == before and worker.status() == psutil.STATUS_SLEEPING else 0
