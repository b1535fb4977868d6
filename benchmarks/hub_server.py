"""A chat server for measurements, without Jupyter: a Composition whose engine plays what is asked of it, behind our
SignalR handlers, and beside it a bare Tornado handler that is given the same frames. Everybody is let in.

`python -m benchmarks.hub_server --store FILE` prints its port; it ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import socket
import sys
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import ClassVar

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from nbgroupchat import turn
from nbgroupchat.compose import Composition
from nbgroupchat.engines.base import Finish, Part, Piece, Reading, Sampling
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import Posted
from nbgroupchat.settings import Settings
from nbgroupchat.signalr import SocketHandler
from nbgroupchat.signalr.messages import SEPARATOR

WORDS = (" the", " ice", " is", " of", " cold", " iron")
"""Four bytes each on average: 2,000 are 8 KB."""

_ASKED = re.compile(r"play (stamps|words) (\d+) at (\d+)")


class PlayedEngine(ScriptEngine):
    """Plays what a question asks for: `play stamps 600 at 60` are 600 pieces at 60 a second, each of them the time in
    ns (of time.monotonic_ns, which all processes share) at which it leaves; `words` carry none. At 0 nothing waits.
    """

    async def stream(self, _room: str, prompt: Prompt, _sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Play what the newest question asks for."""
        asked = next(found for segment in reversed(prompt.segments) if (found := _ASKED.search(segment.text)))
        count, rate = int(asked[2]), int(asked[3])
        yield Reading(prompt=1, evaluated=1)
        start = time.monotonic()
        for number in range(count):
            wait = start + number / rate - time.monotonic() if rate else 0.0
            await asyncio.sleep(max(0.0, wait))
            yield Piece(f" {time.monotonic_ns()}" if asked[1] == "stamps" else WORDS[number % len(WORDS)])
        yield Finish(reason="complete", prompt=1, evaluated=1, written=count)


class Socket(SocketHandler):
    """The hub, for whoever says a name."""

    def signalr_user(self) -> Identity:
        """Believe the request."""
        return Identity(self.signalr_user_key(), self.signalr_user_key())

    def signalr_user_key(self) -> str:
        """Believe the request."""
        return self.get_query_argument("user")

    def signalr_origin_optional(self) -> bool:
        """Let programs in."""
        return True


class Bare(WebSocketHandler):
    """What a hub is measured against."""

    opened: ClassVar[set[Bare]] = set()

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Read along, with the same options of the socket as the hub's readers."""
        self.set_nodelay(True)
        self.opened.add(self)

    def on_message(self, _message: str | bytes) -> None:
        """Hear nothing."""

    def on_close(self) -> None:
        """Read no more."""
        self.opened.discard(self)


class BareStream(RequestHandler):
    """`POST` frames, which all bare readers are sent one after another."""

    async def post(self) -> None:
        """Let the loop run after each frame, as the engine does after each piece."""
        for frame in self.request.body.split(SEPARATOR)[:-1]:
            text = frame + SEPARATOR
            for reader in Bare.opened:
                reader.write_message(text)
            await asyncio.sleep(0)


class Seed(RequestHandler):
    """`POST ?room=…&events=…`: lets a room have had a history."""

    def initialize(self, composition: Composition) -> None:
        """Keep what holds the rooms."""
        self.composition = composition

    async def post(self) -> None:
        """Write posts straight into the log."""
        room, events = self.get_query_argument("room"), int(self.get_query_argument("events"))
        append = self.composition.backplane.append
        said = partial(Posted, seq=0, eid="", ts=0, by="ana", name="Ana", kind="human")
        for start in range(0, events, 500):
            await asyncio.gather(*(append(room, said(text=f"line {start + line}")) for line in range(500)))


async def serve(store: str, slice_seconds: float, send_buffer: int) -> None:
    """Serve until standard input ends."""
    turn.SLICE_SECONDS = slice_seconds
    settings = Settings(
        engine="script",
        store=store,
        # As much to read as by default, and room for 2,000 pieces.
        context_tokens=Settings().context_tokens - Settings().reply_tokens + 2_048,
        reply_tokens=2_048,
        turns_per_minute=100_000,
        max_connections=4_000,
    )
    composition = Composition(settings, PlayedEngine())
    await composition.begin()
    [listening] = bind_sockets(0, "127.0.0.1", backlog=1_024)
    if send_buffer:
        # The sockets that it accepts inherit it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    application = Application(
        [
            ("/hub", Socket, {"endpoint": composition.endpoint}),
            ("/bare", Bare),
            ("/bare/stream", BareStream),
            ("/seed", Seed, {"composition": composition}),
        ],
        log_function=lambda _handler: None,
    )
    server = HTTPServer(application)
    server.add_sockets([listening])
    print(listening.getsockname()[1], flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.stop()
    await composition.close()


def main() -> None:
    """Read what is wanted from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub_server", description=__doc__)
    parser.add_argument("--store", default="memory")
    parser.add_argument("--slice", type=float, default=turn.SLICE_SECONDS, help="seconds for which pieces are merged")
    parser.add_argument("--send-buffer", type=int, default=0, help="of each socket, in bytes; 0 leaves it alone")
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(chosen.store, chosen.slice, chosen.send_buffer))


if __name__ == "__main__":
    main()
