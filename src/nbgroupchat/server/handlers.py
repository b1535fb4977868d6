"""The routes of the chat on a Jupyter server.

This module touches trust. It covers: every route asks for Jupyter's own authentication, or for the server's secret in
the case of kernels; who speaks is taken from there alone; a page of another origin is refused. It does not cover what
members may do once they are connected: that is the hub's.
"""

from __future__ import annotations

import hmac
import html
import inspect
import json
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import origin_matches_pat
from tornado import web

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.picture import kind_of
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import ROOM_NAMES, RoomName
from nbgroupchat.signalr.access import HubRequest
from nbgroupchat.signalr.endpoint import Endpoint
from nbgroupchat.signalr.handlers import NegotiateHandler, SocketHandler
from nbgroupchat.signalr.http import HttpHandler

RESOURCE = "nbgroupchat"
"""What Jupyter's authorizer is asked about: `read` for pages and files, `write` for joining rooms."""

Method = TypeVar("Method", bound=Callable[..., Any])


def allowed(action: str) -> Callable[[Method], Method]:
    """Ask Jupyter's authorizer before a handler's method runs; 403 where it says no."""
    return cast("Callable[[Method], Method]", authorized(action, RESOURCE))


_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{room} · nbgroupchat</title>
<link rel="stylesheet" href="{base_url}nbgroupchat/static/panel.css">
<script id="jupyter-config-data" type="application/json">{config}</script>
<script defer src="{base_url}nbgroupchat/static/page.js"></script>
</head>
<body><main id="nbgroupchat" data-room="{room}"></main></body>
</html>
"""


class _JupyterUser(HubRequest, JupyterHandler):
    """Who Jupyter says is there, and whether its page may connect."""

    _keeps_no_cookie = False

    async def prepare(self, **kwargs: Any) -> None:
        """Authenticate as Jupyter does, without sending anybody to the login page."""
        await super().prepare(**kwargs, _redirect_to_login=False)
        if self.token_authenticated:
            # Jupyter makes up a new user then, for this request alone.
            found = self.identity_provider.get_user_cookie(self)
            self._keeps_no_cookie = (await found if inspect.isawaitable(found) else found) is None

    def signalr_user(self) -> object | None:
        """Give the identity that Jupyter authenticated."""
        user = self.current_user
        if user is None:
            return None
        crowd = "token" if self._keeps_no_cookie else ""
        return Identity(str(user.username), user.display_name or user.name, crowd=crowd)

    def signalr_user_key(self) -> str:
        """Give what a negotiated connection is bound to: the user, whatever name is shown.

        Jupyter gives a program that shows the server's token, and keeps no cookies, a new user name at every request.
        """
        return "token" if self.token_authenticated else f"user {self.current_user.username}"

    def signalr_origin_optional(self) -> bool:
        """Let requests without an Origin pass only with a token: a browser's upgrade always has one."""
        return bool(self.token_authenticated)

    def signalr_origin_allowed(self, origin: str | None) -> bool:
        """Compare with the Host that was asked for, or with what `ServerApp.allow_origin` and its pattern name.

        The scheme is left out: behind a proxy that ends TLS the server does not know it.
        """
        if origin is None:
            return self.signalr_origin_optional()
        try:
            found = urlsplit(origin)
            default_port = {"http": 80, "https": 443}[found.scheme]
            asked = urlsplit(f"//{self.request.host}")
            same = (found.hostname, found.port or default_port) == (asked.hostname, asked.port or default_port)
        except (KeyError, ValueError):
            return False
        if same and not (found.path or found.query or found.fragment or found.username):
            return True
        if self.allow_origin not in ("", "*"):
            return bool(self.allow_origin == origin)
        return bool(self.allow_origin_pat and origin_matches_pat(self.allow_origin_pat, origin))


class HubNegotiate(_JupyterUser, NegotiateHandler):
    """Where a SignalR client asks which transports there are."""

    @allowed("write")
    async def post(self) -> None:
        """Answer with a connection token bound to the user."""
        await super().post()


class HubSocket(_JupyterUser, SocketHandler):
    """A browser's or a script's connection to the hub."""

    @allowed("write")
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Upgrade to a WebSocket."""
        await super().get(*args, **kwargs)


class HubHttp(_JupyterUser, HttpHandler):
    """A browser's or a script's connection to the hub where no WebSocket comes through."""

    @allowed("write")
    async def get(self) -> None:
        """Open an event stream, or poll."""
        await super().get()

    @allowed("write")
    async def post(self) -> None:
        """Take what the client says."""
        await super().post()

    @allowed("write")
    async def delete(self) -> None:  # type: ignore[override]  # Jupyter's decorator makes it asynchronous
        """End the connection."""
        super().delete()


class KernelSocket(SocketHandler, JupyterHandler):
    """A kernel's connection to the hub, which shows the secret of this server instead of a person's login."""

    _identity: Identity | None = None

    def initialize(self, endpoint: Endpoint, secret: str = "", **kwargs: Any) -> None:
        """Take the endpoint and the secret that kernels of this server were told."""
        super().initialize(endpoint, **kwargs)
        self._secret = secret

    @allow_unauthenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Upgrade to a WebSocket, if the secret is right."""
        scheme, _, secret = self.request.headers.get("Authorization", "").partition(" ")
        if scheme == "nbgroupchat" and hmac.compare_digest(secret.encode(), self._secret.encode()):
            self._identity = await self._kernel()
        await super().get(*args, **kwargs)

    def signalr_user(self) -> object | None:
        """Give the kernel's identity."""
        return self._identity

    def signalr_user_key(self) -> str:
        """Give what a negotiated connection would be bound to."""
        return self._identity.user if self._identity else ""

    def signalr_origin_allowed(self, origin: str | None) -> bool:
        """Refuse every page: a kernel is none."""
        return origin is None

    async def _kernel(self) -> Identity:
        """Name the kernel after its notebook, as the server's own records have it."""
        kernel_id = self.request.headers.get("X-Kernel-Id", "")[:64]
        for session in await self.settings["session_manager"].list_sessions():
            if session["kernel"] is not None and session["kernel"]["id"] == kernel_id:
                return Identity(kernel_id, PurePosixPath(session["path"]).stem or "kernel", "kernel")
        return Identity(kernel_id, "kernel", "kernel")


class Entrance(JupyterHandler):
    """The addresses above the rooms, which lead to the first one."""

    @web.authenticated
    @allowed("read")
    async def get(self) -> None:
        """Send on to the lobby."""
        self.redirect(f"{self.base_url}nbgroupchat/rooms/lobby")


class RoomPage(JupyterHandler):
    """The panel on a page of its own, for a projector or a second screen."""

    @web.authenticated
    @allowed("read")
    async def get(self, room: str) -> None:
        """Give the page of a room."""
        try:
            msgspec.convert(room, RoomName)
        except msgspec.ValidationError:
            # Jupyter's own page for an error would leave the reason out.
            self.set_status(404)
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(f"There is no room of that name. A room's name has {ROOM_NAMES}.\n")
            return
        self.xsrf_token  # noqa: B018  # sets the cookie that the page sends back when it negotiates
        config = json.dumps({"baseUrl": self.base_url}).replace("<", "\\u003c")
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(_PAGE.format(room=html.escape(room), base_url=html.escape(self.base_url), config=config))

    @property
    def content_security_policy(self) -> str:
        """Allow the page what the panel needs and nothing else."""
        return _PAGE_POLICY


class Attachments(Protocol):
    """Where attachments are: in the hub of this server, or at a JupyterHub's service."""

    async def read(self, room: str, id_: str) -> bytes:
        """Give an attachment of a room. Raises Refusal with `not_found` where no message there has it."""


class AttachmentFile(JupyterHandler):
    """What a message has attached: to be looked at by the panel, or kept, never to be shown as a page."""

    def initialize(self, attachments: Attachments) -> None:
        """Take what has the attachments."""
        super().initialize()
        self._attachments = attachments

    async def prepare(self, **kwargs: Any) -> None:
        """Authenticate as Jupyter does, without sending anybody to the login page."""
        await super().prepare(**kwargs, _redirect_to_login=False)

    @allowed("read")
    async def get(self, room: str, id_: str) -> None:
        """Give an attachment of a room; 404 where it has none of that id, for whatever reason."""
        try:
            data = await self._attachments.read(room, id_)
        except Refusal as refusal:
            self.set_status(404 if refusal.code is Code.NOT_FOUND else 503)
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(f"{refusal.message}\n")
            return
        # What the bytes are, whatever anybody said that they are; a script or a page is text.
        self.set_header("Content-Type", kind_of(data) or "text/plain; charset=UTF-8")
        self.set_header("Content-Disposition", "attachment")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        # Kept, but asked for each time: it may have been removed.
        self.set_header("Cache-Control", "private, no-cache")
        self.finish(data)

    @property
    def content_security_policy(self) -> str:
        """Let it do nothing, also where somebody opens it as a page."""
        return "sandbox; default-src 'none'"


class PanelFile(JupyterHandler, web.StaticFileHandler):
    """The panel's script and style, for its page."""

    @web.authenticated
    @allowed("read")
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override]  # decorated
        """Give a file of the bundle."""
        await web.StaticFileHandler.get(self, path, include_body)

    async def head(self, path: str) -> None:
        """Give a file's headers."""
        await cast("Callable[..., Awaitable[None]]", self.get)(path, include_body=False)
