"""Specification of the backplane in memory."""

from __future__ import annotations

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.protocol import Event
from tests.backplanes.contract import BackplaneContract, post


class TestMemoryBackplane(BackplaneContract):
    """The contract, kept by the backplane in memory."""

    def make(self) -> Backplane:
        return MemoryBackplane()


async def test_the_clock_is_given() -> None:
    """Entries carry the time of the clock that was given, in milliseconds."""
    backplane, heard = MemoryBackplane(now_ms=lambda: 1_760_000_000_000), list[Event]()
    await backplane.open("lobby", heard.extend)
    assert (await backplane.append("lobby", post())).entry.ts == 1_760_000_000_000
