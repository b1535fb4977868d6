"""Specification of the roles: who is what in which room, by the names of groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgroupchat.protocol import Role
from nbgroupchat.roles import PlainRoles, Roles, course_of

RULES = Roles()


@pytest.mark.parametrize(
    ("groups", "room", "role"),
    [
        (["course-101"], "course-101", "member"),
        (["course-101"], "course-101.lab1", "member"),
        (["course-101-instructors"], "course-101", "instructor"),
        (["course-101-instructors"], "course-101.lab1", "instructor"),
        (["course-101-observers"], "course-101.lab1", "observer"),
        (["course-101", "course-101-instructors"], "course-101", "instructor"),
        (["course-101-observers", "course-101"], "course-101", "member"),
        (["course-101"], "course-102", None),
        (["course-101"], "course-1011", None),
        (["course-1011"], "course-101", None),
        (["course-101"], "course-10", None),
        (["course-101"], "course-101-lab1", None),
        (["Course-101"], "course-101", None),
        (["course-101-instructors"], "course-102", None),
        (["course-101"], "course-101-instructors", None),
        ([], "course-101", None),
        (["course-101.lab1"], "course-101.lab1", None),
        ([], "lobby", "member"),
        ([], "lobby.help", "member"),
        ([], "lobby2", None),
        (["lobby-instructors"], "lobby", "instructor"),
        (["{course}"], "course-101", None),
        (["", "-instructors"], ".", None),
    ],
)
def test_groups_decide(groups: list[str], room: str, role: Role | None) -> None:
    """A group's name, whole, gives a part in its course and in the course's sub-rooms, and in nothing else."""
    assert RULES.role("ana", groups, room) == role


def test_patterns_are_settings() -> None:
    """A course's groups may be called otherwise, be several, or hold for all courses."""
    rules = Roles(
        open_rooms="", instructor_groups="staff teach.{course}", member_groups="{course}-students {course}-guests"
    )
    assert rules.role("ana", ["staff"], "any") == "instructor"
    assert rules.role("ana", ["teach.any"], "any.lab") == "instructor"
    assert rules.role("ana", ["any-guests"], "any") == "member"
    assert rules.role("ana", ["any"], "any") is None
    assert rules.role("ana", [], "lobby") is None


def test_nobody_has_no_part() -> None:
    """Without a user there is no room, not even an open one."""
    assert RULES.role("", ["course-101"], "lobby") is None


@given(st.lists(st.text(max_size=12), max_size=3), st.from_regex(r"\A[a-c][a-c.-]{0,8}\Z"))
def test_no_group_opens_what_it_does_not_name(groups: list[str], room: str) -> None:
    """Whatever groups are called, a part in a room needs one with the whole name of its course."""
    role = RULES.role("ana", groups, room)
    course = course_of(room)
    expected = {f"{course}-instructors", course, f"{course}-observers"} & set(groups)
    assert (role is not None) == bool(expected)


def test_a_plain_server_has_members_alone() -> None:
    """Where names are labels every room is there for everybody, and belongs to nobody."""
    assert PlainRoles().role("anybody", (), "any") == "member"
    assert PlainRoles().plain
    assert not RULES.plain
