"""Searching a room: which of its messages say all of some words, the newest first.

A plain scan of the log, page by page, for it needs no index to be kept in step with edits and redactions: what is found
is what the log says now. This module touches trust. It covers: that a search is bounded (so many messages, then whoever
asks goes on from there), that it keeps neither the event loop nor other readers waiting, and that one is carried out at
a time. It does not cover how often somebody may search, which is `rates`'.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import DurableEvent, Hit, Posted, ReplyOpened, Search, SearchAnswer
from nbgroupchat.room import Room

PAGE: Final = 200
"""Messages read at once."""

PAGES: Final = 100
"""Pages of one search."""

BEFORE: Final = 40
AFTER: Final = 120
"""How many characters are shown before what was found, and from there on."""


class Searches:
    """Searches the rooms of one backplane."""

    def __init__(self, backplane: Backplane) -> None:
        self._backplane = backplane
        self._one = asyncio.Lock()

    async def search(self, room: str, newest: int, command: Search) -> SearchAnswer:
        """Look through a room whose newest entry is `newest`, or from before `command.before`. Raises Refusal."""
        words = command.text.split()
        if not words:
            raise Refusal(Code.INVALID, "There is nothing to search for. Write a word.")
        scan = _Scan(words, command.limit)
        before = min(command.before or newest + 1, newest + 1)
        async with self._one:
            for _ in range(PAGES):
                entries, more = await self._backplane.read(room, before, PAGE)
                said = [entry.eid for entry in entries if isinstance(entry, (Posted, ReplyOpened))]
                # With what was changed later, wherever that stands.
                about = await self._backplane.about(room, said)
                # Long texts take a while to look through, and the loop has others to serve.
                await asyncio.to_thread(scan.look, about)
                if scan.until:
                    return SearchAnswer(tuple(scan.hits), scan.until)
                if not more or not entries:
                    return SearchAnswer(tuple(scan.hits), 0)
                before = entries[0].seq
        return SearchAnswer(tuple(scan.hits), before)


class _Scan:
    """Goes back through a log. `until` is where it stopped with enough hits: there may be more before that entry."""

    def __init__(self, words: Sequence[str], limit: int) -> None:
        self._words = [re.compile(re.escape(word), re.IGNORECASE) for word in words]
        self._limit = limit
        self.hits: list[Hit] = []
        self.until = 0

    def look(self, entries: Sequence[DurableEvent]) -> None:
        """Look through some messages, given all entries about them in order."""
        room = Room()
        for entry in entries:
            room.fold(entry)
        for message in reversed(room.messages.values()):
            found = [word.search(message.text) for word in self._words]
            if all(found) and (first := found[0]) is not None:
                snippet = message.text[max(0, first.start() - BEFORE) : first.start() + AFTER]
                said = " ".join(snippet.split())
                self.hits.append(Hit(message.id, message.seq, message.ts, message.name, said))
                if len(self.hits) == self._limit:
                    self.until = message.seq
                    return
