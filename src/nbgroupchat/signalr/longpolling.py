"""Long polling, for networks that let nothing else through: each answer of the server is the answer to a request.

The first request is answered at once and empty: the client learns that this way works. Later ones wait for something
to be said. SignalR's own ping ends a wait after 15 s of silence, so no request lasts longer than proxies allow (60 s is
the shortest limit that is common) and no second clock is needed.

Specification: `TransportProtocols.md`, section Long Polling, in `dotnet/aspnetcore/src/SignalR/docs/specs`.
"""

from __future__ import annotations

from tornado.web import RequestHandler

from nbgroupchat.signalr.backlog import Backlog
from nbgroupchat.signalr.keepalive import Clock


class LongPolling(Backlog):
    """Answers one poll after the other."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._begun = False

    async def answer(self, request: RequestHandler) -> None:
        """Answer a poll: 200 with what is to be said, or 204 at the end and when a newer poll came."""
        if not self._begun:
            self._begun = True
            return
        # A client that waits is there, and one that has just been answered may take a while to come back.
        self._connection.heard()
        payload = await self.take(request)
        self._connection.heard()
        if payload is None:
            request.set_status(204)
            if self.finished():
                self.forget()
        else:
            request.set_header("Content-Type", "text/plain; charset=UTF-8")
            request.write(payload)

    def left(self, request: RequestHandler) -> None:
        """Hear that the client of a poll has gone. It may come back with another."""
        self.leave(request)
        self._connection.heard()
