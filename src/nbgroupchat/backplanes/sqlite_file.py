"""The file of rooms: how it is made, opened, brought up to date, and what is said where that fails.

What it covers: the file and its folder are made for their owner alone, and what is deleted is overwritten. What it does
not: whoever may write the file may write anything into it (`sqlite_rows` looks at what is read), and a copy or a
backup knows nothing of later redactions.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from nbgroupchat.settings import Synchronous

BUSY_SECONDS: Final = 2.0
"""How long another program's lock on the file is waited for."""

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        epoch TEXT NOT NULL,
        key BLOB NOT NULL
    );
    CREATE TABLE entries (
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        eid TEXT NOT NULL,
        type TEXT NOT NULL,
        ts INTEGER NOT NULL,
        message TEXT,
        key TEXT,
        payload BLOB NOT NULL,
        UNIQUE (room, seq)
    );
    CREATE INDEX entries_of_messages ON entries (room, message) WHERE message IS NOT NULL;
    CREATE UNIQUE INDEX entries_by_key ON entries (room, key) WHERE key IS NOT NULL;
    CREATE INDEX entries_of_rooms ON entries (room, seq) WHERE type = 'room_changed';
    CREATE TABLE pieces (
        room INTEGER NOT NULL,
        reply TEXT NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (room, reply, start)
    ) WITHOUT ROWID;
    CREATE TABLE records (
        room INTEGER NOT NULL,
        reply TEXT NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (room, reply)
    ) WITHOUT ROWID;
    """,
    # Entries up to `base` were trimmed, but for what holds.
    "ALTER TABLE rooms ADD COLUMN base INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE attachments (
        room INTEGER NOT NULL,
        id TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (room, id)
    );
    CREATE TABLE attached (
        room INTEGER NOT NULL,
        message TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (room, message, id)
    ) WITHOUT ROWID;
    """,
    # By the room's name: something may be done in one in which nothing was said.
    """
    CREATE TABLE acts (
        id INTEGER PRIMARY KEY,
        room TEXT NOT NULL,
        ts INTEGER NOT NULL,
        act BLOB NOT NULL
    );
    CREATE INDEX acts_of_rooms ON acts (room);
    CREATE TABLE people (
        room TEXT NOT NULL,
        member TEXT NOT NULL,
        person BLOB NOT NULL,
        PRIMARY KEY (room, member)
    ) WITHOUT ROWID;
    """,
)
"""What leads from each version of the tables to the next. An entry's payload is the event as it is on the wire; the
other columns are for finding it. An open reply has a row in `pieces` that ends at 0, and one for each slice.
"""

VERSION: Final = len(MIGRATIONS)


class StoreError(Exception):
    """The file cannot be used; the message says what was tried, what was found, and what to do.

    `passes` says that trying again may help although nobody did anything.
    """

    def __init__(self, message: str, passes: bool = False) -> None:
        super().__init__(message)
        self.passes = passes


def open_to_write(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open the file, made or brought up to date where needed. Raises StoreError."""
    try:
        # SQLite gives its side files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(not_writable(path, error)) from None
    with explained(path):
        db = _connect(f"{path.absolute().as_uri()}?mode=rw")
        try:
            _check_version(db, path)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute("PRAGMA fullfsync = ON")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute("PRAGMA journal_size_limit = 4194304")
            _migrate(db)
        except BaseException:
            db.close()
            raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file as it is, also while it is written, and where nothing may be written. Raises StoreError."""
    if not path.exists():
        raise StoreError(
            f"There is no file of rooms at {path}. It is made when something is said in a room. A server's log "
            "says where its rooms are kept; --store names that file."
        )
    address = path.absolute().as_uri()
    with explained(path):
        try:
            db = _connect(f"{address}?mode=ro")
            try:
                _check_version(db, path)
            except BaseException:
                db.close()
                raise
        except sqlite3.OperationalError as error:
            # In a folder that cannot be written SQLite cannot make its side files, and needs none as nobody writes.
            kept_out = error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
            if not kept_out or path.with_name(f"{path.name}-wal").exists():
                raise
            db = _connect(f"{address}?mode=ro&immutable=1")
            _check_version(db, path)
    if (found := version(db)) != VERSION:
        db.close()
        raise StoreError(
            f"The rooms in {path} were kept by an older nbgroupchat (tables of version {found}, this one has "
            f"{VERSION}). Open them once with a server that may write there: it brings them up to date."
        )
    return db


def open_to_add(path: Path) -> sqlite3.Connection:
    """Open a file of this version to add a row, also while a server writes it. Raises StoreError."""
    open_to_read(path).close()
    with explained(path):
        return _connect(f"{path.absolute().as_uri()}?mode=rw")


def version(db: sqlite3.Connection) -> int:
    """Give the version of a file's tables; 0 where it has none."""
    (found,) = db.execute("PRAGMA user_version").fetchone()
    return int(found)


def not_writable(path: Path, error: OSError) -> str:
    """Say that a file cannot be made or written, and what to do."""
    return (
        f"The rooms cannot be kept in {path} ({error.strerror}). Make that file and its folder writable, or set "
        "NbGroupChat.store to another file."
    )


def explain(path: Path, error: sqlite3.Error) -> StoreError:
    """Say what went wrong with the file, and what to do."""
    name = getattr(error, "sqlite_errorname", "") or str(error)
    for prefix, found in _FOUND:
        if name.startswith(prefix):
            return StoreError(found.format(path=path, error=error), passes=prefix in _PASSES)
    return StoreError(
        f"The rooms in {path} could not be used ({error}). Look after the disk it is on; `nbgroupchat doctor` says "
        "what it finds."
    )


_PASSES: Final = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_IOERR")

_FOUND: Final[Sequence[tuple[str, str]]] = (
    ("SQLITE_FULL", "The disk that the rooms are kept on is full ({path}). Free some space on it, and send it again."),
    (
        "SQLITE_BUSY",
        "Another program holds the file of the rooms ({path}). End it, a database browser for example, and send it "
        "again.",
    ),
    (
        "SQLITE_NOTADB",
        "The file at {path} is no file of rooms, or is broken ({error}). Put a copy of it back, or move it away to "
        "begin with empty rooms.",
    ),
    (
        "SQLITE_CORRUPT",
        "The file of the rooms is broken ({path}: {error}). End the server and put a copy of it back, or save what "
        "can be read with `nbgroupchat export`.",
    ),
    (
        "SQLITE_READONLY",
        "The file of the rooms cannot be written ({path}). Make it and its folder writable, and send it again.",
    ),
    (
        "SQLITE_CANTOPEN",
        "The file of the rooms cannot be opened ({path}). Make it and its folder readable and writable.",
    ),
    (
        "SQLITE_IOERR",
        "The disk failed under the file of the rooms ({path}: {error}). Look after the disk, and its free space and "
        "quota, and send it again.",
    ),
)


class explained:  # noqa: N801  # reads as what it does
    """Turns what SQLite raises inside the block into a StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """End, with a StoreError where it failed."""
        if isinstance(error, sqlite3.Error):
            raise explain(self._path, error) from error


def _connect(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # A forged text that is no Unicode must not keep the others from being read.
    db.text_factory = _lenient
    return db


_lenient: Callable[[bytes], str] = lambda raw: raw.decode(errors="replace")  # noqa: E731  # typed for text_factory


def _check_version(db: sqlite3.Connection, path: Path) -> None:
    found = version(db)
    # The first look into the file: one that is no database, or locked, is found here.
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found > VERSION:
        raise StoreError(
            f"The rooms in {path} were kept by a newer nbgroupchat (tables of version {found}, this one knows up to "
            f"{VERSION}). Install that version again, or set NbGroupChat.store to another file."
        )
    if found == 0 and tables:
        raise StoreError(f"The file at {path} is another program's database. Set NbGroupChat.store to another file.")


def _migrate(db: sqlite3.Connection) -> None:
    if version(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        # Looked at again: another process may have been first.
        for number in range(version(db), VERSION):
            for statement in MIGRATIONS[number].split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
