"""One worker process: its requests in, its reports out, and its end. Knows nothing of models or turns."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import msgspec

from nbgroupchat.engines.llama_messages import Report, Request, decode_report, encode

_log = logging.getLogger(__name__)

WORKER = "nbgroupchat.engines.llama_worker"

MOST_UNREAD = 64 * 1024
"""What may wait in the pipe to a worker, in bytes, before nothing is sent that can wait: asyncio's own mark."""

_LINE_LIMIT = 1024 * 1024
_GRACE = 2.0


class WorkerProcess:
    """A running worker. Its reports are read whether anybody waits for them or not."""

    def __init__(self, process: asyncio.subprocess.Process, on_end: Callable[[WorkerProcess], None]) -> None:
        self._process = process
        self._on_end = on_end
        self._reports: asyncio.Queue[Report | None] = asyncio.Queue()
        self.ended = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def spawn(cls, on_end: Callable[[WorkerProcess], None]) -> WorkerProcess:
        """Start a worker; `on_end` is called once, when its process is gone. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # The server's folder is the user's: a `queue.py` there must not become the worker's.
            "-P",
            "-m",
            WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
        return cls(process, on_end)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def send(self, request: Request) -> None:
        """Send a request; nothing happens where the worker is gone, which `next_report` tells."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(request))

    @property
    def is_behind(self) -> bool:
        """Whether it has not taken what it was sent; it may hang."""
        stdin = self._process.stdin
        return stdin is not None and stdin.transport.get_write_buffer_size() > MOST_UNREAD

    async def caught_up(self) -> None:
        """Wait until it has taken most of what it was sent, or is gone."""
        if self._process.stdin is not None:
            with suppress(OSError):
                await self._process.stdin.drain()

    async def next_report(self, seconds: float | None = None) -> Report | None:
        """The next report, None when the worker is gone. Raises TimeoutError."""
        if self.ended and self._reports.empty():
            return None
        async with asyncio.timeout(seconds):
            return await self._reports.get()

    async def kill(self) -> None:
        """End it now; returns when it is gone."""
        if self._process.returncode is None:
            self._process.kill()
        # Not the task itself, which would be cancelled together with whoever waits here.
        await asyncio.wait([self._reading])

    async def close(self) -> None:
        """Close its input, at which it ends by itself, or else kill it; returns when it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait([self._reading], timeout=_GRACE)
        await self.kill()

    def how_it_ended(self) -> str:
        """Words for a message: by which signal, or with which code."""
        code = self._process.returncode
        if code is None:
            return "is still running"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}; the server's log says why" if code else "ended"

    async def _gone(self) -> None:
        # Its output closed, so it is about to end. Killing it in that moment makes `subprocess` and asyncio both wait
        # for it, and one of them loses the exit code.
        try:
            async with asyncio.timeout(_GRACE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _read(self) -> None:
        output = self._process.stdout
        try:
            while output is not None and (line := await output.readline()):
                self._reports.put_nowait(decode_report(line))
        except (msgspec.DecodeError, ValueError, OSError) as error:
            _log.warning("The model's worker %d said something unreadable (%s) and is ended.", self.pid, error)
        finally:
            await self._gone()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self.ended = True
            self._reports.put_nowait(None)
            self._on_end(self)
