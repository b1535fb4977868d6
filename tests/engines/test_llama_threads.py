"""How many threads read, decided by hand: a worker that is told how much of its processors it was given."""

from __future__ import annotations

import os

import pytest

from nbgroupchat.engines.llama_threads import JUDGED, Threads, cores


class Machine:
    """A machine where `free` cores are left to the worker; gives the threads of each batch."""

    def __init__(self, most: int, free: float) -> None:
        self.threads = Threads(most)
        self.free = free
        self.now = 0.0

    def read(self, seconds: float) -> list[int]:
        """Read batches of 20 ms for so long."""
        found = []
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            found.append(self.threads.count)
            self.threads.read(self.now, 0.02, 0.02 * min(self.threads.count, self.free))
        return found


def test_a_quiet_machine_gives_all_its_cores() -> None:
    """Where nothing else runs there is a thread for each core, and a server's little work changes nothing."""
    assert set(Machine(4, 4).read(60)) == {4}
    assert set(Machine(4, 3.85).read(60)) == {4}


@pytest.mark.parametrize(("most", "free", "left"), [(2, 1.3, 1), (4, 3.2, 3), (8, 2, 2), (2, 0.5, 1), (1, 0.5, 1)])
def test_cores_that_others_use_are_left_to_them(most: int, free: float, left: int) -> None:
    """After a quarter of a second there are as many threads as cores that are given; a quota counts as others do."""
    machine = Machine(most, free)
    machine.read(JUDGED + 0.02)
    assert machine.read(0.5) == [left] * 25


def test_one_more_is_tried_now_and_then() -> None:
    """While a core stays busy it is tried for ever rarer quarters of a second, at least every half a minute."""
    machine = Machine(2, 1.3)
    shares = [machine.read(60).count(2) / 3000 for _ in range(3)]
    assert 0.001 < shares[2] <= shares[1] < shares[0] < 0.04


def test_a_core_that_is_free_again_is_used_again() -> None:
    """When the others have ended, all threads are back within half a minute, one after another, to stay."""
    machine = Machine(4, 1.2)
    machine.read(120)
    machine.free = 4
    found = machine.read(32)
    assert found == sorted(found)
    assert machine.read(60) == [4] * 3000


def test_a_pause_is_no_reason_to_wait() -> None:
    """After hours in which nobody asked, the first batches try one more."""
    machine = Machine(2, 1.3)
    machine.read(120)
    machine.now += 3600
    machine.free = 2
    machine.read(2 * JUDGED)
    assert machine.threads.count == 2


def test_there_are_at_most_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cores that the process may use count, at least one and at most eight."""
    found = []
    for number in (1, 2, 4, 64):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, number=number: set(range(number)), raising=False)
        found.append(cores())
    assert found == [1, 2, 4, 8]
