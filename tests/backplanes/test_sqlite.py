"""Specification of the backplane in a file: what is found again, and what is gone for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.protocol import Event
from tests.backplanes.contract import BackplaneContract, post


class TestSqliteBackplane(BackplaneContract):
    """The contract, kept by the backplane in a file."""

    @pytest.fixture(autouse=True)
    async def _files(self, tmp_path: Path) -> AsyncIterator[None]:
        self.folder = tmp_path
        self.made: list[SqliteBackplane] = []
        yield
        for backplane in self.made:
            await backplane.close()

    def make(self) -> Backplane:
        self.made.append(SqliteBackplane(self.folder / f"{len(self.made)}.sqlite"))
        return self.made[-1]


async def test_the_clock_is_given(tmp_path: Path) -> None:
    """Entries carry the time of the clock that was given, in milliseconds."""
    backplane, heard = SqliteBackplane(tmp_path / "rooms.sqlite", now_ms=lambda: 1_760_000_000_000), list[Event]()
    await backplane.open("lobby", heard.extend)
    assert (await backplane.append("lobby", post())).entry.ts == 1_760_000_000_000
    await backplane.close()
