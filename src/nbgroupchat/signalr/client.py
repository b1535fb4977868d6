"""A small SignalR client for asyncio over Tornado's WebSocket: one connection, from the handshake to its end.

It connects without negotiation and knows nothing of connecting again: the caller does that, when `on_closed` says it
makes sense. The HTTP headers (a secret may be among them) are sent with the upgrade and nowhere else.

Specification: `HubProtocol.md` in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, WebSocketError, websocket_connect

from nbgroupchat.signalr import messages
from nbgroupchat.signalr.keepalive import Clock, KeepAlive
from nbgroupchat.signalr.messages import Close, Completion, Invocation, ProtocolError

log = logging.getLogger(__name__)

MAX_MESSAGE = 16 * 1024 * 1024
"""Largest frame taken from a server, in bytes."""

OnInvocation: TypeAlias = Callable[[str, bytes], None]
"""Hears what the server invokes: target, and the JSON text of the arguments' array."""

OnClosed: TypeAlias = Callable[[str | None, bool], None]
"""Hears the end, once: what went wrong, if anything, and whether connecting again makes sense."""


class SignalRError(Exception):
    """The server answered an invocation with an error."""


class ConnectionClosed(Exception):
    """The connection ended before the answer came, or could not be made."""


class ConnectFailed(ConnectionClosed):
    """No connection came about; `status` is the HTTP status of the refusal, or None when there was none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


async def connect(
    url: str,
    headers: Mapping[str, str],
    on_invocation: OnInvocation,
    on_closed: OnClosed,
    *,
    connect_timeout: float = 15.0,
    keep_alive: float = 15.0,
    server_timeout: float = 30.0,
    max_message_size: int = MAX_MESSAGE,
    clock: Clock | None = None,
) -> Client:
    """Return a client whose handshake is done, or raise `ConnectFailed`. Times are in seconds.

    `url` may be `http(s):` or `ws(s):`. What the server invokes may arrive before this returns.
    """
    client = Client(on_invocation, on_closed, keep_alive, server_timeout, clock or asyncio.get_running_loop())
    try:
        client.attach(
            await open_socket(
                url,
                headers,
                on_payload=client.receive,
                connect_timeout=connect_timeout,
                max_message_size=max_message_size,
            )
        )
        await client.shake_hands(connect_timeout)
    except ConnectFailed:
        raise
    except BaseException:
        client.abandon()
        raise
    return client


async def open_socket(
    url: str,
    headers: Mapping[str, str],
    *,
    on_payload: Callable[[str | bytes | None], None] | None = None,
    connect_timeout: float = 15.0,
    max_message_size: int = MAX_MESSAGE,
) -> WebSocketClientConnection:
    """Return an open WebSocket on which nothing has been said, or raise `ConnectFailed`.

    `on_payload` hears each payload, and None at the end; without it the caller reads them.
    """
    request = HTTPRequest(
        _websocket_url(url), headers=dict(headers), connect_timeout=connect_timeout, request_timeout=connect_timeout
    )
    opening = asyncio.ensure_future(
        websocket_connect(request, on_message_callback=on_payload, max_message_size=max_message_size)
    )
    try:
        # Tornado goes on connecting when its future is cancelled, and nobody would close what comes of it.
        return await asyncio.shield(opening)
    except HTTPClientError as problem:
        # 599 is Tornado's own number for "no answer".
        status = None if problem.code == 599 else problem.code
        raise ConnectFailed(f"the server refused the connection: {problem}", status) from problem
    except (WebSocketError, OSError) as problem:
        raise ConnectFailed(f"cannot connect: {str(problem) or type(problem).__name__}") from problem
    except BaseException:
        opening.add_done_callback(_close_late)
        raise


class Client:
    """One connection to a server; made by `connect`. For one event loop, and not to be shared between threads."""

    def __init__(
        self, on_invocation: OnInvocation, on_closed: OnClosed, keep_alive: float, server_timeout: float, clock: Clock
    ) -> None:
        self.closed = False
        self._begun = False
        self._on_invocation = on_invocation
        self._on_closed = on_closed
        self._keep_alive = keep_alive
        self._server_timeout = server_timeout
        self._clock = clock
        self._socket: WebSocketClientConnection | None = None
        self._keeper: KeepAlive | None = None
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = loop.create_future()  # the handshake
        self._gone: asyncio.Future[None] = loop.create_future()  # the socket
        self._waiting: dict[str, asyncio.Future[bytes]] = {}  # by invocation id
        self._ids = itertools.count()

    async def invoke(self, target: str, arguments: bytes) -> bytes:
        """Call `target` and return the JSON text of the result (`null` for none).

        `arguments` is the JSON text of an array. Raises `SignalRError` when the server answers with an error and
        `ConnectionClosed` when the connection ends before.
        """
        invocation_id = str(next(self._ids))
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._write(messages.encode_invocation(target, arguments, invocation_id))
        self._waiting[invocation_id] = answer
        try:
            return await answer
        finally:
            self._waiting.pop(invocation_id, None)

    def send(self, target: str, arguments: bytes) -> None:
        """Call `target` and ask for no answer; `ConnectionClosed` when the connection has ended."""
        self._write(messages.encode_invocation(target, arguments))

    async def close(self) -> None:
        """Say goodbye and wait until the socket is closed, which a silent server delays by at most five seconds."""
        if not self.closed:
            with suppress(ConnectionClosed):
                self._write(messages.encode_close())
            self._end(None, False)
        if self._socket is not None:
            await asyncio.shield(self._gone)

    def attach(self, socket: WebSocketClientConnection) -> None:
        """Take the opened socket."""
        self._socket = socket

    async def shake_hands(self, within: float) -> None:
        """Agree on the protocol, within so many seconds."""
        self._write(messages.encode_handshake())
        timer = self._clock.call_later(within, partial(self._end, f"no handshake within {within:g} s", True))
        try:
            await self._answered
        finally:
            timer.cancel()
        if not self.closed:
            self._keeper = KeepAlive(self._clock, self._keep_alive, self._server_timeout, self._ping, self._silent)

    def abandon(self) -> None:
        """End before there was a connection to hear the end of."""
        self._end(None, False)

    def receive(self, payload: str | bytes | None) -> None:
        """Hear a payload, or None when the socket has closed."""
        if payload is None and not self._gone.done():
            self._gone.set_result(None)
        if self.closed:
            return
        if payload is None:
            self._end("the connection was lost", True)
            return
        if self._keeper is not None:
            self._keeper.heard()
        try:
            rest: str | bytes = payload if self._begun else self._check_answer(payload)
            received = messages.parse(rest) if rest else []
        except ProtocolError as problem:
            self._end(f"protocol error: {problem}", True)
            return
        for message in received:
            self._handle(message)
            if self.closed:
                return

    def _check_answer(self, payload: str | bytes) -> bytes:
        answer, rest = messages.parse_handshake_answer(payload)
        if answer.error is not None:
            self._end(answer.error, False)
            return b""
        self._begun = True
        self._answered.set_result(None)
        return rest

    def _handle(self, message: messages.Message) -> None:
        if isinstance(message, Invocation):
            try:
                self._on_invocation(message.target, bytes(message.arguments))
            except Exception:
                log.exception("the callback for a server's invocation failed")
            if message.invocation_id is not None:
                with suppress(ConnectionClosed):
                    self._write(messages.encode_error(message.invocation_id, "this client answers no invocations"))
        elif isinstance(message, Completion):
            answer = self._waiting.pop(message.invocation_id, None)
            if answer is None or answer.done():
                return
            if message.error is not None:
                answer.set_exception(SignalRError(message.error))
            else:
                answer.set_result(bytes(message.result) or b"null")
        elif isinstance(message, Close):
            self._end(message.error, message.allow_reconnect)

    def _write(self, payload: bytes) -> None:
        if self.closed or self._socket is None:
            raise ConnectionClosed("the connection is closed")
        try:
            written = self._socket.write_message(payload)
        except WebSocketClosedError as problem:
            raise ConnectionClosed("the connection is closed") from problem
        # Its failure is heard as the end of the connection; unread, asyncio would report it as well.
        written.add_done_callback(_read)
        if self._keeper is not None:
            self._keeper.spoke()

    def _ping(self) -> None:
        with suppress(ConnectionClosed):
            self._write(messages.PING)

    def _silent(self) -> None:
        self._end(f"nothing was received for {self._server_timeout:g} s", True)

    def _end(self, error: str | None, allow_reconnect: bool) -> None:
        if self.closed:
            return
        self.closed = True
        if self._keeper is not None:
            self._keeper.cancel()
        if self._socket is not None:
            self._socket.close(1000)
        failure = error or "the connection is closed"
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionClosed(failure))
        if not self._begun:
            # `connect` raises this, so that nobody hears of an end without a beginning.
            if not self._answered.done():
                self._answered.set_exception(ConnectFailed(failure))
                self._answered.exception()
            return
        try:
            self._on_closed(error, allow_reconnect)
        except Exception:
            log.exception("the callback for the end of a connection failed")


def _websocket_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return {"http": "ws", "https": "wss"}.get(scheme, scheme) + separator + rest


def _read(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()


def _close_late(opening: asyncio.Future[WebSocketClientConnection]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
