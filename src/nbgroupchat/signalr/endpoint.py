"""A SignalR endpoint: its settings, the connections it has, and the tokens it has given out.

This module knows nothing of HTTP; handlers translate its `Refused` into answers.

Covered: a token opens one connection, for the user it was negotiated for, and for a limited time; a token of someone
else is answered like one that does not exist; the number of connections and of unused tokens is bounded, both for each
user too, so that nobody can use them up for the others. Not covered: who the user is.

Specification: `TransportProtocols.md` in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from nbgroupchat.signalr.application import Application, Transport
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.keepalive import Clock

# A page negotiates once for each attempt to connect, so one with many tabs that all reconnect needs a few dozen.
UNUSED_PER_USER = 64


class Refused(Exception):
    """A connection that is not made: the HTTP status that says so, and a sentence for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to one connection. `id` is public, `token` is secret."""

    id: str
    token: str
    user_key: str
    expires: float


class Endpoint:
    """The connections of one hub.

    `max_frame` is in bytes, all times in seconds; `negotiate_timeout` is how long a token may be unused; `max_per_user`
    is how many connections one user may have, 0 as many as there are.
    """

    def __init__(
        self,
        application: Application,
        *,
        max_frame: int = 65536,
        max_connections: int = 2000,
        max_per_user: int = 0,
        keep_alive: float = 15.0,
        client_timeout: float = 30.0,
        handshake_timeout: float = 15.0,
        stall_timeout: float = 30.0,
        negotiate_timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self.max_frame = max_frame
        self.max_connections = max_connections
        self.max_per_user = max_per_user
        self._application = application
        self.client_timeout = client_timeout
        self._keep_alive = keep_alive
        self._handshake_timeout = handshake_timeout
        self._stall_timeout = stall_timeout
        self._negotiate_timeout = negotiate_timeout
        self._clock = clock
        self._unused: dict[str, Ticket] = {}  # by token, oldest first: all live equally long
        self._used: dict[str, Ticket] = {}  # by token, from the claim to the end of the connection
        self._connections: set[Connection] = set()
        self._by_token: dict[str, Connection] = {}  # from the opening of the transport to the release of the ticket

    @property
    def clock(self) -> Clock:
        """The clock of everything here."""
        return self._clock or asyncio.get_running_loop()

    @property
    def connections(self) -> frozenset[Connection]:
        """The connections that are open now."""
        return frozenset(self._connections)

    def negotiate(self, user_key: str) -> Ticket:
        """Return a ticket for a connection of this user, or raise `Refused` (503) when there are too many."""
        self._forget_expired()
        mine = [ticket for ticket in self._unused.values() if ticket.user_key == user_key]
        if len(mine) >= UNUSED_PER_USER:
            del self._unused[mine[0].token]
        self._check_room(user_key)
        ticket = self._ticket(user_key)
        self._unused[ticket.token] = ticket
        return ticket

    def claim(self, token: str | None, user_key: str) -> Ticket:
        """Take a negotiated ticket, or a new one without a token, for a transport that opens now.

        Raises `Refused`: 404 for a token that is unknown, expired or another user's, 409 for one in use, 503 when there
        are too many connections. Whoever claims calls `release` at the end.
        """
        self._forget_expired()
        if token is None:
            self._check_room(user_key)
            ticket = self._ticket(user_key)
        else:
            known = self._unused.get(token) or self._used.get(token)
            if known is None or known.user_key != user_key:
                raise Refused(404, "there is no connection with this id; negotiate again")
            if token in self._used:
                raise Refused(409, "this connection has its transport already")
            self._check_user(user_key)
            ticket = self._unused.pop(token)
        self._used[ticket.token] = ticket
        return ticket

    async def reach(self, ticket: Ticket, user: object) -> None:
        """Do what has to be done before a transport for this ticket is accepted, or raise `Refused`; nothing here.

        Called after `negotiate` and after `claim`, for endpoints whose connections lead elsewhere.
        """

    def find(self, token: str, user_key: str) -> Connection | None:
        """Return the connection that a token has opened, or None while that is still to be done.

        Raises `Refused`: 404 for a token that is unknown, expired or another user's, 409 while it is being opened.
        """
        self._forget_expired()
        known = self._unused.get(token) or self._used.get(token)
        if known is None or known.user_key != user_key:
            raise Refused(404, "there is no connection with this id; negotiate again")
        if token in self._used and token not in self._by_token:
            raise Refused(409, "this connection is being opened")
        return self._by_token.get(token)

    def release(self, ticket: Ticket) -> None:
        """Give a claimed ticket back; its token is worth nothing from now on."""
        self._used.pop(ticket.token, None)
        self._by_token.pop(ticket.token, None)

    def connect(self, ticket: Ticket, transport: Transport, user: object) -> Connection:
        """Return the connection over a transport that has just opened; `disconnect` follows when that is gone."""
        connection = self._connection(ticket, transport, user)
        self._connections.add(connection)
        self._by_token[ticket.token] = connection
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Hear that the transport of a connection is gone. Harmless when repeated."""
        self._connections.discard(connection)
        connection.lost()

    def close_all(self, allow_reconnect: bool = True) -> None:
        """Say goodbye to everyone, because the server stops."""
        for connection in self.connections:
            connection.close("the server is shutting down", allow_reconnect)

    def _connection(self, ticket: Ticket, transport: Transport, user: object) -> Connection:
        return Connection(
            transport,
            self._application,
            user,
            id=ticket.id,
            keep_alive=self._keep_alive,
            client_timeout=self.client_timeout,
            handshake_timeout=self._handshake_timeout,
            stall_timeout=self._stall_timeout,
            clock=self._clock,
        )

    def _ticket(self, user_key: str) -> Ticket:
        expires = self._now() + self._negotiate_timeout
        return Ticket(secrets.token_urlsafe(16), secrets.token_urlsafe(32), user_key, expires)

    def _now(self) -> float:
        return self.clock.time()

    def _check_room(self, user_key: str) -> None:
        self._check_user(user_key)
        if len(self._unused) + len(self._used) >= self.max_connections:
            raise Refused(503, f"the server has its {self.max_connections} connections; try again later")

    def _check_user(self, user_key: str) -> None:
        # A token that was never used takes no place of its user's: a page that tries again leaves some behind.
        if self.max_per_user and sum(one.user_key == user_key for one in self._used.values()) >= self.max_per_user:
            raise Refused(503, f"this user has {self.max_per_user} connections, the most there are; close some first")

    def _forget_expired(self) -> None:
        now = self._now()
        for token, ticket in list(self._unused.items()):
            if ticket.expires > now:
                break
            del self._unused[token]
