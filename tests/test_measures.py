"""Specification of what is counted."""

from __future__ import annotations

from nbgroupchat.measures import Histogram


def test_a_histogram_counts_up_to_its_bounds() -> None:
    """A value on a bound belongs to it; what is beyond all bounds is in the last number."""
    found = Histogram(1, 5)
    for value in (0, 1, 2, 5, 9):
        found.add(value)
    assert (found.cumulative, found.sum) == ([2, 4, 5], 17)
