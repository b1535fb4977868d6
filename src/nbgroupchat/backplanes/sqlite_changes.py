"""What changes the file of rooms, as plain functions of a connection. The caller begins and ends the transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from nbgroupchat.backplanes import sqlite_attachments
from nbgroupchat.backplanes.base import NOTHING, Appended
from nbgroupchat.backplanes.sqlite_rows import COLUMNS, Losses, entry_of, payload_of, type_of
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.log import Gap, message_of, without_text
from nbgroupchat.protocol import Delta, DurableEvent, Redacted, ReplyClosed, ReplyOpened


class Origin(Struct, frozen=True):
    """What a room is known by, from before anything is said in it: its epoch, and its secret key."""

    epoch: str
    key: bytes


class _Place(Struct, frozen=True):
    number: int
    last: int
    same_key: int | None


def append(
    db: sqlite3.Connection,
    room: str,
    origin: Origin,
    entry: DurableEvent,
    key: str | None,
    ts: int,
    losses: Losses,
    files: Mapping[str, bytes] = NOTHING,
) -> Appended:
    """Add an entry, or find the first one with its key. The first entry of all makes the room."""
    place = _place(db, room, origin, key)
    if place is None:
        made = db.execute("INSERT INTO rooms (name, epoch, key) VALUES (?, ?, ?)", (room, origin.epoch, origin.key))
        place = _Place(made.lastrowid or 0, 0, None)
    if place.same_key is not None:
        row = db.execute(
            f"SELECT {COLUMNS} FROM entries WHERE room = ? AND seq = ?",  # noqa: S608  # constant
            (place.number, place.same_key),
        ).fetchone()
        return Appended(entry_of(room, row, losses), duplicate=True)
    stamped = msgspec.structs.replace(entry, seq=place.last + 1, eid=secrets.token_hex(8), ts=ts)
    message = message_of(stamped) or None
    db.execute(
        "INSERT INTO entries (room, seq, eid, type, ts, message, key, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (place.number, stamped.seq, stamped.eid, type_of(stamped), ts, message, key, payload_of(stamped)),
    )
    sqlite_attachments.keep(db, place.number, stamped.eid, files)
    match stamped:
        case ReplyOpened():
            _journal(db, place.number, Delta(stamped.eid, 0, 0))
        case ReplyClosed():
            db.execute("DELETE FROM pieces WHERE room = ? AND reply = ?", (place.number, stamped.id))
        case Redacted():
            _redact(db, room, place.number, stamped, losses)
    return Appended(stamped, duplicate=False)


def journal(db: sqlite3.Connection, room: str, origin: Origin, delta: Delta) -> bool:
    """Add pieces to an open reply; False where it is not open. Raises Gap for pieces that are not the next."""
    place = _place(db, room, origin, None)
    if place is None:
        return False
    (end,) = db.execute(
        'SELECT max("end") FROM pieces WHERE room = ? AND reply = ?', (place.number, delta.id)
    ).fetchone()
    if end is None:
        return False
    if delta.start != end or delta.end <= delta.start:
        raise Gap(f"pieces {delta.start} to {delta.end} came where {end} was due")
    _journal(db, place.number, delta)
    return True


def record(db: sqlite3.Connection, room: str, origin: Origin, reply: str, kept: bytes) -> None:
    """See `Backplane.record`."""
    place = _place(db, room, origin, None)
    if place is None:
        return
    db.execute(
        "INSERT INTO records (room, reply, record) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM entries "
        "WHERE room = ?1 AND message = ?2 AND type = 'redacted') "
        "ON CONFLICT (room, reply) DO UPDATE SET record = excluded.record",
        (place.number, reply, kept),
    )


def _place(db: sqlite3.Connection, room: str, origin: Origin, key: str | None) -> _Place | None:
    row = db.execute(
        "SELECT id, epoch, max(base, coalesce((SELECT max(seq) FROM entries WHERE room = rooms.id), 0)), "
        "(SELECT seq FROM entries WHERE room = rooms.id AND entries.key = ?) FROM rooms WHERE name = ?",
        (key, room),
    ).fetchone()
    if row is None:
        return None
    if row[1] != origin.epoch:
        raise Refusal(
            Code.UNAVAILABLE,
            f"The file of the rooms holds another room {room!r} than the one that was opened: it was replaced while "
            "the server ran. Restart the server.",
        )
    return _Place(row[0], row[2], row[3])


def _journal(db: sqlite3.Connection, number: int, delta: Delta) -> None:
    db.execute(
        'INSERT INTO pieces (room, reply, start, "end", text) VALUES (?, ?, ?, ?, ?)',
        # The row of the opening comes before those of the pieces.
        (number, delta.id, delta.start if delta.end else -1, delta.end, delta.text),
    )


def _redact(db: sqlite3.Connection, room: str, number: int, redacted: Redacted, losses: Losses) -> None:
    """Overwrite what a message said, wherever it stands."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND message = ?",  # noqa: S608  # constant
        (number, redacted.id),
    ).fetchall()
    for row in rows:
        emptied = payload_of(without_text(entry_of(room, row, losses)))
        db.execute("UPDATE entries SET payload = ? WHERE room = ? AND seq = ?", (emptied, number, row[0]))
    db.execute("DELETE FROM pieces WHERE room = ? AND reply = ?", (number, redacted.id))
    db.execute("DELETE FROM records WHERE room = ? AND reply = ?", (number, redacted.id))
    sqlite_attachments.detach(db, number, redacted.id)
