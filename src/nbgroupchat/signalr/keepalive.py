"""Keep-alive of one connection, for both of its ends: when to ping, and when the peer has been silent for too long.

This module knows nothing of messages or transports. `HubProtocol.md`, section Ping: "A `Ping` is only sent if the
interval has elapsed without a message being sent."
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that was scheduled."""

    def cancel(self) -> None:
        """Do not run it."""


class Clock(Protocol):
    """Seconds that only grow, and calls in the future: what an asyncio event loop offers."""

    def time(self) -> float:
        """Return the time in seconds."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call `callback` in `delay` seconds."""


class KeepAlive:
    """Calls `ping` after `interval` seconds without `spoke`; `silent`, once, after `timeout` seconds without `heard`.

    While `paused` is true the peer's silence is not counted, for nothing of it is read.
    """

    __slots__ = ("_clock", "_heard", "_interval", "_ping", "_silent", "_spoke", "_timeout", "_timer", "paused")

    def __init__(
        self, clock: Clock, interval: float, timeout: float, ping: Callable[[], object], silent: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._timeout = timeout
        self._ping = ping
        self._silent = silent
        self.paused = False
        self._heard = self._spoke = clock.time()
        self._timer: Timer | None = None
        self._arm()

    def heard(self) -> None:
        """Note that the peer said something."""
        self._heard = self._clock.time()

    def spoke(self) -> None:
        """Note that something was said to the peer."""
        self._spoke = self._clock.time()

    def cancel(self) -> None:
        """Stop for good."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        due = self._spoke + self._interval
        if not self.paused:
            due = min(due, self._heard + self._timeout)
        self._timer = self._clock.call_later(max(0.0, due - self._clock.time()), self._tick)

    def _tick(self) -> None:
        """Look at both deadlines; one timer that is set again is cheaper than one that is moved with each message."""
        now = self._clock.time()
        if not self.paused and now - self._heard >= self._timeout:
            self._silent()
            return
        # Set before the ping, which may find the connection broken and cancel.
        pinging = now - self._spoke >= self._interval
        if pinging:
            self._spoke = now
        self._arm()
        if pinging:
            self._ping()
