"""A room's entries as rows: what is stored of each, and what is made of what is found.

This module touches trust: a file can be damaged or forged. What it covers: a row that does not decode, whose columns
say something else than its event, or whose text is longer than a room takes is never served; neither is a hole in the
numbering. In place of both stands an entry that says nothing, so that the others keep their places. What it does not:
an entry that is well made is believed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from nbgroupchat import protocol
from nbgroupchat.log import MAX_TAIL, message_of
from nbgroupchat.protocol import DurableEvent, Edited, Posted, Redacted, ReplyClosed

Row: TypeAlias = tuple[int, str, str, int, str | None, bytes | None]
"""The columns of COLUMNS."""

MAX_PAYLOAD: Final = 10 * protocol.MAX_TEXT
"""No event is longer, in bytes: JSON takes at most six for one of the text's; names and excerpts are short."""

COLUMNS: Final = (
    "seq, eid, type, ts, message, "
    f"CASE WHEN length(CAST(payload AS BLOB)) <= {MAX_PAYLOAD} THEN CAST(payload AS BLOB) END"
)

LOST_TEXT: Final = "This entry of the log cannot be read any more. The server's log says where."

_log = logging.getLogger(__name__)
_decoder: msgspec.json.Decoder[DurableEvent] = msgspec.json.Decoder(DurableEvent)


class Losses:
    """Which entries of a file were found unreadable or missing. Each is reported once."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.found: set[tuple[str, int]] = set()

    def add(self, room: str, seqs: Sequence[int], why: str) -> None:
        """Report entries of a room."""
        new = [seq for seq in seqs if (room, seq) not in self.found]
        if new:
            self.found.update((room, seq) for seq in new)
            places = f"entry {new[0]}" if len(new) == 1 else f"entries {new[0]} to {new[-1]}"
            _log.error(
                "Room %s in %s: %s %s. The room goes on without; a copy of the file may still have it. %d in all.",
                room, self._where, places, why, len(self.found),
            )  # fmt: skip


def type_of(entry: DurableEvent) -> str:
    """Give an event's name on the wire."""
    return str(type(entry).__struct_config__.tag)


def payload_of(entry: DurableEvent) -> bytes:
    """Give what is stored of an entry."""
    return protocol.encode(entry)


def entry_of(room: str, row: Row, losses: Losses) -> DurableEvent:
    """Give the entry that a row holds, or one that says nothing in its place."""
    seq, eid, type_, ts, message, payload = row
    try:
        entry = _decoder.decode(payload or b"")
        columns = (entry.seq, entry.eid, type_of(entry), entry.ts, message_of(entry) or None)
        if columns != (seq, eid, type_, ts, message):
            raise ValueError("its columns say something else")
        if isinstance(entry, (Posted, Edited, ReplyClosed)) and not protocol.fits_text(entry.text):
            raise ValueError("its text is too long")
    except (ValueError, RecursionError, msgspec.MsgspecError):
        # What was found is not repeated: it may be anything.
        losses.add(room, [seq], "cannot be read, or is forged")
        return lost(seq, eid, type_, message)
    return entry


def lost(seq: int, eid: str = "", type_: str = "", message: str | None = None) -> DurableEvent:
    """Give what stands in the place of an entry that cannot be read: it changes nothing, but ends an open reply."""
    eid = eid[:64] or f"lost{seq}"
    if type_ == "reply_closed" and message:
        return ReplyClosed(seq=seq, eid=eid, ts=0, by="", id=message[:64], text="", status="failed", error=LOST_TEXT)
    return Redacted(seq=seq, eid=eid, ts=0, by="", id=eid)


def entries_of(room: str, rows: Iterable[Row], first: int, last: int, losses: Losses) -> list[DurableEvent]:
    """Give the entries of rows in order, from `first` to `last` without holes. What lies before a hole too wide to be
    filled is left out.
    """
    entries: list[DurableEvent] = []
    due = first
    for row in rows:
        if row[0] != due:
            entries = _bridged(room, entries, due, row[0], losses)
        entries.append(entry_of(room, row, losses))
        due = row[0] + 1
    return entries if due > last else _bridged(room, entries, due, last + 1, losses)


def _bridged(room: str, entries: list[DurableEvent], due: int, found: int, losses: Losses) -> list[DurableEvent]:
    if found - due > MAX_TAIL:
        losses.add(room, [due, found - 1], "are missing")
        return []
    losses.add(room, range(due, found), "are missing" if found - due > 1 else "is missing")
    return [*entries, *(lost(seq) for seq in range(due, found))]
