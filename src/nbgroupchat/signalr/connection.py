"""One connection, as the server sees it: handshake, invocations in order, keep-alive, close.

This module knows nothing of WebSockets, HTTP, Tornado or of what is invoked; a `Transport` carries the bytes and an
`Application` gives them a meaning. The clock is injected.

Covered: a peer that breaks the protocol, says nothing, sends without reading or makes the application raise harms its
own connection only and never sees an exception's text; one that stays behind for too long is closed and told to come
back. Not covered: who the user is (the handler's task), and how much an application sends to a peer that does not read:
`send` returns False then, and stopping is the application's task.

Specification: `HubProtocol.md` and `TransportProtocols.md` in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from nbgroupchat.signalr import messages
from nbgroupchat.signalr.application import Application, Reply, Session, Transport
from nbgroupchat.signalr.keepalive import Clock, KeepAlive, Timer
from nbgroupchat.signalr.messages import Close, Invocation, ProtocolError, StreamInvocation

__all__ = ["Application", "Connection", "Reply", "Session", "Transport"]

log = logging.getLogger(__name__)

# What the WebSocket close frame says (RFC 6455 section 7.4.1; 1012 is registered with IANA as "Service Restart").
# SignalR clients go by the Close message; the code is for those who read logs.
NORMAL, BROKEN, RESTART = 1000, 1002, 1012


class Connection:
    """A peer, from the opened transport to the end.

    `id` is random and public: it says nothing about the token that opened the transport. The transport calls `receive`
    for each payload and waits for it, `drained` and, when it is gone, `lost`. Times are in seconds.
    """

    __slots__ = (
        *("_application", "_client_timeout", "_clock", "_handshake_timer", "_keep_alive", "_keeper", "_room"),
        *("_session", "_shaken", "_stall_timeout", "_stall_timer", "closed", "id", "transport", "user"),
    )

    def __init__(
        self,
        transport: Transport,
        application: Application,
        user: object,
        *,
        id: str | None = None,  # noqa: A002 - the specification's word
        keep_alive: float = 15.0,
        client_timeout: float = 30.0,
        handshake_timeout: float = 15.0,
        stall_timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self.id = id or secrets.token_urlsafe(16)
        self.user = user
        self.closed = False
        self.transport = transport
        self._application = application
        self._keep_alive = keep_alive
        self._client_timeout = client_timeout
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._stall_timeout = stall_timeout
        self._stall_timer: Timer | None = None  # while the peer is behind
        self._shaken = False
        self._session: Session | None = None
        self._keeper: KeepAlive | None = None
        self._room: asyncio.Future[None] | None = None  # while the peer is behind; done when it has caught up
        self._handshake_timer: Timer = self._clock.call_later(handshake_timeout, self._late)

    def send(self, frame: bytes) -> bool:
        """Send encoded messages. False: the peer is behind or gone; stop until `Session.drained`."""
        if self.closed:
            return False
        if self._keeper is not None:
            self._keeper.spoke()
        if self.transport.write(frame):
            return True
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
            self._stall_timer = self._clock.call_later(self._stall_timeout, self._stalled)
        return False

    def close(self, error: str | None = None, allow_reconnect: bool = False) -> None:
        """Say goodbye with a Close message and end; a client that may reconnect is told so."""
        if not self.closed:
            if self._shaken:
                self.transport.write(messages.encode_close(error, allow_reconnect))
            else:
                # Before the handshake the answer to it is the only message that exists.
                self.transport.write(messages.encode_handshake_answer(error or "the server closes the connection"))
            code = RESTART if allow_reconnect else NORMAL if error is None else BROKEN
            self.transport.close(code, error or "")
            self.lost()

    def lost(self) -> None:
        """Hear from the transport that it is gone. Harmless when repeated."""
        if self.closed:
            return
        self.closed = True
        self._handshake_timer.cancel()
        if self._keeper is not None:
            self._keeper.cancel()
        self._release()
        if self._session is not None:
            self._guard("closing", self._session.closed)

    def heard(self) -> None:
        """Hear from the transport that the peer is there, though it said nothing."""
        if self._keeper is not None:
            self._keeper.heard()

    def drained(self) -> None:
        """Hear from the transport that the peer has caught up."""
        self._release()
        if self._session is not None and not self.closed:
            self._guard("draining", self._session.drained)

    async def receive(self, payload: str | bytes) -> None:
        """Handle one payload of the peer to its end. Never raises; not to be called again before it has returned."""
        if self.closed:
            return
        self.heard()
        try:
            if self._shaken:
                received = messages.parse(payload)
            else:
                rest = self._shake_hands(payload)
                received = messages.parse(rest) if rest and not self.closed else []
        except ProtocolError as problem:
            self.close(f"protocol error: {problem}")
            return
        for message in received:
            await self._handle(message)
            if self.closed:
                return

    def _shake_hands(self, payload: str | bytes) -> bytes:
        handshake, rest = messages.parse_handshake(payload)
        if handshake.protocol != "json" or handshake.version != 1:
            raise ProtocolError("only the protocol `json` in version 1 is spoken here")
        self._shaken = True
        self._handshake_timer.cancel()
        self._keeper = KeepAlive(self._clock, self._keep_alive, self._client_timeout, self._ping, self._silent)
        self.send(messages.encode_handshake_answer())
        try:
            self._session = self._application.connected(self, self.user)
        except Exception:
            self.close(self._incident("connecting"), allow_reconnect=True)
            return b""
        if self.closed:
            # The application closed it at once, when there was no session yet to hear of it.
            self._guard("closing", self._session.closed)
        return rest

    async def _handle(self, message: messages.Message) -> None:
        if isinstance(message, Invocation):
            if message.stream_ids:
                self._refuse_stream(message.invocation_id)
            else:
                await self._invoke(message)
            await self._until_read()
        elif isinstance(message, StreamInvocation):
            self._refuse_stream(message.invocation_id)
            await self._until_read()
        elif isinstance(message, Close):
            self.transport.close(NORMAL, "")
            self.lost()
        # The rest needs no act: a Ping was heard, a cancelled invocation still completes, and StreamItem or Completion
        # can only belong to an upload that was refused, whose items the callee "is free to ignore" (Upload streaming).

    async def _invoke(self, invocation: Invocation) -> None:
        session, keeper = self._session, self._keeper
        if session is None or keeper is None:
            raise RuntimeError("messages are handled after the handshake only")
        reply = Reply(self, invocation.invocation_id)
        keeper.paused = True
        try:
            await session.invoked(invocation, reply)
            if not reply.used:
                reply.result()
        except Exception:
            incident = self._incident("an invocation")
            if not reply.used:
                reply.error(incident)
        finally:
            # What the peer sent meanwhile was not read, so its silence begins now.
            keeper.paused = False
            keeper.heard()

    def _refuse_stream(self, invocation_id: str | None) -> None:
        if invocation_id is not None:
            self.send(messages.encode_error(invocation_id, "streaming is not supported; invoke the method instead"))

    async def _until_read(self) -> None:
        """Read no more from a peer that leaves its answers unread, or they would pile up here."""
        while self._room is not None and not self.closed:
            await self._room

    def _release(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _ping(self) -> None:
        # When the peer is behind, bytes are on their way already and a ping would only queue behind them.
        if self._room is None:
            self.send(messages.PING)

    def _late(self) -> None:
        self.close("the handshake did not come in time")

    def _silent(self) -> None:
        self.close(f"nothing was received for {self._client_timeout:g} s", allow_reconnect=True)

    def _stalled(self) -> None:
        # It may still be sending, and so not be silent; what it lacks, it is given when it comes back.
        self.close(f"what was sent was not read for {self._stall_timeout:g} s", allow_reconnect=True)

    def _guard(self, doing: str, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            self._incident(doing)

    def _incident(self, doing: str) -> str:
        """Log the exception being handled under a random id; return what a peer may know of it."""
        incident = secrets.token_hex(4)
        log.exception("incident %s: %s failed on connection %s", incident, doing, self.id)
        return f"internal error, incident {incident}"
