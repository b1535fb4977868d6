"""A reply as it is written: tokens in, pieces of whole characters out. Knows nothing of models."""

from __future__ import annotations

import codecs
from typing import TypeAlias

ReplyPiece: TypeAlias = tuple[str, tuple[int, ...]]


class ReplyText:
    """A reply's text so far, in pieces of whole characters, each with the ids it was sampled as."""

    def __init__(self) -> None:
        self.tokens = 0
        self._held: list[int] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int, text: bytes) -> ReplyPiece | None:
        """Add a token; None while it ends inside a character."""
        self.tokens += 1
        self._held.append(token)
        return self._take(self._decoder.decode(text))

    def end(self) -> ReplyPiece | None:
        """What a reply that ends inside a character still has to say."""
        return self._take(self._decoder.decode(b"", final=True))

    def _take(self, text: str) -> ReplyPiece | None:
        if not text:
            return None
        piece = text, tuple(self._held)
        self._held.clear()
        return piece
