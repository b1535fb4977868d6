"""The status of an engine, and those who are told when it changes. Knows nothing of models."""

from __future__ import annotations

import logging

from nbgroupchat.engines.base import EngineStatus, StatusListener

_log = logging.getLogger(__name__)


class StatusBoard:
    """Holds one engine's status and calls the listeners with every new one."""

    def __init__(self) -> None:
        self.now = EngineStatus(state="off")
        self._listeners: list[StatusListener] = []

    def watch(self, listener: StatusListener) -> None:
        """Call `listener` with every new status."""
        self._listeners.append(listener)

    def show(self, status: EngineStatus) -> None:
        """Take a new status; the same one again is no news."""
        if status == self.now:
            return
        self.now = status
        for listener in self._listeners:
            try:
                listener(status)
            except Exception:
                # A listener's bug must not end the engine that tells it.
                _log.exception("A listener failed on the engine's status %r.", status)
