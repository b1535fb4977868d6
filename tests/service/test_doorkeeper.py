"""Specification of the door: who is let in, and who is let out again."""

from __future__ import annotations

import pytest

from nbgroupchat.compose import Composition
from nbgroupchat.service.doorkeeper import Doorkeeper, Guest
from nbgroupchat.service.users import GRACE_SECONDS, KEPT_SECONDS, Users
from nbgroupchat.settings import Settings
from nbgroupchat.signalr.endpoint import Refused
from nbgroupchat.signalr.messages import encode_handshake
from tests.service.fakes import HUB, FakeHub


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.ended: tuple[int, str] | None = None

    def write(self, payload: bytes) -> bool:
        """Keep it."""
        self.written += payload
        return True

    def close(self, code: int, reason: str) -> None:
        """Keep how it ended."""
        self.ended = code, reason


class Door:
    """A doorkeeper with all that it watches."""

    def __init__(self) -> None:
        self.hub = FakeHub(tokens={"t-ana": "ana", "t-ben": "ben"}, groups={"ana": ["course-101"], "ben": []})
        self.composition = Composition(Settings(engine="off"))
        users = Users(HUB, self.hub.clock, self.hub.fetch)
        self.keeper = Doorkeeper(users, self.composition.endpoint)

    async def enter(self, token: str) -> Wire:
        """Come in, and shake hands."""
        guest = await self.keeper.admit(token, "human", is_in=False)
        endpoint, wire = self.composition.endpoint, Wire()
        connection = endpoint.connect(endpoint.claim(None, guest.user), wire, guest)
        await connection.receive(encode_handshake())
        return wire

    async def look_after(self, seconds: float) -> None:
        """Let time pass, and have the doorkeeper look."""
        self.hub.now += seconds
        await self.keeper.look()


@pytest.fixture
async def door() -> Door:
    """A door on this loop."""
    return Door()


async def test_a_guest_is_who_the_hub_says(door: Door) -> None:
    """Name and groups are the Hub's; the kind is the connection's; the token is not printed."""
    guest = await door.keeper.admit("t-ana", "kernel", is_in=False)
    assert (guest.user, guest.name, guest.kind, guest.groups) == ("ana", "ana", "kernel", ("course-101",))
    assert "t-ana" not in repr(guest)
    assert isinstance(guest, Guest)


async def test_who_is_refused(door: Door) -> None:
    """Strangers and services get 403; while the Hub is away those who are not in yet get 503 and the reason."""
    door.hub.tokens["t-robot"] = "robot"
    for token in ("forged", "t-robot"):
        with pytest.raises(Refused) as refused:
            await door.keeper.admit(token, "human", is_in=False)
        assert refused.value.status == 403
    await door.keeper.admit("t-ana", "human", is_in=False)
    door.hub.down = 0
    door.hub.now += KEPT_SECONDS + 1
    with pytest.raises(Refused, match="cannot be checked") as refused:
        await door.keeper.admit("t-ana", "human", is_in=False)
    assert refused.value.status == 503
    assert (await door.keeper.admit("t-ana", "human", is_in=True)).user == "ana"
    with pytest.raises(Refused):
        await door.keeper.admit("t-ben", "human", is_in=True)


async def test_who_is_revoked_is_out_and_the_others_stay(door: Door) -> None:
    """The next look after the answer's time ends the connection, and not to be tried again."""
    ana, ben = await door.enter("t-ana"), await door.enter("t-ben")
    del door.hub.tokens["t-ben"]
    await door.look_after(KEPT_SECONDS)
    assert ben.ended is None
    await door.look_after(1)
    assert ben.ended is not None
    assert b"not let in any more" in ben.written
    assert b"allowReconnect" not in ben.written
    assert ana.ended is None


async def test_who_changes_groups_comes_again(door: Door) -> None:
    """Other groups are other rooms: the connection ends and is told to come back."""
    ana = await door.enter("t-ana")
    door.hub.groups["ana"] = ["course-102"]
    await door.look_after(KEPT_SECONDS + 1)
    assert b'"allowReconnect":true' in ana.written


async def test_without_a_hub_people_stay_for_a_while(door: Door) -> None:
    """While the Hub is away open connections are kept, as long as its last answer counts, and no longer."""
    ana = await door.enter("t-ana")
    door.hub.down = 503
    await door.look_after(GRACE_SECONDS - 1)
    assert ana.ended is None
    await door.look_after(2)
    assert b"could not be checked" in ana.written
    assert b'"allowReconnect":true' in ana.written


async def test_a_new_name_is_another_user(door: Door) -> None:
    """A token that stands for somebody else now does not keep the old one's connection."""
    ana = await door.enter("t-ana")
    door.hub.tokens["t-ana"] = "ben"
    await door.look_after(KEPT_SECONDS + 1)
    assert ana.ended is not None
