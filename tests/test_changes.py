"""Specification of what members do to messages that are there: edit, redact, pin, react."""

from __future__ import annotations

import pytest

from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import (
    MAX_PINNED,
    MAX_REACTIONS,
    ChangeAnswer,
    Delta,
    Edit,
    History,
    Pin,
    Position,
    Post,
    PostAnswer,
    React,
    Redact,
)
from nbgroupchat.room import Reaction, Reactor
from tests.clients import FakeClient, Nobody, asking, plain

LLAMA = Identity("", "llama", "agent")


@pytest.fixture
def hub() -> Hub:
    return Hub(MemoryBackplane(), plain)


async def test_an_author_edits_and_everybody_sees_it(hub: Hub) -> None:
    """The text changes where it stands, once for one client id, also for who joins later."""
    ana, ben, eve = FakeClient(hub, "Ana"), FakeClient(hub, "Ben"), FakeClient(hub, "Eve")
    await ana.join()
    await ben.join()
    said = await ana.post("Fryday")
    await ben.post("ok")
    edit = Edit(room="lobby", cid="e1", id=said.id, text="Friday")
    first, again = await ana.send(edit), await ana.send(edit)
    await eve.join()
    assert first == again == ChangeAnswer(3)
    for client in (ana, ben, eve):
        assert client.texts() == ["Friday", "ok"]
        assert client.rooms["lobby"].messages[said.id].edited


async def test_an_author_takes_back_what_was_said(hub: Hub) -> None:
    """The text is gone for everybody: from what is sent to who joins or comes back later, and from older pages."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    said = await ana.post("canary")
    await ana.send(Edit(room="lobby", cid="e1", id=said.id, text="canary!"))
    redact = Redact(room="lobby", id=said.id)
    assert await ana.send(redact) == await ana.send(redact) == ChangeAnswer(3)
    await ben.join()
    page = await ben.send(History(room="lobby", before=3, limit=9))
    back = FakeClient(hub, "Ben")
    await back.join(resume=Position(ben.rooms["lobby"].position.epoch, 0, ""))
    assert "canary" not in repr((ben.events, page, back.events))
    for client in (ana, ben, back):
        message = client.rooms["lobby"].messages[said.id]
        assert (message.text, message.redacted) == ("", True)
    assert await ana.post("retry", cid="none") != said


@pytest.mark.parametrize("what", ["edit", "redact"])
async def test_nobody_changes_what_others_wrote(hub: Hub, what: str) -> None:
    """Editing or redacting another's message is refused and leaves the log as it was; so for what is not there."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ana", user="another")
    await ana.join()
    await ben.join()
    said = await ana.post("mine")
    for id_, code in ((said.id, Code.FORBIDDEN), ("nobody's", Code.NOT_FOUND)):
        command = Edit(room="lobby", cid="c", id=id_, text="x") if what == "edit" else Redact(room="lobby", id=id_)
        with pytest.raises(Refusal) as refusal:
            await ben.send(command)
        assert refusal.value.code == code
    assert (ana.texts(), ana.rooms["lobby"].position.seq) == (["mine"], said.seq)
    await ana.send(Redact(room="lobby", id=said.id))
    with pytest.raises(Refusal) as refusal:
        await ana.send(Edit(room="lobby", cid="c", id=said.id, text="again"))
    assert refusal.value.code == Code.NOT_FOUND


async def test_who_asked_may_redact_the_reply(hub: Hub) -> None:
    """Not while it is written, and nobody else may; nobody edits a reply."""
    seat = hub.seat(LLAMA, Nobody())
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    asked = await ana.post("@llama?")
    reply = await seat.open_reply("lobby", asking(asked.id), 1)
    await seat.write("lobby", Delta(reply, 0, 1, "canary"))
    redact = Redact(room="lobby", id=reply)
    for client in (ana, ben):
        with pytest.raises(Refusal) as refusal:
            await client.send(redact)
        assert refusal.value.code == Code.FORBIDDEN
    await seat.close_reply("lobby", reply, "complete")
    with pytest.raises(Refusal):
        await ben.send(redact)
    with pytest.raises(Refusal):
        await ana.send(Edit(room="lobby", cid="c", id=reply, text="x"))
    await ana.send(redact)
    assert ben.rooms["lobby"].messages[reply].redacted


async def test_messages_are_pinned_and_unpinned(hub: Hub) -> None:
    """Everybody knows what is pinned, also who joins later; there is a limit, and what is gone cannot be pinned."""
    ana, ben, eve = FakeClient(hub, "Ana"), FakeClient(hub, "Ben"), FakeClient(hub, "Eve")
    await ana.join()
    await ben.join()
    said = [(await ana.post(str(number))).id for number in range(MAX_PINNED + 2)]
    for id_ in said[:MAX_PINNED]:
        await ben.send(Pin(room="lobby", id=id_, on=True))
    before = ana.rooms["lobby"].position.seq
    assert await ben.send(Pin(room="lobby", id=said[0], on=True)) == ChangeAnswer(before)
    with pytest.raises(Refusal) as refusal:
        await ben.send(Pin(room="lobby", id=said[-1], on=True))
    assert refusal.value.code == Code.TOO_MANY
    await ana.send(Pin(room="lobby", id=said[0], on=False))
    await ana.send(Redact(room="lobby", id=said[1]))
    with pytest.raises(Refusal) as refusal:
        await ben.send(Pin(room="lobby", id=said[1], on=True))
    assert refusal.value.code == Code.NOT_FOUND
    await eve.join()
    for client in (ana, ben, eve):
        assert client.rooms["lobby"].pinned == tuple(said[2:MAX_PINNED])


def put(id_: str, emoji: str, on: bool = True) -> React:
    """Give the command that puts an emoji to a message, or takes it away."""
    return React(room="lobby", id=id_, emoji=emoji, on=on)


async def test_everybody_sees_who_reacted(hub: Hub) -> None:
    """Each member has an emoji once, however often it is put; what is taken away is gone, also for who joins later."""
    ana, ben, eve = FakeClient(hub, "Ana"), FakeClient(hub, "Ben"), FakeClient(hub, "Eve")
    me = (await ana.join()).you
    other = (await ben.join()).you
    said = await ben.post("done")
    assert await ana.send(put(said.id, "👍")) == await ana.send(put(said.id, "👍")) == ChangeAnswer(2)
    await ben.send(put(said.id, "👍"))
    await ben.send(put(said.id, "🎉"))
    await ben.send(put(said.id, "🎉", on=False))
    assert await ben.send(put(said.id, "🎉", on=False)) == ChangeAnswer(5)
    await eve.join()
    for client in (ana, ben, eve):
        found = client.rooms["lobby"].messages[said.id].reactions
        assert found == (Reaction("👍", (Reactor(me.id, "Ana"), Reactor(other.id, "Ben"))),)


async def test_a_message_has_room_for_so_many_reactions(hub: Hub) -> None:
    """Beyond the limit only emoji that are there can be put; what is no message's is refused."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    said = await ana.post("done")
    for number in range(MAX_REACTIONS):
        await ana.send(put(said.id, chr(0x1F400 + number)))
    with pytest.raises(Refusal) as refusal:
        await ben.send(put(said.id, "👍"))
    assert refusal.value.code == Code.TOO_MANY
    await ben.send(put(said.id, chr(0x1F400)))
    with pytest.raises(Refusal) as refusal:
        await ben.send(put("nobody's", "👍"))
    assert refusal.value.code == Code.NOT_FOUND


async def test_a_redaction_ends_the_reactions(hub: Hub) -> None:
    """Which emoji stood at a message is gone with it, from the log too, and none can be put to it any more."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    said = await ana.post("done")
    await ana.send(put(said.id, "👍"))
    await ana.send(Redact(room="lobby", id=said.id))
    with pytest.raises(Refusal) as refusal:
        await ana.send(put(said.id, "👍"))
    assert refusal.value.code == Code.NOT_FOUND
    await ben.join()
    assert "👍" not in repr(ben.events)
    for client in (ana, ben):
        assert client.rooms["lobby"].messages[said.id].reactions == ()


async def test_an_edit_that_is_repeated_after_a_redaction_is_answered_as_before(hub: Hub) -> None:
    """Whoever did not hear the answer hears the same one, also when the message is gone since."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    said = await ana.post("Fryday")
    edit = Edit(room="lobby", cid="e1", id=said.id, text="Friday")
    first = await ana.send(edit)
    await ana.send(Redact(room="lobby", id=said.id))
    assert await ana.send(edit) == first


async def test_a_post_answers_only_what_is_there(hub: Hub) -> None:
    """What is in no room, in another one, or redacted cannot be answered; a post that was taken stays so."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await ana.join("other")
    said, elsewhere = await ana.post("done?"), await ana.post("done?", "other")
    answering = Post(room="lobby", cid="c1", text="yes", reply_to=said.id)
    first = await ana.send(answering)
    assert isinstance(first, PostAnswer)
    assert ana.rooms["lobby"].messages[first.id].reply_to == said.id
    await ana.send(Redact(room="lobby", id=said.id))
    for gone in (said.id, elsewhere.id, "nobody's"):
        with pytest.raises(Refusal) as refusal:
            await ana.send(Post(room="lobby", cid=f"to {gone}", text="yes", reply_to=gone))
        assert refusal.value.code == Code.NOT_FOUND
    again = await ana.send(answering)
    assert again == PostAnswer(first.id, first.seq, duplicate=True)
