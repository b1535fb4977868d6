"""The memory of rooms that have no sequence at the moment, under a cap in bytes; the least recently used go first.

Knows nothing of what is in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from msgspec import Struct


class ParkedRoom(Struct, frozen=True):
    """What was in a sequence: its ids and its saved memory."""

    ids: list[int]
    state: bytearray


class Parking:
    """Holds at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rooms: OrderedDict[str, ParkedRoom] = OrderedDict()
        self.size = 0
        """The bytes held now."""

    def has_space(self, size: int) -> bool:
        """Whether so many bytes more would drive nobody out."""
        return self.size + size <= self._most

    def fits(self, size: int) -> bool:
        """Whether so many bytes could be kept at all."""
        return size <= self._most

    def put(self, room: str, parked: ParkedRoom) -> None:
        """Park a room; others go for it, and it is not kept where it is larger than the cap."""
        self.take(room)
        if not self.fits(len(parked.state)):
            return
        while not self.has_space(len(parked.state)):
            self.take(next(iter(self._rooms)))
        self._rooms[room] = parked
        self.size += len(parked.state)

    def take(self, room: str) -> ParkedRoom | None:
        """Give what was parked of a room, once."""
        parked = self._rooms.pop(room, None)
        if parked is not None:
            self.size -= len(parked.state)
        return parked

    def rooms(self) -> Iterable[ParkedRoom]:
        """All that are parked."""
        return self._rooms.values()
