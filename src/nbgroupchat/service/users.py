"""Who a Hub's token stands for, as the Hub itself says: asked without blocking, remembered for a short while.

This module touches trust. It covers: a token counts for its user only while the Hub says so and it has the scope for
this service; the name and the groups are the Hub's, the groups asked for with the service's own token. An answer is
used for `KEPT_SECONDS`; where the Hub cannot be asked, one that was given before counts for `GRACE_SECONDS` to those
who are in already, and nobody else is let in. It does not cover what a user may do, or how often somebody tries tokens,
which the Hub hears as often (one answer of each token is remembered for a moment, also a refusal).

Specification: the REST API of JupyterHub, `GET /user` and `GET /users/{name}`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse

KEPT_SECONDS = 30.0
REFUSAL_KEPT_SECONDS = 3.0
GRACE_SECONDS = 300.0
ASK_SECONDS = 5.0
"""How long the Hub may take for one answer."""

AT_ONCE = 16
"""How many questions the Hub is asked at the same time."""

MOST = 10_000
"""How many tokens are remembered."""

_T = TypeVar("_T")

Fetch: TypeAlias = Callable[[HTTPRequest], Awaitable[HTTPResponse]]

log = logging.getLogger(__name__)


class Stranger(Exception):
    """The token stands for nobody who may come in; the message says why."""


class HubAway(Exception):
    """The Hub could not be asked; the message says why."""


class HubUser(Struct, frozen=True):
    """Somebody as the Hub knows them, and whether their token may read this service's numbers."""

    name: str
    groups: tuple[str, ...] = ()
    watches: bool = False


class Hub(Struct, frozen=True):
    """Where the Hub's API is, and what this service is called and shows there."""

    api_url: str
    service: str
    token: str

    def __repr__(self) -> str:
        """Leave the token out of tracebacks and logs."""
        return f"Hub(api_url={self.api_url!r}, service={self.service!r})"


class _Owner(Struct):
    name: str
    kind: str = "user"
    scopes: list[str] = []


class _Model(Struct):
    groups: list[str]


class _Answer(Struct, frozen=True):
    at: float
    user: HubUser | None
    why: str = ""


class Users:
    """Asks the Hub. `clock` gives seconds that only grow, `fetch` makes a request and gives any answer there is.

    `kept` is for how many seconds an answer is used.
    """

    def __init__(
        self, hub: Hub, clock: Callable[[], float], fetch: Fetch | None = None, kept: float = KEPT_SECONDS
    ) -> None:
        self.kept = kept
        self._hub = hub
        self._clock = clock
        self._client = None if fetch else AsyncHTTPClient(force_instance=True, max_clients=AT_ONCE)
        self._fetch = fetch or self._ask
        self._answers: dict[str, _Answer] = {}  # by token, oldest first
        self._asking: dict[str, asyncio.Task[HubUser]] = {}

    async def of(self, token: str) -> HubUser:
        """Give whose token it is. Raises Stranger or HubAway."""
        answer = self._answers.get(token)
        kept = self.kept if answer is not None and answer.user is not None else min(self.kept, REFUSAL_KEPT_SECONDS)
        if answer is not None and self._clock() - answer.at <= kept:
            if answer.user is None:
                raise Stranger(answer.why)
            return answer.user
        task = self._asking.get(token)
        if task is None:
            task = self._asking[token] = asyncio.get_running_loop().create_task(self._find(token))
            task.add_done_callback(lambda done: self._asked(token, done))
        # Whoever leaves meanwhile does not take the answer from the others.
        return await asyncio.shield(task)

    def known(self, token: str) -> HubUser | None:
        """Give whose token it was when the Hub last said so, if that is not too long ago."""
        answer = self._answers.get(token)
        if answer is None or answer.user is None or self._clock() - answer.at > GRACE_SECONDS:
            return None
        return answer.user

    async def reachable(self) -> bool:
        """Say whether the Hub answers."""
        try:
            return (await self._get("", self._hub.token)).code < 500
        except HubAway:
            return False

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        if self._client is not None:
            self._client.close()

    async def _find(self, token: str) -> HubUser:
        try:
            user = await self._look_up(token)
        except Stranger as stranger:
            self._remember(token, _Answer(self._clock(), None, str(stranger)))
            raise
        self._remember(token, _Answer(self._clock(), user))
        return user

    async def _look_up(self, token: str) -> HubUser:
        answer = await self._get("/user", token)
        if answer.code != 200:
            raise Stranger("the Hub does not know this token, or knows it no more")
        owner = _decoded(answer, _Owner)
        if not {"access:services", f"access:services!service={self._hub.service}"} & set(owner.scopes):
            raise Stranger(f"this token lacks the scope access:services!service={self._hub.service}")
        watches = "read:metrics" in owner.scopes
        if owner.kind != "user":
            return HubUser("", watches=watches)
        return HubUser(owner.name, await self._groups(owner.name), watches)

    async def _groups(self, name: str) -> tuple[str, ...]:
        answer = await self._get(f"/users/{quote(name, safe='')}", self._hub.token)
        if answer.code == 200:
            return tuple(sorted(_decoded(answer, _Model).groups))
        if answer.code == 404:
            # The Hub says the same to who may not read it: then nobody comes in, and the log says why.
            log.warning("The Hub has no user of a token that it knows, or this service lacks the scope read:users")
            raise Stranger("the Hub has no such user any more")
        log.error("The Hub did not give a user's groups (%d): give this service the scope read:users", answer.code)
        raise HubAway("the service may not read groups at the Hub; its log says more")

    async def _get(self, path: str, token: str) -> HTTPResponse:
        request = HTTPRequest(
            self._hub.api_url.rstrip("/") + path,
            headers={"Authorization": f"token {token}", "Accept": "application/json"},
            connect_timeout=ASK_SECONDS,
            request_timeout=ASK_SECONDS,
            follow_redirects=False,
        )
        try:
            answer = await self._fetch(request)
        except Exception as error:  # whatever a network does
            raise HubAway(f"the Hub does not answer ({type(error).__name__})") from error
        if answer.code >= 500:
            raise HubAway(f"the Hub answers with {answer.code}")
        return answer

    async def _ask(self, request: HTTPRequest) -> HTTPResponse:
        if self._client is None:
            raise RuntimeError("the Hub is asked by another")
        return await self._client.fetch(request, raise_error=False)

    def _remember(self, token: str, answer: _Answer) -> None:
        self._answers.pop(token, None)
        self._answers[token] = answer
        while len(self._answers) > MOST:
            del self._answers[next(iter(self._answers))]

    def _asked(self, token: str, task: asyncio.Task[HubUser]) -> None:
        self._asking.pop(token, None)
        if not task.cancelled():
            task.exception()


def _decoded(answer: HTTPResponse, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError as error:
        raise HubAway("the Hub's answer was not understood") from error
