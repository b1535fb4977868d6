from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeAlias

import pytest
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.websocket import WebSocketClientConnection, websocket_connect

from nbgroupchat.signalr import Endpoint
from tests.exchange import Exchange, Kind

from .fakes import HANDSHAKE, FakeApplication, Hub, decoded, web_application

MakeHub: TypeAlias = Callable[..., Hub]
Dial: TypeAlias = Callable[..., Coroutine[Any, Any, "Socket"]]
OpenExchange: TypeAlias = Callable[..., Coroutine[Any, Any, Exchange]]


class Socket:
    """A WebSocket client that speaks JSON messages."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.raw = socket
        self._messages: list[Any] = []

    def send(self, payload: str | bytes) -> None:
        self.raw.write_message(payload)

    async def next(self) -> Any:
        """The next message, or None at the end."""
        while not self._messages:
            payload = await self.raw.read_message()
            if payload is None:
                return None
            self._messages = decoded(payload)
        return self._messages.pop(0)

    async def rest(self) -> list[Any]:
        """All messages up to the end."""
        messages = []
        while (message := await self.next()) is not None:
            messages.append(message)
        return messages


@pytest.fixture
async def make_hub() -> AsyncIterator[MakeHub]:
    """Start servers; options go to `Endpoint`."""
    servers: list[tuple[HTTPServer, Endpoint]] = []

    def make(**options: Any) -> Hub:
        application = FakeApplication()
        endpoint = Endpoint(application, **options)
        listener, port = bind_unused_port()
        server = HTTPServer(web_application(endpoint, log_function=lambda _: None))
        server.add_socket(listener)
        servers.append((server, endpoint))
        return Hub(application, endpoint, port)

    yield make
    for server, endpoint in servers:
        server.stop()
        endpoint.close_all()
        await server.close_all_connections()


@pytest.fixture
def hub(make_hub: MakeHub) -> Hub:
    """A server with an endpoint's defaults."""
    return make_hub()


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Open WebSockets, as the user `ana` and with the handshake done unless told otherwise."""
    sockets: list[Socket] = []

    async def dial_one(
        hub: Hub, query: str = "", user: str | None = "ana", handshake: bool = True, **headers: str
    ) -> Socket:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user is not None:
            sent["X-User"] = user
        socket = Socket(await websocket_connect(HTTPRequest(hub.ws + query, headers=sent)))
        sockets.append(socket)
        if handshake:
            socket.send(HANDSHAKE)
            assert await socket.next() == {}
        return socket

    yield dial_one
    for socket in sockets:
        protocol = socket.raw.protocol
        socket.raw.close()
        if protocol is not None and protocol.stream is not None:
            protocol.stream.close()  # a reader that stalled would never answer the closing handshake


@pytest.fixture
async def open_exchange() -> AsyncIterator[OpenExchange]:
    """Open connections made of requests, as the user `ana` and with the handshake done unless told otherwise."""
    exchanges: list[Exchange] = []

    async def open_one(
        hub: Hub, kind: Kind, user: str = "ana", token: str = "", handshake: bool = True, **headers: str
    ) -> Exchange:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange = Exchange(hub.http, {"X-User": user} | sent, kind, token)
        exchanges.append(exchange)
        await exchange.open(handshake)
        return exchange

    yield open_one
    for exchange in exchanges:
        await exchange.cut()
