"""How soon one person may post again in a room, and how often they may ask its agent within an hour.

Pure state; the clock is given. A person is a user, whatever door they came in by: where kernels have their owner's
name, a post from a kernel counts as its owner's. What was refused counts for nothing. It knows nothing of roles: who is
bound by a pace is the caller's to say. It is forgotten when the server ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import RoomPolicy
from nbgroupchat.rights import duration

HOUR: Final = 3600.0

_SWEEP: Final = 1024


class _Person:
    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        """When what was posted, by the client's own id; the last is the newest."""
        self.asked: dict[str, float] = {}

    def forget(self, now: float) -> None:
        """Drop what is an hour old: no pace is slower."""
        for times in (self.said, self.asked):
            for cid in [cid for cid, time in times.items() if time <= now - HOUR]:
                del times[cid]


class Pace:
    """The pace of everybody in the rooms of one hub. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._people: dict[tuple[str, str], _Person] = {}
        self._sweep_at = _SWEEP

    def post(self, room: str, user: str, cid: str, policy: RoomPolicy) -> None:
        """Count a post. A retry, which has the same `cid`, passes. Raises Refusal with `not_now`."""
        person, now = self._person(room, user), self._clock()
        if cid in person.said:
            return
        last = max(person.said.values(), default=None)
        if policy.slow_seconds and last is not None and (wait := last + policy.slow_seconds - now) > 0:
            raise Refusal(
                Code.NOT_NOW,
                f"This room is in slow mode: {duration(policy.slow_seconds)} between your posts. "
                f"Post again in {duration(wait)}.",
                retry_ms=_ms(wait),
            )
        person.said[cid] = now

    def ask(self, room: str, user: str, cid: str, policy: RoomPolicy) -> float:
        """Count a question to the agent; gives 0, or in how many seconds there is one left to ask."""
        person, now = self._person(room, user), self._clock()
        if not policy.turns_per_hour or cid in person.asked:
            return 0.0
        times = deque(person.asked.values(), policy.turns_per_hour)
        if len(times) == policy.turns_per_hour:
            return max(1e-3, times[0] + HOUR - now)
        person.asked[cid] = now
        return 0.0

    def knows(self, room: str, user: str, cid: str) -> bool:
        """Say whether a post or a question was counted already."""
        person = self._person(room, user)
        return cid in person.said or cid in person.asked

    def take_back(self, room: str, user: str, cid: str) -> None:
        """Count a post no more that was not stored."""
        person = self._person(room, user)
        person.said.pop(cid, None)
        person.asked.pop(cid, None)

    def _person(self, room: str, user: str) -> _Person:
        now = self._clock()
        if len(self._people) >= self._sweep_at:
            for person in self._people.values():
                person.forget(now)
            self._people = {key: person for key, person in self._people.items() if person.said or person.asked}
            self._sweep_at = max(_SWEEP, 2 * len(self._people))
        person = self._people.setdefault((room, user), _Person())
        person.forget(now)
        return person


def asked_too_often(policy: RoomPolicy, wait: float) -> Refusal:
    """Give what a question is answered with that is one too many."""
    return Refusal(
        Code.NOT_NOW,
        f"You have asked {policy.turns_per_hour} times within an hour, the most this room allows. Ask again in "
        f"{duration(wait)}, or write to the others without addressing the model.",
        retry_ms=_ms(wait),
    )


def _ms(seconds: float) -> int:
    # Rounding must not make somebody come back too early.
    return max(1, round(seconds * 1000) + 1)
