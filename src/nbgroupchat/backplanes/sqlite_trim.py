"""How the file of rooms forgets what has become old: block by block, so that what is said meanwhile need not wait."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

from nbgroupchat.backplanes import sqlite_attachments
from nbgroupchat.backplanes.sqlite_rows import COLUMNS, Losses, entry_of
from nbgroupchat.protocol import RoomChanged

BLOCK: Final = 500
"""Entries forgotten in one transaction, of each room."""


def trim(db: sqlite3.Connection, before: int, losses: Losses) -> Mapping[str, int]:
    """Forget a block of the entries older than the time `before` of each room; gives the last one of each room that had
    some. See `Backplane.trim`.
    """
    moved: dict[str, int] = {}
    for number, room, base in db.execute("SELECT id, name, base FROM rooms").fetchall():
        until = min(_young(db, number, base, before) - 1, base + BLOCK)
        if until > base:
            _forget(db, room, number, until, losses)
            db.execute("UPDATE rooms SET base = ? WHERE id = ?", (until, number))
            moved[room] = until
    return moved


def _young(db: sqlite3.Connection, number: int, base: int, before: int) -> int:
    """Give the first entry to be kept, or the one after the last."""
    (last, opened) = db.execute(
        "SELECT (SELECT max(seq) FROM entries WHERE room = ?1), (SELECT min(seq) FROM entries WHERE room = ?1 AND "
        "type = 'reply_opened' AND message IN (SELECT reply FROM pieces WHERE room = ?1))",
        (number,),
    ).fetchone()
    young = db.execute(
        "SELECT seq FROM entries WHERE room = ? AND seq > ? AND ts >= ? ORDER BY seq LIMIT 1", (number, base, before)
    ).fetchone()
    found = young[0] if young else (last or 0) + 1
    return min(found, opened) if opened else found


def _forget(db: sqlite3.Connection, room: str, number: int, until: int, losses: Losses) -> None:
    row = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND type = 'room_changed' ORDER BY seq DESC LIMIT 1",  # noqa: S608
        (number,),
    ).fetchone()
    changed = entry_of(room, row, losses) if row else None
    pinned = changed.pinned if isinstance(changed, RoomChanged) else ()
    db.execute(
        "DELETE FROM entries WHERE room = ? AND seq <= ? AND seq <> ? AND "
        "(message IS NULL OR message NOT IN (SELECT value FROM json_each(?)))",
        (number, until, row[0] if row else 0, json.dumps(pinned)),
    )
    db.execute(
        "DELETE FROM records WHERE room = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM entries WHERE room = ?1 AND message = records.reply)",
        (number,),
    )
    sqlite_attachments.forget(db, number)
