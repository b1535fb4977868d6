"""Which rooms there are for somebody, and what part they have in each: rules over names of users, groups and rooms.

This module touches trust. It covers: a room that is nobody's by these rules does not exist for anybody, and names are
compared whole, never by a prefix. It does not cover who the user is and which groups they are in, which is the
server's to know, nor what each role may do, which is the policy's. It knows no hub and no JupyterHub.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from msgspec import Struct

from nbgroupchat.protocol import Role

ROLES: tuple[Role, ...] = get_args(Role)

COURSE = "{course}"
"""What stands for a course's name in the names of its groups."""


class Roles(Struct, frozen=True, kw_only=True):
    """Rules by groups, as a class has them. Each text is a list of words.

    A course is a room and all its sub-rooms: `course-101`, `course-101.lab1`. `open_rooms` are courses that anybody is
    a member of; the others name the groups of each course, or of all courses where no `{course}` stands in them.
    """

    open_rooms: str = "lobby"
    instructor_groups: str = "{course}-instructors"
    member_groups: str = "{course}"
    observer_groups: str = "{course}-observers"

    @property
    def plain(self) -> bool:
        """Whether rooms belong to nobody: no instructors, and everybody may do everything."""
        return False

    def role(self, user: str, groups: Collection[str], room: str) -> Role | None:
        """Give what somebody is in a room, or None: for them it does not exist."""
        course = course_of(room)
        if not user or not course:
            return None
        patterns = {
            "instructor": self.instructor_groups,
            "member": self.member_groups,
            "observer": self.observer_groups,
        }
        for role in ROLES:
            if any(pattern.replace(COURSE, course) in groups for pattern in patterns[role].split()):
                return role
            if role == "member" and course in self.open_rooms.split():
                return role
        return None


class PlainRoles(Roles, frozen=True, kw_only=True):
    """The rules of a plain server, where names are labels: every room is there for everybody.

    `instructors` are users, separated by spaces, who instruct every room, or "*" for everybody. It is the user that
    counts, as the server has authenticated it, and never a name that people choose.
    """

    instructors: str = ""

    @property
    def plain(self) -> bool:
        """See `Roles.plain`."""
        return True

    def role(self, user: str, groups: Collection[str], room: str) -> Role | None:  # noqa: ARG002  # anywhere
        """See `Roles.role`."""
        named = self.instructors.split()
        return "instructor" if user in named or "*" in named else "member"


def course_of(room: str) -> str:
    """Give the course that a room belongs to: what stands before the first dot."""
    return room.partition(".")[0]
