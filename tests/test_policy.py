"""Specification of who is who in a room."""

from __future__ import annotations

from typing import Any

import pytest

from nbgroupchat.policy import Identity, may_be_answered, member_of
from nbgroupchat.protocol import encode

ROOM, OTHER = b"r" * 32, b"o" * 32


def test_the_same_user_is_the_same_member_under_any_name() -> None:
    """A new name changes the label, not the member."""
    assert member_of(ROOM, Identity("u1", "Ana")).id == member_of(ROOM, Identity("u1", "Anna")).id


def test_a_members_id_means_nothing_elsewhere() -> None:
    """The same user has another id in another room, and the id does not hold the user's name."""
    here, there = member_of(ROOM, Identity("u1", "Ana")), member_of(OTHER, Identity("u1", "Ana"))
    assert here.id != there.id
    assert "u1" not in here.id


def test_kinds_do_not_mix() -> None:
    """A person whose user name is a kernel's id, or empty as the agent's is, is not that member."""
    ids = {member_of(ROOM, Identity("", "llama", kind)).id for kind in ("human", "agent", "kernel", "system")}
    assert len(ids) == 4
    assert member_of(ROOM, Identity("a\0b", "x")).id != member_of(ROOM, Identity("b", "x")).id


@pytest.mark.parametrize("name", [123, None, "\ud800", "x" * 30_000, "", "\u202e", ["a"]])
def test_no_name_breaks_a_room(name: Any) -> None:
    """Jupyter stores whatever a user gives as a name; in a room it is a short text that can be encoded."""
    member = member_of(ROOM, Identity("u1", name))
    assert 1 <= len(member.name) <= 64
    assert encode(member)


def test_people_and_their_kernels_are_answered() -> None:
    """The agent answers neither itself nor the system."""
    assert [may_be_answered(kind) for kind in ("human", "kernel", "agent", "system")] == [True, True, False, False]
