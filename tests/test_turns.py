"""Specification of whose question is answered next."""

from __future__ import annotations

import pytest

from nbgroupchat.protocol import Posted, Waiting
from nbgroupchat.turns import Request, TurnQueue, TurnRefused, first


def asked(by: str, number: int = 1) -> Request:
    return first(
        Posted(seq=number, eid=f"{by}{number}", ts=0, by=by, name=by, kind="human", text="@llama", asks=("m0",))
    )


def taken(queue: TurnQueue, *busy: str) -> str | None:
    found = queue.take(dict.fromkeys(busy))
    return None if found is None else f"{found[0]} {found[1].asked.eid}"


def test_in_a_room_who_asks_first_is_first() -> None:
    """Questions of one room are answered in the order of its log."""
    queue = TurnQueue(10)
    for by in ("ana", "ben", "cleo"):
        queue.add("lobby", asked(by), 0)
    assert [taken(queue) for _ in range(4)] == ["lobby ana1", "lobby ben1", "lobby cleo1", None]


def test_rooms_take_turns() -> None:
    """A room with many questions does not keep another one waiting behind all of them."""
    queue = TurnQueue(10)
    for number in range(5):
        queue.add("busy", asked(f"m{number}"), 0)
    queue.add("quiet", asked("ana"), 0)
    assert [taken(queue) for _ in range(3)] == ["busy m01", "quiet ana1", "busy m11"]


def test_a_room_in_which_a_reply_is_written_waits() -> None:
    """One reply at a time in each room; another room's question goes first then."""
    queue = TurnQueue(10)
    queue.add("one", asked("ana"), 0)
    queue.add("two", asked("ben"), 0)
    assert taken(queue, "one") == "two ben1"
    assert taken(queue, "one") is None
    assert taken(queue) == "one ana1"


def test_one_question_of_a_member_waits() -> None:
    """A second one in the same room is refused with what to do, until the first has its turn; elsewhere it may wait."""
    queue = TurnQueue(10)
    queue.add("lobby", asked("ana"), 0)
    with pytest.raises(TurnRefused, match="waiting already"):
        queue.add("lobby", asked("ana", 2), 0)
    queue.add("other", asked("ana", 3), 0)
    assert taken(queue) == "lobby ana1"
    queue.add("lobby", asked("ana", 4), 0)
    assert len(queue) == 2


def test_a_request_waits_once() -> None:
    """Whoever asks for the same thing again waits once, and is not refused; who asks again is a member like others."""
    queue = TurnQueue(10)
    again = Request(asked("ana").asked, "ben", "again ben c1")
    for _ in range(3):
        queue.add("lobby", again, 0)
    assert (len(queue), queue.has("lobby", again.key), queue.has("lobby", "another")) == (1, True, False)
    queue.add("lobby", asked("ana"), 0)
    with pytest.raises(TurnRefused):
        queue.add("lobby", asked("ben"), 0)
    assert queue.withdraw("lobby", "ana1") == again


def test_a_question_can_be_taken_back() -> None:
    """What is taken back waits no more, and its member may ask again."""
    queue = TurnQueue(10)
    queue.add("lobby", asked("ana"), 0)
    assert queue.withdraw("lobby", "ana1")
    assert not queue.withdraw("lobby", "ana1")
    assert not queue.withdraw("nowhere", "ana1")
    queue.add("lobby", asked("ana", 2), 0)
    assert taken(queue) == "lobby ana2"


def test_so_many_questions_a_minute() -> None:
    """More than the limit within a minute is refused with when to ask again, and taken then; others may ask."""
    queue = TurnQueue(2)
    for second in (0, 20):
        queue.add("lobby", asked("ana"), second)
        taken(queue)
    with pytest.raises(TurnRefused, match="Ask again in 15 s"):
        queue.add("lobby", asked("ana"), 45)
    queue.add("lobby", asked("ben"), 45)
    queue.add("lobby", asked("ana"), 60)


def test_everybody_knows_how_many_are_before_them() -> None:
    """The place of each question counts those being written and those that will be taken before it, of any room."""
    queue = TurnQueue(10)
    for room, by in (("one", "ana"), ("one", "ben"), ("two", "cleo")):
        queue.add(room, asked(by), 0)
    assert queue.waiting(active=2) == {
        "one": (Waiting("ana1", 2), Waiting("ben1", 4)),
        "two": (Waiting("cleo1", 3),),
    }


def test_who_has_long_not_asked_is_forgotten() -> None:
    """Memory does not grow with everybody who ever asked."""
    queue = TurnQueue(10)
    for number in range(1_000):
        queue.add("lobby", asked(f"m{number}"), number * 100)
        taken(queue)
    assert len(queue._asked) <= 2
