"""The hub's process, as the run has it: one that serves, and the next one, loaded already."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types

STARTED = 60.0
"""How long, in seconds, a start may take."""


class HubProcess:
    """Serves `file`, on a new `port` each time; `broken` is one of `BREAKS`."""

    def __init__(self, file: Path, seed: int, broken: str = "") -> None:
        self.port = 0
        self._file = file
        self._seed = seed
        self._broken = ("--break", broken) if broken else ()
        self._process: Process | None = None
        self._next: Process | None = None

    async def begin(self, engine: str) -> None:
        """Serve, with `script` or the model at a path. Raises TimeoutError."""
        lives, self._next = self._next or await self._spawn(), None
        self._process = lives
        assert lives.stdin is not None
        assert lives.stdout is not None
        lives.stdin.write(engine.encode() + b"\n")
        async with asyncio.timeout(STARTED):
            line = await lives.stdout.readline()
        if not line:
            raise RuntimeError("the hub did not start; its own words stand above")
        self.port = int(line)
        self._next = await self._spawn()

    async def kill(self) -> None:
        """End it as a crash does; its file is free afterwards."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def end(self) -> int:
        """End it in an orderly way, and the one in waiting; gives the exit code."""
        for process in (self._next, self._process):
            if process is not None:
                assert process.stdin is not None
                process.stdin.close()
                async with asyncio.timeout(STARTED):
                    await process.wait()
        return self._process.returncode or 0 if self._process is not None else 0

    async def abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        for process in (self._next, self._process):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()

    def kill_worker(self) -> bool:
        """Kill the model's worker; False where there is none now."""
        if self._process is None or self._process.returncode is not None:
            return False
        try:
            for child in psutil.Process(self._process.pid).children():
                if any("llama_worker" in part for part in child.cmdline()):
                    os.kill(child.pid, signal.SIGKILL)
                    return True
        except (psutil.Error, ProcessLookupError):
            return False
        return False

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.hub", str(self._file), str(self._seed), *self._broken,
            stdin=PIPE, stdout=PIPE,
        )  # fmt: skip
