"""How much one user, and everybody in one room, may ask of a hub within a minute.

Pure state; the clock is given. A limit of so many a minute is a bucket of as many tokens that fills again in a minute,
so a burst of a whole minute's worth passes. It is kept as the one moment at which the bucket will be full again (the
"generic cell rate algorithm" of ATM, ITU-T I.371), and forgotten at that moment.

This module touches trust. It covers: commands of every kind, those that write to the log, those that read it, bytes
to be attached, and what is written to one room by all together; what is refused costs nothing, so nobody is shut out by
trying. A kernel has a person's limits, and all kernels together ten times as much, for a program can make up the id of
a kernel; where kernels are known by their owners it cannot, and there is no such limit. So have all that show the
server's token and keep no cookie, for each of their connections is somebody new. It does not cover: who somebody is,
which is the server's to say, or how many connections there are, which is the endpoint's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import (
    Command,
    Edit,
    Explain,
    History,
    Join,
    Pin,
    Post,
    React,
    Redact,
    Regenerate,
    ResumeReply,
    Rooms,
    Search,
    SetPolicy,
    Upload,
    Who,
)
from nbgroupchat.settings import Settings

MINUTE: Final = 60.0
CROWD: Final = 10
"""How many times the limit of one those have together who can be many at will, such as the kernels of a server."""

_SWEEP: Final = 1024

Limited: TypeAlias = tuple["Rate", str]


class Rate:
    """So many a minute for each key; 0 is without limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._interval = MINUTE / per_minute if per_minute else 0.0
        self._full: dict[str, float] = {}
        self._sweep_at = _SWEEP

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._full)

    def wait(self, key: str, now: float, many: int = 1) -> float:
        """Give after how many seconds one more, or so many, are taken; 0 is now."""
        return max(0.0, self._full.get(key, now) + self._cost(many) - MINUTE - now) if self._interval else 0.0

    def _cost(self, many: int) -> float:
        # What is more than a minute's worth passes when the bucket is full.
        return self._interval * min(many, self._per_minute)

    def take(self, key: str, now: float, many: int = 1) -> None:
        """Count one, or so many."""
        if not self._interval:
            return
        self._full[key] = max(now, self._full.get(key, now)) + self._cost(many)
        if len(self._full) >= self._sweep_at:
            # Full buckets say nothing; sweeping at each doubling costs little for each key.
            self._full = {other: full for other, full in self._full.items() if full > now}
            self._sweep_at = max(_SWEEP, 2 * len(self._full))


class Rates:
    """The limits of one hub. `clock` gives seconds that only grow; kernels may be known by users nobody can make up."""

    def __init__(self, settings: Settings, clock: Callable[[], float], kernels_are_known: bool = False) -> None:
        self._clock = clock
        kernels = 0 if kernels_are_known else CROWD
        self._commands = _Users(settings.commands_per_minute, kernels)
        self._posts = _Users(settings.posts_per_minute, kernels)
        self._joins = _Users(settings.joins_per_minute, kernels)
        self._rooms = Rate(settings.room_posts_per_minute)
        self._bytes = _Users(settings.attachment_bytes_per_minute, kernels)

    def receive(self, identity: Identity) -> None:
        """Count whatever somebody sends, before anything is known of it. Raises Refusal with `too_fast`."""
        self._take(self._commands.of(identity))

    def carry_out(self, identity: Identity, command: Command, inside: bool = True) -> None:
        """Count what a command costs beyond its coming; to the room too where its user is `inside`.

        Raises Refusal with `too_fast`.
        """
        match command:
            case Post() | Edit() | Redact() | Pin() | React() | Regenerate() | ResumeReply() | SetPolicy():
                self._take([*self._posts.of(identity), *([(self._rooms, command.room)] if inside else [])])
            case Join() | History() | Explain() | Rooms() | Search() | Who():
                self._take(self._joins.of(identity))
            case Upload():
                self._take(self._bytes.of(identity), len(command.data))

    def _take(self, limits: Iterable[Limited], many: int = 1) -> None:
        """Count so many in all of these, or in none."""
        limits, now = list(limits), self._clock()
        seconds = max(rate.wait(key, now, many) for rate, key in limits)
        # Rounding must not make somebody wait for no time at all.
        if seconds > 1e-9:
            raise Refusal(
                Code.TOO_FAST,
                f"That was too much at once. Go on in {max(1, round(seconds))} s.",
                retry_ms=max(1, round(seconds * 1000) + 1),
            )
        for rate, key in limits:
            rate.take(key, now, many)


class _Users:
    """One limit, of each user and of each crowd."""

    def __init__(self, per_minute: int, kernels: int) -> None:
        self._each = Rate(per_minute)
        self._kernels = Rate(per_minute * kernels)
        self._crowds = Rate(per_minute * CROWD)

    def of(self, identity: Identity) -> list[Limited]:
        limits = [(self._each, f"{identity.kind} {identity.user}")]
        if identity.kind == "kernel":
            return [*limits, (self._kernels, "")]
        return [*limits, (self._crowds, identity.crowd)] if identity.crowd else limits
