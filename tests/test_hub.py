"""Specification of the hub: who hears what, and what is refused. The agent is not here."""

from __future__ import annotations

import asyncio

import pytest

from nbgroupchat import protocol
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import (
    Cancel,
    CancelAnswer,
    Delta,
    History,
    HistoryAnswer,
    Join,
    Leave,
    Position,
    Post,
    Posted,
    Presence,
    ReplyClosed,
    Rooms,
    RoomsAnswer,
    Status,
    Typing,
)
from tests.clients import FakeClient, Nobody, lives, plain


class Deaf(Nobody):
    """A listener that fails on everything it hears."""

    def hear(self, room: str, events: object) -> None:
        raise ValueError("I cannot hear")


@pytest.fixture
def hub() -> Hub:
    return Hub(MemoryBackplane(), plain)


async def test_a_post_reaches_everybody_under_its_authors_name(hub: Hub) -> None:
    """Ana posts; Ben and Ana herself see it once, stamped by the server."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    me = (await ana.join()).you
    await ben.join()
    answer = await ana.post("hello")
    for client in (ana, ben):
        (message,) = client.rooms["lobby"].messages.values()
        assert (message.id, message.seq, message.by, message.name) == (answer.id, 1, me.id, "Ana")
        assert message.kind == "human"


async def test_a_retry_is_answered_and_not_said_again(hub: Hub) -> None:
    """The same client id gives the same answer, and one entry; another member may use that id too."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    first, again = await ana.post("hi", cid="c1"), await ana.post("hi", cid="c1")
    assert (again.id, again.seq, first.duplicate, again.duplicate) == (first.id, first.seq, False, True)
    assert not (await ben.post("hi", cid="c1")).duplicate
    assert ben.texts() == ["hi", "hi"]


async def test_who_joins_later_gets_a_snapshot_then_live(hub: Hub) -> None:
    """The newest 100 messages come first, then `live`, then what happens."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    for number in range(120):
        await ana.post(str(number))
    answer = await ben.join()
    assert (answer.mode, answer.base, answer.position.seq) == ("snapshot", 20, 120)
    assert ben.texts() == [str(number) for number in range(20, 120)]
    assert lives(ben.events) == 1
    history = await ben.send(History(room="lobby", before=21, limit=15))
    assert isinstance(history, HistoryAnswer)
    assert [event.seq for event in history.events] == list(range(6, 21))
    assert history.more


async def test_who_comes_back_gets_what_it_missed(hub: Hub) -> None:
    """With the position it had, a client is told only the entries after it."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    await ana.post("one")
    ben.leave()
    await ana.post("two")
    back = FakeClient(hub, "Ben")
    back.rooms = ben.rooms
    answer = await back.join(resume=ben.rooms["lobby"].position)
    assert (answer.mode, answer.base) == ("tail", 1)
    assert [event.text for event in back.events if isinstance(event, Posted)] == ["two"]
    assert back.texts() == ["one", "two"]


async def test_who_comes_back_from_another_log_starts_over(hub: Hub) -> None:
    """A position of an earlier epoch gives a snapshot, never a partial tail."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await ana.post("one")
    answer = await ana.join(resume=Position("earlier", 1, "x"))
    assert (answer.mode, ana.texts()) == ("snapshot", ["one"])


async def test_rooms_are_named_while_something_was_said_or_somebody_is_there(hub: Hub) -> None:
    """The newest comes first, then those in which people are and nothing was said; an empty room is none."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    for room in ("lobby", "attic"):
        await ana.join(room)
    await ben.join()
    await ana.post("hi")
    answer = await ben.send(Rooms(room="lobby"))
    assert isinstance(answer, RoomsAnswer)
    assert [(room.name, room.seq, room.ts > 0, room.members) for room in answer.rooms] == [
        ("lobby", 1, True, 2),
        ("attic", 0, False, 1),
    ]
    assert answer.rooms[0].epoch == ben.rooms["lobby"].position.epoch
    shorter = await ben.send(Rooms(room="lobby", limit=1))
    assert isinstance(shorter, RoomsAnswer)
    assert (len(shorter.rooms), shorter.more, answer.more) == (1, True, False)
    ana.leave()
    left = await ben.send(Rooms(room="lobby"))
    assert isinstance(left, RoomsAnswer)
    assert [room.name for room in left.rooms] == ["lobby"]


async def test_the_answer_comes_before_what_it_caused(hub: Hub) -> None:
    """Inside a command nothing is sent; afterwards everything is."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    before = len(ana.events)
    with ana.client.outbox.corked():
        await hub.receive(ana.client, Post(room="lobby", cid="c", text="hi"))
        assert len(ana.events) == before
    assert len(ana.events) == before + 1


async def test_a_frame_is_encoded_once_for_everybody() -> None:
    """Thirty readers that keep up share one encoding of a post."""
    encoded: list[bytes] = []

    def encode(arguments: bytes) -> bytes:
        encoded.append(arguments)
        return arguments

    hub = Hub(MemoryBackplane(), encode)
    clients = [FakeClient(hub, f"student{number}") for number in range(30)]
    for client in clients:
        await client.join()
    encoded.clear()
    await clients[0].post("hi")
    assert len(encoded) == 1
    assert all(client.texts() == ["hi"] for client in clients)


async def test_presence_counts_a_member_with_two_tabs_once(hub: Hub) -> None:
    """Who is here is told when it changes; a second tab of the same user is the same member."""
    ana, tab, ben = FakeClient(hub, "Ana", "u1"), FakeClient(hub, "Ana", "u1"), FakeClient(hub, "Ben", "u2")
    await ana.join()
    await tab.join()
    await ben.join()
    assert sorted(member.name for member in ana.rooms["lobby"].members) == ["Ana", "Ben"]
    tab.leave()
    assert sorted(member.name for member in ben.rooms["lobby"].members) == ["Ana", "Ben"]
    ana.leave()
    assert [member.name for member in ben.rooms["lobby"].members] == ["Ben"]


async def test_typing_is_told_to_the_others(hub: Hub) -> None:
    """Who types is shown to others, and no longer once it is posted or the member has gone."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    me = (await ana.join()).you.id
    await ben.join()
    await ana.send(Typing(room="lobby", on=True))
    assert ben.rooms["lobby"].typing == {me}
    assert ana.rooms["lobby"].typing == set()
    await ana.post("done")
    assert ben.rooms["lobby"].typing == set()
    await ana.send(Typing(room="lobby", on=True))
    ana.leave()
    assert ben.rooms["lobby"].typing == set()


async def test_rooms_are_apart(hub: Hub) -> None:
    """A post in one room is not heard in another, and a member has another id there."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    here = (await ana.join("one")).you.id
    there = (await ana.join("two")).you.id
    await ben.join("two")
    await ana.post("secret", "one")
    assert ben.texts("two") == []
    assert here != there


async def test_what_is_not_joined_is_refused(hub: Hub) -> None:
    """Every command about a room that this connection is not in gets the same refusal, and nobody hears of it."""
    ana, mallory = FakeClient(hub, "Ana"), FakeClient(hub, "Mallory")
    await ana.join()
    heard = len(ana.events)
    commands = (
        Post(room="lobby", cid="c", text="hi"),
        Cancel(room="lobby", id="r"),
        Typing(room="lobby", on=True),
        History(room="lobby", before=1),
        Leave(room="lobby"),
    )
    for command in commands:
        with pytest.raises(Refusal) as refusal:
            await mallory.send(command)
        assert refusal.value.code is Code.NOT_JOINED
    assert len(ana.events) == heard


async def test_another_wire_is_asked_to_reload(hub: Hub) -> None:
    """A page that speaks another version of the frames is told so."""
    with pytest.raises(Refusal) as refusal:
        await FakeClient(hub, "Ana").send(Join(room="lobby", wire=99))
    assert refusal.value.code is Code.VERSION
    assert "Reload" in refusal.value.message


async def test_rooms_are_limited() -> None:
    """One room more than the limit is refused, and the others go on."""
    hub = Hub(MemoryBackplane(), plain, max_rooms=2)
    ana = FakeClient(hub, "Ana")
    await ana.join("one")
    await ana.join("two")
    with pytest.raises(Refusal) as refusal:
        await ana.send(Join(room="three", wire=protocol.WIRE))
    assert refusal.value.code is Code.TOO_MANY
    await ana.post("still here", "one")


async def test_empty_rooms_are_given_back() -> None:
    """Whoever joins and leaves rooms without a word uses up nothing; a room in which something was said stays."""
    hub = Hub(MemoryBackplane(), plain, max_rooms=2)
    ana = FakeClient(hub, "Ana")
    await ana.join("kept")
    await ana.post("hello", "kept")
    for number in range(10):
        await ana.join(f"room{number}")
        await ana.send(Leave(room=f"room{number}"))
    ana.leave()
    ben = FakeClient(hub, "Ben")
    await ben.join("kept")
    assert ben.texts("kept") == ["hello"]


async def test_a_listener_that_fails_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    """A post is told to everybody and acknowledged, and the failure is in the log."""
    hub = Hub(MemoryBackplane(), plain)
    hub.seat(Identity("", "llama", "agent"), Deaf())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    await ana.post("hello")
    assert ben.texts() == ["hello"]
    assert "I cannot hear" in caplog.text


async def test_joining_again_is_no_coming_and_going(hub: Hub) -> None:
    """A client that joins again on its connection was there all the time, for the others."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    before = len(ana.events)
    await ben.join(resume=ben.rooms["lobby"].position)
    shown = [event.members for event in ana.events[before:] if isinstance(event, Presence)]
    assert all(len(members) == 2 for members in shown)


async def test_a_reply_grows_for_everybody_and_is_joined_in_its_middle(hub: Hub) -> None:
    """Pieces reach every reader; one that joins in the middle gets what was written, then the rest."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana, late = FakeClient(hub, "Ana"), FakeClient(hub, "Late")
    await ana.join()
    asked = (await ana.post("@llama hi")).id
    reply = await seat.open_reply("lobby", asked, 1)
    await seat.write("lobby", Delta(reply, 0, 2, "Hel"))
    await late.join()
    assert late.rooms["lobby"].messages[reply].text == "Hel"
    await seat.write("lobby", Delta(reply, 2, 3, "lo"))
    await seat.close_reply("lobby", reply, "complete")
    for client in (ana, late):
        message = client.rooms["lobby"].messages[reply]
        assert (message.text, message.status, message.to) == ("Hello", "complete", asked)


async def test_who_comes_back_in_the_middle_of_a_reply_goes_on_where_it_was(hub: Hub) -> None:
    """A client that says how many pieces it has gets only the rest, in one slice."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    reply = await seat.open_reply("lobby", (await ana.post("@llama hi")).id, 1)
    await seat.write("lobby", Delta(reply, 0, 2, "one "))
    ben.leave()
    await seat.write("lobby", Delta(reply, 2, 4, "two "))
    await seat.write("lobby", Delta(reply, 4, 5, "three"))
    back = FakeClient(hub, "Ben")
    back.rooms = ben.rooms
    answer = await back.join(resume=ben.rooms["lobby"].position, have={reply: 2})
    assert answer.mode == "tail"
    assert [event for event in back.events if isinstance(event, Delta)] == [Delta(reply, 2, 5, "two three")]
    forged = await back.join(resume=ben.rooms["lobby"].position, have={reply: 3})
    assert (forged.mode, back.rooms["lobby"].messages[reply].text) == ("snapshot", "one two three")


async def test_after_a_stop_nothing_is_added(hub: Hub) -> None:
    """A stop closes the reply with what was told; what the agent writes later is refused and shown nowhere."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    stopper = (await ben.join()).you.id
    reply = await seat.open_reply("lobby", (await ana.post("@llama hi")).id, 1)
    await seat.write("lobby", Delta(reply, 0, 1, "Hel"))
    answer = await ben.send(Cancel(room="lobby", id=reply))
    assert answer == CancelAnswer(3, "stopped")
    assert not await seat.write("lobby", Delta(reply, 1, 2, "lo"))
    await seat.close_reply("lobby", reply, "complete")
    for client in (ana, ben):
        message = client.rooms["lobby"].messages[reply]
        assert (message.text, message.status) == ("Hel", "stopped")
        assert [event.by for event in client.events if isinstance(event, ReplyClosed)] == [stopper]


async def test_a_stop_that_comes_too_late_finds_how_it_ended(hub: Hub) -> None:
    """Stopping a closed reply tells how it had ended; stopping what never was is refused."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    asked = (await ana.post("@llama hi")).id
    reply = await seat.open_reply("lobby", asked, 1)
    await seat.close_reply("lobby", reply, "complete")
    assert await ana.send(Cancel(room="lobby", id=reply)) == CancelAnswer(3, "complete")
    unasked = (await ana.post("hello")).id
    for nothing in (unasked, "unknown"):
        with pytest.raises(Refusal) as refusal:
            await ana.send(Cancel(room="lobby", id=nothing))
        assert refusal.value.code is Code.NOT_FOUND


async def test_stops_and_the_end_race_for_one_close(hub: Hub) -> None:
    """Of ten stops and the agent's own end exactly one closes the reply, and all are answered alike."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    reply = await seat.open_reply("lobby", (await ana.post("@llama hi")).id, 1)
    stops = [ana.send(Cancel(room="lobby", id=reply)) for _ in range(10)]
    answers = (await asyncio.gather(*stops, seat.close_reply("lobby", reply, "complete")))[:10]
    assert len(set(answers)) == 1
    assert sum(isinstance(event, ReplyClosed) for event in ana.events) == 1


async def test_a_stalled_client_slows_nobody_and_catches_up(hub: Hub) -> None:
    """While one client takes nothing the others are told everything; when it reads again it has everything too."""
    stalled, ana = FakeClient(hub, "Stalled"), FakeClient(hub, "Ana")
    await stalled.join()
    await ana.join()
    stalled.keeps_up = False
    await ana.post("0")
    heard = len(stalled.events)
    for number in range(1, 50):
        await ana.post(str(number))
    assert len(ana.texts()) == 50
    assert len(stalled.events) == heard
    stalled.keeps_up = True
    stalled.client.outbox.drained()
    assert stalled.texts() == ana.texts()


async def test_the_models_state_is_told_now_and_on_joining(hub: Hub) -> None:
    """How the model is reaches everybody, also who joins later, and the agent is one of those present."""
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    seat.announce(Status("loading", "SmolLM2", 0.5))
    await ben.join()
    for client in (ana, ben):
        assert client.rooms["lobby"].status == Status("loading", "SmolLM2", 0.5)
    *_, presence = (event for event in ben.events if isinstance(event, Presence))
    assert (presence.members[0].name, presence.members[0].kind) == ("llama", "agent")
