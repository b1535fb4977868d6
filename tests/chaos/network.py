"""One member's network: passes bytes on, and is cut, stalled or left half open on purpose. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress


class Line:
    """One TCP connection through the network."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.swallows = False
        self._writers = writers

    def cut(self) -> None:
        """End it with a reset, on both sides."""
        for writer in self._writers:
            with suppress(OSError):
                found = writer.get_extra_info("socket")
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self.flowing.set()


class Network:
    """Listens on `port` of 127.0.0.1 and passes on to `target`, a port that changes as hubs come and go."""

    def __init__(self) -> None:
        self.target = 0
        self.port = 0
        self._lines: set[Line] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End everything."""
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self) -> bool:
        """Reset all connections there are; False where there is none."""
        for line in self._lines:
            line.cut()
        return bool(self._lines)

    def stall(self) -> bool:
        """Hold back what is sent, until `flow`."""
        for line in self._lines:
            line.flowing.clear()
        return bool(self._lines)

    def flow(self) -> None:
        """Let what was held back pass."""
        for line in self._lines:
            line.flowing.set()

    def half_open(self) -> bool:
        """Lose all that is sent from now on, in both directions, and tell nobody."""
        for line in self._lines:
            line.swallows = True
        return bool(self._lines)

    def heal(self) -> None:
        """Do no harm any more: what was left half open ends."""
        self.flow()
        for line in tuple(self._lines):
            if line.swallows:
                line.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            with suppress(asyncio.CancelledError, OSError):
                await self._pass(reader, writer)
        finally:
            self._passing.discard(task)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        line = Line(writer, far_writer)
        self._lines.add(line)
        ways = [
            asyncio.create_task(_pump(line, reader, far_writer)),
            asyncio.create_task(_pump(line, far_reader, writer)),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            self._lines.discard(line)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()


async def _pump(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        await line.flowing.wait()
        if not line.swallows:
            writer.write(data)
            await writer.drain()
    await line.flowing.wait()
    if not line.swallows and writer.can_write_eof():
        writer.write_eof()
