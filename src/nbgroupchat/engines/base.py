"""What an engine is: the thing that runs a model, whichever it is.

An engine is given a prompt as segments, never as one text, so that only the server's own markers become control tokens.
It knows nothing of events, members or hubs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from nbgroupchat.prompt import Prompt

FinishReason: TypeAlias = Literal["complete", "length"]


class Sampling(Struct, frozen=True):
    """How a reply is chosen: at most `max_tokens`, and `seed` 0 for a new one each time."""

    max_tokens: int = 512
    temperature: float = 0.2
    seed: int = 0


class Piece(Struct, frozen=True):
    """Some text of a reply, in whole characters, with the ids it was sampled as (empty where the engine has none)."""

    text: str
    ids: tuple[int, ...] = ()


class Reading(Struct, frozen=True, kw_only=True):
    """What the model reads for a reply; counts are of tokens, 0 where the engine does not know them yet.

    `prompt` is `evaluated` (read for this reply) and `cached` (read before) together. `dropped` segments did not fit
    (`Prompt.kept` says which). `replies` are the keys of those replies that are spelled with the ids they were sampled
    as, and `seed` is the one that is used.
    """

    prompt: int = 0
    evaluated: int = 0
    cached: int = 0
    dropped: int = 0
    replies: tuple[str, ...] = ()
    seed: int = 0


class Finish(Reading, frozen=True, kw_only=True):
    """The end of a reply: what was read for it, now for certain, and how many tokens were written."""

    reason: FinishReason
    written: int = 0


Part: TypeAlias = Reading | Piece | Finish
"""What an engine yields."""


class ModelInfo(Struct, frozen=True):
    """Which model it is: `sha256` of its file is "" until it has been computed."""

    name: str
    path: str
    sha256: str
    context_tokens: int


class EngineStatus(Struct, frozen=True):
    """How the engine is: `progress` from 0 to 1 while it loads, `message` says what to do where it failed."""

    state: Literal["off", "loading", "ready", "failed"]
    model: str = ""
    progress: float | None = None
    message: str | None = None


StatusListener: TypeAlias = Callable[[EngineStatus], None]


class EngineError(Exception):
    """The engine cannot answer: no model, a broken one, a wrong setting. The message says what to do."""


class EngineInterrupted(EngineError):
    """The engine was lost in the middle of a reply; the next one may succeed."""


class Engine(Protocol):
    """Runs a model. Every implementation passes `tests/engines/contract.py`."""

    @property
    def status(self) -> EngineStatus:
        """How it is now."""

    @property
    def model(self) -> ModelInfo | None:
        """The model that is loaded, None where there is no file of one."""

    def watch(self, listener: StatusListener) -> None:
        """Call `listener` with every new status, on the event loop."""

    def start(self) -> None:
        """Begin to load in the background; calling it again, or after a failure, tries again. Never raises."""

    def listen(self, room: str, prompt: Prompt) -> None:
        """Read ahead what the next prompt of this room begins with, while idle, so that the answer starts sooner. What
        follows is said by a user.

        A hint: an engine that cannot read ahead does nothing. Never raises.
        """

    def forget(self, room: str, prompt: Prompt) -> None:
        """Keep nothing in memory of what was read of this room that the prompt does not begin with: something was
        redacted. Never raises.
        """

    def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Write a reply: one Reading, pieces, then one Finish. Rooms are written for at once, a room's own replies one
        after another. Closing the iterator stops the model within a token.

        Waits for the model where it is still loading. Raises EngineError, or EngineInterrupted after which what came
        before still counts.
        """

    async def close(self) -> None:
        """End everything the engine started."""
