"""What every engine has: a status, and those who are told when it changes. Knows nothing of models."""

from __future__ import annotations

import logging

from nbgroupchat.engines.base import EngineStatus, ModelInfo, StatusListener
from nbgroupchat.prompt import Prompt

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


class Watched:
    """An engine's status as others see it; the engine itself shows it on `_board`."""

    def __init__(self) -> None:
        self._board = StatusBoard()

    @property
    def status(self) -> EngineStatus:
        """How it is now."""
        return self._board.now

    @property
    def model(self) -> ModelInfo | None:
        """The model that is loaded, None where there is no file of one."""
        return None

    def watch(self, listener: StatusListener) -> None:
        """Call `listener` with every new status."""
        self._board.watch(listener)

    def forget(self, room: str, prompt: Prompt) -> None:
        """Do nothing: an engine that keeps no memory of rooms has none to let go of."""
