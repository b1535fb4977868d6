"""The requests of a SignalR client as Tornado handlers: negotiation and WebSocket.

Subclass them together with the server's own base handler, theirs first, and override the hooks of `HubRequest`:

    class HubSocket(SocketHandler, JupyterHandler): ...

This module knows nothing of what travels over a connection. It refuses, before the upgrade, whoever `access` does not
let in, and tokens that the endpoint does not know for this user. A frame above the endpoint's limit closes its own
connection, compression is not negotiated and Tornado refuses encoded bodies (400), so there is nothing to blow up.

Specification: `TransportProtocols.md` in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import msgspec
from tornado.websocket import WebSocketHandler

from nbgroupchat.signalr.access import HubRequest
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.endpoint import Refused, Ticket
from nbgroupchat.signalr.websocket import WebSocketTransport

TRANSPORTS = [
    {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
    {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
    {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
]
"""In the order in which a client that may choose tries them."""


class NegotiateHandler(HubRequest):
    """`POST {hub}/negotiate`: hands out the id and the token of a connection to come."""

    async def post(self) -> None:
        """Answer in version 1, where the token is apart from the id, or in version 0, where the id is the secret."""
        try:
            user = self.admit()
            version = self._version()
            ticket = self.endpoint.negotiate(self.signalr_user_key())
            await self.endpoint.reach(ticket, user)
        except Refused as refused:
            self.refuse(refused)
            return
        answer: dict[str, object] = {"negotiateVersion": version, "availableTransports": TRANSPORTS}
        if version == 0:
            answer["connectionId"] = ticket.token
        else:
            answer |= {"connectionId": ticket.id, "connectionToken": ticket.token}
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(answer))

    def _version(self) -> int:
        asked = self.get_query_argument("negotiateVersion", "0")
        if not (asked.isascii() and asked.isdigit()):
            raise Refused(400, "negotiateVersion is not a number")
        return 0 if asked.strip("0") == "" else 1


class SocketHandler(HubRequest, WebSocketHandler):
    """`GET {hub}` as a WebSocket, with the token of a negotiation in `?id=` or without one."""

    _ticket: Ticket
    _user: object
    _connection: Connection | None = None

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Check who asks and what for, then upgrade; returns when the connection has ended."""
        try:
            self._user = self.admit()
            self._ticket = self.endpoint.claim(self.get_query_argument("id", None), self.signalr_user_key())
        except Refused as refused:
            self.refuse(refused)
            return
        try:
            await self.endpoint.reach(self._ticket, self._user)
            await super().get(*args, **kwargs)
        except Refused as refused:
            self.refuse(refused)
        finally:
            # Here and not in `on_close`, which also runs, or does not, for requests that were never upgraded.
            self._lost()
            self.endpoint.release(self._ticket)

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Begin the connection; the client speaks first."""
        # Pieces of a stream are small, and each is wanted at once.
        self.set_nodelay(True)
        transport = WebSocketTransport(self, drained=self._drained, lost=self._lost)
        self._connection = self.endpoint.connect(self._ticket, transport, self._user)

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hand a payload on; Tornado reads no further before it is handled."""
        return None if self._connection is None else self._connection.receive(message)

    def check_origin(self, origin: str | None = None) -> bool:
        """Repeat the decision of `admit`: Tornado asks here, for some requests only, after it.

        Servers that ask without an Origin, as Jupyter's XSRF check does, mean this request's.
        """
        return self.signalr_origin_allowed(self.request.headers.get("Origin") if origin is None else origin)

    @property
    def max_message_size(self) -> int:
        """Close with code 1009 above the endpoint's limit, whole or in fragments."""
        return self.endpoint.max_frame

    @property
    def ping_interval(self) -> float:
        """Leave keep-alive to SignalR's own pings."""
        return 0

    def get_compression_options(self) -> None:
        """Negotiate no compression."""

    def _drained(self) -> None:
        if self._connection is not None:
            self._connection.drained()

    def _lost(self) -> None:
        if self._connection is not None:
            self.endpoint.disconnect(self._connection)
