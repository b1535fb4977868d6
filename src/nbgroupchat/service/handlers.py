"""The addresses of the service, and whom each lets in.

This module touches trust. It covers: connections come from programs (single-user servers, kernels, scripts), so a
request that a browser's page makes is refused by its `Origin` or `Sec-Fetch-Site`; the only credential is a Hub's token
in the `Authorization` header, never a cookie and never in an address; that a kernel speaks is the one thing a client
may say of itself, and it says it of its own user. It does not cover a program that leaves that out: on a Hub the mark
of kernels is a courtesy, for a user's code has the user's token. What is logged of a request ends with its path.
"""

from __future__ import annotations

import logging
from typing import Any

from tornado.web import Application, RequestHandler

from nbgroupchat.compose import Composition
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.metrics import HubCollector, text_of
from nbgroupchat.protocol import Kind
from nbgroupchat.service import KIND_HEADER
from nbgroupchat.service.doorkeeper import Doorkeeper, Guest
from nbgroupchat.service.users import HubAway, Stranger, Users
from nbgroupchat.signalr.access import HubRequest
from nbgroupchat.signalr.endpoint import Endpoint, Refused
from nbgroupchat.signalr.handlers import NegotiateHandler, SocketHandler
from nbgroupchat.signalr.http import HttpHandler, SocketPath

_SCHEMES = ("token", "bearer")

log = logging.getLogger(__name__)


class _HubsUser(HubRequest):
    """Whom the Hub knows by the request's token."""

    _guest: Guest | None = None

    def initialize(self, endpoint: Endpoint, doorkeeper: Doorkeeper | None = None, **kwargs: Any) -> None:
        """Take the parts."""
        super().initialize(endpoint, **kwargs)
        if doorkeeper is None:
            raise TypeError("nobody keeps this door")
        self._doorkeeper = doorkeeper

    async def prepare(self, **kwargs: Any) -> None:
        """Ask who it is before anything else is looked at."""
        try:
            if "Origin" in self.request.headers or "Sec-Fetch-Site" in self.request.headers:
                raise Refused(403, "pages are not let in here; open the room on your own server")
            kind: Kind = "kernel" if self.request.headers.get(KIND_HEADER) == "kernel" else "human"
            is_in = "id" in self.request.query_arguments
            self._guest = await self._doorkeeper.admit(token_of(self), kind, is_in)
        except Refused as refused:
            self.refuse(refused)
            return
        waiting = super().prepare(**kwargs)
        if waiting is not None:
            await waiting

    def signalr_user(self) -> object | None:
        """Give who it is."""
        return self._guest

    def signalr_user_key(self) -> str:
        """Give what a negotiated connection is bound to."""
        return self._guest.user if self._guest is not None else ""

    def signalr_origin_allowed(self, origin: str | None) -> bool:
        """Refuse every page."""
        return origin is None


class HubNegotiate(_HubsUser, NegotiateHandler):
    """Where a SignalR client asks which transports there are."""


class HubSocket(_HubsUser, SocketHandler):
    """A connection over a WebSocket, as single-user servers make them."""


class HubHttp(_HubsUser, HttpHandler):
    """A connection of another SignalR client, over plain requests."""


class AttachmentFile(RequestHandler):
    """What a message has attached, for single-user servers, which give it to their pages as what it is."""

    def initialize(self, composition: Composition, doorkeeper: Doorkeeper) -> None:
        """Take the parts."""
        self._hub = composition.hub
        self._doorkeeper = doorkeeper

    async def get(self, room: str, id_: str) -> None:
        """Give an attachment of a room; 404 where the room or the attachment is not there for who asks."""
        try:
            if "Origin" in self.request.headers or "Sec-Fetch-Site" in self.request.headers:
                raise Refused(403, "pages are not let in here")
            guest = await self._doorkeeper.admit(token_of(self), "human", is_in=False)
            self._hub.role_of(guest, room)
            data = await self._hub.attachments.read(room, id_)
        except Refused as refused:
            self.set_status(refused.status)
            return
        except Refusal as refusal:
            self.set_status(404 if refusal.code is Code.NOT_FOUND else 503)
            return
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.finish(data)


class Entrance(RequestHandler):
    """What the Hub asks for to see whether the service is up, and people find who follow its link."""

    def get(self) -> None:
        """Say where the rooms are."""
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish("The chat runs. Its rooms are in notebooks: %load_ext nbgroupchat, then %chat --room lobby.\n")


class Health(RequestHandler):
    """For whoever watches whether the service works: no credential, and nothing about anybody."""

    def initialize(self, users: Users) -> None:
        """Take whom to ask."""
        self._users = users

    async def get(self) -> None:
        """Answer 200, or 503 where nobody could be let in."""
        reachable = await self._users.reachable()
        self.set_status(200 if reachable else 503)
        self.set_header("Cache-Control", "no-store")
        self.finish({"status": "ok" if reachable else "the Hub does not answer"})


class Metrics(RequestHandler):
    """The hub's numbers, for a token of the Hub with the scope `read:metrics`."""

    def initialize(self, users: Users, collector: HubCollector) -> None:
        """Take whom to ask, and the numbers."""
        self._users = users
        self._collector = collector

    async def get(self) -> None:
        """Give the numbers as Prometheus reads them."""
        try:
            allowed = (await self._users.of(token_of(self))).watches
        except (Refused, Stranger):
            allowed = False
        except HubAway as away:
            self.send_error(503, reason=str(away))
            return
        if not allowed:
            self.send_error(403, reason="the token needs the scopes read:metrics and access:services")
            return
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(text_of(self._collector))


def token_of(handler: RequestHandler) -> str:
    """Give the token that a request shows. Raises Refused (403) where it shows none."""
    scheme, _, token = handler.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in _SCHEMES or not token.strip():
        raise Refused(403, "show a token of the Hub in the header Authorization")
    return token.strip()


def application(prefix: str, composition: Composition, users: Users, doorkeeper: Doorkeeper) -> Application:
    """Give everything that is served below a prefix, which begins and ends with a slash."""
    parts = {"endpoint": composition.endpoint, "doorkeeper": doorkeeper}
    kept = {"composition": composition, "doorkeeper": doorkeeper}
    watched = {"users": users, "collector": HubCollector(composition)}
    return Application(
        [
            (SocketPath(f"{prefix}hub"), HubSocket, parts),
            (f"{prefix}hub/negotiate", HubNegotiate, parts),
            (f"{prefix}hub", HubHttp, parts),
            (f"{prefix}attachments/([^/]+)/([^/]+)", AttachmentFile, kept),
            (prefix, Entrance),
            (f"{prefix}health", Health, {"users": users}),
            (f"{prefix}metrics", Metrics, watched),
        ],
        log_function=_log_request,
    )


def _log_request(handler: RequestHandler) -> None:
    """Log without what follows the path: programs put tokens there although nobody asks for them."""
    request, status = handler.request, handler.get_status()
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(level, "%d %s %s %.0f ms", status, request.method, request.path, 1000 * request.request_time())
