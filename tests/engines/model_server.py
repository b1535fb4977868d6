"""A server that speaks as OpenAI's does, or badly: what it answers to each chat request is given by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

WORDS = ["Once", " upon", " a", " time", " there", " was", " a", " llama", "."]


class Handler(RequestHandler):
    def initialize(self, server: ModelServer) -> None:
        self.server = server
        self.gone = asyncio.Event()

    def on_connection_close(self) -> None:
        self.gone.set()
        self.server.gone.set()

    async def get(self, path: str) -> None:
        self.server.keys.append(self.request.headers.get("Authorization", ""))
        await self.server.models(self)

    async def post(self, path: str) -> None:
        self.server.keys.append(self.request.headers.get("Authorization", ""))
        self.body = json.loads(self.request.body)
        self.server.asked.append(self.body)
        answers = self.server.answers
        try:
            await (answers.pop(0) if len(answers) > 1 else answers[0])(self)
        except StreamClosedError:
            self.gone.set()
            self.server.gone.set()

    async def send(self, text: str | bytes) -> None:
        self.write(text)
        await self.flush()

    async def data(self, *chunks: object) -> None:
        """Send chunks in one write, so that no client's patience can run out between them."""
        await self.send("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks))

    def cut(self) -> None:
        connection: Any = self.request.connection
        connection.stream.close()


Answer: TypeAlias = Callable[[Handler], Awaitable[None]]


def piece(text: str) -> object:
    """What a server says with each piece."""
    return {"choices": [{"delta": {"content": text}, "finish_reason": None}]}


async def good(handler: Handler) -> None:
    """A whole reply, ended by max_tokens where that is less, with its usage."""
    most = handler.body["max_tokens"]
    chunks: list[object] = [
        {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
        *map(piece, WORDS[:most]),
        {"choices": [{"delta": {}, "finish_reason": "stop" if most > len(WORDS) else "length"}]},
    ]
    usage = {"prompt_tokens": 40, "completion_tokens": min(most, len(WORDS))}
    if "stream_options" in handler.body:
        chunks.append({"choices": [], "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 30}}})
    await handler.data(*chunks)
    await handler.send("data: [DONE]\n\n")


async def hang(handler: Handler) -> None:
    """Nothing, until the other side has gone."""
    await handler.gone.wait()


def refuse(status: int, body: object = None, **headers: str) -> Answer:
    """A refusal."""

    async def answer(handler: Handler) -> None:
        handler.set_status(status)
        for name, value in headers.items():
            handler.set_header(name.replace("_", "-"), value)
        handler.finish(body if isinstance(body, (str, bytes)) else json.dumps(body))

    return answer


def offer(*names: str) -> Answer:
    """A list of models."""
    return refuse(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def then(first: Answer, second: Answer) -> Answer:
    """One after the other."""

    async def answer(handler: Handler) -> None:
        await first(handler)
        await second(handler)

    return answer


def pieces_then(what: Answer) -> Answer:
    """Two pieces, and then something else."""

    async def pieces(handler: Handler) -> None:
        await handler.data(*map(piece, WORDS[:2]))

    return then(pieces, what)


def sends(*parts: str | bytes) -> Answer:
    """Bytes as they are."""

    async def answer(handler: Handler) -> None:
        for part in parts:
            await handler.send(part)

    return answer


def endless(part: str) -> Answer:
    """The same bytes again and again, until the other side has gone."""

    async def answer(handler: Handler) -> None:
        while not handler.gone.is_set():
            await handler.send(part)

    return answer


async def cut(handler: Handler) -> None:
    """The end of the connection."""
    handler.cut()


class ModelServer:
    def __init__(self) -> None:
        self.models: Answer = offer("tiny")
        self.answers: list[Answer] = [good]
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.gone = asyncio.Event()
        """Set when the other side closed a connection in the middle of an answer."""
        (socket,) = bind_sockets(0, "127.0.0.1")
        self._server = HTTPServer(Application([(r"/v1/(.*)", Handler, {"server": self})]))
        self._server.add_socket(socket)
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"

    async def close(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()
