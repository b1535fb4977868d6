"""Specification of the chaos run: nothing is lost, and each detector sees what it is for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.breaks import BREAKS
from tests.chaos.detectors import WRONG
from tests.chaos.run import QUICK, Profile, Run

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]

SHORT = Profile(kills=3, rooms=2, members=6, life=2.0, settled=4.0, stops=0.4)
"""For a hub that is broken, and may never settle."""
MOST_RUNS = 20
"""A short run may pass by what is broken: a stop has to meet a reply that is being written."""


async def test_nothing_is_lost_whatever_is_killed_and_cut(tmp_path: Path) -> None:
    """What was acknowledged or shown is in the log, once and in order, and nothing came after a stop."""
    pytest.importorskip("llama_cpp")
    figures = await Run(tmp_path, 11, QUICK).whole()
    assert {figure: figures[figure] for figure in (*WRONG, "unsettled")} == dict.fromkeys((*WRONG, "unsettled"), 0)
    assert figures["acked"] == figures["found"] > 0
    assert figures["kills"] == QUICK.kills
    # How many of these fit into a hub's life is the machine's to say.
    happened = ("worker_kills", "cuts", "retries", "changed", "edits", "redacts")
    assert {what for what in happened if figures[what] == 0} == set()


def test_each_figure_has_a_hub_that_is_broken() -> None:
    """No detector goes without being seen to find something."""
    assert {figure for figure, _ in BREAKS.values()} == set(WRONG)


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_broken_hub_is_found_out(tmp_path: Path, broken: str) -> None:
    """A hub that does this one thing wrong makes its figure something else than 0."""
    figure, _ = BREAKS[broken]
    for seed in range(MOST_RUNS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        if (await Run(folder, seed, SHORT, broken=broken).whole())[figure] > 0:
            return
    pytest.fail(f"{MOST_RUNS} runs of a hub that is broken so were not seen to be wrong")
