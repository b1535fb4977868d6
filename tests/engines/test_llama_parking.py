"""Parked rooms and their cap."""

from __future__ import annotations

from nbgroupchat.engines.llama_parking import ParkedRoom, Parking


def _room(size: int) -> ParkedRoom:
    return ParkedRoom([1], bytearray(size))


def test_what_is_parked_comes_back_once() -> None:
    """A room is taken as it was put, and is then no longer there."""
    parking, room = Parking(10), _room(4)
    parking.put("a", room)
    assert parking.take("a") is room
    assert parking.take("a") is None
    assert parking.size == 0


def test_the_oldest_goes_first() -> None:
    """Beyond the cap the least recently parked rooms go, and the size never exceeds it."""
    parking = Parking(10)
    for name in "abc":
        parking.put(name, _room(4))
        assert parking.size <= 10
    assert parking.take("a") is None
    assert parking.take("b") is not None
    assert parking.take("c") is not None


def test_what_is_larger_than_the_cap_drives_nobody_out() -> None:
    """A room that cannot be kept leaves the others alone; with a cap of 0 nothing is kept."""
    parking = Parking(10)
    parking.put("a", _room(4))
    parking.put("b", _room(11))
    assert parking.take("b") is None
    assert parking.take("a") is not None
    nothing = Parking(0)
    nothing.put("a", _room(1))
    assert nothing.take("a") is None


def test_parking_again_replaces() -> None:
    """A room is parked at most once."""
    parking = Parking(10)
    parking.put("a", _room(4))
    parking.put("a", _room(6))
    assert parking.size == 6
