"""A hub in a process of its own, to be killed: `python -m tests.chaos.hub FILE SEED [--break NAME]`.

The product's own composition on a plain Tornado server, where whoever gives a name in `X-User` is let in. It loads
everything, then waits for a line of standard input: `script`, or the path of a model; answers with its port, and ends
in an orderly way when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from nbgroupchat import protocol
from nbgroupchat.compose import Composition
from nbgroupchat.engines.base import Engine
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.policy import Identity
from nbgroupchat.settings import Settings
from nbgroupchat.signalr.access import HubRequest
from nbgroupchat.signalr.endpoint import Endpoint
from nbgroupchat.signalr.handlers import NegotiateHandler, SocketHandler
from nbgroupchat.signalr.http import HttpHandler, SocketPath
from tests.chaos.breaks import BREAKS

KEEP_ALIVE, SILENCE = 0.5, 3.0
"""In seconds: a peer that has gone without a word is noticed soon."""


class SignedIn(HubRequest):
    """Lets a program in under the name it gives."""

    def signalr_user(self) -> Identity | None:
        """See `HubRequest.signalr_user`."""
        name = self.request.headers.get("X-User", "")
        return Identity(name, name) if name else None

    def signalr_user_key(self) -> str:
        """See `HubRequest.signalr_user_key`."""
        return self.request.headers.get("X-User", "")

    def signalr_origin_optional(self) -> bool:
        """See `HubRequest.signalr_origin_optional`."""
        return True


class _Negotiate(SignedIn, NegotiateHandler):
    pass


class _Socket(SignedIn, SocketHandler):
    pass


class _Http(SignedIn, HttpHandler):
    pass


def script(rng: random.Random) -> list[Sequence[str | Callable[[], Awaitable[object]]]]:
    """Make replies of 1 to 80 words; a model takes some milliseconds for each."""
    replies: list[Sequence[str | Callable[[], Awaitable[object]]]] = []
    for number in range(50):
        steps: list[str | Callable[[], Awaitable[object]]] = []
        for word in range(rng.choice((1, 10, 40, 80))):
            steps.append(partial(asyncio.sleep, rng.random() / 30))
            steps.append(f"w{number}.{word} ")
        replies.append(steps)
    return replies


def engine_of(wanted: str, seed: int) -> Engine | None:
    """Give the scripted engine, or None where the settings name the model."""
    return ScriptEngine(script(random.Random(seed))) if wanted == "script" else None


async def serve(file: Path, wanted: str, seed: int) -> None:
    """Go on until standard input closes, or until killed."""
    settings = Settings(
        store=str(file), model_path="" if wanted == "script" else wanted, context_tokens=512, reply_tokens=200,
        temperature=1.0, threads=1, turns_per_minute=100_000,
    )  # fmt: skip
    composition = Composition(settings, engine_of(wanted, seed))
    composition.endpoint = Endpoint(
        composition, max_frame=protocol.MAX_FRAME, keep_alive=KEEP_ALIVE, client_timeout=SILENCE
    )
    await composition.begin()
    handed = {"endpoint": composition.endpoint}
    routes = [("/hub/negotiate", _Negotiate, handed), (SocketPath("/hub"), _Socket, handed), ("/hub", _Http, handed)]
    server = HTTPServer(Application(routes, log_function=lambda _: None))  # type: ignore[arg-type]  # routes of both kinds
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await composition.close()
    server.stop()


def main() -> None:
    """Load everything, wait, and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--break", dest="broken", choices=BREAKS)
    chosen = parser.parse_args()
    if chosen.broken:
        BREAKS[chosen.broken][1]()
    if wanted := sys.stdin.readline().strip():
        asyncio.run(serve(chosen.file, wanted, chosen.seed))


if __name__ == "__main__":
    main()
