"""A gate in the file system that holds a scripted reply until another process opens it. Knows nothing of engines.

`echo > the-fifo` opens it; a regular file is an open gate.
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading


class _Waiting:
    """The thread behind one wait: opening a FIFO blocks until somebody writes, which no event loop can wait for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._given_up = threading.Event()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        # A daemon: whoever forgets to open a gate must still be able to end the process.
        threading.Thread(target=self._wait, name="nbgroupchat-gate", daemon=True).start()

    def _wait(self) -> None:
        failure: OSError | None = None
        try:
            while not self._given_up.is_set():
                with open(self._path, encoding="utf-8", errors="replace") as gate:
                    if gate.readline() or not stat.S_ISFIFO(os.fstat(gate.fileno()).st_mode):
                        break
        except OSError as error:
            failure = error
        if not self._given_up.is_set():
            self._loop.call_soon_threadsafe(self._tell, failure)

    def _tell(self, failure: OSError | None) -> None:
        if self.opened.done():
            return
        if failure is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(failure)

    def give_up(self) -> None:
        """Let the thread end: a writer that comes and goes wakes it from `open`."""
        self._given_up.set()
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return  # Nobody reads there any more.


async def wait_at_gate(path: str) -> None:
    """Return when a line is written to the FIFO at `path`. Raises OSError where it cannot be opened."""
    waiting = _Waiting(path)
    try:
        await waiting.opened
    finally:
        if not waiting.opened.done() or waiting.opened.cancelled():
            waiting.give_up()
