"""Stand-ins for what surrounds `nbgroupchat.signalr`: a clock moved by hand, a transport that records, a server."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tornado.web import Application as WebApplication

from nbgroupchat.signalr import (
    Connection,
    Endpoint,
    HttpHandler,
    Invocation,
    NegotiateHandler,
    Reply,
    SocketHandler,
    SocketPath,
)
from nbgroupchat.signalr.messages import SEPARATOR, encode_invocation

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


def frame(**message: Any) -> str:
    """One message as a client sends it."""
    return msgspec.json.encode(message).decode() + "\x1e"


def decoded(payload: str | bytes) -> list[Any]:
    """The JSON values of one payload."""
    data = payload.encode() if isinstance(payload, str) else payload
    assert data.endswith(SEPARATOR)
    return [msgspec.json.decode(part) for part in data[:-1].split(SEPARATOR)]


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until `condition` holds, for what tells nobody when it happens."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0)


@dataclass
class FakeTimer:
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Time stands still until `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, FakeTimer]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._due, (self.now + delay, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._due)
            if not timer.cancelled:
                timer.callback()
        self.now = end

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer in self._due)


@dataclass
class FakeTransport:
    """Records what is written; `behind` makes every write return False."""

    behind: bool = False
    written: list[bytes] = field(default_factory=list)
    closed: list[tuple[int, str]] = field(default_factory=list)

    def write(self, payload: bytes) -> bool:
        assert not self.closed
        self.written.append(payload)
        return not self.behind

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    @property
    def sent(self) -> list[Any]:
        return [message for payload in self.written for message in decoded(payload)]


class FakeSession:
    """Answers `echo`, fails on `fail`, holds on `hold` until `release`, floods on `flood`; records what it hears."""

    def __init__(self, connection: Connection, user: object) -> None:
        self.connection = connection
        self.user = user
        self.heard: list[str] = []
        self.holding = asyncio.Event()
        self.release = asyncio.Event()
        self.was_drained = asyncio.Event()
        self.was_closed = asyncio.Event()
        self.closed_count = self.drained_count = 0

    async def invoked(self, invocation: Invocation, reply: Reply) -> None:
        arguments = bytes(invocation.arguments)
        self.heard.append(f"{invocation.target}{arguments.decode()}")
        match invocation.target:
            case "echo":
                reply.result(arguments)
                self.connection.send(encode_invocation("echoed", arguments))
            case "hold":
                self.holding.set()
                await self.release.wait()
                reply.result(b'"held"')
            case "twice":
                reply.result(b"1")
                reply.result(b"2")
            case "fail":
                raise ValueError("canary: the password is swordfish")
            case "refuse":
                reply.error("no such thing")
            case "flood":
                while self.connection.send(encode_invocation("flood", b'["' + b"x" * 30_000 + b'"]')):
                    pass
        self.heard.append(f"end {invocation.target}")

    def drained(self) -> None:
        self.drained_count += 1
        self.was_drained.set()

    def closed(self) -> None:
        self.closed_count += 1
        self.was_closed.set()


class FakeApplication:
    """Makes a `FakeSession` for each connection."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.connecting: Callable[[Connection], None] = lambda _: None

    def connected(self, connection: Connection, user: object) -> FakeSession:
        self.connecting(connection)
        session = FakeSession(connection, user)
        self.sessions.append(session)
        return session


class SignedIn:
    """The user is whoever the header X-User names."""

    request: Any

    def signalr_user(self) -> object | None:
        user: object | None = self.request.headers.get("X-User")
        return user

    def signalr_user_key(self) -> str:
        return str(self.request.headers["X-User"])

    def signalr_origin_optional(self) -> bool:
        return "X-Origin-Required" not in self.request.headers


class Negotiate(SignedIn, NegotiateHandler):
    pass


class Socket(SignedIn, SocketHandler):
    pass


class Http(SignedIn, HttpHandler):
    pass


@dataclass
class Hub:
    """A server on 127.0.0.1 and what is behind it."""

    application: FakeApplication
    endpoint: Endpoint
    port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/hub"


def web_application(endpoint: Endpoint, **settings: Any) -> WebApplication:
    handed = {"endpoint": endpoint}
    return WebApplication(
        [("/hub/negotiate", Negotiate, handed), (SocketPath("/hub"), Socket, handed), ("/hub", Http, handed)],
        **settings,
    )
