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
from nbgroupchat.protocol import DurableEvent, Posted, Reacted, ReplyClosed

NOBODY = "(removed)"
"""What whoever was forgotten is called in the log."""


def forget(
    db: sqlite3.Connection, room: str, messages: Collection[str], members: Collection[str], losses: Losses
) -> None:
    """Take the name from these messages and from what models read of them, and who these members are."""
    found = room_row(db, room)
    if found is None:
        return
    gone, to_them = set(messages), set[str]()
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND type IN ('posted', 'reacted', 'reply_closed')",  # noqa: S608  # constant
        (found.number,),
    ).fetchall()
    for row in rows:
        entry = entry_of(room, row, losses)
        if isinstance(entry, Posted) and entry.reply_to in gone:
            to_them.add(entry.eid)
        if (nameless := _nameless(entry, gone, members)) is not entry:
            emptied = payload_of(nameless)
            db.execute("UPDATE entries SET payload = ? WHERE room = ? AND seq = ?", (emptied, found.number, row[0]))
    kept = db.execute("SELECT reply, CAST(record AS BLOB) FROM records WHERE room = ?", (found.number,)).fetchall()
    records = {reply: record for reply, raw in kept if (record := record_of(raw)) is not None}
    names = {_name(part.speaker) for record in records.values() for part in record.seen if part.id in gone}
    for reply, record in records.items():
        seen = tuple(_without(part, gone, to_them, names - {"", NOBODY}) for part in record.seen)
        if seen != record.seen:
            changed = encode_record(replace(record, seen=seen))
            db.execute("UPDATE records SET record = ? WHERE room = ? AND reply = ?", (changed, found.number, reply))
    db.executemany("DELETE FROM people WHERE room = ? AND member = ?", [(room, member) for member in members])


def _nameless(entry: DurableEvent, messages: Collection[str], members: Collection[str]) -> DurableEvent:
    """Give an entry without the name of whoever is forgotten: who posted, reacted or stopped a reply."""
    match entry:
        case Posted() if entry.eid in messages:
            return replace(without_text(entry), name=NOBODY)
        case Reacted() | ReplyClosed() if entry.name and entry.by in members:
            return replace(entry, name=NOBODY)
        case _:
            return entry


def _without(part: Seen, messages: Collection[str], to_them: Collection[str], names: Collection[str]) -> Seen:
    """Give what a model read without the names: as whose it read something, to whom, and whom it was to answer."""
    speaker = NOBODY if part.id in messages else part.speaker
    if part.id in to_them and speaker:
        speaker = f"{_name(speaker)} (to {NOBODY})"
    # The server's own words, the last of which name whom the model was to answer. The longest first, for one may begin
    # with another.
    text = part.text
    for name in sorted(names, key=len, reverse=True):
        for end in (".)", ": go on where you stopped.)"):
            text = text.replace(f" {name}{end}", f" {NOBODY}{end}")
    return replace(part, speaker=speaker, text=text)


def _name(speaker: str) -> str:
    """Give a speaker's name without whom they answered: a name has no brackets."""
    return speaker.partition(" (to ")[0]
