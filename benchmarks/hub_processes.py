"""A hub's server and its readers, each a process of its own, and the way to tell the readers what to do."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import psutil  # type: ignore[import-untyped]  # it has no types


class Site:
    """A running server and the process of its readers. Methods of `hub_readers.Readers` are called by `tell`."""

    def __init__(self, server: subprocess.Popen[str], readers: subprocess.Popen[str], port: int) -> None:
        self._server = psutil.Process(server.pid)
        self._readers = readers
        self._port = port

    def tell(self, name: str, **arguments: object) -> Any:
        """Let the readers do something, and give what they answer."""
        self.begin(name, **arguments)
        return self.answer()

    def begin(self, name: str, **arguments: object) -> None:
        """Let the readers begin to do something."""
        given = _pipe(self._readers.stdin)
        given.write(json.dumps([name, arguments]) + "\n")
        given.flush()

    def answer(self) -> Any:
        """Wait for what was begun. Raises RuntimeError where it failed."""
        line = _pipe(self._readers.stdout).readline()
        if not line:
            raise RuntimeError("The readers have failed; what they said stands above.")
        return json.loads(line)

    @contextmanager
    def relays(self, count: int) -> Iterator[list[Relay]]:
        """Start so many relays to the server, and end them."""
        with ExitStack() as started:
            names = [f"relay{number}" for number in range(count)]
            found = [started.enter_context(_started("benchmarks.hub_relay", str(self._port), name)) for name in names]
            yield [Relay(one) for one in found]

    def post(self, path: str, body: str = "") -> None:
        """Send the server a request."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", data=body.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()

    def memory(self) -> int:
        """Give the server's resident memory in bytes."""
        return int(self._server.memory_info().rss)

    def seconds(self) -> float:
        """Give the processor time that the server has used."""
        return float(sum(self._server.cpu_times()[:2]))


class Relay:
    """A process that stands for one single-user server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.port = int(_pipe(process.stdout).readline())
        self._process = psutil.Process(process.pid)

    def memory(self) -> int:
        """Give its resident memory in bytes."""
        return int(self._process.memory_info().rss)


@contextmanager
def site(*options: str) -> Iterator[Site]:
    """Start both processes, the server with these options, and end them."""
    with (
        _started("benchmarks.hub_server", *options) as server,
        _started("benchmarks.hub_readers", port := _pipe(server.stdout).readline().strip()) as readers,
    ):
        yield Site(server, readers, int(port))


@contextmanager
def _started(module: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        # Both end when nobody can tell them anything any more.
        _pipe(process.stdin).close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _pipe(process.stdout).close()


def _pipe(found: IO[str] | None) -> IO[str]:
    if found is None:
        raise RuntimeError("the process was started without this pipe")
    return found
