"""What a room's policy lets somebody do now, and what it may be changed to. Pure rules; the time is given.

This module touches trust. It covers: every command is a reading one, a writing one or an instructor's, and one that is
not known here counts as writing; observers only read; members write while the room is open and not locked; who may
stop, pin and redact. It does not cover who has which role (`roles`), how often somebody posts or asks (`pace`), or
what the agent answers, which is the hub's to ask of the policy when something is posted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import (
    Allowed,
    Command,
    Download,
    Explain,
    History,
    Join,
    Leave,
    Role,
    RoomPolicy,
    Rooms,
    Search,
    SetPolicy,
    Who,
)

READING: Final[tuple[type[Command], ...]] = (Join, History, Search, Explain, Rooms, Download, Leave)
"""What everybody may do for whom the room exists."""

INSTRUCTING: Final[tuple[type[Command], ...]] = (SetPolicy, Who)
"""What instructors may do, and nobody else."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def check(command: Command, role: Role, policy: RoomPolicy, now_ms: int) -> None:
    """Raise Refusal unless somebody of this role may give this command at this time, in milliseconds since 1970."""
    if role == "instructor" or isinstance(command, READING):
        return
    if isinstance(command, INSTRUCTING):
        raise Refusal(Code.FORBIDDEN, "Only an instructor of this room can do that. Ask one of them.")
    if role == "observer":
        raise Refusal(Code.FORBIDDEN, "You read along in this room. Only its members can write in it.")
    if policy.locked:
        raise Refusal(Code.NOT_NOW, "An instructor has locked this room: it can be read, and nothing changed in it.")
    wait = until_open(policy, now_ms)
    if wait:
        raise Refusal(
            Code.NOT_NOW,
            f"This room is closed now and opens in {duration(wait)}. Its opening times are "
            f"{', '.join(policy.hours)} ({policy.zone}).",
            retry_ms=wait * 1000,
        )


def check_own(what: str, allowed: Allowed, *, mine: bool, role: Role) -> None:
    """Raise Refusal unless somebody may do `what`; `mine` is whether it is about their post or a reply to one."""
    if role == "instructor" or allowed == "anyone" or (allowed == "asker" and mine):
        return
    if allowed == "asker":
        raise Refusal(
            Code.FORBIDDEN,
            f"Only its author, or of a reply who asked for it, or an instructor can {what}. Ask them to do so.",
        )
    raise Refusal(Code.FORBIDDEN, f"Only an instructor of this room can {what}. Ask one of them.")


def changed(policy: RoomPolicy, command: SetPolicy) -> RoomPolicy:
    """Give a policy as a command changes it. Raises Refusal where it names no time zone or no time that passes."""
    given = {
        name: value for name in RoomPolicy.__struct_fields__ if (value := getattr(command, name, UNSET)) is not UNSET
    }
    found = replace(policy, **given)
    try:
        ZoneInfo(found.zone)
    except (ValueError, OSError, KeyError):
        raise Refusal(
            Code.INVALID, "There is no time zone of that name. Give one like 'Europe/Berlin' or 'UTC'."
        ) from None
    for hours in found.hours:
        start, end = hours[4:].split("-")
        if start >= end:
            raise Refusal(Code.INVALID, f"The opening time {hours!r} ends before it begins. Give two for a night.")
    return found


def until_open(policy: RoomPolicy, now_ms: int) -> int:
    """Give in how many seconds the room opens; 0 where it is open. Hours are of the policy's zone, wall clock time."""
    if not policy.hours:
        return 0
    zone = _zone(policy.zone)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    here = now.astimezone(zone)
    waits = []
    # A week and a day, for what opened earlier today opens again in a week.
    for ahead in range(8):
        day = here.date() + timedelta(days=ahead)
        for hours in policy.hours:
            if hours[:3] != DAYS[day.weekday()]:
                continue
            start, end = (
                datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=int(at[:2]), minutes=int(at[3:]))
                for at in hours[4:].split("-")
            )
            if start.astimezone(UTC) <= now < end.astimezone(UTC):
                return 0
            if start.astimezone(UTC) > now:
                waits.append(start.astimezone(UTC) - now)
    # A week in which the clock leaps over the only hour there is has none.
    return max(1, round(min(waits, default=timedelta(days=7)).total_seconds()))


def duration(seconds: float) -> str:
    """Give a time for people: seconds, minutes, hours or days, rounded up."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{-(-round(seconds) // size)} {unit}"
    return f"{max(1, -(-round(seconds * 1000) // 1000))} s"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # Looked up when it was set; this machine's tables may be other ones now.
        return ZoneInfo("UTC")
