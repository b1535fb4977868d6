"""Specification of a line: how much it holds, and when it lets go; against a real hub in the own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbgroupchat import line, protocol
from nbgroupchat.compose import Composition
from nbgroupchat.line import Line
from nbgroupchat.link import LocalLink
from nbgroupchat.protocol import Join, Joined
from nbgroupchat.settings import Settings
from nbgroupchat.signalr.connection import Connection as HubConnection
from tests.clients import FakeClient
from tests.signalr.fakes import HANDSHAKE, FakeClock, frame, until

JOIN = frame(type=1, target="join", invocationId="0", arguments=[{"room": "lobby", "wire": protocol.WIRE}])


class Carried:
    """One line to a hub on the test's own loop, with time held in hand."""

    def __init__(self, composition: Composition) -> None:
        self.clock = FakeClock()
        self.told: list[dict[str, Any]] = []
        self.line = Line(lambda what, **fields: self.told.append({"relay": what, **fields}), self.clock)
        self.composition = composition

    async def begin(self) -> None:
        """Connect, shake hands and join."""
        self.task = asyncio.create_task(self.line.run(None))
        self.say(HANDSHAKE + JOIN)
        await until(lambda: any("live" in told.get("data", "") for told in self.told))

    def say(self, *frames: str, heard: int = 0) -> None:
        self.line.heard(frames, heard)

    @property
    def closed(self) -> list[dict[str, Any]]:
        return [told for told in self.told if told["relay"] == "closed"]


@pytest.fixture
async def carried(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Carried]:
    composition = Composition(Settings(engine="off"))
    monkeypatch.setattr(LocalLink, "_composition", composition)
    monkeypatch.setattr(line, "BYTES_PER_SECOND", float("inf"))
    carried = Carried(composition)
    await carried.begin()
    yield carried
    carried.line.end(1000, "")
    await carried.task
    assert composition.endpoint.connections == frozenset()
    await composition.close()


class Poster(FakeClient):
    """Somebody else in the room, who reads nothing."""

    def __init__(self, composition: Composition) -> None:
        super().__init__(composition.hub, "ben")

    async def join(self, room: str = "lobby", **fields: object) -> Joined:
        answer = await self.send(Join(room=room, wire=protocol.WIRE))
        assert isinstance(answer, Joined)
        return answer

    def _write(self, _frame: bytes) -> bool:
        return True


@pytest.fixture
def heard_by_hub(monkeypatch: pytest.MonkeyPatch) -> list[str | bytes]:
    """What the hub's end of the connection is given."""
    heard: list[str | bytes] = []
    receive = HubConnection.receive

    async def note(self: HubConnection, payload: str | bytes) -> None:
        heard.append(payload)
        await receive(self, payload)

    monkeypatch.setattr(HubConnection, "receive", note)
    return heard


async def test_a_front_end_that_is_gone_is_let_go(carried: Carried) -> None:
    """A panel that says nothing for a minute while no cell runs has gone without a word, and its connection ends."""
    carried.clock.advance(30)
    carried.say()
    carried.clock.advance(59)
    assert carried.closed == []
    carried.clock.advance(2)
    await carried.task
    assert carried.closed[0]["reason"] == "the panel has said nothing for 60 s"


async def test_a_running_cell_is_no_silence(heard_by_hub: list[str | bytes], carried: Carried) -> None:
    """While a cell runs the relay pings the hub for the panel, whose own pings wait; then the panel has a minute."""
    carried.line.pause(True)
    for count in range(1, 9):
        carried.clock.advance(15)
        await until(lambda count=count: heard_by_hub.count('{"type":6}\x1e') == count)  # type: ignore[misc]
    carried.line.pause(False)
    carried.clock.advance(59)
    assert carried.closed == []
    carried.clock.advance(2)
    await carried.task
    assert len(carried.closed) == 1


async def test_a_cell_without_end_keeps_no_dead_panel(carried: Carried) -> None:
    """After half a day without a word a panel is taken for gone, cell or no cell."""
    carried.line.pause(True)
    for _ in range(12 * 60):
        carried.clock.advance(60)
    await asyncio.sleep(0)
    assert carried.closed == []
    carried.clock.advance(60)
    await carried.task
    assert carried.closed[0]["reason"] == "the panel has said nothing for too long"


async def test_a_panel_that_reads_nothing_is_sent_no_more(monkeypatch: pytest.MonkeyPatch, carried: Carried) -> None:
    """So much goes to a panel that acknowledges nothing, and no more: the rest stays with the hub, and comes later."""
    monkeypatch.setattr(line, "WINDOW_BYTES", 2_000)
    number = sum(told["relay"] == "frame" for told in carried.told)
    carried.say(heard=number)
    said = [f"{n} " + "x" * 500 for n in range(200)]
    ben = Poster(carried.composition)
    await ben.join()
    for text in said:
        await ben.post(text)
    sent = [told for told in carried.told if told["relay"] == "frame"][number:]
    assert sum(len(told["data"]) for told in sent) < 5_000
    while not any(said[-1] in told.get("data", "") for told in carried.told):
        carried.say(heard=sum(told["relay"] == "frame" for told in carried.told))
        await asyncio.sleep(0)
    text = "".join(told.get("data", "") for told in carried.told)
    assert all(one in text for one in said)
