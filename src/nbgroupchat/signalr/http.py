"""The requests of the two transports that are no WebSocket, on the same address as that: `GET`, `POST`, `DELETE {hub}`.

`GET` opens an event stream or polls, `POST` brings what the client says, `DELETE` ends the connection. The WebSocket
has a handler of its own, and `SocketPath` leads upgrades to it. This module knows nothing of what travels.

Covered, on every request: the hooks of `access`, and a token that this very user has negotiated and that is not in use
by another transport; Tornado's or Jupyter's XSRF check for `POST` and `DELETE`, where that is on. Refused before it is
read: a body of somebody who may not send it, one beside another of the same connection, one that is too long by its own
word, or encoded. A body that gives no length, or comes slowly, is cut off at the endpoint's limits. How many
connections one user may have is the endpoint's to bound.

Specification: `TransportProtocols.md` in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches
from tornado.web import stream_request_body

from nbgroupchat.signalr.access import HubRequest, is_upgrade
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.endpoint import Endpoint, Refused
from nbgroupchat.signalr.eventstream import MIME_TYPE, EventStream
from nbgroupchat.signalr.longpolling import LongPolling


class SocketPath(PathMatches):
    """Matches requests for a path that ask for a WebSocket; those stand before the path's other handler."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return what Tornado hands to the handler, or None for another handler's request."""
        return super().match(request) if is_upgrade(request) else None


@stream_request_body
class HttpHandler(HubRequest):
    """A connection made of requests, each with the token of a negotiation in `?id=`."""

    _user: object = None
    _transport: EventStream | LongPolling | None = None  # that a GET waits for
    _sending: tuple[Connection, EventStream | LongPolling] | None = None  # that a POST is for

    def initialize(self, endpoint: Endpoint, **kwargs: Any) -> None:
        """Make room for the body."""
        super().initialize(endpoint, **kwargs)
        self._body = bytearray()

    async def prepare(self, **kwargs: Any) -> None:
        """Decide whether there is anything to read."""
        # Tornado's own limit, and Jupyter's, are for uploads.
        connection = cast("Any", self.request.connection)
        connection.set_max_body_size(self.endpoint.max_frame)
        connection.set_body_timeout(self.endpoint.client_timeout)
        waiting = super().prepare(**kwargs)
        if waiting is not None:
            await waiting
        if self._finished:
            return
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        try:
            self._user = self.admit()
            if self.request.method == "POST":
                self._begin_sending()
        except Refused as refused:
            self.refuse(refused)

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, whose length Tornado bounds; a decompressing server counts before it unpacks."""
        if len(self._body) + len(chunk) <= self.endpoint.max_frame:
            self._body += chunk

    async def get(self) -> None:
        """Open an event stream, or poll."""
        try:
            self._transport = transport = await self._wanted_transport()
        except Refused as refused:
            self.refuse(refused)
            return
        await transport.answer(self)

    async def post(self) -> None:
        """Hand on what the client says; 200 when all of it was carried out."""
        if self._sending is None:
            return
        connection, transport = self._sending
        if transport.sender is self:
            try:
                await connection.receive(bytes(self._body))
            finally:
                transport.sender = None

    def delete(self) -> None:
        """End the connection for good."""
        try:
            _, transport = self._found()
        except Refused as refused:
            self.refuse(refused)
            return
        transport.close()
        if isinstance(transport, LongPolling):
            transport.forget()
        self.set_status(202)

    def on_connection_close(self) -> None:
        """Hear that the client of this request has gone before it was answered."""
        received = self.request._body_future.done()
        super().on_connection_close()
        if self._transport is not None:
            self._transport.left(self)
        if self._sending is not None and not received:
            # Nobody knows what the client takes for said: it has to begin again.
            connection, _ = self._sending
            self._stop_sending()
            connection.close("a message was cut off or too long", allow_reconnect=True)

    def on_finish(self) -> None:
        """Let the next message come, also after a refusal of the server around."""
        super().on_finish()
        self._stop_sending()

    def compute_etag(self) -> None:
        """Compare no answers: no two are the same."""

    async def _wanted_transport(self) -> EventStream | LongPolling:
        kind = EventStream if MIME_TYPE in self.request.headers.get("Accept", "") else LongPolling
        token = self._token()
        connection = self.endpoint.find(token, self.signalr_user_key())
        if connection is None:
            return await self._open(token, kind)
        # A stream is one request, a poll follows another.
        if kind is EventStream or not isinstance(connection.transport, LongPolling):
            raise Refused(409, "this connection has its transport already")
        return connection.transport

    async def _open(self, token: str, kind: type[EventStream | LongPolling]) -> EventStream | LongPolling:
        ticket = self.endpoint.claim(token, self.signalr_user_key())
        try:
            await self.endpoint.reach(ticket, self._user)
        except Refused:
            self.endpoint.release(ticket)
            raise
        transport = kind(self.endpoint.clock)
        connection = self.endpoint.connect(ticket, transport, self._user)
        transport.attach(
            connection, partial(self.endpoint.disconnect, connection), partial(self.endpoint.release, ticket)
        )
        return transport

    def _begin_sending(self) -> None:
        connection, transport = self._found()
        if connection.closed:
            raise Refused(404, "this connection has ended; negotiate again")
        if transport.sender is not None:
            raise Refused(409, "another message of this connection is being received")
        headers = self.request.headers
        if "Content-Encoding" in headers or "X-Consumed-Content-Encoding" in headers:
            raise Refused(415, "send messages as they are, without Content-Encoding")
        length = headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) > self.endpoint.max_frame:
            self.set_header("Connection", "close")
            connection.close("a message was too long")
            raise Refused(413, f"a message has at most {self.endpoint.max_frame} bytes")
        transport.sender = self
        self._sending = (connection, transport)

    def _stop_sending(self) -> None:
        if self._sending is not None and self._sending[1].sender is self:
            self._sending[1].sender = None

    def _found(self) -> tuple[Connection, EventStream | LongPolling]:
        connection = self.endpoint.find(self._token(), self.signalr_user_key())
        if connection is None:
            raise Refused(404, "this connection has not been opened yet; a GET does that")
        if not isinstance(connection.transport, EventStream | LongPolling):
            raise Refused(409, "this connection is a WebSocket")
        return connection, connection.transport

    def _token(self) -> str:
        token = self.get_query_argument("id", None)
        if token is None:
            raise Refused(400, "negotiate first, and send the token as `id`")
        return token
