"""How long reading ahead rests, so that it takes its share of the time. Pure but for the clock it is given."""

from __future__ import annotations

from collections.abc import Callable


class Rest:
    """Reading ahead may take `share` of the time, from above 0 to 1; `clock` gives seconds."""

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self._share = share
        self._clock = clock
        self._begun = self._until = clock()

    @property
    def left(self) -> float:
        """For how many seconds it has to rest yet."""
        return max(0.0, self._until - self._clock())

    def begin(self) -> None:
        """Say that something is read ahead now."""
        self._begun = self._clock()

    def end(self) -> None:
        """Say that it has been read."""
        now = self._clock()
        self._until = now + (now - self._begun) * (1 / self._share - 1)
