"""What a look at an installation finds: what is there, what is set, what works, and what to do where it does not.

It changes nothing. Command-line options of a running server are not known to it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from nbgroupchat import __version__
from nbgroupchat.backplanes import sqlite_reads
from nbgroupchat.backplanes.place import candidates, is_taken, network_file_system
from nbgroupchat.backplanes.sqlite_file import StoreError, explained, open_to_read
from nbgroupchat.backplanes.sqlite_rows import Losses
from nbgroupchat.engines.base import EngineError
from nbgroupchat.engines.model_file import INSTALL, find_model
from nbgroupchat.settings import Settings


class Finding(Struct, frozen=True):
    """One line: `ok`, `note` (works, but look), or `problem` (does not work), and what to do."""

    level: str
    text: str

    def __str__(self) -> str:
        """Give the line."""
        return f"{self.level:8}{self.text}"

    @property
    def exit_code(self) -> int:
        """What the command ends with where this is the worst."""
        return int(self.level == "problem")


def examine(settings: Settings, store: Path | None = None) -> Iterator[Finding]:
    """Look at everything; `store` takes the place of the file that is set."""
    yield Finding("ok", f"nbgroupchat {__version__}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
    yield from _server()
    if store is None and settings.store in ("", "memory"):
        yield Finding("note", "What is said is kept in memory alone, and ends with the server.")
    else:
        yield from _file(store or Path(settings.store).expanduser())
    yield from _engine(settings)


def _server() -> Iterator[Finding]:
    if find_spec("jupyter_server") is None:
        yield Finding(
            "note", "Jupyter Server is not installed here: only scripts and notebooks can use rooms, each its own."
        )
        return
    from nbgroupchat.server.configured import enabled

    if enabled():
        yield Finding("ok", "The extension of Jupyter Server is enabled.")
    else:
        yield Finding(
            "problem",
            "The extension of Jupyter Server is not enabled. Run `jupyter server extension enable nbgroupchat`.",
        )


def _file(path: Path) -> Iterator[Finding]:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        yield Finding("problem", f"The rooms in {path} cannot be written. Make that file and its folder writable.")
    if kind := network_file_system(folder):
        yield Finding("note", f"{path} is on a network file system ({kind}). Set NbGroupChat.store to a local disk.")
    for file in candidates(path):
        if file == path or file.exists():
            yield from _rooms(file)


def _rooms(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("ok", f"{path}: no rooms yet.")
        return
    losses = Losses(str(path))
    try:
        with closing(open_to_read(path)) as db, explained(path):
            ((found,),) = db.execute("PRAGMA quick_check(1)").fetchall()
            if found != "ok":
                yield Finding("problem", f"{path} is broken ({found}). End the server, and put a copy of it back.")
            rooms = sqlite_reads.rooms(db)
            for room in rooms:
                sqlite_reads.everything(db, room, losses)
    except StoreError as error:
        yield Finding("problem", str(error))
        return
    used = "in use by a server" if is_taken(path) else "not in use"
    count = "1 room" if len(rooms) == 1 else f"{len(rooms)} rooms"
    yield Finding("ok", f"{path}: {count}, {path.stat().st_size / 1024 / 1024:.1f} MiB, {used}.")
    if losses.found:
        yield Finding("problem", f"{path}: {len(losses.found)} entries are damaged, forged or missing, and not shown.")


def _engine(settings: Settings) -> Iterator[Finding]:
    match settings.engine:
        case "llama":
            yield from _llama(settings)
        case "openai":
            yield from _openai(settings)
        case name:
            yield Finding("ok", f"Engine {name}.")


def _llama(settings: Settings) -> Iterator[Finding]:
    for package in ("llama_cpp", "jinja2"):
        if find_spec(package) is None:
            yield Finding("problem", f"The engine llama needs {package}. Run {INSTALL}.")
            return
    try:
        yield Finding("ok", f"Engine llama, model {find_model(settings.model_path)}.")
    except EngineError as error:
        yield Finding("problem", str(error))


def _openai(settings: Settings) -> Iterator[Finding]:
    from nbgroupchat.engines.openai import OpenAIEngine

    async def ready() -> str:
        engine = OpenAIEngine(settings)
        changed = asyncio.Event()
        engine.watch(lambda _status: changed.set())
        engine.start()
        try:
            async with asyncio.timeout(30):
                while engine.status.state not in ("ready", "failed"):
                    changed.clear()
                    await changed.wait()
            if engine.status.state == "failed":
                raise EngineError(engine.status.message or "The model's server does not answer.")
            return engine.status.model
        finally:
            await engine.close()

    try:
        yield Finding("ok", f"Engine openai, model {asyncio.run(ready())}.")
    except EngineError as error:
        yield Finding("problem", str(error))
    except TimeoutError:
        yield Finding("problem", "The model's server did not answer within 30 seconds. Look after it.")
