"""A run: members talk, things are killed and cut by a seeded schedule, then everything settles and is compared.

The seed fixes what is done and for how long; when that meets the other processes is up to the system. The pauses here
are part of the faults: how long a hub may live, and what comes between two of a network.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.protocol import DurableEvent
from nbgroupchat.room import Room
from tests.chaos.detectors import compare, compare_file, compare_readers
from tests.chaos.member import Member
from tests.chaos.process import HubProcess
from tests.chaos.record import Record
from tests.engines.tiny_models import write_model


class Profile(Struct, frozen=True):
    """How much is done: `kills` of the hub, `worker_kills` before each `model_every`th of them, while a model runs."""

    kills: int
    model_every: int = 0
    worker_kills: int = 0
    rooms: int = 4
    members: int = 12
    life: float = 2.5
    """The longest a hub with the scripted engine lives, in seconds."""
    stops: float = 0.12
    """How likely a member is to stop a reply each time that it has spoken."""
    changes: float = 0.3
    """How likely a member is to edit or redact something each time."""
    settled: float = 100.0
    """How long, in seconds, anything may take to come about."""
    calm: float = 0.3
    """The mean time between two faults of a network, in seconds."""


LONG = Profile(kills=220, model_every=8, worker_kills=5, life=3.0, calm=0.2)
QUICK = Profile(kills=8, model_every=4, worker_kills=2, members=8)


class Run:
    """One run, on a new file in `folder`; `broken` is one of `BREAKS`."""

    def __init__(self, folder: Path, seed: int, profile: Profile, broken: str = "") -> None:
        self.record = Record()
        self._profile = profile
        self._rng = random.Random(seed)
        self._file = folder / "rooms.sqlite"
        self._model = write_model(folder, "llama") if profile.worker_kills else None
        self._hub = HubProcess(self._file, seed, broken)
        self._rooms = tuple(f"room{number}" for number in range(profile.rooms))
        self._members = [
            Member(
                f"member{number}",
                tuple(dict.fromkeys(self._rooms[place % profile.rooms] for place in (number, number // 2))),
                self.record,
                random.Random(f"{seed} {number}"),
                profile.stops,
                profile.changes,
            )
            for number in range(profile.members)
        ]

    async def whole(self) -> Counter[str]:
        """Do all of it and give the figures. Raises TimeoutError where it does not settle."""
        try:
            await asyncio.gather(*(member.network.start() for member in self._members))
            await self._begin("script")
            living = [asyncio.create_task(member.live()) for member in self._members]
            harming = asyncio.create_task(self._harm())
            for number in range(1, self._profile.kills + 1):
                await self._live(number)
                self.record.counts["kills_in_a_reply"] += self._a_reply_grows()
                await self._hub.kill()
                self.record.counts["kills"] += 1
                await self._begin(self._engine(number + 1))
            harming.cancel()
            await asyncio.wait([harming])
            await self._settle()
            for task in living:
                task.cancel()
            await asyncio.wait(living)
            self.record.counts["unsettled"] += await self._hub.end() != 0
        finally:
            await self._hub.abandon()
            await asyncio.gather(*(member.network.stop() for member in self._members))
        logs = await self._logs()
        figures = compare(self.record, logs)
        figures["unredacted"] += compare_file(self.record, self._file)
        if not self.record.counts["unsettled"]:
            figures["lost"] += sum(compare_readers(self._readers(room), log) for room, log in logs.items())
        figures.update(self.record.counts)
        return figures

    def _engine(self, number: int) -> str:
        every = self._profile.model_every
        return str(self._model) if self._model is not None and number % every == 0 else "script"

    async def _begin(self, engine: str) -> None:
        await self._hub.begin(engine)
        for member in self._members:
            member.network.target = self._hub.port

    async def _live(self, number: int) -> None:
        if self._engine(number) == "script":
            await asyncio.sleep(self._rng.uniform(0.05, self._profile.life))
            return
        for _ in range(self._profile.worker_kills):
            # Where a worker ends before it has answered anything, the engine waits longer and longer.
            finished = len(self.record.finished)
            await self._until(lambda before=finished: len(self.record.finished) > before)  # type: ignore[misc]
            await self._until(self._a_reply_grows)
            await asyncio.sleep(self._rng.random() / 20)
            self.record.counts["worker_kills"] += self._hub.kill_worker()

    def _a_reply_grows(self) -> bool:
        rooms = [room for member in self._members for room in member.rooms.values()]
        return any(draft.pieces for room in rooms for draft in room.drafts.values())

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(self._profile.settled):
            while not condition():
                self.record.changed.clear()
                await self.record.changed.wait()

    async def _settle(self) -> None:
        """Wait until all is acknowledged, everybody was shown it, and nothing is being written."""
        for member in self._members:
            member.quiet = True
            member.network.heal()

        def settled() -> bool:
            newest: Counter[str] = Counter()
            for (room, _cid), (_id, seq) in self.record.acked.items():
                newest[room] = max(newest[room], seq)
            return all(member.has(room, newest[room]) for member in self._members for room in self._rooms)

        try:
            await self._until(settled)
        except TimeoutError:
            self.record.counts["unsettled"] = 1

    async def _harm(self) -> None:
        """Do harm to one network after another, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / self._profile.calm))
            member = self._rng.choice(self._members)
            match self._rng.choices(("cut", "stalled", "half_open", "change"), (4, 3, 2, 2))[0]:
                case "cut":
                    self._count("cut_off", member.network.cut())
                case "stalled":
                    self._count("stalled", member.network.stall())
                    loop.call_later(self._rng.uniform(0.05, 2.0), member.network.flow)
                case "half_open":
                    self._count("half_open", member.network.half_open())
                case "change":
                    self.record.counts["transports_changed"] += await member.change_transport()

    def _count(self, what: str, done: bool) -> None:
        self.record.counts["cuts"] += done
        self.record.counts[what] += done

    def _readers(self, room: str) -> list[Room]:
        return [member.rooms[room] for member in self._members if room in member.rooms]

    async def _logs(self) -> dict[str, list[DurableEvent]]:
        """Read what the file holds."""
        backplane = SqliteBackplane(self._file)
        try:
            return {room: list((await backplane.read(room, 2**53, 10**9))[0]) for room in self._rooms}
        finally:
            await backplane.close()
