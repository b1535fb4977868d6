"""The bundled panel on a page of its own, with a real hub behind it, in this process and without Jupyter.

For what a Jupyter server cannot be made to do: an engine that plays as fast or as slow as one wants, a log that can be
written to and looked into, slices and limits of another size. Everybody is let in, by the name in `?user=`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler

from nbgroupchat.compose import Composition
from nbgroupchat.engines.base import Engine
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import DurableEvent
from nbgroupchat.settings import Settings
from nbgroupchat.signalr import SocketHandler
from nbgroupchat.signalr.access import HubRequest
from nbgroupchat.signalr.handlers import NegotiateHandler

STATIC = Path(__file__).parent.parent / "src" / "nbgroupchat" / "static"

Result = TypeVar("Result")

# As the server's page of a room is, without its Content-Security-Policy: a notebook's page has none either.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{room}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/panel.css">
<script id="jupyter-config-data" type="application/json">{{"baseUrl": "/"}}</script>
<script defer src="/static/page.js"></script>
</head>
<body><main id="nbgroupchat" data-room="{room}"></main></body>
</html>
"""


class _Anybody(HubRequest):
    def signalr_user(self) -> Identity:
        return Identity(self.signalr_user_key(), self.signalr_user_key())

    def signalr_user_key(self) -> str:
        return self.get_query_argument("user", "Ana", strip=False)

    def signalr_origin_optional(self) -> bool:
        return True


class _Negotiate(_Anybody, NegotiateHandler):
    pass


class _Socket(_Anybody, SocketHandler):
    pass


class _Page(RequestHandler):
    def get(self, room: str) -> None:
        self.finish(_PAGE.format(room=room))


class _Me(RequestHandler):
    """Jupyter's answer to who one is."""

    def get(self) -> None:
        self.finish({"identity": {"username": "Ana", "name": "Ana", "display_name": "Ana"}, "permissions": {}})


class Stage:
    """Runs between entering and leaving, on a thread of its own; `routes` are served beside the panel."""

    def __init__(self, settings: Settings, engine: Engine, routes: Sequence[Any] = ()) -> None:
        self._settings = settings
        self._engine = engine
        self._routes = routes
        self._running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stage", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Stage:
        self._thread.start()
        self._running.wait()
        if self._failure is not None:
            raise RuntimeError("the stage did not start") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)

    @property
    def origin(self) -> str:
        """Where everything of it is."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, room: str) -> str:
        """Give the address of a room's page."""
        return f"{self.origin}/rooms/{room}"

    @property
    def hub(self) -> str:
        """Where the hub's WebSocket is."""
        return f"ws://127.0.0.1:{self.port}/nbgroupchat/hub"

    def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """Run something on the hub's loop, and give what it gives."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)

    def write(self, room: str, *entries: DurableEvent) -> None:
        """Append entries to the log of a room that somebody is in; who reads it is told."""

        async def append() -> None:
            for entry in entries:
                await self.composition.backplane.append(room, entry)

        self.run(append())

    async def _serve(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
            self._ended = asyncio.Event()
            self.composition = Composition(self._settings, self._engine)
            await self.composition.begin()
            server = HTTPServer(self._application())
            sockets = bind_sockets(0, "127.0.0.1")
            server.add_sockets(sockets)
            self.port: int = sockets[0].getsockname()[1]
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._running.set()
        await self._ended.wait()
        server.stop()
        await self.composition.close()
        await server.close_all_connections()

    def _application(self) -> Application:
        given = {"endpoint": self.composition.endpoint}
        return Application(
            [
                ("/rooms/([^/]+)", _Page),
                ("/api/me", _Me),
                ("/static/(.*)", StaticFileHandler, {"path": str(STATIC)}),
                ("/nbgroupchat/hub/negotiate", _Negotiate, given),
                ("/nbgroupchat/hub", _Socket, given),
                *self._routes,
            ],
            log_function=lambda _handler: None,
        )
