"""Every address of the chat on a Jupyter server, as data: the handlers are made from this table and from nothing else.

This module touches trust. It covers: which methods an address has, what each asks Jupyter's authorizer for, and whose
credential it wants. That it is so, for every method, is held by a test that walks the table and a running server's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import RequestHandler

from nbgroupchat.server.handlers import (
    AttachmentFile,
    Entrance,
    HubHttp,
    HubNegotiate,
    HubSocket,
    KernelSocket,
    PanelFile,
    RoomPage,
)
from nbgroupchat.signalr.http import SocketPath

Credential: TypeAlias = Literal["login", "page login", "kernel secret"]
"""Who is let in: whoever is signed in; the same, where strangers are sent to sign in first; kernels."""

ROOT: Final = "nbgroupchat"


class Route(NamedTuple):
    """An address below the server's base, its methods with the action that each asks the authorizer for ("" for none),
    and which of the hub's parts its handler is given.
    """

    path: str
    handler: type[RequestHandler]
    credential: Credential
    methods: Mapping[str, str]
    given: tuple[str, ...] = ()
    upgrade: bool = False


ROUTES: Final = (
    # Upgrades first: they are told from other requests for the same address.
    Route("hub", HubSocket, "login", {"GET": "write"}, ("endpoint",), upgrade=True),
    Route("hub/negotiate", HubNegotiate, "login", {"POST": "write"}, ("endpoint",)),
    Route("hub", HubHttp, "login", {"GET": "write", "POST": "write", "DELETE": "write"}, ("endpoint",)),
    Route("kernel", KernelSocket, "kernel secret", {"GET": ""}, ("endpoint", "secret")),
    Route("?", Entrance, "page login", {"GET": "read"}),
    Route("rooms/?", Entrance, "page login", {"GET": "read"}),
    Route("rooms/([^/]+)", RoomPage, "page login", {"GET": "read"}),
    Route("attachments/([^/]+)/([^/]+)", AttachmentFile, "login", {"GET": "read"}, ("attachments",)),
    Route("static/([a-z.]+)", PanelFile, "page login", {"GET": "read", "HEAD": "read"}, ("path",)),
)


def add_routes(server: ServerApp, parts: Mapping[str, Any]) -> None:
    """Let a server answer at every address of the table; `parts` are what handlers are given."""
    rules: list[tuple[Any, ...]] = []
    for route in ROUTES:
        pattern = f"{url_path_join(server.base_url, ROOT)}/{route.path}"
        matcher = SocketPath(pattern) if route.upgrade else pattern
        rules.append((matcher, route.handler, {name: parts[name] for name in route.given}))
    server.web_app.add_handlers(".*$", rules)  # type: ignore[no-untyped-call]
