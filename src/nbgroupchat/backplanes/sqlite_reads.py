"""What is asked of the file of rooms, as plain functions of a connection. Each is given one moment of the file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from nbgroupchat.backplanes.base import Known, Opened
from nbgroupchat.backplanes.sqlite_file import StoreError
from nbgroupchat.backplanes.sqlite_rows import COLUMNS, Losses, Row, entries_of, entry_of
from nbgroupchat.log import MAX_TAIL, message_of
from nbgroupchat.protocol import MAX_SAFE_INTEGER, Delta, DurableEvent, ReplyClosed, ReplyOpened, RoomChanged

_OF_THESE = "IN (SELECT value FROM json_each(?))"


class RoomRow(Struct, frozen=True):
    """A room in the file: its number there, up to where it was trimmed, and its newest entry."""

    number: int
    epoch: str
    key: bytes
    base: int
    last: int


def room_row(db: sqlite3.Connection, room: str) -> RoomRow | None:
    """Find a room; None where nothing was ever said in it."""
    row = db.execute(
        "SELECT id, epoch, CAST(key AS BLOB), base, (SELECT max(seq) FROM entries WHERE room = rooms.id) FROM rooms "
        "WHERE name = ?",
        (room,),
    ).fetchone()
    if row is None:
        return None
    number, epoch, key, base, newest = row
    if not (isinstance(key, bytes) and 16 <= len(key) <= 64 and 0 < len(epoch) <= 64):
        raise StoreError(
            f"The room {room!r} cannot be opened: what it is known by is damaged in the file. Put a copy of it back."
        )
    return RoomRow(number, epoch, key, base, max(base, newest or 0))


def opened(db: sqlite3.Connection, room: str, losses: Losses) -> Opened | None:
    """Give a room's state; None where nothing was ever said in it."""
    db.execute("BEGIN")
    try:
        found = room_row(db, room)
        if found is None:
            return None
        first = max(found.last - MAX_TAIL, found.base) + 1
        entries = entries_of(room, _rows(db, found.number, first, found.last), first, found.last, losses)
        drafts = _drafts(db, found.number)
        before = entries[0].seq if entries else first
        earlier = _still_hold(db, room, found.number, entries, before, list(drafts), losses)
        records = _records(db, found.number, {message_of(entry) for entry in (*earlier, *entries)})
        begun = _begun((*earlier, *entries), drafts)
        return Opened(found.epoch, found.key, entries, begun, found.base, earlier, records)
    finally:
        db.execute("COMMIT")


def everything(
    db: sqlite3.Connection, room: str, losses: Losses
) -> tuple[Sequence[DurableEvent], Sequence[Delta]] | None:
    """Give all entries of a room that are kept, and the drafts of open replies; None where nothing was ever said."""
    db.execute("BEGIN")
    try:
        found = room_row(db, room)
        if found is None:
            return None
        entries = entries_of(
            room, _rows(db, found.number, found.base + 1, found.last), found.base + 1, found.last, losses
        )
        before = entries[0].seq if entries else found.base + 1
        earlier = _still_hold(db, room, found.number, entries, before, (), losses)
        return [*earlier, *entries], _begun(entries, _drafts(db, found.number))
    finally:
        db.execute("COMMIT")


def page(
    db: sqlite3.Connection, room: str, before: int, limit: int, losses: Losses
) -> tuple[Sequence[DurableEvent], bool]:
    """See `Backplane.read`."""
    found = room_row(db, room)
    if found is None:
        return [], False
    last = min(before - 1, found.last)
    begins = db.execute(
        "SELECT seq FROM entries WHERE room = ? AND seq > ? AND seq <= ? AND type IN ('posted', 'reply_opened') "
        "ORDER BY seq DESC LIMIT 1 OFFSET ?",
        (found.number, found.base, last, limit - 1),
    ).fetchone()
    first = begins[0] if begins else found.base + 1
    entries = entries_of(room, _rows(db, found.number, first, last), first, last, losses)
    return entries, bool(entries) and entries[0].seq == first > found.base + 1


def about(db: sqlite3.Connection, room: str, messages: Collection[str], losses: Losses) -> Sequence[DurableEvent]:
    """See `Backplane.about`."""
    found = room_row(db, room)
    return _about(db, room, found.number, messages, found.last + 1, losses) if found else []


def records(db: sqlite3.Connection, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
    """See `Backplane.records`."""
    found = room_row(db, room)
    return _records(db, found.number, replies) if found else {}


def rooms(db: sqlite3.Connection) -> Sequence[str]:
    """Give the names of the rooms in which something was said."""
    return [name for (name,) in db.execute("SELECT name FROM rooms ORDER BY name")]


def known(db: sqlite3.Connection, limit: int) -> Sequence[Known]:
    """See `Backplane.rooms`. What the file says of a room is believed as far as it is of the right kind."""
    found = db.execute(
        "SELECT name, epoch, max(base, ifnull(last, 0)) AS seq, "
        "ifnull((SELECT ts FROM entries WHERE room = id AND seq = last AND last > base), 0) AS ts FROM "
        "(SELECT id, name, epoch, base, (SELECT max(seq) FROM entries WHERE room = rooms.id) AS last FROM rooms) "
        "ORDER BY ts DESC, name LIMIT ?",
        (limit,),
    )
    return [
        Known(*row)
        for row in found
        if all(isinstance(text, str) for text in row[:2])
        and all(isinstance(number, int) and 0 <= number <= MAX_SAFE_INTEGER for number in row[2:])
    ]


def _rows(db: sqlite3.Connection, number: int, first: int, last: int) -> list[Row]:
    return db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND seq BETWEEN ? AND ? ORDER BY seq",  # noqa: S608  # constant
        (number, first, last),
    ).fetchall()


def _about(
    db: sqlite3.Connection, room: str, number: int, messages: Collection[str], before: int, losses: Losses
) -> list[DurableEvent]:
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE room = ? AND message {_OF_THESE} AND seq < ? ORDER BY seq",  # noqa: S608
        (number, json.dumps(sorted(messages)), before),
    )
    return [entry_of(room, row, losses) for row in rows]


def _still_hold(
    db: sqlite3.Connection,
    room: str,
    number: int,
    entries: Sequence[DurableEvent],
    before: int,
    open_: Collection[str],
    losses: Losses,
) -> Sequence[DurableEvent]:
    """Of the entries before `before`, give those that a reader of `entries` needs."""
    changed: DurableEvent | None = next((entry for entry in reversed(entries) if isinstance(entry, RoomChanged)), None)
    older: list[DurableEvent] = []
    if changed is None:
        row = db.execute(
            f"SELECT {COLUMNS} FROM entries WHERE room = ? AND type = 'room_changed' AND seq < ? "  # noqa: S608
            "ORDER BY seq DESC LIMIT 1",
            (number, before),
        ).fetchone()
        if row:
            changed = entry_of(room, row, losses)
            older.append(changed)
    pinned = changed.pinned if isinstance(changed, RoomChanged) else ()
    older += _about(db, room, number, {*pinned, *open_}, before, losses)
    return sorted(older, key=lambda entry: entry.seq)


def _drafts(db: sqlite3.Connection, number: int) -> dict[str, Delta]:
    drafts: dict[str, Delta] = {}
    for reply, start, end, text in db.execute(
        'SELECT reply, start, "end", text FROM pieces WHERE room = ? ORDER BY reply, "end"', (number,)
    ):
        draft = drafts.setdefault(reply, Delta(reply, 0, 0))
        if start in (draft.end, -1) and isinstance(end, int) and end >= start:
            drafts[reply] = msgspec.structs.replace(draft, end=end, text=draft.text + text)
    return drafts


def _begun(entries: Sequence[DurableEvent], drafts: Mapping[str, Delta]) -> Sequence[Delta]:
    """Of the drafts, give those with pieces whose replies are open in the log too."""
    open_ = {entry.eid for entry in entries if isinstance(entry, ReplyOpened)}
    open_ -= {entry.id for entry in entries if isinstance(entry, ReplyClosed)}
    return [delta for reply, delta in drafts.items() if delta.end and reply in open_]


def _records(db: sqlite3.Connection, number: int, replies: Collection[str]) -> dict[str, bytes]:
    return {
        reply: bytes(record)
        for reply, record in db.execute(
            f"SELECT reply, CAST(record AS BLOB) FROM records WHERE room = ? AND reply {_OF_THESE}",  # noqa: S608
            (number, json.dumps(sorted(replies))),
        )
    }
