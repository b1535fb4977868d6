"""Keeps the model to its own message while it streams: it may not go on to write other members' lines.

Pure state: pieces in, the text to show out. Text is held back while it could still become something that is not shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_MARKUP = r" \t*_>#-"
"""What may stand before a name that a model writes at the beginning of a line."""


class Guard:
    """Watches one reply of `agent`. A line that begins with one of `speakers`, or with the server's own `cue`, ends it;
    before the first word such a name is taken off instead.
    """

    def __init__(self, agent: str, speakers: Iterable[str], cue: str) -> None:
        names = {agent, *speakers}
        marks = "|".join(rf"{re.escape(name)}[*_]*:" for name in sorted(names, key=len, reverse=True))
        self._opening = re.compile(
            rf"(?:[{_MARKUP}]*(?:(?:{marks})[*_]*|{re.escape(cue)}[^)\n]*\)?)\s*)+", re.IGNORECASE
        )
        self._line = re.compile(rf"\n[{_MARKUP}]*(?:{marks}|{re.escape(cue)})", re.IGNORECASE)
        self._marks = tuple(mark.lower() for mark in (*(f"{name}:" for name in names), cue))
        self._held = ""
        self._begun = False
        self.ended = False
        """Whether the reply is over, since the model began to write another's line."""

    def feed(self, text: str) -> str:
        """Take the model's next text and give what can be shown of it, which may be nothing yet."""
        if self.ended:
            return ""
        self._held += "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")
        if not self._begin():
            return ""
        if line := self._line.search(self._held):
            self.ended = True
            return self._show(line.start())
        newline = self._held.rfind("\n")
        undecided = newline >= 0 and self._may_become_mark(self._held[newline:].lstrip())
        return self._show(newline if undecided else len(self._held))

    def finish(self) -> str:
        """Give what was held back, now that nothing follows."""
        if self.ended:
            return ""
        if not self._begun:
            self._held = self._held.lstrip()
        return self._show(len(self._held))

    def _begin(self) -> bool:
        if not self._begun:
            rest = self._held.lstrip()
            if self._may_become_mark(rest):
                return False
            if opening := self._opening.match(rest):
                rest = rest[opening.end() :]
                if self._may_become_mark(rest):
                    return False
            self._held = rest
            self._begun = True
        return True

    def _may_become_mark(self, rest: str) -> bool:
        start = rest.lower().lstrip(_MARKUP).rstrip("*_")
        return any(len(start) < len(mark) and mark.startswith(start) for mark in self._marks)

    def _show(self, end: int) -> str:
        """Give the held text up to `end`, but keep white space that may turn out to be the last."""
        shown = self._held[:end].rstrip()
        self._held = self._held[len(shown) :]
        return shown
