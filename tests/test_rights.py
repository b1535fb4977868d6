"""Specification of what a room's policy lets somebody do, and when."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import (
    COMMANDS,
    Cancel,
    Command,
    Download,
    Edit,
    Explain,
    History,
    Join,
    Leave,
    Pin,
    Post,
    React,
    Redact,
    Regenerate,
    ResumeReply,
    Role,
    RoomPolicy,
    Rooms,
    Search,
    SetPolicy,
    Typing,
    Upload,
    Who,
)
from nbgroupchat.rights import INSTRUCTING, READING, changed, check, check_own, duration, until_open

EACH: tuple[Command, ...] = (
    Join(room="lab", wire=1),
    Post(room="lab", cid="c", text="x"),
    Cancel(room="lab", id="i"),
    Edit(room="lab", cid="c", id="i", text="x"),
    Redact(room="lab", id="i"),
    Pin(room="lab", id="i", on=True),
    React(room="lab", id="i", emoji="\N{THUMBS UP SIGN}", on=True),
    Regenerate(room="lab", id="i", cid="c"),
    ResumeReply(room="lab", id="i", cid="c"),
    Explain(room="lab", id="i"),
    Search(room="lab", text="x"),
    Typing(room="lab", on=True),
    History(room="lab", before=1),
    SetPolicy(room="lab", cid="c"),
    Who(room="lab", id="m"),
    Rooms(room="lab"),
    Upload(room="lab", id="u", name="x", mime="text/plain", size=1, at=0, data=b"x"),
    Download(room="lab", id="0" * 64, at=0),
    Leave(room="lab"),
)

MONDAY = int(datetime(2026, 3, 2, 9, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)


def refused(command: Command, role: Role, policy: RoomPolicy, now: int = MONDAY) -> Code | None:
    try:
        check(command, role, policy, now)
    except Refusal as refusal:
        return refusal.code
    return None


def test_each_command_is_tried_here() -> None:
    """A new command has to be thought of: unless it is said to read or instruct, it writes."""
    assert {type(command) for command in EACH} == set(COMMANDS.values())


@pytest.mark.parametrize("command", EACH, ids=lambda command: type(command).__name__)
def test_who_may_what(command: Command) -> None:
    """Members read and write, observers read, instructors do everything."""
    assert refused(command, "instructor", RoomPolicy(locked=True, hours=("sun 00:00-00:01",))) is None
    assert refused(command, "member", RoomPolicy()) is (Code.FORBIDDEN if isinstance(command, INSTRUCTING) else None)
    assert refused(command, "observer", RoomPolicy()) is (None if isinstance(command, READING) else Code.FORBIDDEN)


@pytest.mark.parametrize("policy", [RoomPolicy(locked=True), RoomPolicy(hours=("tue 09:00-10:00",))])
@pytest.mark.parametrize("command", EACH, ids=lambda command: type(command).__name__)
def test_a_locked_or_closed_room_is_read_and_not_written(command: Command, policy: RoomPolicy) -> None:
    """Members cannot so much as be seen typing; reading and leaving go on."""
    expected = None if isinstance(command, READING) else Code.NOT_NOW
    if isinstance(command, INSTRUCTING):
        expected = Code.FORBIDDEN
    assert refused(command, "member", policy) is expected


def test_a_closed_room_says_when_it_opens() -> None:
    """The refusal has the wait in words and in milliseconds, and the opening times."""
    policy = RoomPolicy(hours=("mon 10:00-11:00", "tue 09:00-10:00"), zone="Europe/Berlin")
    with pytest.raises(Refusal) as refusal:
        check(EACH[1], "member", policy, MONDAY)
    assert refusal.value.retry_ms == 30 * 60_000
    assert "30 min" in refusal.value.message
    assert "mon 10:00-11:00, tue 09:00-10:00 (Europe/Berlin)" in refusal.value.message


def at(zone: str, *when: int) -> int:
    return int(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc, arg-type]  # a date


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ((2026, 3, 2, 8, 59, 59), 1),
        ((2026, 3, 2, 9, 0, 0), 0),
        ((2026, 3, 2, 10, 29, 59), 0),
        ((2026, 3, 2, 10, 30, 0), 7 * 86_400 - 5_400),
        ((2026, 3, 8, 23, 59, 59), 9 * 3600 + 1),
        # The clocks go forward in the night from Saturday to Sunday: an hour less to wait.
        ((2026, 3, 28, 9, 0, 0), 48 * 3600 - 3600),
    ],
)
def test_opening_times_are_the_wall_clocks(when: tuple[int, ...], seconds: int) -> None:
    """From the first second to before the last, in the room's own zone, through changes of the clock."""
    policy = RoomPolicy(hours=("mon 09:00-10:30",), zone="Europe/Berlin")
    assert until_open(policy, at("Europe/Berlin", *when)) == seconds


def test_a_day_ends_at_24_and_another_may_follow() -> None:
    """A night is two opening times that meet."""
    policy = RoomPolicy(hours=("mon 22:00-24:00", "tue 00:00-02:00"))
    for when in ((2, 23, 59, 59), (3, 0, 0, 0), (3, 1, 59)):
        assert until_open(policy, at("UTC", 2026, 3, *when)) == 0
    assert until_open(policy, at("UTC", 2026, 3, 3, 2)) > 0
    assert until_open(RoomPolicy(), MONDAY) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (SetPolicy(room="lab", cid="c", zone="Mars/Olympus"), "time zone"),
        (SetPolicy(room="lab", cid="c", zone="../../etc/passwd"), "time zone"),
        (SetPolicy(room="lab", cid="c", hours=("mon 10:00-10:00",)), "ends before it begins"),
        (SetPolicy(room="lab", cid="c", hours=("mon 22:00-02:00",)), "ends before it begins"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(change: SetPolicy, says: str) -> None:
    """A zone that is none and times that never come are named."""
    with pytest.raises(Refusal, match=says) as refusal:
        changed(RoomPolicy(), change)
    assert refusal.value.code is Code.INVALID


def test_only_what_is_given_is_changed() -> None:
    """The rest stays as it was."""
    before = RoomPolicy(mention="@llama", slow_seconds=5, prompt="Hush.")
    after = changed(before, SetPolicy(room="lab", cid="c", locked=True, slow_seconds=0))
    assert after == RoomPolicy(mention="@llama", slow_seconds=0, prompt="Hush.", locked=True)


def test_who_may_stop_pin_and_redact() -> None:
    """Anyone, whose it is and instructors, or instructors alone; the refusal names who can."""
    for allowed, mine, role, passes in (
        ("anyone", False, "member", True), ("asker", True, "member", True), ("asker", False, "member", False),
        ("instructors", True, "member", False), ("asker", False, "instructor", True),
        ("instructors", False, "instructor", True),
    ):  # fmt: skip
        if passes:
            check_own("pin a message", allowed, mine=mine, role=role)  # type: ignore[arg-type]  # as in the table
            continue
        with pytest.raises(Refusal, match="instructor") as refusal:
            check_own("pin a message", allowed, mine=mine, role=role)  # type: ignore[arg-type]  # as in the table
        assert refusal.value.code is Code.FORBIDDEN


def test_waits_are_told_in_words() -> None:
    """In a unit that people count in, rounded up."""
    assert [duration(seconds) for seconds in (0.2, 1, 90.5, 120, 121, 7199, 7200, 90_000, 172_801)] == [
        *("1 s", "1 s", "91 s", "2 min", "3 min", "120 min", "2 h", "25 h", "3 days")
    ]
