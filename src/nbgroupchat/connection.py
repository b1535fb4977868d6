"""This process' one connection to its hub, on a thread of its own, for all the rooms it is in.

It connects again when the link is cut, joins every room where it was, and sends again what was not answered. It knows
nothing of what rooms are used for, and its thread never prints: on a kernel's own loop nothing would arrive while a
cell runs, and from another thread nothing printed would land in the right cell.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import msgspec

from nbgroupchat import connection_file, protocol
from nbgroupchat.errors import ChatError, Code, Refusal
from nbgroupchat.link import Link, LinkClosed, LocalLink, SocketLink
from nbgroupchat.log import Gap
from nbgroupchat.protocol import Command, Event, Join, Joined

T = TypeVar("T")

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""How long to wait before each attempt to connect again; the last one for all that follow."""

ANSWER_SECONDS = 30.0
"""How long a command may go without an answer, attempts to connect again included."""


class Reader(Protocol):
    """Somebody who reads a room. Called on the connection's thread."""

    name: str

    def join(self) -> Join:
        """Give the command that joins the room where this reader is."""

    def joined(self, answer: Joined) -> None:
        """Hear that the room was joined, before its events."""

    def hear(self, events: Sequence[Event]) -> None:
        """Hear the next events. Raises Gap where one was missed."""

    def lost(self, why: str) -> None:
        """Hear that the room cannot be read any more."""


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

    @classmethod
    def known(cls) -> Connection | None:
        """Give the connection of this process where there is one already."""
        return cls._shared

    def __init__(self) -> None:
        self.found = connection_file.find(os.environ)
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._ready = asyncio.Event()
        self._link: Link | None = None
        self._cut = asyncio.Event()
        self._trouble = ""
        self._readers: dict[str, Reader] = {}
        self._joining: dict[str, list[Event]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nbgroupchat", daemon=True)
        self._thread.start()
        try:
            self.run(self._begin())
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Leave every room and end the connection and its thread; to be done once, by whoever made it."""
        self.run(self._finish())
        self._end()

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Do something on the connection's thread and wait for it; an interrupt of the caller cancels it.

        Raises ChatError in a forked process, which has no such thread, and TimeoutError after `seconds`.
        """
        if os.getpid() != self._pid:
            work.close()
            raise ChatError("This room was joined in the parent process. Join it here with nbgroupchat.connect().")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except BaseException:
            future.cancel()
            raise

    def call(self, callback: Callable[..., object], *arguments: object) -> None:
        """Have something called on the connection's thread, in the order of these calls; waits for nothing."""
        with suppress(RuntimeError):  # it has ended, and nobody is there to hear of it
            self._loop.call_soon_threadsafe(callback, *arguments)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """On the connection's thread: do something that ends with the connection at the latest."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reader(self, room: str) -> Reader | None:
        """Give who reads a room already."""
        return self._readers.get(room)

    async def join(self, reader: Reader) -> None:
        """Let a reader hear its room from now on. Raises ChatError or Refusal."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._ready.wait()
                self._readers[reader.name] = reader
                await self._enter(reader)
        except BaseException as error:
            self._readers.pop(reader.name, None)
            if isinstance(error, (LinkClosed, TimeoutError)):
                why = str(error) or self._trouble or f"no answer within {ANSWER_SECONDS:.0f} s"
                raise ChatError(f"The room {reader.name!r} could not be joined: {why}. Try again.") from error
            raise

    async def leave(self, reader: Reader) -> None:
        """Let a reader hear no more."""
        if self._readers.pop(reader.name, None) is not None and self._link is not None:
            target, arguments = protocol.encode_command(protocol.Leave(room=reader.name))
            with suppress(LinkClosed):  # then it is left already
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
                        # Whoever keeps the link clears `_ready` in a moment.
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
        while True:
            found = msgspec.json.decode(await self._link.invoke(target, arguments))
            if not (isinstance(found, dict) and isinstance(error := found.get("error"), dict)):
                return msgspec.convert(found, answer)
            if error["code"] != Code.TOO_FAST or error["retry_ms"] is None:
                raise Refusal(Code(error["code"]), error["message"], error["retry_ms"])
            # Nothing was done, and it passes by itself.
            self._trouble = error["message"]
            await asyncio.sleep(error["retry_ms"] / 1000)
            if self._link is None:
                raise LinkClosed("the connection was lost")

    async def _begin(self) -> None:
        try:
            self._link = await self._open()
        except LinkClosed as error:
            raise ChatError(
                f"The chat of this notebook's server could not be reached: {error}. Restart the server, then "
                "this kernel."
            ) from error
        self._ready.set()
        self._keeper = asyncio.create_task(self._keep())

    async def _finish(self) -> None:
        for task in (*self._tasks, *((self._keeper,) if self._keeper else ())):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._link is not None:
            await self._link.close()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> Link:
        # Each link tells its own end, so that one that was given up says nothing about its successor.
        self._cut = cut = asyncio.Event()
        if self.found is None:
            return LocalLink(self._hear)
        return await SocketLink.open(self.found, self._hear, cut.set)

    async def _keep(self) -> None:
        """Connect again whenever the link is cut, and bring every reader back; the only task that does."""
        attempt = 0
        while True:
            if self._link is not None:
                await self._cut.wait()
                self._ready.clear()
                self._link, attempt = None, 0
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
            try:
                self._link = await self._open()
                for reader in list(self._readers.values()):
                    await self._return(reader)
            except (LinkClosed, ChatError) as error:
                self._trouble = str(error)
                if self._link is not None:
                    await self._link.close()
                    self._link = None
            else:
                self._ready.set()

    async def _return(self, reader: Reader) -> None:
        """Bring a reader back to its room, or tell it that it cannot come back. Raises LinkClosed or ChatError."""
        try:
            await self._enter(reader)
        except Refusal as refusal:
            self._readers.pop(reader.name, None)
            reader.lost(refusal.message)
        except Gap:
            # What came does not fit the answer: a new link begins with a clean place.
            raise LinkClosed("the room's events had a gap") from None

    async def _enter(self, reader: Reader) -> None:
        # Entries may be read from the wire before this task hears of the answer that came before them.
        waiting = self._joining.setdefault(reader.name, [])
        try:
            answer = await self._invoke(reader.join(), Joined)
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
                self._joining[name] = []
                self.begin(self._recover(reader))

    async def _recover(self, reader: Reader) -> None:
        """Join a room again in which something was missed; where that fails too, a new link does it."""
        try:
            await self._return(reader)
        except (LinkClosed, ChatError):
            if self._link is not None:
                await self._link.close()
            self._cut.set()


def _forget() -> None:
    """In a forked process: the parent's connection has no thread here."""
    Connection._shared = None
    Connection._shared_lock = threading.Lock()
    LocalLink.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
