"""What is attached to messages, in the file of rooms: each content once in a room, for as long as a message has it.

This module touches trust: a file can be damaged or forged. Bytes that are not those that their name, a hash, was made
of are never given.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping

from nbgroupchat.attachment import MAX_ATTACHMENT


def keep(db: sqlite3.Connection, number: int, message: str, files: Mapping[str, bytes]) -> None:
    """Keep what a message has attached, by the hash of its bytes."""
    for id_, data in files.items():
        db.execute("INSERT OR IGNORE INTO attachments (room, id, data) VALUES (?, ?, ?)", (number, id_, data))
        db.execute("INSERT OR IGNORE INTO attached (room, message, id) VALUES (?, ?, ?)", (number, message, id_))


def detach(db: sqlite3.Connection, number: int, message: str) -> None:
    """Take from a message what it has attached."""
    if db.execute("DELETE FROM attached WHERE room = ? AND message = ?", (number, message)).rowcount:
        _sweep(db, number)


def forget(db: sqlite3.Connection, number: int) -> None:
    """Forget what only messages had attached that are not kept any more."""
    gone = db.execute(
        "DELETE FROM attached WHERE room = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM entries WHERE room = ?1 AND message = attached.message AND type = 'posted')",
        (number,),
    )
    if gone.rowcount:
        _sweep(db, number)


def read(db: sqlite3.Connection, room: str, id_: str) -> bytes | None:
    """See `Backplane.attachment`."""
    row = db.execute(
        "SELECT CAST(data AS BLOB) FROM attachments JOIN rooms ON rooms.id = attachments.room "
        "WHERE rooms.name = ? AND attachments.id = ? AND length(CAST(data AS BLOB)) <= ?",
        (room, id_, MAX_ATTACHMENT),
    ).fetchone()
    data = bytes(row[0]) if row else b""
    return data if row and hashlib.sha256(data).hexdigest() == id_ else None


def _sweep(db: sqlite3.Connection, number: int) -> None:
    db.execute(
        "DELETE FROM attachments WHERE room = ?1 AND id NOT IN (SELECT id FROM attached WHERE room = ?1)", (number,)
    )
