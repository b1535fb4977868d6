from __future__ import annotations

import pytest

from nbgroupchat.signalr.keepalive import KeepAlive

from .fakes import FakeClock


class Both:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pings: list[float] = []
        self.silences: list[float] = []
        self.keeper = KeepAlive(
            self.clock,
            15,
            30,
            lambda: self.pings.append(self.clock.now - 1000),
            lambda: self.silences.append(self.clock.now - 1000),
        )


@pytest.fixture
def both() -> Both:
    return Both()


def test_pings_come_after_each_interval_of_own_silence(both: Both) -> None:
    """Without anything said, a ping every interval while the peer is heard."""
    for _ in range(5):
        both.clock.advance(10)
        both.keeper.heard()
    assert both.pings == [15, 30, 45]
    assert both.silences == []


def test_speaking_puts_the_ping_off(both: Both) -> None:
    """The interval counts from the last thing said."""
    both.clock.advance(14)
    both.keeper.spoke()
    both.clock.advance(14.5)
    assert both.pings == []
    both.clock.advance(0.5)
    assert both.pings == [29]


def test_a_silent_peer_is_given_up_once(both: Both) -> None:
    """After the timeout `silent` is called, and nothing more happens."""
    both.clock.advance(300)
    assert both.silences == [30]
    assert both.pings == [15]
    assert both.clock.pending == 0


def test_silence_counts_from_the_last_thing_heard(both: Both) -> None:
    """A peer heard at 29 s is given up at 59 s."""
    both.clock.advance(29)
    both.keeper.heard()
    both.clock.advance(300)
    assert both.silences == [59]


def test_silence_is_not_counted_while_paused(both: Both) -> None:
    """A pause of any length ends nothing, and the full timeout runs after it."""
    both.keeper.paused = True
    both.clock.advance(100)
    assert both.silences == []
    assert both.pings == [15, 30, 45, 60, 75, 90]
    both.keeper.paused = False
    both.keeper.heard()
    both.clock.advance(300)
    assert both.silences == [130]


def test_cancelled_means_never_again(both: Both) -> None:
    """Nothing is called and no timer is left after `cancel`."""
    both.keeper.cancel()
    assert both.clock.pending == 0
