"""What a model is given to read: a prompt as segments, never as one text, so that members' text cannot mark turns.

Vocabulary between the window, which makes prompts, and the engines, which read them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Role: TypeAlias = Literal["system", "user", "assistant"]


class Segment(Struct, frozen=True):
    """A part of a prompt: one post, one reply, or the server's own words. `key` is the `eid` of the event it is from,
    or "" for the server's own words. Neighbours of the same role belong to one turn of the model's chat template, and
    each is tokenized by itself, as plain text. One that is `pinned` stays where older ones are left out. `ids` are
    those a reply was sampled as, all of its text, where they were kept: not every reply tokenizes back to them.
    What is `private` is the instructors' own, and not told to others.
    """

    role: Role
    text: str
    key: str = ""
    ids: tuple[int, ...] = ()
    pinned: bool = False
    private: bool = False


class Prompt(Struct, frozen=True):
    """What the model is to read, oldest first; the reply that follows is the assistant's.

    The first segment is the system message. Where not all of it fits, the engine leaves out the oldest of the others.
    """

    segments: tuple[Segment, ...]

    def kept(self, dropped: int) -> tuple[Segment, ...]:
        """Give what is read where the oldest `dropped` after the system message do not fit, save the pinned ones."""
        left_out = range(self.told, self.told + dropped)
        return tuple(segment for place, segment in enumerate(self.segments) if segment.pinned or place not in left_out)

    @property
    def told(self) -> int:
        """How many segments the system message has."""
        roles = [segment.role for segment in self.segments]
        return next((place for place, role in enumerate(roles) if role != "system"), len(roles))
