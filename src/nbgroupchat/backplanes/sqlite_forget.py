"""How the file of rooms forgets a person, beyond the redaction of what they said: what they were called.

Plain functions of a connection; the caller begins and ends the transaction, and empties the side file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from msgspec.structs import replace

from nbgroupchat.backplanes.sqlite_reads import room_row
from nbgroupchat.backplanes.sqlite_rows import COLUMNS, Losses, entry_of, payload_of
from nbgroupchat.explain import Seen, encode_record, record_of
from nbgroupchat.log import without_text
from nbgroupchat.protocol import Posted

NOBODY = "(removed)"
"""What whoever was forgotten is called in the log."""


def forget(
    db: sqlite3.Connection, room: str, messages: Collection[str], members: Collection[str], losses: Losses
) -> None:
    """Take the name from these messages and from what models read of them, and who these members are."""
    found = room_row(db, room)
    if found is None:
        return
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND type = 'posted'",  # noqa: S608  # constant
        (found.number,),
    ).fetchall()
    for row in rows:
        if row[1] in messages and isinstance(entry := entry_of(room, row, losses), Posted):
            emptied = payload_of(replace(without_text(entry), name=NOBODY))
            db.execute("UPDATE entries SET payload = ? WHERE room = ? AND seq = ?", (emptied, found.number, row[0]))
    for reply, raw in db.execute(
        "SELECT reply, CAST(record AS BLOB) FROM records WHERE room = ?", (found.number,)
    ).fetchall():
        record = record_of(raw)
        if record is not None and record.messages & set(messages):
            kept = encode_record(replace(record, seen=_without(messages, record.seen)))
            db.execute("UPDATE records SET record = ? WHERE room = ? AND reply = ?", (kept, found.number, reply))
    db.executemany("DELETE FROM people WHERE room = ? AND member = ?", [(room, member) for member in members])


def _without(messages: Collection[str], seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    speakers = {part.speaker for part in seen if part.id in messages and part.speaker}
    return tuple(
        replace(part, speaker=NOBODY if part.id in messages else part.speaker, text=_said_to_nobody(part, speakers))
        for part in seen
    )


def _said_to_nobody(part: Seen, speakers: Collection[str]) -> str:
    """Give the server's own words, the last of which name whom the model was to answer."""
    text = part.text
    # The longest first, for one may begin with another.
    for speaker in sorted(speakers, key=len, reverse=True):
        text = text.replace(f" {speaker}.)", f" {NOBODY}.)")
    return text
