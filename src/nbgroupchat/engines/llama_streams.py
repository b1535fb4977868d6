"""The replies that one worker writes at the same time: each report to whoever waits for it. Knows nothing of models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbgroupchat.engines.llama_messages import Hashed, Loading, Ready, Report
from nbgroupchat.engines.llama_process import WorkerProcess


class Streams:
    """Open turns of a worker that is ready. It is the worker's only reader."""

    def __init__(self, worker: WorkerProcess, silence: float, on_hash: Callable[[str], None]) -> None:
        """`silence` is how long, in seconds, a worker with open turns may say nothing at all."""
        self.worker = worker
        self._silence = silence
        self._on_hash = on_hash
        self._open: dict[int, asyncio.Queue[Report | None]] = {}
        self._last_turn = 0
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._ended = False
        self._routing = asyncio.create_task(self._route())

    def open(self) -> int:
        """The id of a new turn; reports for it are kept from now on."""
        if not self._open:
            # It had nothing to say to anybody.
            self._heard = self._loop.time()
        self._last_turn += 1
        self._open[self._last_turn] = asyncio.Queue()
        if self._ended:
            self._open[self._last_turn].put_nowait(None)
        return self._last_turn

    def close(self, turn: int) -> None:
        """Nobody waits for this turn any more."""
        del self._open[turn]

    async def next_report(self, turn: int) -> Report | None:
        """The next report of a turn, None when the worker is gone. Raises TimeoutError after a silence of the worker,
        not of the turn: that may wait for others.
        """
        reports = self._open[turn]
        while True:
            deadline = self._heard + self._silence
            try:
                async with asyncio.timeout_at(deadline):
                    return await reports.get()
            except TimeoutError:
                if self._heard + self._silence <= deadline:
                    raise

    async def _route(self) -> None:
        while (report := await self.worker.next_report()) is not None:
            self._heard = self._loop.time()
            if isinstance(report, Hashed):
                self._on_hash(report.sha256)
            elif not isinstance(report, Loading | Ready) and report.turn in self._open:
                self._open[report.turn].put_nowait(report)
        self._ended = True
        for reports in self._open.values():
            reports.put_nowait(None)
