"""Specification of the log: contiguous, and exact about what a returning reader is told."""

from __future__ import annotations

import pytest

from nbgroupchat.log import MAX_TAIL, Gap, Log, newest
from nbgroupchat.protocol import DurableEvent, Position, Posted, ReplyClosed, ReplyOpened


def posted(seq: int) -> Posted:
    return Posted(seq=seq, eid=f"e{seq}", ts=seq, by="m1", name="Ana", kind="human", text=str(seq))


def log(entries: int) -> Log:
    return Log("epoch", [posted(seq) for seq in range(1, entries + 1)])


def test_entries_have_no_holes() -> None:
    """An entry that does not follow is refused."""
    with pytest.raises(Gap):
        log(2).append(posted(4))


def test_a_tail_follows_the_entry_a_reader_has() -> None:
    """With the right epoch and eid exactly what is missing follows."""
    tail = log(5).tail(Position("epoch", 3, "e3"))
    assert tail is not None
    assert [entry.seq for entry in tail] == [4, 5]


def test_a_reader_from_the_very_beginning_gets_a_tail() -> None:
    """Having joined an empty room is a position too."""
    tail = log(2).tail(Position("epoch", 0, ""))
    assert tail is not None
    assert len(tail) == 2


@pytest.mark.parametrize(
    "resume",
    [
        Position("other", 3, "e3"),
        Position("epoch", 3, "forged"),
        Position("epoch", 9, "e9"),
        Position("epoch", 0, "e0"),
    ],
)
def test_a_reader_of_another_log_starts_over(resume: Position) -> None:
    """Another epoch, another entry at that place or a future place: never a partial tail."""
    assert log(5).tail(resume) is None


def test_a_reader_that_is_too_far_behind_starts_over() -> None:
    """A gap of 2,000 entries is a tail, one more is not."""
    long = log(MAX_TAIL + 2)
    assert long.tail(Position("epoch", 2, "e2")) is not None
    assert long.tail(Position("epoch", 1, "e1")) is None


def test_memory_is_bounded() -> None:
    """Old entries go in blocks, and the position stays."""
    bounded = Log("epoch", [posted(seq) for seq in range(1, 26)], keep=10)
    assert bounded.position == Position("epoch", 25, "e25")
    assert bounded.after(bounded.base) is not None
    assert bounded.base >= 5
    assert bounded.after(0) is None


def test_a_snapshot_holds_the_newest_messages() -> None:
    """Closes of replies count with their opening, not as messages."""
    entries: list[DurableEvent] = [
        posted(1),
        posted(2),
        ReplyOpened(seq=3, eid="r", ts=3, by="m0", name="llama", to="e2", context=2),
        ReplyClosed(seq=4, eid="c", ts=4, by="m0", id="r", text="x", status="complete"),
        posted(5),
    ]
    assert newest(entries, 3, 0) == (1, entries[1:])
    assert newest(entries, 9, 0) == (0, entries)
    assert newest([], 9, 7) == (7, [])
