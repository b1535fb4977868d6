"""Passes each connection of this server on to the one service of a JupyterHub, which has the rooms and the model.

One to one, whatever the transport on this side, over a WebSocket on that one. No frame is read. This module touches
trust. It covers: who speaks is said by this server's own token, which is sent to the configured service with the
upgrade and nowhere else; visitors of somebody else's server are refused, for the token would name its owner. What waits
is bounded both ways: a reader that is behind is not read for, and a writer waits until the service has taken what it
said. It does not cover what the owner of this server does with the token, which is theirs, or who sees the traffic to
the service: give an https address where the network is not trusted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from msgspec import Struct
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from nbgroupchat.policy import Identity
from nbgroupchat.service import KIND_HEADER
from nbgroupchat.signalr import messages
from nbgroupchat.signalr.application import Session, Transport
from nbgroupchat.signalr.client import ConnectFailed, open_socket
from nbgroupchat.signalr.connection import NORMAL, RESTART, Connection
from nbgroupchat.signalr.endpoint import Endpoint, Refused, Ticket
from nbgroupchat.signalr.keepalive import Clock

VARIABLE = "NBGROUPCHAT_SERVICE"
"""Names the service's address, such as http://hub:8081/services/nbgroupchat/; without it a server has its own hub."""

DIAL_SECONDS = 10.0
STALL_SECONDS = 30.0
"""How long a reader may be behind."""

PING_SECONDS = 10.0
"""How often a client is spoken for that is known to be there and need not say so, as one that polls."""

_SENDABLE = range(1000, 1015)
_NEVER_SENT = (1004, 1005, 1006)

log = logging.getLogger(__name__)


class Service(Struct, frozen=True):
    """Where the service is, whose server this is, and what it shows there."""

    url: str
    owner: str
    token: str

    def __repr__(self) -> str:
        """Leave the token out of tracebacks and logs."""
        return f"Service(url={self.url!r}, owner={self.owner!r})"


class ServiceError(ValueError):
    """A service that cannot be used; the message says what is missing."""


def service_of(environment: Mapping[str, str]) -> Service | None:
    """Give the service that this server's rooms are at, or None where it has its own. Raises ServiceError."""
    url = environment.get(VARIABLE, "")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise ServiceError(f"{VARIABLE} is {url!r}, and takes an address that begins with http:// or https://.")
    owner, token = environment.get("JUPYTERHUB_USER", ""), environment.get("JUPYTERHUB_API_TOKEN", "")
    if not (owner and token):
        raise ServiceError(
            f"{VARIABLE} is set, and JUPYTERHUB_USER or JUPYTERHUB_API_TOKEN is not: only servers that a JupyterHub "
            "has started can use its service. Unset it elsewhere."
        )
    return Service(f"{url.rstrip('/')}/hub", owner, token)


class Uplink(Endpoint):
    """An endpoint whose connections lead to the service, which is dialled before any of them is accepted."""

    def __init__(self, service: Service, max_frame: int, max_connections: int = 2000) -> None:
        super().__init__(_Nobody(), max_frame=max_frame, max_connections=max_connections)
        self._service = service
        self._dialled: dict[str, WebSocketClientConnection] = {}
        self._trouble = ""

    async def reach(self, ticket: Ticket, user: object) -> None:
        """Dial the service for this ticket, unless that is done. Raises `Refused`."""
        if not isinstance(user, Identity):
            raise TypeError(f"a connection's user is an Identity, not {type(user).__name__}")
        if user.kind != "kernel" and user.user != self._service.owner:
            raise Refused(403, f"this is the server of {self._service.owner}; open the room on your own")
        socket = self._dialled.get(ticket.token)
        if socket is None or _is_over(socket):
            self._hang_up_unused()
            self._dialled[ticket.token] = await self._dial(user)

    def release(self, ticket: Ticket) -> None:
        """Give a claimed ticket back, and whatever it led to."""
        super().release(ticket)
        if (socket := self._dialled.pop(ticket.token, None)) is not None:
            socket.close(NORMAL)

    def _connection(self, ticket: Ticket, transport: Transport, user: object) -> Connection:
        passage = Passage(self._dialled.pop(ticket.token), transport, user, ticket.id, self.clock)
        # It has what transports and requests use of a connection, and none of the rest, which is the service's.
        return cast("Connection", passage)

    def _hang_up_unused(self) -> None:
        for token in [token for token in self._dialled if token not in self._unused and token not in self._used]:
            self._dialled.pop(token).close(NORMAL)

    async def _dial(self, user: Identity) -> WebSocketClientConnection:
        headers = {"Authorization": f"token {self._service.token}"}
        if user.kind == "kernel":
            headers[KIND_HEADER] = "kernel"
        try:
            # Without a callback Tornado reads a frame only when the one before it was taken.
            socket = await open_socket(self._service.url, headers, connect_timeout=DIAL_SECONDS)
        except ConnectFailed as failed:
            status, message = _refusal(failed.status)
            if message != self._trouble:
                self._trouble = message
                log.warning("The chat's service at %s: %s (%s)", self._service.url, message, failed)
            raise Refused(status, message) from failed
        if self._trouble:
            self._trouble = ""
            log.info("The chat's service at %s is there again", self._service.url)
        return socket


class Passage:
    """One connection passed on: what one end says, the other hears, until either ends. Has a `Connection`'s methods."""

    def __init__(
        self, socket: WebSocketClientConnection, transport: Transport, user: object, id_: str, clock: Clock
    ) -> None:
        self.id = id_
        self.user = user
        self.closed = False
        self.transport = transport
        self._socket = socket
        self._clock = clock
        self._spoken_at = 0.0  # 0 before the client has said anything, which is the handshake
        self._answered = False
        self._caught_up = asyncio.Event()
        self._down = asyncio.get_running_loop().create_task(self._carry_down())

    async def receive(self, payload: str | bytes) -> None:
        """Say to the service what the client says, and wait until it has been taken."""
        if not self.closed:
            self._spoken_at = self._clock.time()
            with suppress(WebSocketClosedError):  # whoever carries down hears of the end, with its reason
                await self._socket.write_message(payload, binary=isinstance(payload, bytes))

    def heard(self) -> None:
        """Say to the service now and then that a client is there which need not say so itself."""
        if self._spoken_at and not self.closed and self._clock.time() - self._spoken_at > PING_SECONDS:
            self._spoken_at = self._clock.time()
            try:
                written = self._socket.write_message(messages.PING.decode())
            except WebSocketClosedError:
                return
            written.add_done_callback(_read)

    def drained(self) -> None:
        """Hear that the client has caught up."""
        self._caught_up.set()

    def lost(self) -> None:
        """Hang up, because the client has gone. Harmless when repeated."""
        if not self.closed:
            self.closed = True
            self._down.cancel()
            self._socket.close(NORMAL)

    def close(self, error: str | None = None, allow_reconnect: bool = False) -> None:
        """Say goodbye to the client and end."""
        if not self.closed:
            goodbye = messages.encode_close(error, allow_reconnect)
            if not self._answered:
                goodbye = messages.encode_handshake_answer(error or "the server closes the connection")
            self.transport.write(goodbye)
            self.transport.close(RESTART if allow_reconnect else NORMAL, error or "")
            self.lost()

    async def _carry_down(self) -> None:
        while (frame := await self._socket.read_message()) is not None:
            self._caught_up.clear()
            self._answered = True
            if not self.transport.write(frame.encode() if isinstance(frame, str) else frame):
                try:
                    async with asyncio.timeout(STALL_SECONDS):
                        await self._caught_up.wait()
                except TimeoutError:
                    self.close(f"what was sent was not read for {STALL_SECONDS:g} s", allow_reconnect=True)
                    return
        code = self._socket.close_code
        sendable = code is not None and code in _SENDABLE and code not in _NEVER_SENT
        self.transport.close(code if code is not None and sendable else RESTART, self._socket.close_reason or "")
        self.lost()


class _Nobody:
    """The application of an endpoint that has none of its own."""

    def connected(self, connection: object, user: object) -> Session:
        """Never happens: connections are passed on."""
        raise NotImplementedError


def _is_over(socket: WebSocketClientConnection) -> bool:
    return socket.protocol is None or socket.protocol.is_closing()


def _refusal(status: int | None) -> tuple[int, str]:
    """Give the status and the words for a service that did not take the connection."""
    if status in (401, 403):
        return 403, (
            "it does not let the owner of this server in. Give the roles `user` and `server` the scope "
            "access:services!service=nbgroupchat, then start this server again"
        )
    if status == 404:
        return 503, "there is no service at this address. Check the variable NBGROUPCHAT_SERVICE"
    return 503, "it cannot be reached now. What you write is kept and sent when it is there again"


def _read(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
