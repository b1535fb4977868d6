"""A disk that takes no commit for a while: SQLite's connection as the writer sees it, with the errors SQLite has."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

Fault: TypeAlias = Literal["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY"]


class Disk:
    """Well, until `fault` says otherwise."""

    fault: Fault | None = None

    def under(
        self, open_file: Callable[[], tuple[Path, sqlite3.Connection]]
    ) -> Callable[[], tuple[Path, sqlite3.Connection]]:
        """Put it under a file that is opened to be written."""

        def opened() -> tuple[Path, sqlite3.Connection]:
            path, db = open_file()
            return path, cast("sqlite3.Connection", _Connection(db, self))

        return opened


class _Connection:
    def __init__(self, db: sqlite3.Connection, disk: Disk) -> None:
        self._db = db
        self._disk = disk
        self._before = 0

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement == "BEGIN IMMEDIATE":
            self._before = self._db.total_changes
        # A transaction that changed nothing needs no disk.
        if statement == "COMMIT" and self._disk.fault is not None and self._db.total_changes > self._before:
            error = sqlite3.OperationalError("the disk took no commit")
            error.sqlite_errorname = self._disk.fault
            raise error
        return self._db.execute(statement, *values)

    def close(self) -> None:
        self._db.close()
