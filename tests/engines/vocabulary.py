"""A vocabulary small enough to read: a character is its code point, and some spellings are tokens of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

FIRST = 0x110000


class FakeVocabulary:
    """`control` spellings are parsed only with `special`, `sticky` ones always, and `words` are normal tokens."""

    def __init__(
        self,
        control: Sequence[str] = (),
        sticky: Sequence[str] = (),
        words: Sequence[str] = (),
        ends: Iterable[str] = (),
    ) -> None:
        self._spellings = [*control, *sticky, *words]
        self._controls = range(FIRST, FIRST + len(control))
        self._odd = range(FIRST, FIRST + len(control) + len(sticky))
        self._in_text = [*sticky, *words]
        self._ends = {self.id(spelling) for spelling in ends}

    def id(self, spelling: str) -> int:
        return FIRST + self._spellings.index(spelling)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        known = sorted(self._spellings if special else self._in_text, key=len, reverse=True)
        pattern = "|".join([*map(re.escape, known), "."])
        return [
            self.id(found) if found in known else ord(found) for found in re.findall(pattern, text, flags=re.DOTALL)
        ]

    def is_plain(self, token: int) -> bool:
        return token not in self._odd

    def is_control(self, token: int) -> bool:
        return token in self._controls

    def ends_reply(self, token: int) -> bool:
        return token in self._ends

    def text(self, ids: Iterable[int]) -> str:
        return "".join(chr(token) if token < FIRST else self._spellings[token - FIRST] for token in ids)
