"""How many threads read the next batch: as many as there are cores, and fewer while other processes want those.

llama.cpp's threads wait for one another several hundred times in each batch, so that one which is not given its core
holds up all: on two cores with one of them busy, two threads took twice as long as one. Pure state: it is told the time
and knows nothing of models.
"""

from __future__ import annotations

import math
import os

TOLERATED = 0.25
"""How much of a core may be missing. Two threads are worth more than one up to about 0.3."""

JUDGED = 0.25
"""For how many seconds of work at least: a server that works for 30 ms is no reason. With 0.1 a machine that did
nothing else gave up a thread in every fifth reply.
"""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


def cores() -> int:
    """How many cores this process may use, at most 8: memory is what more of them would wait for."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(1, min(8, found))


class Threads:
    """The number of threads, `most` at first."""

    def __init__(self, most: int) -> None:
        self.count = most
        """For the next batch."""
        self._most = most
        self._wall = self._cpu = 0.0
        self._wait = _FIRST_WAIT
        self._again = math.inf
        self._trying = False

    def read(self, now: float, wall: float, cpu: float) -> None:
        """Say that a batch was read with `count` threads until `now`, in so much time of the clock and of processors;
        all in seconds.
        """
        self._wall += wall
        self._cpu += cpu
        if self._wall >= JUDGED:
            self._judge(now, self.count - self._cpu / self._wall)
            self._wall = self._cpu = 0.0

    def _judge(self, now: float, missing: float) -> None:
        if missing > TOLERATED and self.count > 1:
            self.count = max(1, self.count - math.ceil(missing - TOLERATED))
            self._wait = min(2 * self._wait, _LONGEST_WAIT) if self._trying else _FIRST_WAIT
            self._again, self._trying = now + self._wait, False
        elif self._trying or now >= self._again:
            # One more, as long as that goes well.
            self._trying = self.count < self._most
            self.count = min(self.count + 1, self._most)
