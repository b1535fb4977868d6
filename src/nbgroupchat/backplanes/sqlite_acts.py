"""The audit trail of each room in the file of rooms, and who its pseudonyms are, as plain functions of a connection.

This module touches trust. It covers: the trail is only added to, and a row that cannot be read is told of as such. It
does not cover: whoever can write the file can write or delete anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from nbgroupchat.backplanes.base import Act, Person

_act = msgspec.json.Decoder(Act)
_person = msgspec.json.Decoder(Person)


def audit(db: sqlite3.Connection, room: str, act: Act) -> None:
    """See `Backplane.audit`."""
    db.execute("INSERT INTO acts (room, ts, act) VALUES (?, ?, ?)", (room, act.ts, msgspec.json.encode(act)))


def audited(db: sqlite3.Connection, room: str) -> Sequence[Act]:
    """See `Backplane.audited`."""
    rows = db.execute("SELECT ts, CAST(act AS BLOB) FROM acts WHERE room = ? ORDER BY id", (room,)).fetchall()
    return [_act_of(ts, raw) for ts, raw in rows]


def meet(db: sqlite3.Connection, room: str, member: str, person: Person) -> None:
    """See `Backplane.meet`."""
    db.execute(
        "INSERT INTO people (room, member, person) VALUES (?, ?, ?) "
        "ON CONFLICT (room, member) DO UPDATE SET person = excluded.person",
        (room, member, msgspec.json.encode(person)),
    )


def met(db: sqlite3.Connection, room: str, member: str) -> Person | None:
    """See `Backplane.met`."""
    row = db.execute("SELECT CAST(person AS BLOB) FROM people WHERE room = ? AND member = ?", (room, member)).fetchone()
    try:
        return _person.decode(row[0]) if row else None
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _act_of(ts: object, raw: object) -> Act:
    try:
        return _act.decode(raw)  # type: ignore[arg-type]  # whatever it is, it decodes or raises
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return Act(ts if isinstance(ts, int) else 0, "", "", "unreadable")
