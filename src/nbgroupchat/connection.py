"""This process' one connection to its hub, on a thread of its own, for all the rooms it is in.

It connects again when the link is cut, joins every room where it was, and sends again what was not answered. It knows
nothing of what rooms are used for, and its thread never prints: on a kernel's own loop nothing would arrive while a
cell runs, and from another thread nothing printed would land in the right cell.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from nbgroupchat import connection_file, protocol
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.link import Link, LinkClosed, LocalLink, SocketLink
from nbgroupchat.log import Gap
from nbgroupchat.protocol import Command, Event, Join, Joined

T = TypeVar("T")

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""How long to wait before each attempt to connect again; the last one for all that follow."""

ANSWER_SECONDS = 30.0
"""How long a command may go without an answer, attempts to connect again included."""


class ChatError(Exception):
    """Something asked of a room did not come about; the message says why and what to do."""


class Reader(Protocol):
    """Somebody who reads a room. Called on the connection's thread."""

    name: str

    def join(self) -> Join:
        """Give the command that joins the room where this reader is."""

    def joined(self, answer: Joined) -> None:
        """Hear that the room was joined, before its events."""

    def hear(self, events: Sequence[Event]) -> None:
        """Hear the next events. Raises Gap where one was missed."""


class Connection:
    """A connection to the hub of the server that started this kernel or, without one, to one in the own process."""

    _shared: Connection | None = None
    _shared_lock = threading.Lock()

    @classmethod
    def shared(cls) -> Connection:
        """Give the connection of this process, made when it is first needed. Raises ChatError."""
        with cls._shared_lock:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    def __init__(self) -> None:
        self.found = connection_file.find(os.environ)
        self._loop = asyncio.new_event_loop()
        self._ready = asyncio.Event()
        self._link: Link | None = None
        self._trouble = ""
        self._closing = False
        self._readers: dict[str, Reader] = {}
        self._joining: dict[str, list[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nbgroupchat", daemon=True)
        self._thread.start()
        try:
            self.run(self._connect())
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Leave every room and end the connection and its thread; to be done once, by whoever made it."""
        self.run(self._disconnect())
        self._end()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the connection's thread and wait for it; an interrupt of the caller cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def reader(self, room: str) -> Reader | None:
        """Give who reads a room already."""
        return self._readers.get(room)

    async def join(self, reader: Reader) -> None:
        """Let a reader hear its room from now on. Raises ChatError or Refusal."""
        self._readers[reader.name] = reader
        try:
            await self._joined(reader)
        except BaseException:
            self._readers.pop(reader.name, None)
            raise

    async def leave(self, reader: Reader) -> None:
        """Let a reader hear no more."""
        if self._readers.pop(reader.name, None) is not None and self._link is not None:
            target, arguments = protocol.encode_command(protocol.Leave(room=reader.name))
            await self._link.invoke(target, arguments)

    async def command(self, command: Command, answer: type[T]) -> T:
        """Carry out a command, across reconnections. Raises Refusal, or ChatError where no answer came in time."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    await self._ready.wait()
                    try:
                        return await self._invoke(command, answer)
                    except LinkClosed as error:
                        self._trouble = str(error)
                        # What cut the link clears `_ready` in a moment.
                        await asyncio.sleep(RETRY_SECONDS[0])
        except TimeoutError:
            why = f" ({self._trouble})" if self._trouble else ""
            raise ChatError(
                f"The hub did not answer within {ANSWER_SECONDS:.0f} s{why}. What was sent may have arrived. "
                "Check that the Jupyter server runs, look at the room, and try again."
            ) from None

    async def _invoke(self, command: Command, answer: type[T]) -> T:
        target, arguments = protocol.encode_command(command)
        if self._link is None:
            raise LinkClosed("there is no connection")
        found = msgspec.json.decode(await self._link.invoke(target, arguments))
        if isinstance(found, dict) and isinstance(error := found.get("error"), dict):
            raise Refusal(Code(error["code"]), error["message"], error["retry_ms"])
        return msgspec.convert(found, answer)

    async def _connect(self) -> None:
        try:
            self._link = await self._open()
        except LinkClosed as error:
            raise ChatError(
                f"The chat of this notebook's server could not be reached: {error}. Restart the server, then "
                "this kernel."
            ) from error
        self._ready.set()

    async def _disconnect(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._link is not None:
            await self._link.close()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> Link:
        if self.found is None:
            return LocalLink(self._hear)
        return await SocketLink.open(self.found, self._hear, self._closed)

    async def _joined(self, reader: Reader) -> None:
        # Entries may be read from the wire before this task hears of the answer that came before them.
        waiting = self._joining.setdefault(reader.name, [])
        try:
            answer = await self._invoke(reader.join(), Joined)
        except LinkClosed as error:
            raise ChatError(f"The connection was cut while joining {reader.name!r}: {error}. Try again.") from error
        finally:
            self._joining.pop(reader.name, None)
        reader.joined(answer)
        # What was on its way to the place where this reader was before is not what follows now.
        reader.hear([event for event in waiting if getattr(event, "seq", answer.base + 1) > answer.base])

    def _hear(self, arguments: bytes) -> None:
        name, events = protocol.decode_events(arguments)
        if name in self._joining:
            self._joining[name].extend(events)
        elif (reader := self._readers.get(name)) is not None:
            try:
                reader.hear(events)
            except Gap:
                self._spawn(self._joined(reader))

    def _closed(self) -> None:
        self._ready.clear()
        self._link = None
        if not self._closing:
            self._spawn(self._reconnect())

    async def _reconnect(self) -> None:
        attempt = 0
        while self._link is None:
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
            try:
                self._link = await self._open()
                for reader in list(self._readers.values()):
                    await self._joined(reader)
            except (LinkClosed, ChatError) as error:
                self._trouble = str(error)
        self._ready.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
