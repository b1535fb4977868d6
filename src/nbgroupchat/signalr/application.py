"""What stands on the two sides of a connection: the transport under it and the application that gives it a meaning.

Interfaces only, and the reply that an application is handed; this module knows no transport and no application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nbgroupchat.signalr import messages
from nbgroupchat.signalr.messages import Invocation

if TYPE_CHECKING:
    from nbgroupchat.signalr.connection import Connection


class Transport(Protocol):
    """Carries whole messages to the peer, in order."""

    def write(self, payload: bytes) -> bool:
        """Accept `payload`. False: the peer is behind; `Connection.drained` is called once when it has caught up."""

    def close(self, code: int, reason: str) -> None:
        """End after what was written before; nothing is written afterwards."""


class Session(Protocol):
    """The application's side of one connection."""

    async def invoked(self, invocation: Invocation, reply: Reply) -> None:
        """Carry out one invocation; the next is not begun, and nothing more is read, before this returns."""

    def drained(self) -> None:
        """Hear that a `send` that returned False has been followed by room again."""

    def closed(self) -> None:
        """Hear, exactly once, that the connection has ended; possibly while `invoked` is under way."""


class Application(Protocol):
    """What a server does with its connections."""

    def connected(self, connection: Connection, user: object) -> Session:
        """Return the session for a connection whose handshake is done; it may already send."""


class Reply:
    """The one answer to an invocation; goes nowhere when the client asked for none or has left."""

    __slots__ = ("_connection", "_invocation_id", "used")

    def __init__(self, connection: Connection, invocation_id: str | None) -> None:
        self._connection = connection
        self._invocation_id = invocation_id
        self.used = False

    def result(self, raw_json: bytes | None = None) -> None:
        """Answer with a value, as JSON text, or with nothing."""
        self._use()
        if self._invocation_id is not None:
            self._connection.send(messages.encode_completion(self._invocation_id, raw_json))

    def error(self, message: str) -> None:
        """Answer that it failed. The client is shown `message`."""
        self._use()
        if self._invocation_id is not None:
            self._connection.send(messages.encode_error(self._invocation_id, message))

    def _use(self) -> None:
        if self.used:
            raise RuntimeError("an invocation is answered once")
        self.used = True
