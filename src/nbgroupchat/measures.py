"""What is counted while a hub runs, for whoever watches it: numbers only, never a name, a room, a text or a token.

Pure state, without a store. Who counts what is up to the parts of the hub; how the numbers are shown is the server's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate


class Histogram:
    """How many values were at most as large as each of `bounds`."""

    def __init__(self, *bounds: float) -> None:
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def cumulative(self) -> list[int]:
        """The number of values up to each bound, and of all at last."""
        return list(accumulate(self._counts))


class Measures:
    """The counts of one hub since it began; `docs/operations.md` has an entry for each."""

    def __init__(self) -> None:
        self.posts: Counter[str] = Counter()
        """By the author's kind, retries not counted."""
        self.joins: Counter[str] = Counter()
        """By what followed: `new` for somebody who had nothing, else the answer's mode."""
        self.refusals: Counter[str] = Counter()
        """By code."""
        self.turns: Counter[str] = Counter()
        """Replies by how they ended."""
        self.tokens: Counter[str] = Counter()
        """`evaluated`, `cached` and `written` ones."""
        self.deliveries = 0
        """Frames handed to connections that have ended."""
        self.overflows = 0
        """Connections closed because they were too far behind."""
        self.first_token = Histogram(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
        """Seconds from a question's post to the first piece of its reply."""
        self.commit = Histogram(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2)
        """Seconds that the log took to store a group of entries."""
