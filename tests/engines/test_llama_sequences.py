"""Rooms and sequences, with a model that only remembers."""

from __future__ import annotations

import pytest

from nbgroupchat.engines.llama_model import Part
from nbgroupchat.engines.llama_parking import Parking
from nbgroupchat.engines.llama_sequences import Sequences, common_length

from .played_model import PlayedModel


def _read(sequences: Sequences, model: PlayedModel, sequence: int, ids: list[int]) -> int:
    known = sequences.begin(sequence, ids, sample=False)
    if ids[known:]:
        part = Part(sequence, known, ids[known:], False)
        model.decode([part])
        sequences.read(part)
    return known


@pytest.mark.parametrize(
    ("one", "other", "length"), [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2, 3], [1, 2], 2), ([1, 2, 3], [1, 4, 3], 1)]
)
def test_common_length(one: list[int], other: list[int], length: int) -> None:
    """The length of the common beginning, either way round."""
    assert common_length(one, other) == common_length(other, one) == length


def test_the_least_recently_used_room_leaves() -> None:
    """A room that is new takes a free sequence, then that of the room used longest ago without a turn."""
    model = PlayedModel(sequences=2)
    sequences = Sequences(model, Parking(1000))
    assert [sequences.take(room, busy=False) for room in ("a", "b", "a", "c")] == [0, 1, 0, 1]
    assert sequences.of("b") is None
    assert sequences.take("a", busy=True) == 0
    assert [sequences.take(room, busy=False) for room in "bc"] == [1, 1]


def test_a_busy_sequence_is_nobody_elses() -> None:
    """While both rooms have a turn a third finds no place, until one gives its back."""
    sequences = Sequences(PlayedModel(sequences=2), Parking(1000))
    one, _ = (sequences.take(room, busy=True) for room in "ab")
    assert sequences.take("c", busy=True) is None
    assert one is not None
    sequences.give_back(one)
    assert sequences.take("c", busy=True) == one


def test_a_hint_drives_out_only_what_is_kept() -> None:
    """Where parking has no space left, what was read for one room is not lost to another's hint, only to its turn."""
    model = PlayedModel(sequences=1)
    sequences = Sequences(model, Parking(0))
    sequence = sequences.take("a", busy=False)
    assert sequence == 0
    _read(sequences, model, 0, [1, 2, 3])
    assert sequences.take("b", busy=False) is None
    assert sequences.take("b", busy=True) == 0
    assert model.memory == []


def test_what_was_parked_is_what_was_held() -> None:
    """A room that comes back has its ids and its memory, and only what differs is forgotten."""
    model = PlayedModel(sequences=1)
    sequences = Sequences(model, Parking(1000))
    for room, ids in (("a", [1, 2, 3, 4]), ("b", [5, 6])):
        assert sequences.take(room, busy=False) == 0
        assert _read(sequences, model, 0, ids) == 0
    assert sequences.take("a", busy=False) == 0
    assert (model.memory, sequences.held(0)) == ([1, 2, 3, 4], [1, 2, 3, 4])
    assert _read(sequences, model, 0, [1, 2, 9]) == 2
    assert model.memory == sequences.held(0) == [1, 2, 9]


def test_a_state_that_cannot_be_restored_is_read_again() -> None:
    """Where the model refuses a parked state the room begins empty."""
    model = PlayedModel(sequences=1)
    sequences = Sequences(model, Parking(1000))
    sequences.take("a", busy=False)
    _read(sequences, model, 0, [1, 2, 3])
    sequences.take("b", busy=False)
    model.restore = lambda sequence, state: False  # type: ignore[method-assign]  # as llama.cpp may
    sequences.take("a", busy=False)
    assert _read(sequences, model, 0, [1, 2, 3]) == 0


def test_a_hint_shorter_than_what_is_held() -> None:
    """Where a model can be cut it is; where it can only forget all, what follows the hint's ids stays."""
    for can_cut in (True, False):
        model = PlayedModel(sequences=1)
        model.can_cut = model.can_truncate = can_cut
        sequences = Sequences(model, Parking(0))
        sequences.take("a", busy=False)
        _read(sequences, model, 0, [1, 2, 3, 4])
        assert _read(sequences, model, 0, [1, 2]) == 2
        assert model.memory == sequences.held(0) == ([1, 2] if can_cut else [1, 2, 3, 4])
        assert sequences.begin(0, [1, 9], sample=False) == (1 if can_cut else 0)
