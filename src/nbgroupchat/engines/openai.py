"""The engine that asks any OpenAI-compatible server: llama-server, vLLM, Ollama, OpenAI's own.

What it cannot do: such a server gets messages, not tokens, and tokenizes what members type itself, with its own
template. A member who types a model's control tokens (`<|im_start|>`) may be understood as them there; the `llama`
engine is the one that rules this out. What members type leaves the machine when the server is elsewhere, and the key
goes to whichever server the settings name. The server is trusted not to answer a request with an endless error: the
`openai` package reads that whole. Knows nothing of connections (`openai_server`), of the form of requests and streams
(`openai_chat`), nor of what refusals mean (`openai_refusal`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from importlib.util import find_spec

from nbgroupchat.engines.base import (
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Part,
    Piece,
    Reading,
    Sampling,
)
from nbgroupchat.engines.openai_chat import Request
from nbgroupchat.engines.openai_refusal import LASTING, RETRIED, Refused, explain
from nbgroupchat.engines.openai_server import ModelServer
from nbgroupchat.engines.status import Watched
from nbgroupchat.prompt import Prompt
from nbgroupchat.settings import Settings

_log = logging.getLogger(__name__)

INSTALL = 'pip install "nbgroupchat[openai]"'
KEY = "OPENAI_API_KEY"
WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a request that failed before its first piece is made again."""

LONGEST_WAIT = 20.0
"""What a server may ask for instead; where it asks for more, people are told so rather than kept waiting."""


class OpenAIEngine(Watched):
    """Asks the server the settings name. All methods are called on one event loop; replies may be written at once.

    `wait` pauses between tries.
    """

    def __init__(
        self, settings: Settings | None = None, *, wait: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        super().__init__()
        self._settings = settings or Settings(engine="openai")
        self._wait = wait
        self._server: ModelServer | None = None
        self._checking: asyncio.Task[None] | None = None
        self._refused_fields: frozenset[str] = frozenset()
        self._closed = False

    def start(self) -> None:
        """Begin to ask the server for its models in the background, unless that is going on or was answered."""
        if self._closed or self.status.state == "ready" or (self._checking is not None and not self._checking.done()):
            return
        self._board.show(EngineStatus(state="loading"))
        self._checking = asyncio.create_task(self._check())

    def listen(self, room: str, prompt: Prompt) -> None:
        """Nothing: the protocol has no way to have a server read ahead, and a request that is thrown away would take
        the place of somebody's reply. Most such servers keep the beginning of the last prompt by themselves.
        """

    async def stream(
        self,
        room: str,  # noqa: ARG002  # the server keeps no rooms apart
        prompt: Prompt,
        sampling: Sampling,
    ) -> AsyncGenerator[Part, None]:
        """Write a reply. Failures before its first piece are tried again where that may help."""
        server = await self._ready_server()
        request = Request.of(prompt, sampling, self.status.model, self._refused_fields)
        # Before the first piece a server may load the model, or serve others who wait.
        first, between = self._settings.load_timeout, self._settings.piece_timeout
        pieces = tries = 0
        begun = False
        while True:
            try:
                async with aclosing(server.reply(request, first, between)) as parts:
                    async for part in parts:
                        if not begun:
                            begun = True
                            yield Reading(dropped=request.dropped)
                        # Counted before it is given away: who closes the iterator at a piece has seen that piece.
                        pieces += isinstance(part, Piece)
                        yield part
                return
            except Refused as refused:
                if pieces or self._closed:
                    raise EngineInterrupted(self._text(refused)) from None
                if (other := request.without(refused)) is not None:
                    request, self._refused_fields = other, self._refused_fields | other.refused
                    continue
                if not await self._try_again(refused, tries):
                    raise EngineError(self._give_up(refused)) from None
                tries += 1

    async def close(self) -> None:
        """End what is being asked; a reply being written is interrupted."""
        self._closed = True
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
        if self._server is not None:
            await self._server.close()
        self._board.show(EngineStatus(state="off"))

    async def _ready_server(self) -> ModelServer:
        self.start()
        if self._checking is not None and not self._checking.done():
            # Others may wait for the same answer; a wait that is cancelled must not cancel theirs.
            await asyncio.wait([self._checking])
        if self._closed:
            raise EngineError("The model was asked for a reply after it was closed. Restart the server.")
        if self._server is None or self.status.state != "ready":
            raise EngineError(self.status.message or "The model's server was not ready. Ask again.")
        return self._server

    async def _check(self) -> None:
        tries = 0
        while True:
            try:
                model = await self._find_model()
            except Refused as refused:
                # A server that is not there is told at once, for the next question looks again.
                if refused.kind == "unreachable" or not await self._try_again(refused, tries):
                    return self._fail(self._text(refused))
                tries += 1
            except EngineError as error:
                return self._fail(str(error))
            except Exception:
                # Nobody awaits this task, and everybody waits for its outcome.
                _log.exception("The model's server could not be asked for its models.")
                return self._fail("The model's server could not be asked. Look into the log of the Jupyter server.")
            else:
                return self._board.show(EngineStatus(state="ready", model=model))

    async def _find_model(self) -> str:
        """Give the name of the model to ask for. Raises Refused or EngineError."""
        if find_spec("openai") is None:
            raise EngineError(f"The package openai is not installed. Run {INSTALL}.")
        key = os.environ.get(KEY, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise EngineError(f"The environment variable {KEY} holds signs that no key has. Set it again.")
        if self._server is None:
            # Loading the package takes about a second, in which the event loop would serve nobody.
            self._server = await asyncio.to_thread(ModelServer, self._settings.openai_base_url)
        self._server.use_key(key)
        try:
            models = await self._server.models(self._settings.load_timeout)
        except Refused as refused:
            # Some servers have no such list; for those the setting has to be right.
            if refused.kind != "path" or not self._settings.openai_model:
                raise
            return self._settings.openai_model
        return models.choose(self._settings.openai_model, self._server.address)

    async def _try_again(self, refused: Refused, tries: int) -> bool:
        """Wait before the next try; False where there is to be none."""
        if refused.kind not in RETRIED or tries == len(WAITS) or self._closed:
            return False
        pause = max(WAITS[tries], refused.after or 0.0)
        if pause > LONGEST_WAIT:
            return False
        await self._wait(pause)
        return not self._closed

    def _give_up(self, refused: Refused) -> str:
        text = self._text(refused)
        if refused.kind in LASTING and not self._closed:
            self._fail(text)
        return text

    def _fail(self, text: str) -> None:
        self._board.show(EngineStatus(state="failed", message=text))

    def _text(self, refused: Refused) -> str:
        address = self._server.address if self._server is not None else ""
        return explain(refused, address, self.status.model or self._settings.openai_model)
