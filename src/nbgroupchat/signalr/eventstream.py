"""Server-Sent Events: one response that never ends brings what the server says.

A comment opens the stream, so that a client which sees it knows that nothing on the way holds the stream back until it
ends. Proxies are asked not to: `X-Accel-Buffering` is nginx's header, `no-transform` keeps others from compressing.

Specifications: `TransportProtocols.md`, section Server-Sent Events, in `dotnet/aspnetcore/src/SignalR/docs/specs`, and
the HTML standard, section Server-sent events.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from nbgroupchat.signalr.backlog import Backlog

MIME_TYPE = "text/event-stream"

_OPENING = b":\n\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EventStream(Backlog):
    """Writes to the one response of a connection, and waits for each write until the operating system has taken it."""

    _request: RequestHandler | None = None
    _gone: asyncio.Future[None] | None = None  # done when nobody can read any more

    async def answer(self, request: RequestHandler) -> None:
        """Write until the connection or the client's reading ends."""
        self._request = request
        self._gone = asyncio.get_running_loop().create_future()
        request.set_header("Content-Type", MIME_TYPE)
        request.set_header("Cache-Control", "no-store, no-transform")
        request.set_header("X-Accel-Buffering", "no")
        try:
            await self._write_out(request, _OPENING)
            while (payload := await self.take(request)) is not None:
                await self._write_out(request, encode_event(payload))
        except StreamClosedError:
            pass
        finally:
            self._request = None
            self.close()
            self.forget()

    def left(self, _request: RequestHandler) -> None:
        """Hear that the client has gone, which ends the connection."""
        self._end_writing()
        self.close()

    def give_up(self) -> None:
        """Cut a client off that does not read its last words."""
        if self._request is not None:
            cast("Any", self._request.request.connection).close()
        self._end_writing()
        super().give_up()

    async def _write_out(self, request: RequestHandler, data: bytes) -> None:
        request.write(data)
        flushed = asyncio.ensure_future(request.flush())
        if self._gone is not None and not flushed.done():
            # Tornado forgets, and never finishes, a flush under which its connection is closed.
            await asyncio.wait({flushed, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if self._gone.done():
                raise StreamClosedError
        await flushed

    def _end_writing(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)


def encode_event(payload: bytes) -> bytes:
    """Return `payload` as one unnamed event, with a `data` line for each of its lines."""
    return b"".join(b"data: %b\n" % line for line in _LINE_END.split(payload)) + b"\n"
