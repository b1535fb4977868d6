"""How long a worker that keeps ending is left alone."""

from __future__ import annotations

from nbgroupchat.engines.backoff import DELAYS, Backoff


def test_each_end_in_a_row_costs_more() -> None:
    """The first end costs no wait, each further one more, up to the longest; the wait passes with the clock."""
    now = [100.0]
    backoff = Backoff(lambda: now[0])
    assert backoff.left == 0
    assert [backoff.ended() for _ in range(6)] == [*DELAYS, DELAYS[-1], DELAYS[-1]]
    assert backoff.left == DELAYS[-1]
    now[0] += 10
    assert backoff.left == DELAYS[-1] - 10
    now[0] += 100
    assert backoff.left == 0


def test_work_in_between_begins_anew() -> None:
    """After it worked the next end is the first one."""
    backoff = Backoff(lambda: 0.0)
    backoff.ended()
    backoff.ended()
    backoff.worked()
    assert backoff.left == 0
    assert backoff.ended() == 0
