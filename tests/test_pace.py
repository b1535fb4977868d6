"""Specification of slow mode and of how often somebody may ask."""

from __future__ import annotations

import pytest

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.pace import Pace, asked_too_often
from nbgroupchat.protocol import RoomPolicy

SLOW = RoomPolicy(slow_seconds=30)
FEW = RoomPolicy(turns_per_hour=2)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def test_a_second_post_waits(pace: Pace, clock: Clock) -> None:
    """The refusal says how long, in words and milliseconds; other people and rooms are not held up."""
    pace.post("lab", "ana", "1", SLOW)
    clock.now += 7
    with pytest.raises(Refusal, match=r"slow mode: 30 s between your posts\. Post again in 23 s") as refusal:
        pace.post("lab", "ana", "2", SLOW)
    assert (refusal.value.code, refusal.value.retry_ms) == (Code.NOT_NOW, 23_001)
    pace.post("lab", "ben", "1", SLOW)
    pace.post("hall", "ana", "2", SLOW)
    clock.now += 23
    pace.post("lab", "ana", "2", SLOW)


def test_a_retry_passes(pace: Pace, clock: Clock) -> None:
    """What was posted is answered again under its `cid`, however slow the room."""
    pace.post("lab", "ana", "1", SLOW)
    pace.post("lab", "ana", "1", SLOW)
    clock.now += 5
    with pytest.raises(Refusal):
        pace.post("lab", "ana", "2", SLOW)


def test_what_was_said_before_slow_mode_counts(pace: Pace) -> None:
    """It holds from the moment it is set, without a free post."""
    pace.post("lab", "ana", "1", RoomPolicy())
    with pytest.raises(Refusal):
        pace.post("lab", "ana", "2", SLOW)


def test_what_was_not_stored_does_not_count(pace: Pace) -> None:
    """A post or a question that is taken back can be made again at once."""
    pace.post("lab", "ana", "1", SLOW)
    pace.take_back("lab", "ana", "1")
    pace.post("lab", "ana", "2", SLOW)
    for cid in ("3", "4"):
        assert pace.ask("lab", "ana", cid, FEW) == 0
    pace.take_back("lab", "ana", "4")
    assert pace.ask("lab", "ana", "5", FEW) == 0


def test_so_many_questions_an_hour(pace: Pace, clock: Clock) -> None:
    """The next is an hour after the first of them; a retry is no other question, and who asks in vain loses nothing."""
    assert pace.ask("lab", "ana", "1", FEW) == 0
    clock.now += 600
    assert [pace.ask("lab", "ana", cid, FEW) for cid in ("2", "2", "1")] == [0, 0, 0]
    assert [pace.ask("lab", "ana", "3", FEW) for _ in range(3)] == [3000.0] * 3
    assert pace.ask("lab", "ben", "1", FEW) == 0
    clock.now += 3000
    assert pace.ask("lab", "ana", "3", FEW) == 0
    assert pace.ask("lab", "ana", "4", FEW) == 600.0
    refusal = asked_too_often(FEW, 600.0)
    assert "2 times within an hour" in refusal.message
    assert (refusal.code, refusal.retry_ms) == (Code.NOT_NOW, 600_001)


def test_people_are_forgotten(pace: Pace, clock: Clock) -> None:
    """However many come, those who have been silent for an hour cost nothing."""
    for number in range(3000):
        pace.post("lab", f"user {number}", "1", SLOW)
        clock.now += 10
    assert len(pace._people) < 1100
