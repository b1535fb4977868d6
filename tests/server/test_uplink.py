"""Specification of the relay: what one end says the other hears, whatever the transport, within bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import websocket_connect

from nbgroupchat.policy import Identity
from nbgroupchat.protocol import MAX_FRAME, Kind
from nbgroupchat.server import uplink
from nbgroupchat.server.uplink import Passage, Service, ServiceError, Uplink, service_of
from nbgroupchat.service import KIND_HEADER
from nbgroupchat.signalr import ConnectFailed, Endpoint, HttpHandler, NegotiateHandler, SocketHandler, SocketPath
from nbgroupchat.signalr.client import connect
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.signalr import fakes
from tests.signalr.fakes import FakeApplication, FakeClock, FakeTransport, decoded, until

SECRET = "the server's own"


class _Owner:
    """Whoever comes is named by a header, as Jupyter would name them."""

    request: Any

    def signalr_user(self) -> object | None:
        kind: Kind = "kernel" if "X-Kernel" in self.request.headers else "human"
        return Identity(self.request.headers.get("X-User", "ana"), "ana", kind)

    def signalr_user_key(self) -> str:
        return "ana"

    def signalr_origin_optional(self) -> bool:
        return True


class _Negotiate(_Owner, NegotiateHandler):
    pass


class _Socket(_Owner, SocketHandler):
    pass


class _Http(_Owner, HttpHandler):
    pass


class _Knock(fakes.Socket):
    """The service's door, which keeps what it was shown."""

    knocks: list[dict[str, str]]

    def signalr_user(self) -> object | None:
        self.knocks.append(dict(self.request.headers.get_all()))
        return None if self.request.headers.get("Authorization") != f"token {SECRET}" else "ana"

    def signalr_user_key(self) -> str:
        return "ana"


class Relay:
    """A service, and a server whose connections are passed on to it."""

    def __init__(self, token: str = SECRET) -> None:
        self.application = FakeApplication()
        self.endpoint = Endpoint(self.application)
        self.knocks: list[dict[str, str]] = []
        self._service_listener, self.service_port = bind_unused_port()
        listener, self.port = bind_unused_port()
        self.uplink = Uplink(Service(f"http://127.0.0.1:{self.service_port}/hub", "ana", token), MAX_FRAME)
        given = {"endpoint": self.uplink}
        rules: list[Any] = [
            ("/hub/negotiate", _Negotiate, given), (SocketPath("/hub"), _Socket, given), ("/hub", _Http, given),
        ]  # fmt: skip
        self._server = HTTPServer(Application(rules, log_function=lambda _: None))
        self._server.add_socket(listener)

    def open_service(self) -> None:
        """Let the service answer."""
        handler = type("_Door", (_Knock,), {"knocks": self.knocks})
        rules: list[Any] = [("/hub", handler, {"endpoint": self.endpoint})]
        self._service = HTTPServer(Application(rules, log_function=lambda _: None))
        self._service.add_socket(self._service_listener)

    async def close(self) -> None:
        """End both."""
        self._server.stop()
        self.uplink.close_all()
        await self._server.close_all_connections()
        if hasattr(self, "_service"):
            self._service.stop()
            self.endpoint.close_all()
            await self._service.close_all_connections()
        else:
            self._service_listener.close()

    @property
    def url(self) -> str:
        """The server's WebSocket."""
        return f"ws://127.0.0.1:{self.port}/hub"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """Both, running."""
    found = Relay()
    found.open_service()
    yield found
    await found.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_both_ends_hear_each_other(relay: Relay, transport: Transport) -> None:
    """Over each transport commands arrive, answers and events come back, and each end hears the other's end."""
    heard: list[tuple[str, bytes]] = []

    class Hearing(SocketClient):
        def _hear(self, target: str, arguments: bytes) -> None:
            heard.append((target, arguments))
            self._changed.set()

    client = await Hearing.connect(relay.url, {}, transport)
    assert json.loads(await client.connection.invoke("echo", '["ü 1"]'.encode())) == ["ü 1"]
    await client.until(lambda: bool(heard))
    assert [(target, json.loads(arguments)) for target, arguments in heard] == [("echoed", ["ü 1"])]
    (session,) = relay.application.sessions
    await client.connection.close()
    await session.was_closed.wait()


async def test_the_token_is_shown_and_nothing_else_of_the_client(relay: Relay) -> None:
    """The service is shown the server's token and whether a kernel speaks; what the client sent stays here."""
    for headers in ({}, {"X-Kernel": "1", KIND_HEADER: "agent", "Cookie": "x=1", "Authorization": "token client's"}):
        client = await SocketClient.connect(relay.url + "?as=teacher", headers)
        await client.connection.close()
    first, second = relay.knocks
    assert first["Authorization"] == second["Authorization"] == f"token {SECRET}"
    assert KIND_HEADER not in {name.title() for name in first}
    assert {name.lower(): value for name, value in second.items()}[KIND_HEADER.lower()] == "kernel"
    for knock in relay.knocks:
        assert not {"cookie", "origin", "x-user", "x-kernel"} & {name.lower() for name in knock}


async def test_visitors_are_refused(relay: Relay) -> None:
    """Somebody else on this server would speak as its owner, and is not passed on."""
    with pytest.raises(ConnectFailed) as refused:
        await SocketClient.connect(relay.url, {"X-User": "ben"})
    assert refused.value.status == 403
    assert not relay.knocks


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_service_that_is_down_is_503_and_then_there(transport: Transport) -> None:
    """Nothing is accepted before the service is: 503 at once, and the same server serves when it is back."""
    relay = Relay()
    relay._service_listener.close()
    with pytest.raises(ConnectFailed) as refused:
        await SocketClient.connect(relay.url, {}, transport)
    assert refused.value.status == 503
    relay._service_listener, port = bind_unused_port()
    relay.uplink._service = Service(f"http://127.0.0.1:{port}/hub", "ana", SECRET)
    relay.open_service()
    client = await SocketClient.connect(relay.url, {}, transport)
    assert await client.connection.invoke("echo", b"[1]") == b"[1]"
    await client.connection.close()
    await relay.close()


async def test_who_the_service_refuses_is_refused() -> None:
    """403 of the service is 403 here, for each transport, and what to do about it is in the server's log."""
    relay = Relay(token="revoked")
    relay.open_service()
    for transport in TRANSPORTS:
        with pytest.raises(ConnectFailed) as refused:
            await SocketClient.connect(relay.url, {}, transport)
        assert refused.value.status == 403
    await relay.close()


async def test_the_end_is_passed_on_with_its_code(relay: Relay) -> None:
    """What the service says at last, and the code it closes with, reach the client."""
    socket = await websocket_connect(relay.url)
    await socket.write_message(fakes.HANDSHAKE)
    assert await socket.read_message() == "{}\x1e"
    (connection,) = relay.endpoint.connections
    connection.close("begin again", allow_reconnect=True)
    last = await socket.read_message()
    assert last is not None
    assert decoded(last) == [{"type": 7, "error": "begin again", "allowReconnect": True}]
    assert await socket.read_message() is None
    assert (socket.close_code, socket.close_reason) == (1012, "begin again")
    socket.close()


async def test_a_service_that_is_cut_off_ends_its_connections(relay: Relay) -> None:
    """A connection that ends without a word ends with a code that says to come again."""
    socket = await websocket_connect(relay.url)
    await socket.write_message(fakes.HANDSHAKE)
    await socket.read_message()
    (connection,) = relay.endpoint.connections
    connection.transport._stream.close()  # type: ignore[attr-defined]  # as a network ends it
    assert await socket.read_message() is None
    assert socket.close_code == 1012
    socket.close()


async def test_a_writer_waits_for_the_service(relay: Relay) -> None:
    """While a command is carried out the client's next ones are not read, as on a connection of the service itself."""
    client = await connect(relay.url, {}, lambda _target, _arguments: None, lambda _error, _again: None)
    held = asyncio.create_task(client.invoke("hold", b"[]"))
    await until(lambda: bool(relay.application.sessions))
    (session,) = relay.application.sessions
    await session.holding.wait()
    large = b'["' + b"x" * 60_000 + b'"]'
    for _ in range(400):
        client.send("ignored", large)
    socket = client._socket
    assert socket is not None
    last = socket.write_message(fakes.frame(type=1, target="last", arguments=[]))
    for _ in range(2000):
        await asyncio.sleep(0)
    assert not last.done()
    session.release.set()
    assert await held == b'"held"'
    await last
    await until(lambda: "end last" in session.heard)
    assert sum(line.startswith("end ignored") for line in session.heard) == 400
    await client.close()


class _Line:
    """A service's socket by hand."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[str | None] = asyncio.Queue()
        self.said: list[str | bytes] = []
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.closed = False

    async def read_message(self) -> str | None:
        return await self.frames.get()

    def write_message(self, message: str | bytes, binary: bool = False) -> asyncio.Future[None]:
        self.said.append(message)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def close(self, _code: int | None = None, _reason: str | None = None) -> None:
        self.closed = True


def passage(line: _Line, transport: FakeTransport, clock: FakeClock) -> Passage:
    return Passage(line, transport, "ana", "id", clock)  # type: ignore[arg-type]  # a socket as far as it is used


async def test_a_reader_that_is_behind_is_not_read_for() -> None:
    """While a client does not take what it is given, nothing more is taken from the service; then it goes on."""
    line, transport = _Line(), FakeTransport(behind=True)
    found = passage(line, transport, FakeClock())
    for number in range(5):
        line.frames.put_nowait(f"{number}\x1e")
    for _ in range(50):
        await asyncio.sleep(0)
    assert transport.written == [b"0\x1e"]
    assert line.frames.qsize() == 4
    transport.behind = False
    found.drained()
    await until(lambda: line.frames.empty())
    assert transport.written == [f"{number}\x1e".encode() for number in range(5)]
    found.lost()


async def test_who_polls_is_spoken_for() -> None:
    """A client that is there and need not ping is kept at the service by pings, once it has said something."""
    line, clock = _Line(), FakeClock()
    found = passage(line, FakeTransport(), clock)
    clock.advance(60)
    found.heard()
    assert line.said == []
    await found.receive(b"hello")
    found.heard()
    assert line.said == [b"hello"]
    clock.advance(uplink.PING_SECONDS + 1)
    found.heard()
    found.heard()
    assert line.said == [b"hello", '{"type":6}\x1e']
    found.lost()
    assert line.closed
    clock.advance(60)
    found.heard()
    await found.receive(b"late")
    assert len(line.said) == 2


async def test_who_never_reads_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stays behind for too long is closed, and the service's connection with it."""
    monkeypatch.setattr(uplink, "STALL_SECONDS", 0)
    line, transport = _Line(), FakeTransport(behind=True)
    found = passage(line, transport, FakeClock())
    line.frames.put_nowait("one\x1e")
    line.frames.put_nowait("two\x1e")
    await until(lambda: found.closed)
    assert transport.written[0] == b"one\x1e"
    assert b"two\x1e" not in transport.written
    assert b"was not read" in transport.written[-1]
    assert transport.closed[0][0] == 1012
    assert line.closed


@pytest.mark.parametrize("code", [None, 1005, 1006])
async def test_a_code_that_nobody_may_send_becomes_one_that_may(code: int | None) -> None:
    """Codes that only say how a socket ended (RFC 6455 section 7.4.1) are not sent on."""
    line, transport = _Line(), FakeTransport()
    line.close_code = code
    found = passage(line, transport, FakeClock())
    line.frames.put_nowait(None)
    await until(lambda: found.closed)
    assert transport.closed == [(1012, "")]


def test_the_service_is_one_variable() -> None:
    """Without it a server has rooms of its own; with it a Hub's variables are needed, and what is missing is said."""
    hub = {"JUPYTERHUB_USER": "ana", "JUPYTERHUB_API_TOKEN": "t"}
    assert service_of(hub) is None
    found = service_of(hub | {"NBGROUPCHAT_SERVICE": "http://hub:8081/services/nbgroupchat/"})
    assert found == Service("http://hub:8081/services/nbgroupchat/hub", "ana", "t")
    assert "'t'" not in repr(found)
    with pytest.raises(ServiceError, match="JUPYTERHUB_USER"):
        service_of({"NBGROUPCHAT_SERVICE": "http://hub:8081/services/nbgroupchat/"})
    with pytest.raises(ServiceError, match="http://"):
        service_of(hub | {"NBGROUPCHAT_SERVICE": "hub:8081"})
