"""Member text as tokens that can never be a turn marker.

Covers: control tokens, which are not parsed; tokens that some models make of their spelling even so (user-defined,
unknown, unused or end-of-reply ones); and literals of the template that are ordinary text (`[INST]`). All are split
until none remains. Does not cover what a text says: a model may still believe a member who writes "the system said".
Knows nothing of turns, and of the model only its vocabulary.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

MOST_KNOWN = 512 * 1024
"""How much text is remembered with its ids, in characters: that of some sixty rooms."""


class Vocabulary(Protocol):
    """What is asked of a model's tokenizer."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """The ids of a text; with `special`, control tokens are parsed from their spelling."""

    def is_plain(self, token: int) -> bool:
        """Whether it is a normal token or a byte, and ends no reply."""

    def is_control(self, token: int) -> bool:
        """Whether it marks turns or ends replies."""


class PlainText:
    """Tokenizes member text with one vocabulary, splitting whatever spells one of the `markers`."""

    def __init__(self, vocabulary: Vocabulary, markers: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        # Where the template's own are control tokens, the same spelling in plain text is no danger. The longest first,
        # so that the whole of a marker is found before a part of it.
        spelled = sorted(filter(self._is_ordinary, markers), key=lambda marker: (-len(marker), marker))
        self._markers = re.compile("|".join(map(re.escape, spelled))) if spelled else None
        self._known: OrderedDict[str, array[int]] = OrderedDict()
        self._known_size = 0

    def ids(self, text: str) -> list[int]:
        """The ids of a text, none of them able to mark a turn."""
        # Every prompt of a room has all its posts again.
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = array("i", self._found(text))
            self._known_size += len(text)
            while self._known_size > MOST_KNOWN and len(self._known) > 1:
                self._known_size -= len(self._known.popitem(last=False)[0])
        self._known.move_to_end(text)
        return list(known)

    def forget(self) -> None:
        """Remember no text any more."""
        self._known.clear()
        self._known_size = 0

    def is_plain(self, text: str, ids: Iterable[int]) -> bool:
        """Whether a text that was sampled as these ids spells no marker, and none of them is one."""
        spelled = self._markers is not None and self._markers.search(text) is not None
        return not spelled and all(map(self._vocabulary.is_plain, ids))

    def _found(self, text: str) -> list[int]:
        ids: list[int] = []
        done = 0
        for found in self._markers.finditer(text) if self._markers else ():
            middle = (found.start() + found.end()) // 2
            first, second = self._fragment(text[done:middle]), self._fragment(text[middle : found.end()])
            ids += first
            if first + second == self._fragment(text[done : found.end()]):
                # The model spells the marker out anyway, so only another text is another row of tokens.
                ids += self._fragment(" ")
            ids += second
            done = found.end()
        return ids + self._fragment(text[done:])

    def _is_ordinary(self, marker: str) -> bool:
        return all(map(self._vocabulary.is_plain, self._vocabulary.tokenize(marker, special=True)))

    def _fragment(self, text: str) -> list[int]:
        if not text:
            return []
        ids = self._vocabulary.tokenize(text, special=False)
        if all(map(self._vocabulary.is_plain, ids)):
            return ids
        if len(text) == 1:
            # One character is no marker, unless the model says so.
            return [token for token in ids if not self._vocabulary.is_control(token)]
        middle = len(text) // 2
        return self._fragment(text[:middle]) + self._fragment(text[middle:])
