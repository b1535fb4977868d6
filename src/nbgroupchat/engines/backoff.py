"""How long a process that keeps ending is left alone before it is started again. Knows nothing of processes."""

from __future__ import annotations

from collections.abc import Callable

DELAYS = (0.0, 1.0, 5.0, 30.0)
"""Seconds after the first, second, third end in a row, and after each further one."""


class Backoff:
    """Counts ends in a row, on the clock it is given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0
        self.ends = 0
        """How often it ended since it last worked."""

    @property
    def left(self) -> float:
        """Seconds until it may be started."""
        return max(self._until - self._clock(), 0.0) if self.ends else 0.0

    def ended(self) -> float:
        """Count an end; returns the seconds to wait."""
        delay = DELAYS[min(self.ends, len(DELAYS) - 1)]
        self.ends += 1
        self._until = self._clock() + delay
        return delay

    def worked(self) -> None:
        """It did what it is for: the next end is the first one."""
        self.ends = 0
