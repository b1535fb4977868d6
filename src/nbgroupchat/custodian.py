"""What a server's administrator does to stored rooms: reads the audit trail, adds to it, and forgets a person.

This module touches trust. It covers: what a person said is redacted as a redaction does it, also in the side file, and
what they were called is taken from the log, from what models read, and from who pseudonyms are; the trail says that it
was done, without the person's name. It does not cover: copies and backups, what others wrote about them, replies of the
model (their askers' words are gone, its own are not), the log of a server, or what is on somebody's screen.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from nbgroupchat.backplanes import sqlite_acts, sqlite_reads
from nbgroupchat.backplanes.base import Act, now_ms
from nbgroupchat.backplanes.place import is_taken
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.backplanes.sqlite_file import StoreError, explained, open_to_add, open_to_read
from nbgroupchat.backplanes.sqlite_rows import Losses
from nbgroupchat.errors import Refusal
from nbgroupchat.policy import Identity, member_of
from nbgroupchat.protocol import Posted, Reacted, Redacted, ReplyClosed

COMMAND = "the command line"
"""What whoever uses it is shown as in the audit trail."""


def audited(path: Path, room: str) -> Sequence[Act]:
    """Give a room's audit trail, oldest first. Raises StoreError."""
    with closing(open_to_read(path)) as db, explained(path):
        return sqlite_acts.audited(db, room)


def note(path: Path, room: str, action: str, details: str) -> None:
    """Add to a room's audit trail what this person does; a server may run meanwhile. Raises StoreError."""
    act = Act(now_ms(), _user(), COMMAND, action, "", details)
    with closing(open_to_add(path)) as db, explained(path):
        sqlite_acts.audit(db, room, act)


def forget(path: Path, person: str, room: str | None, shown: bool) -> dict[str, int]:
    """Forget the user `person`, or with `shown` whoever was shown under that name, in a room or in all of them.

    Gives how many messages were taken back in each room where they said or did something. Raises StoreError, also where
    a server runs: it holds in memory what would be taken from the file.
    """
    with closing(open_to_read(path)) as db, explained(path):
        rooms = [room] if room is not None else list(sqlite_reads.rooms(db))
    if is_taken(path):
        raise StoreError(f"A server has the rooms in {path} open, and what was said in its memory. End it first.")
    return asyncio.run(_forget(path, person, rooms, shown))


async def _forget(path: Path, person: str, rooms: Sequence[str], shown: bool) -> dict[str, int]:
    backplane = SqliteBackplane(path)
    found: dict[str, int] = {}
    try:
        for room in rooms:
            if (number := await _forget_in(backplane, room, person, shown)) is not None:
                found[room] = number
    except Refusal as refusal:
        raise StoreError(refusal.message) from None
    finally:
        await backplane.close()
    return found


async def _forget_in(backplane: SqliteBackplane, room: str, person: str, shown: bool) -> int | None:
    opened = await backplane.open(room, lambda _events: None)
    with closing(open_to_read(backplane.path)) as db, explained(backplane.path):
        everything = sqlite_reads.everything(db, room, Losses(str(backplane.path)))
    entries = everything[0] if everything else ()
    posts = [entry for entry in entries if isinstance(entry, Posted)]
    named = [entry for entry in entries if isinstance(entry, (Posted, Reacted, ReplyClosed)) and entry.name]
    members = {entry.by for entry in named if entry.name == person} if shown else _members(opened.key, person)
    messages = [entry.eid for entry in posts if entry.by in members]
    known = {entry.by for entry in named if entry.by in members}
    if not known:
        return None
    gone = {entry.id for entry in entries if isinstance(entry, Redacted)}
    ids = ", ".join(sorted(known))
    act = Act(0, _user(), COMMAND, "forget", ids, f"{len(messages)} messages")
    await backplane.audit(room, act)
    for message in messages:
        if message not in gone:
            redacted = Redacted(seq=0, eid="", ts=0, by="", id=message)
            await backplane.append(room, redacted, f"redact {message}")
    await backplane.forget(room, messages, members)
    return len(messages)


def _members(key: bytes, user: str) -> Collection[str]:
    """Give the ids that a user has in a room: in person and as the owner of kernels, by name and under a pseudonym."""
    kinds = (Identity(user, user, "human"), Identity(user, user, "kernel"))
    return {member_of(key, identity, anonymous).id for identity in kinds for anonymous in (False, True)}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
