"""The command `nbgroupchat`: export a room from the file it is kept in, and say what is wrong with an installation.

Reads only: a server may have the file open, and a copy of it will do. Loads what a command needs when it is given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbgroupchat.transcript import FORMATS, transcript

if TYPE_CHECKING:
    from nbgroupchat.settings import Settings


class CommandError(Exception):
    """A command that could not be carried out; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command, given as on the command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        "nbgroupchat", description="Group chat in notebooks with one local language model."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    export = commands.add_parser("export", help="write what was said in a room to a file, or to the terminal")
    export.add_argument("room", metavar="ROOM")
    export.add_argument("--format", choices=FORMATS, default="markdown", help="(default: markdown)")
    export.add_argument(
        "--output", type=Path, metavar="FILE", help="a file that is not there yet (default: the terminal)"
    )
    export.set_defaults(run=_export)
    doctor = commands.add_parser("doctor", help="say what is installed, configured and working, and what to do")
    doctor.set_defaults(run=_doctor)
    for command in (export, doctor):
        command.add_argument("--store", type=Path, metavar="FILE", help="the file of the rooms, or a copy of it")
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except CommandError as error:
        print(f"nbgroupchat: {error}", file=sys.stderr)
        return 1


def _export(chosen: argparse.Namespace) -> int:
    from contextlib import closing

    from nbgroupchat.backplanes import sqlite_reads
    from nbgroupchat.backplanes.sqlite_file import StoreError, explained, open_to_read
    from nbgroupchat.backplanes.sqlite_rows import Losses

    path = chosen.store or _store()
    try:
        with closing(open_to_read(path)) as db, explained(path):
            found = sqlite_reads.everything(db, chosen.room, Losses(str(path)))
            rooms = sqlite_reads.rooms(db)
    except StoreError as error:
        raise CommandError(str(error)) from None
    if found is None:
        known = f"There are: {', '.join(rooms)}." if rooms else "Nothing was said in any room yet."
        raise CommandError(f"{path} has no room {chosen.room!r}. {known}")
    document = transcript(chosen.room, *found, form=chosen.format).encode()
    if chosen.output is None:
        sys.stdout.buffer.write(document)
        sys.stdout.flush()
        return 0
    try:
        with chosen.output.open("xb") as file:
            file.write(document)
    except OSError as error:
        raise CommandError(f"{chosen.output} could not be written ({error.strerror}). Name another file.") from None
    return 0


def _doctor(chosen: argparse.Namespace) -> int:
    from nbgroupchat.doctor import examine

    worst = 0
    for finding in examine(_configured(), chosen.store):
        print(finding)
        worst = max(worst, finding.exit_code)
    return worst


def _configured() -> Settings:
    from nbgroupchat.settings import Settings, SettingsError

    try:
        from nbgroupchat.server.configured import configured
    except ImportError:
        return Settings()
    try:
        return configured()
    except SettingsError as error:
        raise CommandError(f"NbGroupChat.{error}") from None


def _store() -> Path:
    """Give the file that this person's server uses."""
    store = _configured().store
    if store == "memory":
        raise CommandError("NbGroupChat.store is 'memory': what was said is kept nowhere. Name a file with --store.")
    if not store:
        raise CommandError("Jupyter is not installed here, so its data folder is not known. Name a file with --store.")
    return Path(store).expanduser()
