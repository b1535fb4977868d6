"""The connection to an OpenAI-compatible server, through the `openai` package, which is loaded with the first one.

Says what went wrong as Refused. Knows nothing of rooms, nor when to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbgroupchat.engines.base import EngineError, Finish, Piece
from nbgroupchat.engines.openai_chat import ReplyReader, Request
from nbgroupchat.engines.openai_models import ModelList
from nbgroupchat.engines.openai_refusal import Refused, judge, quote, retry_after

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

NO_KEY = "none"
"""Sent where there is no key: a local server needs none, and the package insists on one."""

CONNECT_SECONDS = 10.0
USAGE_SECONDS = 5.0
"""How long a reply that is whole waits for the server's count of its tokens."""


class ModelServer:
    """One server, at `base_url` or, where that is "", at the package's own address.

    Raises EngineError for an address that is none. Takes a second, so it is made in a thread.
    """

    def __init__(self, base_url: str) -> None:
        self._client = _make_client(base_url)
        self._secret = ""
        self.address = _address(str(self._client.base_url))

    def use_key(self, key: str) -> None:
        """Ask with this key from now on; "" for none."""
        self._secret, self._client.api_key = key, key or NO_KEY

    async def models(self, seconds: float) -> ModelList:
        """Ask for the models, within so many seconds. Raises Refused."""
        models = ModelList()
        with self._translated(seconds):
            async with asyncio.timeout(seconds), self._client.models.with_streaming_response.list() as response:
                async for part in response.iter_bytes():
                    models.feed(part)
        return models

    async def reply(
        self, request: Request, first_seconds: float, piece_seconds: float
    ) -> AsyncGenerator[Piece | Finish, None]:
        """Write a reply that begins within `first_seconds`, its pieces at most `piece_seconds` apart. Raises Refused.

        Closing the iterator closes the connection, at which servers stop to write.
        """
        reader = ReplyReader(request, self._secret)
        loop = asyncio.get_running_loop()
        patience = first_seconds
        async with AsyncExitStack() as stack:
            with self._translated(patience):
                async with asyncio.timeout(patience):
                    asked = self._client.chat.completions.with_streaming_response.create(**request.arguments())
                    response = await stack.enter_async_context(asked)
            parts = await stack.enter_async_context(aclosing(response.iter_bytes()))
            signs, due = 0, loop.time() + patience
            while not reader.over:
                try:
                    with self._translated(patience):
                        pieces = await _read_some(parts, reader, due)
                except Refused:
                    if reader.reason is None:
                        raise
                    break  # The reply was whole; only its usage is missing.
                for piece in pieces:
                    yield piece
                if reader.signs > signs:
                    patience = USAGE_SECONDS if reader.reason else piece_seconds
                    signs, due = reader.signs, loop.time() + patience
        yield reader.finish()

    async def close(self) -> None:
        """Close every connection; replies being written are broken off."""
        await self._client.close()

    @contextmanager
    def _translated(self, patience: float) -> Iterator[None]:
        """Turn what the package raises into Refused. The causes are cut off: some carry the request with its key."""
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except openai.APIConnectionError as error:
            lost = (httpx2.ReadError, httpx2.WriteError, httpx2.CloseError, httpx2.RemoteProtocolError)
            raise Refused("broken" if isinstance(error.__cause__, lost) else "unreachable") from None
        except (httpx2.RequestError, httpx2.StreamError):
            raise Refused("broken") from None
        except TimeoutError:
            raise Refused("silent", f"{patience:g}") from None

    def _refusal(self, error: APIStatusError) -> Refused:
        said: object = error.body
        if isinstance(said, dict):
            said = said.get("message") or said.get("detail") or said
        text = str(said or "")[:2000]
        kind = judge(error.status_code, (error.code, error.type), text)
        detail = quote(text, self._secret) or f"HTTP status {error.status_code}"
        return Refused(kind, detail, param=str(error.param or ""), after=retry_after(error.response.headers))


async def _read_some(parts: AsyncIterator[bytes], reader: ReplyReader, due: float) -> list[Piece]:
    async with asyncio.timeout_at(due):
        part = await anext(parts, None)
    if part is None:
        reader.end()
        return []
    return reader.feed(part)


def _make_client(base_url: str) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI, Timeout

    try:
        _ = urlsplit(base_url).port
        client = AsyncOpenAI(
            api_key=NO_KEY,
            base_url=base_url or None,
            # Both are done here: the package would also count a server's idle chatter as a sign of life.
            max_retries=0,
            timeout=Timeout(None, connect=CONNECT_SECONDS),
            # A compressed answer could be a thousand times as long as what was received.
            default_headers={"Accept-Encoding": "identity"},
        )
        # Loaded at its first use, which would be on the event loop.
        _ = client.chat.completions, client.models
    except (httpx2.InvalidURL, ValueError):
        raise EngineError("The address of the model's server is none. Set c.NbGroupChat.openai_base_url.") from None
    if client.base_url.userinfo:
        raise EngineError("The address of the model's server holds a password. Put it into OPENAI_API_KEY instead.")
    return client


def _address(url: str) -> str:
    """Give what may be shown of a server's address: not its query, where some put a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
