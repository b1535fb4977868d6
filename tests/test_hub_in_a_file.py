"""Specification of the hub once more, on a backplane whose answers come later than they are asked for."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.errors import Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Cancel, Delta, Joined, ReplyClosed
from tests import test_hub
from tests.clients import FakeClient, Nobody, asking, plain


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    hub = Hub(SqliteBackplane(tmp_path / "rooms.sqlite"), plain)
    yield hub
    await hub.close()


OF_ANY_HUB = {
    name: test
    for name, test in vars(test_hub).items()
    if name.startswith("test_") and "hub" in inspect.signature(test).parameters
}
globals().update(OF_ANY_HUB)


def test_the_tests_of_the_hub_are_here() -> None:
    """Those that are given a hub are run again on this one."""
    assert len(OF_ANY_HUB) > 10


async def test_a_stop_races_the_pieces_and_nothing_is_told_beyond_it(hub: Hub) -> None:
    """Wherever between the pieces a stop comes, the closed text is all that was told, and nothing comes after."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    for attempt in range(30):
        reply = await seat.open_reply("lobby", asking(f"asked {attempt}"), 0)

        async def write(reply: str) -> int:
            pieces = 0
            while await seat.write("lobby", Delta(reply, pieces, pieces + 1, f"{pieces} ")):
                pieces += 1
            return pieces

        # A turn is cancelled by the close that it hears: with a piece on its way to the disk.
        writing = asyncio.ensure_future(write(reply))
        told = ben.rooms["lobby"].messages
        await ben.until(lambda told=told, attempt=attempt, reply=reply: told[reply].text.count(" ") >= attempt % 5)  # type: ignore[misc]
        for _ in range(attempt // 2 % 10):
            await asyncio.sleep(0)
        if attempt % 2:
            writing.cancel()
        await ana.send(Cancel(room="lobby", id=reply))
        shown = told[reply].text
        heard = len(ben.events)
        await asyncio.wait([writing])
        (closed,) = [event for event in ben.events if isinstance(event, ReplyClosed) and event.id == reply]
        pieces = [event for event in ben.events if isinstance(event, Delta) and event.id == reply]
        assert closed.text == shown == "".join(piece.text for piece in pieces)
        assert not [event for event in ben.events[heard:] if isinstance(event, Delta)]


async def test_who_leaves_while_a_room_is_opened_takes_it_from_nobody(hub: Hub) -> None:
    """Two people join a new room at once and one goes at once: the other is in it, and can talk."""
    ana, ben, eve = FakeClient(hub, "Ana"), FakeClient(hub, "Ben"), FakeClient(hub, "Eve")
    joining = [asyncio.ensure_future(client.join("new")) for client in (ana, ben)]
    await asyncio.sleep(0)
    ana.leave()
    gone, joined = await asyncio.gather(*joining, return_exceptions=True)
    assert (type(gone), type(joined)) == (Refusal, Joined)
    await eve.join("new")
    await ben.post("hello", "new")
    assert eve.texts("new") == ["hello"]
