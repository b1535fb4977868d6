"""A SignalR client over the transports that are made of HTTP requests, as raw as a test needs it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from tornado.httputil import HTTPHeaders

from nbgroupchat.signalr.client import ConnectFailed, ConnectionClosed
from nbgroupchat.signalr.messages import SEPARATOR

Kind: TypeAlias = Literal["ServerSentEvents", "LongPolling"]
KINDS: tuple[Kind, Kind] = ("ServerSentEvents", "LongPolling")

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


@dataclass
class Answer:
    code: int
    headers: HTTPHeaders
    body: bytes


CUT = Answer(0, HTTPHeaders(), b"")


class Exchange:
    """One connection. `heard` holds the messages that no `next` has taken; `ended` is set when no more will come."""

    def __init__(self, url: str, headers: Mapping[str, str], kind: Kind, token: str = "") -> None:
        self.url = url
        self.headers = dict(headers)
        self.kind = kind
        self.token = token
        self.opened = asyncio.Event()
        self.ended = asyncio.Event()
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.polls: list[int] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._reading: asyncio.Task[None] | None = None

    async def negotiate(self) -> None:
        """Ask for a token. Raises ConnectFailed."""
        answer = await self.request("POST", path="/negotiate?negotiateVersion=1", body="")
        if answer.code != 200:
            raise ConnectFailed(f"negotiation was answered {answer.code}", answer.code)
        self.token = json.loads(answer.body)["connectionToken"]

    async def open(self, handshake: bool = True) -> None:
        """Open the transport and shake hands. Raises ConnectFailed."""
        if not self.token:
            await self.negotiate()
        self._reading = asyncio.create_task(self._stream() if self.kind == "ServerSentEvents" else self._poll())
        waiting = asyncio.create_task(self.opened.wait())
        try:
            await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not self.opened.is_set():
            await self._reading
        if handshake:
            if (code := await self.send(HANDSHAKE)) != 200:
                raise ConnectFailed(f"the handshake was answered {code}", code)
            if (answer := await self.next()) != {}:
                raise ConnectFailed(f"the handshake was answered {answer}")

    async def request(
        self, method: str = "GET", path: str | None = None, body: str | bytes | None = None, **headers: str
    ) -> Answer:
        """Make one request, by default to the connection's own address; code 0 where the connection is reset."""
        async with self._asked(method, path, body, headers) as reader:
            code, found = await _read_head(reader)
            answer = Answer(code, found, b"")
            with suppress(ConnectionError):
                answer.body = await reader.read()
            # What was cut off in its middle was not answered.
            return answer if len(answer.body) == int(found.get("Content-Length", len(answer.body))) else CUT

    async def send(self, payload: str | bytes) -> int:
        """Send a payload and give the status."""
        return (await self.request("POST", body=payload)).code

    async def next(self) -> Any:
        """Give the next message but pings, or None at the end."""
        while True:
            if self.ended.is_set() and self.heard.empty():
                return None
            message = await self.heard.get()
            if message != {"type": 6}:
                return message

    async def rest(self) -> list[Any]:
        """Give all messages up to the end."""
        messages = []
        while (message := await self.next()) is not None:
            messages.append(message)
        return messages

    async def cut(self) -> None:
        """Stop reading in the middle, as a network does."""
        if self._reading is not None:
            self._reading.cancel()
            # Not awaited itself: its cancellation could not be told from one of whoever cuts.
            await asyncio.wait({self._reading})
            if not self._reading.cancelled():
                self._reading.exception()
        for writer in self._writers:
            writer.transport.abort()

    async def _stream(self) -> None:
        async with self._asked("GET", None, None, {"Accept": "text/event-stream"}) as reader:
            code, _ = await _read_head(reader)
            if code != 200:
                raise ConnectFailed(f"the stream was answered {code}", code)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    event = await reader.readuntil(b"\n\n")
                    self.opened.set()
                    lines = event.removesuffix(b"\n\n").split(b"\n")
                    self._hear(b"\n".join(line.removeprefix(b"data: ") for line in lines if not line.startswith(b":")))
        self._end()

    async def _poll(self) -> None:
        while not self.polls or self.polls[-1] == 200:
            try:
                answer = await self.request()
            except OSError:
                answer = CUT
            self.polls.append(answer.code)
            if not self.opened.is_set():
                if answer.code != 200:
                    raise ConnectFailed(f"the first poll was answered {answer.code}", answer.code)
                self.opened.set()
            if answer.code == 200:
                self._hear(answer.body)
        self._end()

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str | None, body: str | bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[asyncio.StreamReader]:
        """Send a request on a connection of its own, in HTTP/1.0, where an answer's body ends with the connection."""
        url = urlsplit(self.url + (f"?id={self.token}" if path is None else path))
        content = body.encode() if isinstance(body, str) else body or b""
        sent = {"Host": url.netloc, "Content-Length": str(len(content))} | self.headers
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"{method} {url.path}?{url.query} HTTP/1.0\r\n" + "".join(f"{name}: {sent[name]}\r\n" for name in sent)
        reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=2**24)
        self._writers.add(writer)
        try:
            writer.write(head.encode() + b"\r\n" + content)
            yield reader
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    def _hear(self, payload: bytes) -> None:
        if payload:
            assert payload.endswith(SEPARATOR)
            for part in payload[:-1].split(SEPARATOR):
                self.heard.put_nowait(msgspec.json.decode(part))

    def _end(self) -> None:
        self.ended.set()
        self.heard.put_nowait(None)


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, HTTPHeaders]:
    try:
        first, _, rest = (await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, HTTPHeaders()
    return int(first.split()[1]), HTTPHeaders.parse(rest)


class ExchangeClient:
    """The same with the face of `signalr.client.Client`: invocations out, invocations in."""

    def __init__(
        self,
        exchange: Exchange,
        on_invocation: Callable[[str, bytes], None],
        on_closed: Callable[[str | None, bool], None],
    ) -> None:
        self.exchange = exchange
        self._on_invocation = on_invocation
        self._on_closed = on_closed
        self._ids = itertools.count()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        url: str,
        headers: Mapping[str, str],
        on_invocation: Callable[[str, bytes], None],
        on_closed: Callable[[str | None, bool], None],
        kind: Kind,
    ) -> ExchangeClient:
        """Open a connection. Raises ConnectFailed."""
        exchange = Exchange(url, headers, kind)
        try:
            await exchange.open()
        except BaseException:
            await exchange.cut()
            raise
        return cls(exchange, on_invocation, on_closed)

    async def invoke(self, target: str, arguments: bytes) -> bytes:
        """Call a method; gives the JSON text of its result."""
        number = str(next(self._ids))
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = b'{"type":1,"target":%b,"arguments":%b,"invocationId":"%b"}\x1e'
        code = await self.exchange.send(message % (json.dumps(target).encode(), arguments, number.encode()))
        if code != 200:
            raise ConnectionClosed(f"a message was answered {code}")
        return bytes(await answer)

    async def close(self) -> None:
        """End the connection as a client does that is done."""
        if self.exchange.kind == "LongPolling":
            await self.exchange.request("DELETE")
        await self.cut()

    async def cut(self) -> None:
        """End without a word."""
        await self.exchange.cut()
        self._reading.cancel()

    async def _read(self) -> None:
        error = None
        while (message := await self.exchange.next()) is not None:
            match message["type"]:
                case 1:
                    self._on_invocation(message["target"], msgspec.json.encode(message["arguments"]))
                case 3:
                    self._waiting.pop(message["invocationId"]).set_result(msgspec.json.encode(message["result"]))
                case 7:
                    error = message.get("error")
        self._on_closed(error, False)
