"""Who may use an endpoint: hooks for the server around it, the Origin check, and tokens kept out of logs.

This module knows no way of signing in: the handler that inherits from here says who the user is.

Covered: requests without a user, and requests that a page of another origin makes with this user's cookies (the Origin
must be scheme, host and port of this very request; no prefix, suffix, other port, other case, `null`). Browsers send no
Origin with a page's plain GET to its own server, so that one may lack it, unless the browser says that another site
asks; it reads only what its secret `id` opens. That `id` is cut out of the request's address before anything can log
it. Not covered: forged POST requests without an Origin (Tornado's XSRF check, where the application has it on), and a
proxy that sets Host or scheme wrongly.
"""

from __future__ import annotations

from typing import Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from nbgroupchat.signalr.endpoint import Endpoint, Refused

_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}


class HubRequest(RequestHandler):
    """A request to an endpoint, which `initialize` is given; made to stand before a server's own base handler."""

    endpoint: Endpoint

    def initialize(self, endpoint: Endpoint, **kwargs: Any) -> None:
        """Keep the endpoint, pass on what else there is, and hide the connection's token."""
        super().initialize(**kwargs)
        self.endpoint = endpoint
        # Tornado, Jupyter and whoever wraps them all log `request.uri`; the parsed arguments stay.
        if "id" in self.request.query_arguments:
            self.request.query = "id=[secret]"
            self.request.uri = f"{self.request.path}?{self.request.query}"

    def signalr_user(self) -> object | None:
        """Return who asks, for `Application.connected`; None is refused. Override."""
        return None

    def signalr_user_key(self) -> str:
        """Return the stable name of the user that a negotiated token is bound to. Override."""
        raise NotImplementedError

    def signalr_origin_optional(self) -> bool:
        """Say whether this request may come without an Origin, as those of programs do."""
        return False

    def signalr_origin_allowed(self, origin: str | None) -> bool:
        """Say whether a request from this Origin is let in; None when there is no such header."""
        if origin is None:
            return self.signalr_origin_optional()
        # Browsers leave the scheme's own port out of Origin, a proxy may put it into Host.
        host = self.request.host.removesuffix(_DEFAULT_PORT.get(self.request.protocol, "\0"))
        return origin == f"{self.request.protocol}://{host}"

    def admit(self) -> object:
        """Return the user, or raise `Refused` (403). Comes before anything that depends on the request's content."""
        user = self.signalr_user()
        if user is None:
            raise Refused(403, "sign in first")
        origin = self.request.headers.get("Origin")
        if not (self.signalr_origin_allowed(origin) or (origin is None and self._is_own_get())):
            raise Refused(
                403,
                "this Origin is not allowed here; behind a proxy, check that the server learns the scheme and host "
                "that the browser sees (X-Forwarded-Proto, Host)",
            )
        return user

    def _is_own_get(self) -> bool:
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        return self.request.method == "GET" and site == "same-origin" and not is_upgrade(self.request)

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal."""
        self.set_status(refused.status)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(refused.message + "\n")


def is_upgrade(request: HTTPServerRequest) -> bool:
    """Say whether a request asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"
