"""A reply as it is written: tokens in, pieces of whole characters out. Knows nothing of models."""

from __future__ import annotations

import codecs
from typing import TypeAlias

ReplyPiece: TypeAlias = tuple[str, tuple[int, ...]]


class ReplyText:
    """The part of a reply that nobody was told yet: whole characters, with the ids they were sampled as."""

    def __init__(self) -> None:
        self.tokens = 0
        """Of the whole reply."""
        self._text = ""
        self._ids: list[int] = []
        # Sampled, and ending inside a character.
        self._held: list[int] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int, text: bytes) -> None:
        """Add a token."""
        self.tokens += 1
        self._held.append(token)
        self._add(self._decoder.decode(text))

    def end(self) -> None:
        """Have a reply that ends inside a character say what it still has to."""
        self._add(self._decoder.decode(b"", final=True))

    def take(self) -> ReplyPiece | None:
        """What was not taken yet; None where that is no whole character."""
        if not self._text:
            return None
        piece = self._text, tuple(self._ids)
        self._text = ""
        self._ids.clear()
        return piece

    def _add(self, text: str) -> None:
        if text:
            self._text += text
            self._ids += self._held
            self._held.clear()
