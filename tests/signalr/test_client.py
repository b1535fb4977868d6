from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from nbgroupchat.signalr import Client, ConnectFailed, ConnectionClosed, SignalRError, connect

from .fakes import FakeClock, Hub, decoded, frame, until


class Ear:
    """Records what a client hears."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.ends: list[tuple[str | None, bool]] = []
        self.ended = asyncio.Event()

    def invocation(self, target: str, arguments: bytes) -> None:
        self.events.put_nowait((target, arguments))

    def closed(self, error: str | None, allow_reconnect: bool) -> None:
        self.ends.append((error, allow_reconnect))
        self.ended.set()

    async def connect(self, url: str, **options: Any) -> Client:
        return await connect(url, {"X-User": "ana"}, self.invocation, self.closed, **options)


@pytest.fixture
def ear() -> Ear:
    return Ear()


class Raw(WebSocketHandler):
    """A server whose every word the test decides."""

    opened: asyncio.Queue[Raw]
    heard: asyncio.Queue[Any]

    def initialize(self, queue: asyncio.Queue[Raw]) -> None:
        self.opened = queue
        self.heard = asyncio.Queue()

    def open(self) -> None:
        self.opened.put_nowait(self)

    def on_message(self, message: str | bytes) -> None:
        for one in decoded(message):
            self.heard.put_nowait(one)


class Page(RequestHandler):
    def get(self) -> None:
        self.finish("hello")


class RawServer:
    def __init__(self) -> None:
        self.opened: asyncio.Queue[Raw] = asyncio.Queue()
        listener, self.port = bind_unused_port()
        self.server = HTTPServer(
            Application([("/", Raw, {"queue": self.opened}), ("/page", Page)], log_function=lambda _: None)
        )
        self.server.add_socket(listener)
        self.url = f"ws://127.0.0.1:{self.port}/"

    async def connect(self, ear: Ear, **options: Any) -> tuple[Client, Raw]:
        connecting = asyncio.create_task(ear.connect(self.url, **options))
        socket = await self.opened.get()
        assert await socket.heard.get() == {"protocol": "json", "version": 1}
        await socket.write_message("{}\x1e")
        return await connecting, socket


@pytest.fixture
async def raw_server() -> AsyncIterator[RawServer]:
    server = RawServer()
    yield server
    server.server.stop()
    await server.server.close_all_connections()


async def test_a_client_invokes_and_hears(hub: Hub, ear: Ear) -> None:
    """Results come back as JSON text, the server's invocations reach the callback; `http:` addresses will do."""
    client = await ear.connect(hub.http)
    assert await client.invoke("echo", b'["\xc3\xa9",1]') == '["é",1]'.encode()
    assert await ear.events.get() == ("echoed", '["é",1]'.encode())
    assert await client.invoke("nothing", b"[]") == b"null"
    client.send("echo", b"[2]")
    assert await ear.events.get() == ("echoed", b"[2]")
    await client.close()
    assert ear.ends == [(None, False)]
    await hub.application.sessions[0].was_closed.wait()


async def test_invocations_may_overlap(hub: Hub, ear: Ear) -> None:
    """Each of many invocations under way gets its own answer."""
    client = await ear.connect(hub.ws)
    answers = await asyncio.gather(*(client.invoke("echo", b"[%d]" % number) for number in range(50)))
    assert answers == [b"[%d]" % number for number in range(50)]
    await client.close()


async def test_an_error_of_the_server_is_raised(hub: Hub, ear: Ear) -> None:
    """An error completion becomes `SignalRError` with its text; the connection goes on."""
    client = await ear.connect(hub.ws)
    with pytest.raises(SignalRError, match="no such thing"):
        await client.invoke("refuse", b"[]")
    assert await client.invoke("echo", b"[]") == b"[]"
    await client.close()


async def test_a_callback_that_raises_does_not_end_the_connection(
    hub: Hub, ear: Ear, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a callback raises is logged."""

    def fail(_target: str, _arguments: bytes) -> None:
        raise ValueError("my mistake")

    monkeypatch.setattr(ear, "invocation", fail)
    client = await ear.connect(hub.ws)
    await client.invoke("echo", b"[1]")
    assert await client.invoke("echo", b"[2]") == b"[2]"
    assert "my mistake" in caplog.text
    await client.close()


async def test_a_server_that_closes_says_whether_to_come_back(hub: Hub, ear: Ear) -> None:
    """The server's Close reaches `on_closed`, and what waits for an answer gets `ConnectionClosed`."""
    client = await ear.connect(hub.ws)
    waiting = asyncio.create_task(client.invoke("hold", b"[]"))
    await until(lambda: bool(hub.application.sessions))
    await hub.application.sessions[0].holding.wait()
    hub.endpoint.close_all()
    with pytest.raises(ConnectionClosed, match="shutting down"):
        await waiting
    assert ear.ends == [("the server is shutting down", True)]
    with pytest.raises(ConnectionClosed):
        client.send("echo", b"[]")
    with pytest.raises(ConnectionClosed):
        await client.invoke("echo", b"[]")
    hub.application.sessions[0].release.set()
    await client.close()
    assert len(ear.ends) == 1


async def test_a_cut_connection_is_heard_once(raw_server: RawServer, ear: Ear) -> None:
    """Without a Close message the end is an error after which connecting again makes sense."""
    client, socket = await raw_server.connect(ear)
    waiting = asyncio.create_task(client.invoke("t", b"[]"))
    assert (await socket.heard.get())["invocationId"] == "0"
    socket.ws_connection._abort()  # type: ignore[union-attr]
    with pytest.raises(ConnectionClosed):
        await waiting
    assert ear.ends == [("the connection was lost", True)]
    await client.close()


@pytest.mark.parametrize(
    ("path", "status"), [("http://127.0.0.1:{port}/page", None), ("ws://127.0.0.1:{port}/nothing", 404)]
)
async def test_a_server_that_does_not_upgrade_is_a_failure(
    raw_server: RawServer, ear: Ear, path: str, status: int | None
) -> None:
    """Refusals carry their HTTP status; `on_closed` is not called for what never began."""
    with pytest.raises(ConnectFailed) as failed:
        await ear.connect(path.format(port=raw_server.port))
    assert failed.value.status == status
    assert ear.ends == []


async def test_no_server_is_a_failure(ear: Ear) -> None:
    """A port nobody listens on is `ConnectFailed`."""
    listener, port = bind_unused_port()
    listener.close()
    with pytest.raises(ConnectFailed, match="cannot connect"):
        await ear.connect(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize("answer", ['{"error":"not you"}\x1e', "nonsense\x1e", None])
async def test_a_failed_handshake_is_a_failure(raw_server: RawServer, ear: Ear, answer: str | None) -> None:
    """A refused, broken or cut handshake raises `ConnectFailed`, and nothing is left open."""
    connecting = asyncio.create_task(ear.connect(raw_server.url))
    socket = await raw_server.opened.get()
    await socket.heard.get()
    if answer is None:
        socket.ws_connection._abort()  # type: ignore[union-attr]
    else:
        await socket.write_message(answer)
    with pytest.raises(ConnectFailed):
        await connecting
    assert ear.ends == []


async def test_a_server_that_never_answers_the_handshake_is_a_failure(raw_server: RawServer, ear: Ear) -> None:
    """The handshake has a time limit."""
    clock = FakeClock()
    connecting = asyncio.create_task(ear.connect(raw_server.url, connect_timeout=10, clock=clock))
    socket = await raw_server.opened.get()
    await socket.heard.get()
    clock.advance(10)
    with pytest.raises(ConnectFailed, match="10 s"):
        await connecting
    assert ear.ends == []


async def test_a_cancelled_connect_leaves_nothing_open(raw_server: RawServer, ear: Ear) -> None:
    """Cancelled in the middle of the handshake, or before the upgrade, the socket is closed."""
    connecting = asyncio.create_task(ear.connect(raw_server.url))
    socket = await raw_server.opened.get()
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    early = asyncio.create_task(ear.connect(raw_server.url))
    await asyncio.sleep(0)
    early.cancel()
    with pytest.raises(asyncio.CancelledError):
        await early
    second = await raw_server.opened.get()
    await until(lambda: socket.ws_connection is None and second.ws_connection is None)
    gc.collect()
    assert ear.ends == []


async def test_the_client_pings_and_gives_up_on_a_silent_server(raw_server: RawServer, ear: Ear) -> None:
    """A ping after 15 s of own silence; the end, with reconnecting allowed, after 30 s without a message."""
    clock = FakeClock()
    client, socket = await raw_server.connect(ear, clock=clock)
    clock.advance(15)
    assert await socket.heard.get() == {"type": 6}
    await socket.write_message(frame(type=6) + frame(type=1, target="t", arguments=[]))
    await ear.events.get()
    clock.advance(29)
    assert ear.ends == []
    clock.advance(1)
    assert ear.ends == [("nothing was received for 30 s", True)]
    await client.close()
    assert clock.pending == 0


async def test_a_server_that_breaks_the_protocol_is_left(raw_server: RawServer, ear: Ear) -> None:
    """Nonsense ends the connection with an error that names it."""
    client, socket = await raw_server.connect(ear)
    await socket.write_message("nonsense\x1e")
    await ear.ended.wait()
    [(error, allow_reconnect)] = ear.ends
    assert error is not None
    assert "protocol error" in error
    assert allow_reconnect
    await client.close()


async def test_strays_and_unknown_types_are_ignored(raw_server: RawServer, ear: Ear) -> None:
    """Completions of nothing and unknown types have no effect; a server that wants an answer gets an error."""
    client, socket = await raw_server.connect(ear)
    await socket.write_message(
        frame(type=3, invocationId="99")
        + frame(type=99)
        + frame(type=1, target="t", arguments=[1], invocationId="s1", headers={"a": "b"})
    )
    assert await ear.events.get() == ("t", b"[1]")
    answer = await socket.heard.get()
    assert (answer["invocationId"], "error" in answer) == ("s1", True)
    await client.close()


async def test_large_messages_of_the_server_arrive(hub: Hub, ear: Ear) -> None:
    """A snapshot far above the limit for clients' frames is taken."""
    client = await ear.connect(hub.ws)
    await client.invoke("nothing", b"[]")
    [connection] = hub.endpoint.connections
    arguments = b'["' + b"x" * 12_000_000 + b'"]'
    connection.send(b'{"type":1,"target":"big","arguments":' + arguments + b"}\x1e")
    assert await ear.events.get() == ("big", arguments)
    await client.close()


async def test_a_secret_in_the_headers_is_in_no_frame(raw_server: RawServer, ear: Ear) -> None:
    """The HTTP headers go with the upgrade and are not repeated in messages."""
    connecting = asyncio.create_task(
        connect(raw_server.url, {"Authorization": "token canary"}, ear.invocation, ear.closed)
    )
    socket = await raw_server.opened.get()
    assert socket.request.headers["Authorization"] == "token canary"
    heard = [await socket.heard.get()]
    await socket.write_message("{}\x1e")
    client = await connecting
    client.send("t", b"[]")
    heard.append(await socket.heard.get())
    await client.close()
    heard.append(await socket.heard.get())
    assert heard[-1] == {"type": 7}
    assert "canary" not in repr(heard)
