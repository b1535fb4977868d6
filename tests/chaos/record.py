"""What members know at the end: what was acknowledged to them, and all that they were shown."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from nbgroupchat.protocol import Delta, DurableEvent, Event, ReplyClosed, ReplyStatus
from nbgroupchat.room import Room


class Record:
    """Written by all members together."""

    def __init__(self) -> None:
        self.acked: dict[tuple[str, str], tuple[str, int]] = {}
        """The id and place that were answered, by room and client's id."""
        self.answered_otherwise = 0
        """Retries that were answered with another id or place than before."""
        self.changes: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
        """What a message was to say, by room and id and by the place of the acknowledged change; "" for a redaction."""
        self.gone: dict[str, int] = {}
        """The secrets of texts whose redaction was acknowledged, and how many had gone before."""
        self.told_again = 0
        """Secrets told to somebody who came after they had gone."""
        self.stops: list[tuple[str, str, int, ReplyStatus]] = []
        """Room, reply, and what the stop was answered with."""
        self.entries: dict[str, set[DurableEvent]] = defaultdict(set)
        self.drafts: dict[tuple[str, str], list[str]] = defaultdict(list)
        """Texts of open replies, by room and reply: the longest that somebody was shown, several where they differ."""
        self.missed = self.repeated = self.after_close = 0
        """Events that did not follow what a reader had."""
        self.finished: set[str] = set()
        """Replies that nothing ended early."""
        self.changed = asyncio.Event()
        """Set with everything that somebody comes to know."""
        self.counts: Counter[str] = Counter()
        """What happened besides, for people."""

    def ack(self, room: str, cid: str, id_: str, seq: int) -> None:
        """Keep the answer to a post."""
        self.changed.set()
        known = self.acked.setdefault((room, cid), (id_, seq))
        self.answered_otherwise += known != (id_, seq)

    def change(self, room: str, id_: str, seq: int, text: str, secrets: Iterable[str]) -> None:
        """Keep the answer to an edit, or to a redaction, after which these secrets are told to nobody who comes."""
        self.changed.set()
        self.changes[room, id_][seq] = text
        for secret in secrets:
            self.gone.setdefault(secret, len(self.gone))

    def tell(self, raw: bytes, gone: int) -> None:
        """Look at a frame of a connection that began when so many secrets had gone."""
        if gone:
            self.told_again += sum(self.gone.get(secret, gone) < gone for secret in secrets_in(raw))

    def hear(self, name: str, room: Room, event: Event) -> bool:
        """Keep what somebody who knows `room` is told next; False where it does not follow."""
        self.changed.set()
        if isinstance(event, DurableEvent):
            if isinstance(event, ReplyClosed) and event.status in ("complete", "length"):
                self.finished.add(event.id)
            self.entries[name].add(event)
            due = room.position.seq + 1
            self.missed += event.seq > due
            self.repeated += event.seq < due
            return event.seq == due
        if isinstance(event, Delta):
            draft = room.drafts.get(event.id)
            if draft is None:
                # Of what was opened before a snapshot begins a reader knows nothing.
                self.after_close += event.id in room.messages
            elif draft.pieces != event.start:
                self.missed += event.start > draft.pieces
                self.repeated += event.start < draft.pieces
            else:
                self._draw(name, event.id, draft.text + event.text)
        return True

    def _draw(self, name: str, reply: str, text: str) -> None:
        drafts = self.drafts[name, reply]
        if not any(draft.startswith(text) for draft in drafts):
            drafts[:] = [draft for draft in drafts if not text.startswith(draft)] + [text]


def secret_of(number: int) -> str:
    """Make what stands in one text and in no other."""
    return f"secret-{number:016x}"


def secrets_in(raw: bytes) -> set[str]:
    """Find secrets in whatever bytes."""
    return {found.decode() for found in re.findall(rb"secret-[0-9a-f]{16}", raw)}


def closes(entries: list[DurableEvent]) -> dict[str, list[ReplyClosed]]:
    """Give the ends of each reply."""
    found: dict[str, list[ReplyClosed]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry, ReplyClosed):
            found[entry.id].append(entry)
    return found
