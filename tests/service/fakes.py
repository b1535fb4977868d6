"""A Hub's API as the service asks it, with answers that a test sets, and a clock that a test turns."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field

from tornado.httpclient import HTTPRequest, HTTPResponse

from nbgroupchat.service.users import Hub

HUB = Hub("http://hub.invalid/hub/api", "nbgroupchat", "the-service's-own")
MAY_CHAT = "access:services!service=nbgroupchat"


@dataclass
class FakeHub:
    """Knows tokens and users; `down` answers with that status, or not at all where it is 0."""

    tokens: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=lambda: [MAY_CHAT])
    down: int | None = None
    asked: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None
    now: float = 1000.0

    def clock(self) -> float:
        """Give the time."""
        return self.now

    async def fetch(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request."""
        path, token = request.url.removeprefix(HUB.api_url), request.headers["Authorization"].removeprefix("token ")
        self.asked.append(path)
        if self.held is not None:
            await self.held.wait()
        if self.down == 0:
            raise ConnectionRefusedError
        code, body = (self.down, {}) if self.down else self._answer(path, token)
        return HTTPResponse(request, code, buffer=io.BytesIO(json.dumps(body).encode()))

    def _answer(self, path: str, token: str) -> tuple[int, object]:
        if path == "":
            return 200, {"version": "6"}
        if path == "/user":
            if token not in self.tokens:
                return 403, {"message": "Missing or invalid credentials."}
            name = self.tokens[token]
            return 200, {"name": name, "kind": "service" if name == "robot" else "user", "scopes": self.scopes}
        name = path.removeprefix("/users/")
        if token != HUB.token or name not in self.groups:
            return 404, {"message": "No such user"}
        return 200, {"name": name, "groups": self.groups[name], "kind": "user"}
