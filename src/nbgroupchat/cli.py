"""The command `nbgroupchat`: export a room from the file it is kept in, read who did what in it by right of office,
forget a person, and say what is wrong with an installation.

A server may have the file open, but where somebody is forgotten, and a copy of it will do. Loads what a command needs
when it is given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbgroupchat.transcript import FORMATS, transcript

if TYPE_CHECKING:
    from nbgroupchat.protocol import Delta, DurableEvent
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
    export.add_argument(
        "--pseudonyms",
        type=Path,
        metavar="ROSTER",
        help="hide the names in this file: a person a line, their user name, name and nicknames between commas",
    )
    export.set_defaults(run=_export)
    audit = commands.add_parser("audit", help="say what was done in a room by right of office")
    audit.add_argument("room", metavar="ROOM")
    audit.set_defaults(run=_audit)
    forget = commands.add_parser("forget", help="take back all that a person said, and what they were called")
    forget.add_argument("person", metavar="PERSON", help="a user name; with --shown the name that stands in the room")
    forget.add_argument("--room", metavar="ROOM", help="in this room (default: in all)")
    forget.add_argument("--shown", action="store_true", help="go by the name that messages are shown under")
    forget.set_defaults(run=_forget)
    doctor = commands.add_parser("doctor", help="say what is installed, configured and working, and what to do")
    doctor.set_defaults(run=_doctor)
    for command in (export, audit, forget, doctor):
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
    room, entries, drafts = _pseudonymised(chosen, *found) if chosen.pseudonyms else (chosen.room, *found)
    _note_export(path, chosen)
    document = transcript(room, entries, drafts, form=chosen.format).encode()
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


def _pseudonymised(
    chosen: argparse.Namespace, entries: Sequence[DurableEvent], drafts: Sequence[Delta]
) -> tuple[str, Sequence[DurableEvent], Sequence[Delta]]:
    from nbgroupchat.roster import pseudonymised, read

    try:
        people = read(chosen.pseudonyms.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"The roster {chosen.pseudonyms} could not be read ({why}). Nothing was exported.") from None
    if not people:
        raise CommandError(f"The roster {chosen.pseudonyms} names nobody. Nothing was exported.")
    return pseudonymised(chosen.room, entries, drafts, people)


def _note_export(path: Path, chosen: argparse.Namespace) -> None:
    from nbgroupchat import custodian
    from nbgroupchat.backplanes.sqlite_file import StoreError

    try:
        hidden = " with pseudonyms" if chosen.pseudonyms else ""
        custodian.note(path, chosen.room, "export", f"{chosen.format}{hidden}")
    except StoreError as error:
        # Whoever can read the file can export it some other way: the trail keeps nobody from it.
        print(f"nbgroupchat: this export is not in the audit trail. {error}", file=sys.stderr)


def _audit(chosen: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from nbgroupchat import custodian
    from nbgroupchat.backplanes.sqlite_file import StoreError

    try:
        acts = custodian.audited(chosen.store or _store(), chosen.room)
    except StoreError as error:
        raise CommandError(str(error)) from None
    for act in acts:
        when = f"{datetime.fromtimestamp(act.ts / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        fields = (when, act.user, act.name, act.action, act.about, act.details)
        # A line each, whatever somebody has put into a name or a prompt.
        print("\t".join(" ".join(field.split()) for field in fields))
    return 0


def _forget(chosen: argparse.Namespace) -> int:
    from nbgroupchat import custodian
    from nbgroupchat.backplanes.sqlite_file import StoreError

    try:
        found = custodian.forget(chosen.store or _store(), chosen.person, chosen.room, chosen.shown)
    except StoreError as error:
        raise CommandError(str(error)) from None
    if not found:
        hint = (
            ""
            if chosen.shown
            else " A server without accounts knows people by the names they are shown under: --shown."
        )
        raise CommandError(f"Nothing that {chosen.person!r} said was found.{hint}")
    for room, number in found.items():
        print(f"{room}: {number} message{'' if number == 1 else 's'} taken back.")
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
