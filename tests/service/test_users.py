"""Specification of asking the Hub who somebody is."""

from __future__ import annotations

import asyncio

import pytest

from nbgroupchat.service.users import ASK_SECONDS, GRACE_SECONDS, KEPT_SECONDS, HubAway, HubUser, Stranger, Users
from tests.service.fakes import HUB, FakeHub
from tests.signalr.fakes import until


@pytest.fixture
def hub() -> FakeHub:
    """A Hub with one student."""
    return FakeHub(tokens={"t-ana": "ana"}, groups={"ana": ["course-101", "a-group"]})


@pytest.fixture
def users(hub: FakeHub) -> Users:
    """Who asks it."""
    return Users(HUB, hub.clock, hub.fetch)


async def test_a_token_is_its_users(hub: FakeHub, users: Users) -> None:
    """The name is the Hub's by that token, the groups are the Hub's by the service's own."""
    assert await users.of("t-ana") == HubUser("ana", ("a-group", "course-101"))
    assert hub.asked == ["/user", "/users/ana"]


async def test_an_answer_is_kept_for_a_while(hub: FakeHub, users: Users) -> None:
    """Within that time the Hub is not asked again; after it what has changed is found."""
    await users.of("t-ana")
    hub.groups["ana"] = []
    hub.now += KEPT_SECONDS
    assert (await users.of("t-ana")).groups == ("a-group", "course-101")
    hub.now += 0.1
    assert (await users.of("t-ana")).groups == ()
    assert len(hub.asked) == 4


async def test_who_asks_together_asks_once(hub: FakeHub, users: Users) -> None:
    """Many connections of one server that come at once are one question, also where one of them leaves meanwhile."""
    hub.held = asyncio.Event()
    asking = [asyncio.create_task(users.of("t-ana")) for _ in range(5)]
    await until(lambda: bool(hub.asked))
    asking[0].cancel()
    hub.held.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [HubUser("ana", ("a-group", "course-101"))] * 4
    assert hub.asked == ["/user", "/users/ana"]


async def test_strangers(hub: FakeHub, users: Users) -> None:
    """A token that the Hub does not know, one without the scope, and one of a removed user are strangers'."""
    with pytest.raises(Stranger, match="does not know"):
        await users.of("forged")
    hub.tokens["t-ben"] = "ben"
    with pytest.raises(Stranger, match="no such user"):
        await users.of("t-ben")
    hub.scopes = ["access:services!service=another", "self"]
    with pytest.raises(Stranger, match="lacks the scope"):
        await users.of("t-ana")


async def test_a_refusal_is_kept_for_a_moment(hub: FakeHub, users: Users) -> None:
    """Who knocks again at once is not asked for again, and may come in soon after the Hub knows them."""
    with pytest.raises(Stranger):
        await users.of("t-ben")
    hub.tokens["t-ben"], hub.groups["ben"] = "ben", []
    with pytest.raises(Stranger):
        await users.of("t-ben")
    assert hub.asked == ["/user"]
    hub.now += 5
    assert (await users.of("t-ben")).name == "ben"


@pytest.mark.parametrize("down", [0, 500, 503])
async def test_a_hub_that_is_away_decides_nothing(hub: FakeHub, users: Users, down: int) -> None:
    """What was known stays known for a while, new tokens are neither good nor bad, and the Hub is asked again."""
    await users.of("t-ana")
    hub.down = down
    with pytest.raises(HubAway):
        await users.of("t-new")
    hub.now += KEPT_SECONDS + 1
    with pytest.raises(HubAway):
        await users.of("t-ana")
    assert users.known("t-ana") is not None
    assert users.known("t-new") is None
    assert not await users.reachable()
    hub.now += GRACE_SECONDS
    assert users.known("t-ana") is None
    hub.down = None
    assert (await users.of("t-ana")).name == "ana"
    assert await users.reachable()


async def test_a_service_is_nobody(hub: FakeHub, users: Users) -> None:
    """A service's token has no user; it may be allowed to read numbers."""
    hub.tokens["t-robot"] = "robot"
    hub.scopes.append("read:metrics")
    assert await users.of("t-robot") == HubUser("", (), watches=True)


async def test_nonsense_is_no_answer(users: Users, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not a user's model is taken for a Hub that is not there, not for a user."""
    monkeypatch.setattr(hub, "_answer", lambda _path, _token: (200, ["ana"]))
    with pytest.raises(HubAway, match="not understood"):
        await users.of("t-ana")


def test_the_promise_of_75_seconds() -> None:
    """An answer's age, the time between two looks and the slowest answers that count are within it together."""
    assert 1.5 * KEPT_SECONDS + 4 * ASK_SECONDS <= 75


def test_no_token_is_in_a_traceback() -> None:
    """What is printed of the Hub's place leaves the token out."""
    assert HUB.token not in repr(HUB)
