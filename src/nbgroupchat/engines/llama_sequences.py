"""Which room is in which sequence of the model, and which ids each sequence holds.

More rooms than sequences: the least recently used room without a turn is parked, and comes back without being read
again. Knows nothing of turns or texts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from nbgroupchat.engines.llama_model import Model, Part
from nbgroupchat.engines.llama_parking import ParkedRoom, Parking

WORTH_COPYING = 64
"""Copying another room's beginning saves its memory whole and cuts it: 5 ms for 1,000 tokens, the time to read one."""


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two rows have in common at their beginning."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(place for place in range(shorter) if one[place] != other[place])


class Sequences:
    """The sequences of one model."""

    def __init__(self, model: Model, parking: Parking) -> None:
        self._model = model
        self._parking = parking
        self._held: list[list[int]] = [[] for _ in range(model.sequences)]
        self._of: OrderedDict[str, int] = OrderedDict()
        self._busy: set[int] = set()

    def held(self, sequence: int) -> list[int]:
        """The ids in a sequence's memory; not to be changed."""
        return self._held[sequence]

    def of(self, room: str) -> int | None:
        """The sequence a room has now."""
        return self._of.get(room)

    def take(self, room: str, *, busy: bool) -> int | None:
        """Give the room a sequence, None where there is none to have.

        With `busy` it is the room's until `give_back`. Without, another room may take it at any time, and none is
        driven out for it whose memory could not be kept.
        """
        sequence = self._of.get(room)
        if sequence is None and (sequence := self._vacate(spare=not busy)) is not None:
            self._of[room] = sequence
            self._bring_back(room, sequence)
        if sequence is not None:
            self._of.move_to_end(room)
            if busy:
                self._busy.add(sequence)
        return sequence

    def give_back(self, sequence: int) -> None:
        """The room's turn is over; what was read stays until another room needs the place."""
        self._busy.discard(sequence)

    def begin(self, sequence: int, ids: list[int], *, sample: bool) -> int:
        """Forget what is not the beginning of these ids; returns how many of them are in memory.

        With `sample` the last one never is: what follows is sampled from its reading.
        """
        most = len(ids) - 1 if sample else len(ids)
        known = min(common_length(self._held[sequence], ids), most)
        if most - known >= WORTH_COPYING and self._model.can_cut:
            self._copy_beginning(sequence, ids, known)
            known = min(common_length(self._held[sequence], ids), most)
        held = self._held[sequence]
        # Where it cannot be cut, more than was to be read ahead may be just what is asked for next.
        if known < len(held) and (sample or self._model.can_cut or known < len(ids)):
            del held[self._model.truncate(sequence, known) :]
        return min(len(held), len(ids))

    def read(self, part: Part) -> None:
        """Say that the model has read this."""
        self._held[part.sequence] += part.ids

    def repair(self, sequence: int) -> bool:
        """After a refusal: bring the model's memory back to what is held here; False where all of it is lost."""
        held = self._held[sequence]
        length = len(held)
        del held[self._model.truncate(sequence, length) :]
        return len(held) == length

    def keep(self, room: str, ids: list[int]) -> None:
        """Have nothing of a room in memory, in its sequence or parked, but the beginning of these ids."""
        parked = self._parking.take(room)
        if parked is not None and common_length(parked.ids, ids) == len(parked.ids):
            self._parking.put(room, parked)
        if (sequence := self._of.get(room)) is not None:
            held = self._held[sequence]
            if (known := common_length(held, ids)) < len(held):
                del held[self._model.truncate(sequence, known) :]

    def forget(self, sequence: int) -> None:
        """Empty a sequence."""
        self._model.truncate(sequence, 0)
        self._held[sequence].clear()

    def _vacate(self, *, spare: bool) -> int | None:
        free = set(range(self._model.sequences)) - set(self._of.values())
        if free:
            return min(free)
        for room, sequence in self._of.items():
            if sequence in self._busy:
                continue
            if spare and not self._parking.has_space(self._model.state_bytes(sequence)):
                return None
            self._park(room, sequence)
            return sequence
        return None

    def _park(self, room: str, sequence: int) -> None:
        del self._of[room]
        if self._held[sequence] and self._parking.fits(self._model.state_bytes(sequence)):
            self._parking.put(room, ParkedRoom(list(self._held[sequence]), self._model.save(sequence)))
        self.forget(sequence)

    def _bring_back(self, room: str, sequence: int) -> None:
        parked = self._parking.take(room)
        if parked is not None and self._model.restore(sequence, parked.state):
            self._held[sequence] = parked.ids

    def _copy_beginning(self, sequence: int, ids: list[int], known: int) -> None:
        """Take another room's memory where more of it begins these ids, by enough to be worth it."""
        length, source = max(
            ((common_length(held, ids), place) for place, held in enumerate(self._held)), key=lambda found: found[0]
        )
        best: list[int] = self._held[source]
        state: bytearray | None = None
        for parked in self._parking.rooms():
            if (found := common_length(parked.ids, ids)) > length:
                length, best, state = found, parked.ids, parked.state
        if length < known + WORTH_COPYING:
            return
        # Not llama_memory_seq_cp: between sequences with cells of their own it copies all cells, 92 MB for the default
        # model, and only at the next decode; a state saved before that was found to be a stale one.
        copied = self._model.restore(sequence, self._model.save(source) if state is None else state)
        self._held[sequence] = list(best) if copied else []
