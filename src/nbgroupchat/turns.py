"""Whose question is answered next: fair to rooms and to members.

Pure state; times are seconds of whatever clock the caller uses. One question of a member waits at most, so that nobody
fills the line; rooms take turns, so that a busy one does not keep the others waiting. Knows nothing of models.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from nbgroupchat.protocol import Posted, Waiting

MINUTE = 60.0


class Request(Struct, frozen=True):
    """A turn that somebody asks for: an answer to `asked`. `by` is the member that asks for it.

    The opening of its reply is stored under `key`, so that there is one for each request. A reply that `continues`
    another goes on where that one ended.
    """

    asked: Posted
    by: str
    key: str
    continues: str | None = None


def first(asked: Posted) -> Request:
    """Give the request that a post is which asks the agent."""
    return Request(asked, asked.by, f"open {asked.eid}")


class TurnRefused(Exception):
    """A question that is not taken; the message tells its member why, and when to ask again."""


class TurnQueue:
    """The questions that wait, in all rooms; each member may ask `per_minute` times a minute in each."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._rooms: OrderedDict[str, deque[Request]] = OrderedDict()
        self._asked: dict[tuple[str, str], deque[float]] = {}

    def __len__(self) -> int:
        """How many questions wait."""
        return sum(map(len, self._rooms.values()))

    def add(self, room: str, request: Request, now: float) -> None:
        """Let a question wait for its turn; once, however often it is asked for. Raises TurnRefused."""
        if self.has(room, request.key):
            return
        if any(other.by == request.by for other in self._rooms.get(room, ())):
            raise TurnRefused("A question of yours is waiting already. Ask again when it has been answered.")
        times = self._times(room, request.by, now)
        if len(times) >= self._per_minute:
            seconds = max(1, round(times[0] + MINUTE - now))
            raise TurnRefused(
                f"You have asked {self._per_minute} times within a minute, the most there is. Ask again in {seconds} s."
            )
        times.append(now)
        self._rooms.setdefault(room, deque()).append(request)

    def has(self, room: str, key: str) -> bool:
        """Say whether a request waits."""
        return any(other.key == key for other in self._rooms.get(room, ()))

    def withdraw(self, room: str, asked: str) -> Request | None:
        """Take a question back; None where it does not wait."""
        line = self._rooms.get(room, deque())
        found = next((other for other in line if other.asked.eid == asked), None)
        if found is None:
            return None
        line.remove(found)
        if not line:
            del self._rooms[room]
        return found

    def withdraw_all(self, room: str) -> Sequence[Request]:
        """Take back all that waits in a room, and give it."""
        return self._rooms.pop(room, ())

    def take(self, busy: Mapping[str, object]) -> tuple[str, Request] | None:
        """Give the next question of a room that is not `busy`, and let its room wait behind the others."""
        for room in self._rooms:
            if room not in busy:
                request = self._rooms[room].popleft()
                if self._rooms[room]:
                    self._rooms.move_to_end(room)
                else:
                    del self._rooms[room]
                return room, request
        return None

    def waiting(self, active: int) -> dict[str, tuple[Waiting, ...]]:
        """Give, for each room, its waiting questions and how many turns are before each; `active` are being written."""
        found: dict[str, list[Waiting]] = {}
        for before, (room, request) in enumerate(self._order(), active):
            found.setdefault(room, []).append(Waiting(request.asked.eid, before))
        return {room: tuple(waiting) for room, waiting in found.items()}

    def clear(self) -> None:
        """Forget all that waits."""
        self._rooms.clear()

    def _order(self) -> Iterator[tuple[str, Request]]:
        """Give what waits in the order in which `take` would give it, were no room busy."""
        rooms = deque((room, deque(line)) for room, line in self._rooms.items())
        while rooms:
            room, line = rooms.popleft()
            yield room, line.popleft()
            if line:
                rooms.append((room, line))

    def _times(self, room: str, member: str, now: float) -> deque[float]:
        # Members who have not asked for a minute are forgotten, however many there were.
        for key in [key for key, times in self._asked.items() if times and times[-1] <= now - MINUTE]:
            del self._asked[key]
        times = self._asked.setdefault((room, member), deque())
        while times and times[0] <= now - MINUTE:
            times.popleft()
        return times
