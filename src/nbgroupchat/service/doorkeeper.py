"""Lets people in by what the Hub says of their token, and out again when it says otherwise.

This module touches trust. It covers: who has no token of the Hub, whose token was revoked, who was removed, and who is
in other groups now, on connections that are open too. Open connections are looked through twice in the
`KEPT_SECONDS` for which an answer is used, so with the Hub's time for two answers somebody is out within
`1.5 * KEPT_SECONDS + 4 * ASK_SECONDS`, 65 s. While the Hub cannot be asked, that waits, for `GRACE_SECONDS`
at most. It does not cover what people may do, which roles and the policy say.
"""

from __future__ import annotations

import asyncio

from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Kind
from nbgroupchat.service.users import HubAway, HubUser, Stranger, Users
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.endpoint import Endpoint, Refused

AT_ONCE = 4
"""For how many of those who are in the Hub is asked at the same time, so that it has time for others."""


class Guest(Identity, frozen=True):
    """Somebody who has come in, with the token that they showed."""

    token: str = ""

    def __repr__(self) -> str:
        """Leave the token out of tracebacks and logs."""
        return f"Guest(user={self.user!r}, kind={self.kind!r})"


class Doorkeeper:
    """Watches the door of one endpoint."""

    def __init__(self, users: Users, endpoint: Endpoint) -> None:
        self._users = users
        self._endpoint = endpoint
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def admit(self, token: str, kind: Kind, is_in: bool) -> Guest:
        """Give who shows a token; `is_in` is for requests of a connection that was let in before.

        Raises Refused: 403 for strangers, 503 while the Hub cannot be asked.
        """
        try:
            user = await self._users.of(token)
        except Stranger as stranger:
            raise Refused(403, str(stranger)) from stranger
        except HubAway as away:
            known = self._users.known(token) if is_in else None
            if known is None:
                raise Refused(503, f"who you are cannot be checked now: {away}; try again later") from away
            user = known
        if not user.name:
            raise Refused(403, "this token is a service's; rooms are for people")
        return _guest(user, kind, token)

    async def watch(self) -> None:
        """Look through the open connections now and then, for ever."""
        while True:
            await asyncio.sleep(self._users.kept / 2)
            await self.look()

    async def look(self) -> None:
        """Ask for everybody who is in, and close the connections of those who may not be any more."""
        await asyncio.gather(*(self._check(connection) for connection in self._endpoint.connections))

    async def _check(self, connection: Connection) -> None:
        guest = connection.user
        if not isinstance(guest, Guest):
            raise TypeError("a connection of this service is a guest's")
        try:
            async with self._turns:
                user = await self._users.of(guest.token)
        except Stranger as stranger:
            connection.close(f"You are not let in any more: {stranger}.")
        except HubAway:
            if self._users.known(guest.token) is None:
                connection.close("Who you are could not be checked for too long.", allow_reconnect=True)
        else:
            if _guest(user, guest.kind, guest.token) != guest:
                # Whoever comes again finds the rooms that there are for them now.
                connection.close("What you may see has changed.", allow_reconnect=True)


def _guest(user: HubUser, kind: Kind, token: str) -> Guest:
    return Guest(user.name, user.name, kind, groups=user.groups, token=token)
