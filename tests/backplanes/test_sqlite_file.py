"""Specification of the file of rooms: how an older one is brought up to date, and who may use it meanwhile."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from nbgroupchat.backplanes import sqlite_file
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.backplanes.sqlite_file import VERSION, StoreError, open_to_read, open_to_write, version
from nbgroupchat.protocol import Posted
from nbgroupchat.settings import Synchronous
from tests.backplanes.contract import post

VERSION_1 = """
CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, key BLOB NOT NULL);
CREATE TABLE entries (room INTEGER NOT NULL, seq INTEGER NOT NULL, eid TEXT NOT NULL, type TEXT NOT NULL,
  ts INTEGER NOT NULL, message TEXT, key TEXT, payload BLOB NOT NULL, UNIQUE (room, seq));
CREATE INDEX entries_of_messages ON entries (room, message) WHERE message IS NOT NULL;
CREATE UNIQUE INDEX entries_by_key ON entries (room, key) WHERE key IS NOT NULL;
CREATE INDEX entries_of_rooms ON entries (room, seq) WHERE type = 'room_changed';
CREATE TABLE pieces (room INTEGER NOT NULL, reply TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY (room, reply, start)) WITHOUT ROWID;
CREATE TABLE records (room INTEGER NOT NULL, reply TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (room, reply))
  WITHOUT ROWID;
PRAGMA user_version = 1;
INSERT INTO rooms VALUES (1, 'lobby', 'e1', x'00112233445566778899aabbccddeeff');
INSERT INTO entries VALUES (1, 1, 'a1', 'posted', 5, 'a1', 'k',
  '{"type":"posted","seq":1,"eid":"a1","ts":5,"by":"m1","name":"Ana","kind":"human","text":"from version 1"}');
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as version 1 of the tables made it."""
    path = tmp_path / "rooms.sqlite"
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    db.close()
    return path


async def test_an_older_file_is_brought_up_to_date(old: Path) -> None:
    """What was said is there, keys still work, and the log goes on."""
    backplane = SqliteBackplane(old)
    opened = await backplane.open("lobby", lambda _events: None)
    assert [(entry.seq, entry.text) for entry in opened.entries if isinstance(entry, Posted)] == [(1, "from version 1")]
    assert (await backplane.append("lobby", post(), "k")).entry == opened.entries[0]
    assert (await backplane.append("lobby", post("now"))).entry.seq == 2
    await backplane.close()
    db = open_to_read(old)
    assert version(db) == VERSION
    db.close()


def test_an_update_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step fails in its middle the file stays as it was, for the older version and for another try."""
    broken = (*sqlite_file.MIGRATIONS[:1], "ALTER TABLE rooms ADD COLUMN base INTEGER; INSERT INTO nowhere VALUES (1)")
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_file, "MIGRATIONS", broken)
        with pytest.raises(StoreError, match="could not be used"):
            open_to_write(old, "full")
    db = sqlite3.connect(old)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert "base" not in [column for _, column, *_ in db.execute("PRAGMA table_info(rooms)")]
    db.close()
    db = open_to_write(old, "full")
    assert version(db) == VERSION
    db.close()


def test_an_older_file_is_not_read_as_a_newer_one(old: Path) -> None:
    """Whoever only reads changes nothing, and says what has to be done."""
    with pytest.raises(StoreError, match="kept by an older nbgroupchat"):
        open_to_read(old)
    with pytest.raises(StoreError, match="There is no file of rooms"):
        open_to_read(old.with_name("none"))


@pytest.mark.parametrize(("synchronous", "number"), [("full", 2), ("normal", 1)])
def test_the_file_is_safe(tmp_path: Path, synchronous: Synchronous, number: int) -> None:
    """It is written ahead, flushed as set, and what is deleted is overwritten."""
    db = open_to_write(tmp_path / "rooms.sqlite", synchronous)
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "secure_delete")]
    assert found == ["wal", number, 1]
    db.close()


async def test_two_servers_write_two_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second says which file it takes instead, and neither sees the other's rooms."""
    path = tmp_path / "rooms.sqlite"
    first, second = SqliteBackplane(path), SqliteBackplane(path)
    with caplog.at_level(logging.WARNING):
        for backplane in (first, second):
            await backplane.begin()
    assert (first.path, second.path) == (path, tmp_path / "rooms-2.sqlite")
    assert f"Another server keeps its rooms in {path}; this one takes {second.path}." in caplog.text
    for backplane in (first, second):
        assert (await backplane.open("lobby", lambda _events: None)).entries == []
        await backplane.append("lobby", post())
    await first.close()
    await second.close()


async def test_a_network_file_system_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Rooms on one are kept, with a warning that says what may happen and what to set."""
    monkeypatch.setattr("nbgroupchat.backplanes.sqlite.network_file_system", lambda _path: "nfs4")
    backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
    await backplane.begin()
    assert "nfs4" in caplog.text
    assert "Set NbGroupChat.store to a file on a local disk" in caplog.text
    await backplane.close()
