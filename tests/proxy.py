"""A proxy between a client and a server that does what proxies do to SignalR: refuse, swallow, hold back and cut."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal, TypeAlias

from nbgroupchat.signalr.keepalive import Clock, Timer

Held: TypeAlias = Literal["", "body", "all"]

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Listens on 127.0.0.1 and passes each connection's one request on to `target`, a port.

    `upgrades`: whether a WebSocket may pass; `swallows`: whether what a client says over one is lost; `holds`: what of
    an event stream is kept until its end; `idle`: after how many seconds of `clock` without a byte it cuts.
    """

    def __init__(
        self,
        target: int,
        *,
        upgrades: bool = True,
        swallows: bool = False,
        holds: Held = "",
        idle: float = 0,
        clock: Clock | None = None,
    ) -> None:
        self.refused = self.held = self.cut = 0
        self._target = target
        self._upgrades = upgrades
        self._swallows = swallows
        self._holds = holds
        self._idle = idle
        self._clock = clock
        self._passing: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        """Listen on `port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut everything."""
        self._stopped = True
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            if not self._stopped:
                await self._pass(reader, writer)
        self._passing.discard(task)
        writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        upgrade = b"\r\nupgrade: websocket" in head.lower()
        if upgrade and not self._upgrades:
            self.refused += 1
            writer.write(_REFUSAL)
            await writer.drain()
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        watch = _Idle(self, writer, far_writer)
        try:
            far_writer.write(head if upgrade else _closing(head))
            sending = asyncio.create_task(
                _swallow(reader) if upgrade and self._swallows else _pump(reader, far_writer, watch)
            )
            try:
                await self._answer(far_reader, writer, watch)
            finally:
                sending.cancel()
        finally:
            watch.stop()
            far_writer.transport.abort()

    async def _answer(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: _Idle) -> None:
        head = await far.readuntil(b"\r\n\r\n")
        if self._holds and b"text/event-stream" in head:
            self.held += 1
            if self._holds == "body":
                writer.write(head)
                head = b""
            head += await far.read()
        writer.write(head)
        await _pump(far, writer, watch)
        await writer.drain()
        writer.close()


class _Idle:
    def __init__(self, proxy: Proxy, *writers: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers = writers
        self._timer: Timer | None = None
        self.heard()

    def heard(self) -> None:
        self.stop()
        if self._proxy._idle:
            clock = self._proxy._clock or asyncio.get_running_loop()
            self._timer = clock.call_later(self._proxy._idle, self._cut)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        self._proxy.cut += 1
        for writer in self._writers:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: _Idle) -> None:
    while data := await reader.read(65536):
        watch.heard()
        writer.write(data)
        await writer.drain()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


def _closing(head: bytes) -> bytes:
    """Have the connection closed after its one request, so that the answer ends where the stream does."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join((lines[0], b"Connection: close", *lines[1:]))


class ProxyThread:
    """A proxy on a loop of its own, for tests that have none."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.proxy.start(), self._loop).result(60)
        return self.proxy

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _stop(self) -> None:
        """Cut everything, also what was accepted in the very moment."""
        await self.proxy.stop()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*others, return_exceptions=True)
            # What was accepted becomes a connection in the loop's next rounds.
            await asyncio.sleep(0)
        await asyncio.sleep(0)
