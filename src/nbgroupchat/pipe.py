"""A connection to a hub whose frames are given and taken as they are, for a SignalR client that is elsewhere.

It goes where a `Link` of this kernel goes and shows the hub the same: the server's secret, which stays here, or nothing
at all in the own process. It reads no frame.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.link import LinkClosed, LocalLink, kernel_headers, local_identity
from nbgroupchat.signalr import client as signalr
from nbgroupchat.signalr.endpoint import Refused

HIGH_WATER, LOW_WATER = 64, 16
"""Frames of the own process' hub that wait to be taken: at so many it is told to stop, at so few to go on."""

LOST = 1006
"""What a connection that ended without a word has instead of a close code (RFC 6455 section 7.4.1)."""


class Pipe(Protocol):
    """One connection to a hub, for one reader and one writer."""

    ended: tuple[int, str]
    """How it ended, once `receive` has given None: a close code of RFC 6455 and a reason."""

    async def receive(self) -> str | None:
        """Give the hub's next frame, or None at the end. What is not asked for yet is not read from the hub either."""

    async def send(self, frame: str) -> None:
        """Give the hub a frame. Raises LinkClosed."""

    def leave(self) -> None:
        """End it."""


async def open_pipe(found: ConnectionFile | None) -> Pipe:
    """Connect to the hub of the server that wrote the connection file or, without one, of this process.

    Raises LinkClosed.
    """
    if found is not None:
        return await SocketPipe.open(found)
    await LocalLink.begin()
    return LocalPipe()


class SocketPipe:
    """To the hub of the server that started this kernel."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self.ended = (LOST, "")

    @classmethod
    async def open(cls, found: ConnectionFile) -> SocketPipe:
        """Connect with the kernel's secret. Raises LinkClosed."""
        try:
            # Without a callback Tornado reads a frame only when the one before it was taken.
            return cls(await signalr.open_socket(found.url, kernel_headers(found)))
        except signalr.ConnectFailed as error:
            raise LinkClosed(str(error)) from error

    async def receive(self) -> str | None:
        """See `Pipe.receive`."""
        frame = await self._socket.read_message()
        if frame is None:
            self.ended = (self._socket.close_code or LOST, self._socket.close_reason or "")
        return frame if frame is None or isinstance(frame, str) else frame.decode()

    async def send(self, frame: str) -> None:
        """See `Pipe.send`."""
        try:
            await self._socket.write_message(frame)
        except WebSocketClosedError as error:
            raise LinkClosed("the connection to the server has ended") from error

    def leave(self) -> None:
        """See `Pipe.leave`."""
        self._socket.close(1000)


class LocalPipe:
    """To the hub of the own process, as the transport of a SignalR connection there."""

    def __init__(self) -> None:
        self.ended = (LOST, "")
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self._behind = False
        self._endpoint = LocalLink.composition().endpoint
        try:
            self._ticket = self._endpoint.claim(None, "kernel")
        except Refused as refused:
            raise LinkClosed(refused.message) from refused
        self._connection = self._endpoint.connect(self._ticket, self, local_identity())

    async def receive(self) -> str | None:
        """See `Pipe.receive`."""
        frame = await self._frames.get()
        if self._behind and self._frames.qsize() <= LOW_WATER:
            self._behind = False
            self._connection.drained()
        return frame

    async def send(self, frame: str) -> None:
        """See `Pipe.send`."""
        if self._connection.closed:
            raise LinkClosed("the hub has ended the connection")
        await self._connection.receive(frame)

    def leave(self) -> None:
        """See `Pipe.leave`."""
        self._endpoint.disconnect(self._connection)
        self._endpoint.release(self._ticket)

    # What the hub's end asks of a transport.

    def write(self, payload: bytes) -> bool:
        """See `Transport.write`."""
        self._frames.put_nowait(payload.decode())
        self._behind = self._behind or self._frames.qsize() >= HIGH_WATER
        return not self._behind

    def close(self, code: int, reason: str) -> None:
        """See `Transport.close`."""
        self.ended = (code, reason)
        self._frames.put_nowait(None)
