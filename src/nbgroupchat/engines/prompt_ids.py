"""From a prompt's segments to the ids the model reads, within the length it can.

The ids grow at their end from one prompt to the next, so that what was read stays read: where a conversation is too
long, the oldest half goes at once and stays gone, and a reply that comes back is spelled with the ids it was sampled
as. Knows nothing of llama.cpp, and of rooms only that each has its own beginning.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from nbgroupchat.engines.chat_template import TurnLiterals
from nbgroupchat.engines.plain_text import PlainText, Vocabulary
from nbgroupchat.prompt import Prompt, Role, Segment

CUT_MARK = " [… cut …] "

_V = TypeVar("_V")

_THOUGHT = ("<think>", "</think>")

_ROOMS_KEPT = 1024


class Composed(Struct, frozen=True):
    """The ids of a prompt, how many of its segments did not fit, and the keys of the replies that are spelled as they
    were sampled.
    """

    ids: list[int]
    dropped: int
    replies: tuple[str, ...]


class _Part(Struct, frozen=True):
    role: Role
    key: str
    ids: list[int]
    sampled: bool
    pinned: bool


def _kept(parts: Sequence[_Part], dropped: int) -> list[_Part]:
    return [part for place, part in enumerate(parts) if place >= dropped or part.pinned]


class Composer:
    """Composes prompts for one model."""

    def __init__(self, vocabulary: Vocabulary, literals: TurnLiterals, bos: int | None = None) -> None:
        """`bos` is the token the model wants first, where the template may leave it out."""
        self._plain = PlainText(vocabulary, literals.markers())
        begin = vocabulary.tokenize(literals.begin, special=True)
        self._begin = begin if bos is None or begin[:1] == [bos] else [bos, *begin]
        self._opening = vocabulary.tokenize(literals.opening, special=True)
        self._between = {
            ("system", "user"): vocabulary.tokenize(literals.system_to_user, special=True),
            ("user", "assistant"): vocabulary.tokenize(literals.user_to_assistant, special=True),
            ("assistant", "user"): vocabulary.tokenize(literals.assistant_to_user, special=True),
        }
        self._newline = self._plain.ids("\n")
        self._mark = self._plain.ids(CUT_MARK)
        self._overhead = max(map(len, (*self._between.values(), self._newline)))
        self.markers = frozenset(
            token
            for ids in (self._begin, self._opening, *self._between.values())
            for token in ids
            if vocabulary.is_control(token)
        )
        """The control tokens that mark turns."""
        self._opens_thought = _THOUGHT[0] in literals.opening and _THOUGHT[1] not in literals.opening
        self._first_key: OrderedDict[str, str] = OrderedDict()

    def forget_texts(self) -> None:
        """Remember no text of those that were composed."""
        self._plain.forget()

    def member_ids(self, text: str) -> list[int]:
        """The ids of one post."""
        return self._plain.ids(text)

    def compose(self, room: str, segments: Sequence[Segment], length: int, *, opening: bool) -> Composed:
        """The ids of a prompt, at most `length` of them; with `opening`, up to where the reply begins.

        Without, up to where the next user segment begins: whatever is said next, a reply follows a line that asks.
        """
        system, told, body = self._system(segments, length)
        spelled = [self._spelled(segment) for segment in segments[told:]]
        parts = self._parts(segments[told:], spelled, body)
        first = self._first(room, parts, body)
        kept = _kept(parts, first)
        replies = tuple(part.key for part in kept if part.sampled and part.key)
        return Composed(self._row(system, kept, opening=opening), first, replies)

    def rebuild(
        self, segments: Sequence[Segment], replies: Mapping[str, Sequence[int]], length: int, dropped: int
    ) -> list[int]:
        """The ids a prompt had that dropped so many segments and spelled the replies with these keys as they were
        sampled; nothing of it depends on what this composer did before.
        """
        system, told, body = self._system(segments, length)
        spelled = [list(replies.get(segment.key, ())) for segment in segments[told:]]
        return self._row(system, _kept(self._parts(segments[told:], spelled, body), dropped), opening=True)

    def spoken(self, text: str) -> str:
        """A reply without what the model thought before it: `<think>` is its own or the template's."""
        whole = _THOUGHT[0] + text if self._opens_thought else text
        if not whole.lstrip().startswith(_THOUGHT[0]):
            return text
        return whole.partition(_THOUGHT[1])[2].lstrip()

    def _system(self, segments: Sequence[Segment], length: int) -> tuple[list[int], int, int]:
        """The system message's ids, the segments it is made of, and the length left to the others."""
        told = Prompt(tuple(segments)).told
        fixed = len(self._begin) + len(self._opening) + self._overhead
        system = self._cut(
            self._plain.ids("\n".join(segment.text for segment in segments[:told])), max((length - fixed) // 4, 1)
        )
        return system, told, max(length - fixed - len(system), 2 * (self._overhead + len(self._mark) + 2))

    def _spelled(self, segment: Segment) -> list[int]:
        """The ids a reply was sampled as, where they are known, all of it was said, and it marks no turn: a member may
        have had the model repeat a marker.
        """
        if segment.role != "assistant" or self.spoken(segment.text) != segment.text:
            return []
        return list(segment.ids) if self._plain.is_plain(segment.text, segment.ids) else []

    def _parts(self, segments: Sequence[Segment], spelled: Sequence[list[int]], body: int) -> list[_Part]:
        parts = []
        for segment, sampled in zip(segments, spelled, strict=True):
            if segment.role == "assistant":
                ids = sampled or self._plain.ids(self.spoken(segment.text))
            else:
                ids = self._plain.ids(segment.text)
            role: Role = "assistant" if segment.role == "assistant" else "user"
            cut = self._cut(ids, body // 2 - self._overhead)
            parts.append(_Part(role, segment.key, cut, bool(sampled), segment.pinned))
        return self._bounded(parts, body // 4)

    def _bounded(self, parts: list[_Part], most: int) -> list[_Part]:
        """Cut what is pinned where all of it would leave too little to the conversation."""
        pinned = [part for part in parts if part.pinned]
        if sum(self._cost(part) for part in pinned) <= most:
            return parts
        length = max(most // len(pinned) - self._overhead, 1)
        return [replace(part, ids=self._cut(part.ids, length)) if part.pinned else part for part in parts]

    def _cost(self, part: _Part) -> int:
        return len(part.ids) + self._overhead

    def _cut(self, ids: list[int], length: int) -> list[int]:
        if len(ids) <= length:
            return ids
        rest = max(length - len(self._mark), 2)
        # The beginning says what it is about and the end what is asked.
        return ids[: rest - rest // 3] + self._mark + ids[len(ids) - rest // 3 :]

    def _first(self, room: str, parts: list[_Part], body: int) -> int:
        """The place of the first part that stays."""
        # What is pinned stays wherever it stands.
        body -= sum(self._cost(part) for part in parts if part.pinned)
        costs = [0 if part.pinned else self._cost(part) for part in parts]
        if sum(costs) <= body:
            return _turn_of_user(parts, 0)
        kept_since = self._first_key.get(room)
        for place, part in enumerate(parts):
            if part.key and part.key == kept_since and sum(costs[place:]) <= body:
                return place
        first, left = 0, sum(costs)
        # The question and the server's line after it stay: each is at most half of the body.
        while left > body // 2 and first < len(parts) - 2:
            left -= costs[first]
            first += 1
        # A post has a key to find the place again; the server's own lines have none.
        first = next(
            (place for place in range(first, len(parts) - 2) if parts[place].key and parts[place].role == "user"), first
        )
        first = _turn_of_user(parts, first)
        if first < len(parts) and parts[first].key:
            _put(self._first_key, room, parts[first].key, _ROOMS_KEPT)
        return first

    def _row(self, system: list[int], parts: list[_Part], *, opening: bool) -> list[int]:
        row = self._begin + system
        before: Role = "system"
        for part in parts:
            row += self._newline if part.role == before else self._between[before, part.role]
            row += part.ids
            before = part.role
        if not opening:
            return row + (self._newline if before == "user" else self._between[before, "user"])
        if before != "user":
            row += self._between[before, "user"]
        return row + self._opening


def _turn_of_user(parts: list[_Part], first: int) -> int:
    """From `first` on, where a user turn begins: many templates know no other beginning."""
    while first < len(parts) and parts[first].role == "assistant":
        first += 1
    return first


def _put(kept: OrderedDict[str, _V], key: str, value: _V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
