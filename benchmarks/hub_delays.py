"""How late a reader hears of things while the real model writes: through a whole hub, in this process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

from benchmarks.figures import Profile
from nbgroupchat import protocol
from nbgroupchat.channel import Client
from nbgroupchat.compose import Composition
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Cancel, Delta, Event, Join, Post, ReplyClosed, ReplyOpened
from nbgroupchat.settings import Settings
from nbgroupchat.signalr import messages


class Reader:
    """A client of a hub in this process that notes when pieces reach it."""

    def __init__(self, composition: Composition, name: str, room: str) -> None:
        self._composition = composition
        self.room = room
        self.client = Client(Identity(name, name), Outbox(self._write, lambda: None))
        self.opened: asyncio.Queue[str] = asyncio.Queue()
        self.pieces: asyncio.Queue[float] = asyncio.Queue()
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.last: dict[str, float] = {}
        """When the last piece of each reply came."""

    async def send(self, command: protocol.Command) -> None:
        """Send a command."""
        with self.client.outbox.corked():
            await self._composition.hub.receive(self.client, command)

    async def ask(self, text: str) -> str:
        """Ask, and give the reply's id when it has begun to be written."""
        await self.send(Post(room=self.room, cid=secrets.token_hex(8), text=text))
        reply = await self.opened.get()
        while not self.pieces.empty():
            self.pieces.get_nowait()
        await self.pieces.get()
        return reply

    def _write(self, frame: bytes) -> bool:
        for message in messages.parse(frame):
            if isinstance(message, messages.Invocation):
                for event in protocol.decode_events(bytes(message.arguments))[1]:
                    self._hear(event)
        return True

    def _hear(self, event: Event) -> None:
        if isinstance(event, ReplyOpened):
            self.opened.put_nowait(event.eid)
        elif isinstance(event, Delta):
            self.last[event.id] = now = time.perf_counter()
            self.pieces.put_nowait(now)
        elif isinstance(event, ReplyClosed):
            self.closed.put_nowait(event.status)


async def delays(profile: Profile, context_tokens: int) -> dict[str, float]:
    """`stop_ms` and `loop_delay_ms`, through a whole hub with the real model."""
    settings = Settings(context_tokens=context_tokens, reply_tokens=512, turns_per_minute=10_000)
    composition = Composition(settings)
    readers = [Reader(composition, f"reader{number}", f"room{number}") for number in range(4)]
    try:
        for reader in readers:
            await reader.send(Join(room=reader.room, wire=protocol.WIRE))
        return {
            "stop_ms": await _stops(readers[0], 4 if profile.name == "smoke" else 10 * profile.rounds),
            "loop_delay_ms": await _loop_delay(readers, 2.0 if profile.name == "smoke" else 10.0),
        }
    finally:
        await composition.close()


async def _stops(reader: Reader, count: int) -> float:
    stopped: dict[str, float] = {}
    for number in range(count):
        reply = await reader.ask(f"@llama write a very long story, number {number}, with many details")
        stopped[reply] = time.perf_counter()
        await reader.send(Cancel(room=reader.room, id=reply))
        await reader.closed.get()
    # Whatever came late has come by the time that another reply is being written.
    await reader.ask("@llama and another story")
    return _percentile([max(0.0, reader.last[reply] - start) * 1000 for reply, start in stopped.items()], 95)


async def _loop_delay(readers: Sequence[Reader], seconds: float) -> float:
    """Keep four rooms writing, and give how late the loop wakes somebody who sleeps 5 ms, in milliseconds."""
    asking = [asyncio.create_task(_keep_asking(reader)) for reader in readers]
    delays: list[float] = []
    end = time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(0.005)
        delays.append((time.perf_counter() - now - 0.005) * 1000)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return _percentile(delays, 99)


async def _keep_asking(reader: Reader) -> None:
    while True:
        await reader.ask("@llama tell a long story about a mountain and a river")
        await reader.closed.get()


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
