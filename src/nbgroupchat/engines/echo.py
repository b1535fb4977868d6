"""The engine that says what it was told: deterministic, without a model. For tests and docs.

Knows nothing of the meaning of a prompt beyond its roles and keys.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from nbgroupchat.engines.base import EngineStatus, Finish, FinishReason, Part, Piece, Reading, Sampling
from nbgroupchat.engines.status import Watched
from nbgroupchat.prompt import Prompt

_WORD = re.compile(r"\s*\S+|\s+")


def words(text: str) -> list[str]:
    """Split into words that join to the same text again: each begins with the white space before it."""
    return _WORD.findall(text)


def prompt_size(prompt: Prompt) -> int:
    """How long a prompt is where there are no tokens: in words."""
    return sum(len(segment.text.split()) for segment in prompt.segments)


class EchoEngine(Watched):
    """Answers with the text of the last post in the prompt, word by word."""

    def start(self) -> None:
        """There is nothing to load: ready at once."""
        self._board.show(EngineStatus(state="ready", model="echo"))

    def listen(self, room: str, prompt: Prompt) -> None:
        """There is nothing to read ahead."""

    async def stream(
        self,
        room: str,  # noqa: ARG002  # all rooms echo alike
        prompt: Prompt,
        sampling: Sampling,
    ) -> AsyncGenerator[Part, None]:
        """Say the last post again."""
        self.start()
        size = prompt_size(prompt)
        yield Reading(prompt=size, evaluated=size)
        said = words(_last_post(prompt))
        for word in said[: sampling.max_tokens]:
            # A model takes its time between pieces; without a pause nobody else would run until the end of the reply.
            await asyncio.sleep(0)
            yield Piece(word)
        reason: FinishReason = "complete" if len(said) <= sampling.max_tokens else "length"
        yield Finish(reason=reason, prompt=size, evaluated=size, written=min(len(said), sampling.max_tokens))

    async def close(self) -> None:
        """Nothing was started."""
        self._board.show(EngineStatus(state="off"))


def _last_post(prompt: Prompt) -> str:
    said = [segment for segment in prompt.segments if segment.role == "user"]
    # A prompt ends with the server's own line, which has no key.
    posts = [segment for segment in said if segment.key] or said
    return posts[-1].text if posts else ""
