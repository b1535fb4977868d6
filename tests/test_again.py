"""Specification of asking once more: another reply to a question, and going on with one that ended early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Cancel, Redact, Regenerate, ReplyOpened, ResumeReply, TurnAnswer
from nbgroupchat.room import Message
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain

_AGENTS: list[Agent] = []


@pytest.fixture(autouse=True)
async def _ended() -> AsyncIterator[None]:
    """A reply may go on behind a test that has seen enough of it."""
    yield
    while _AGENTS:
        await _AGENTS.pop().close()


class Chat:
    """A hub with an agent that plays a script, and Ana and Ben in its lobby."""

    def __init__(self, *script: object, turns_per_minute: int = 20) -> None:
        self.hub = Hub(MemoryBackplane(), plain)
        self.engine = ScriptEngine(list(script))  # type: ignore[arg-type]  # replies of every shape
        self.agent = Agent(self.engine, Settings(engine="script", turns_per_minute=turns_per_minute))
        _AGENTS.append(self.agent)
        self.agent.sit(self.hub.seat(Identity("", "llama", "agent"), self.agent))
        self.ana, self.ben = FakeClient(self.hub, "Ana"), FakeClient(self.hub, "Ben")

    async def join(self) -> Chat:
        await self.ana.join()
        await self.ben.join()
        return self

    def replies(self) -> list[Message]:
        return [message for message in self.ben.rooms["lobby"].messages.values() if message.kind == "agent"]

    async def until_closed(self, count: int) -> list[Message]:
        await self.ben.until(lambda: [reply.status != "open" for reply in self.replies()] == [True] * count)
        return self.replies()

    def read(self, turn: int) -> list[str]:
        """Give what stood in the prompt of a turn, without what stands before the conversation."""
        return [segment.text for segment in self.engine.prompts[turn][1].segments][5:]


def holding(text: str) -> tuple[list[object], asyncio.Event, asyncio.Event]:
    """Give a scripted reply that holds after `text`, and the events that it holds, and may go on."""
    held, goes_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        held.set()
        await goes_on.wait()

    return [text, hold, " more"], held, goes_on


async def stopped(chat: Chat, held: asyncio.Event) -> tuple[str, str]:
    """Ask, and stop the reply after its first words. Gives the question and the reply."""
    asked = (await chat.ana.post("@llama tell")).id
    await held.wait()
    await chat.ben.until(lambda: any(reply.text for reply in chat.replies()))
    reply = chat.replies()[0].id
    await chat.ana.send(Cancel(room="lobby", id=reply))
    return asked, reply


async def refused(chat: Chat, command: Regenerate | ResumeReply) -> Code:
    with pytest.raises(Refusal) as refusal:
        await chat.ben.send(command)
    return refusal.value.code


async def test_anybody_asks_for_another_reply_to_a_question() -> None:
    """It is a reply of its own, read without the earlier one, which stays; later only the newest is read."""
    chat = await Chat("Monday.", "Friday.", "Yes.").join()
    asked = (await chat.ana.post("@llama when?")).id
    (first,) = await chat.until_closed(1)
    again = Regenerate(room="lobby", id=first.id, cid="c1")
    assert await chat.ben.send(again) == TurnAnswer(asked)
    one, two = await chat.until_closed(2)
    assert [(one.text, one.to), (two.text, two.to)] == [("Monday.", asked), ("Friday.", asked)]
    assert chat.read(1) == ["Ana: @llama when?", "(llama, answer Ana.)"]
    await chat.ben.post("@llama sure?")
    await chat.until_closed(3)
    assert chat.read(2) == [
        "Ana: @llama when?", "(llama, answer Ana.)", "Friday.", "Ben: @llama sure?", "(llama, answer Ben.)",
    ]  # fmt: skip


async def test_asking_once_more_is_done_once() -> None:
    """Repeated with its `cid` it gets the same answer: while it waits, while it is answered, and afterwards."""
    reply, held, goes_on = holding("Well")
    other, busy, ends = holding("Hm")
    chat = await Chat("Monday.", other, reply).join()
    asked = (await chat.ana.post("@llama when?")).id
    (first,) = await chat.until_closed(1)
    await chat.ana.post("@llama and?")
    await busy.wait()
    again = Regenerate(room="lobby", id=first.id, cid="c1")
    answers = [await chat.ben.send(again), await chat.ben.send(again)]
    assert list(chat.ben.rooms["lobby"].waiting) == [asked]
    ends.set()
    await held.wait()
    answers.append(await chat.ben.send(again))
    goes_on.set()
    await chat.until_closed(3)
    answers.append(await chat.ben.send(again))
    assert answers == [TurnAnswer(asked)] * 4
    assert len(chat.replies()) == 3
    assert len([event for event in chat.ben.events if isinstance(event, ReplyOpened)]) == 3


async def test_a_reply_that_ended_early_goes_on() -> None:
    """What follows is a reply of its own that names the one it continues, and both are read later."""
    reply, held, _ = holding("Once upon")
    chat = await Chat(reply, "a time.", "Yes.").join()
    asked, first = await stopped(chat, held)
    assert await chat.ben.send(ResumeReply(room="lobby", id=first, cid="c1")) == TurnAnswer(asked)
    one, two = await chat.until_closed(2)
    assert [(one.text, one.status, one.continues), (two.text, two.status, two.continues)] == [
        ("Once upon", "stopped", None), ("a time.", "complete", first),
    ]  # fmt: skip
    told = ["Ana: @llama tell", "(llama, answer Ana.)", "Once upon", "(llama, answer Ana: go on where you stopped.)"]
    assert chat.read(1) == told
    await chat.ben.post("@llama sure?")
    await chat.until_closed(3)
    assert chat.read(2) == [*told, "a time.", "Ben: @llama sure?", "(llama, answer Ben.)"]


async def test_what_cannot_be_asked_once_more() -> None:
    """What is being written, has ended by itself, has a newer reply, or is no reply is refused and says so."""
    reply, held, goes_on = holding("Once")
    chat = await Chat(reply, "a time.", "Other.").join()
    asked = (await chat.ana.post("@llama tell")).id
    await held.wait()
    await chat.ben.until(lambda: bool(chat.replies()))
    first = chat.replies()[0].id
    for command in (Regenerate(room="lobby", id=first, cid="a"), ResumeReply(room="lobby", id=first, cid="b")):
        assert await refused(chat, command) == Code.FORBIDDEN
    goes_on.set()
    await chat.until_closed(1)
    assert await refused(chat, ResumeReply(room="lobby", id=first, cid="c")) == Code.FORBIDDEN
    for nothing in (asked, "nobody's"):
        assert await refused(chat, Regenerate(room="lobby", id=nothing, cid="d")) == Code.NOT_FOUND
        assert await refused(chat, ResumeReply(room="lobby", id=nothing, cid="e")) == Code.NOT_FOUND
    await chat.ana.send(Redact(room="lobby", id=asked))
    assert await refused(chat, Regenerate(room="lobby", id=first, cid="f")) == Code.NOT_FOUND
    assert len(chat.replies()) == 1


async def test_only_the_newest_reply_goes_on() -> None:
    """One to which there is a newer attempt cannot be gone on with."""
    reply, held, _ = holding("Once")
    chat = await Chat(reply, "Another.").join()
    _, first = await stopped(chat, held)
    await chat.ben.send(Regenerate(room="lobby", id=first, cid="a"))
    await chat.until_closed(2)
    assert await refused(chat, ResumeReply(room="lobby", id=first, cid="b")) == Code.FORBIDDEN


async def test_asking_once_more_counts_as_a_turn() -> None:
    """Beyond the limit of turns it is refused with when to ask again, and nothing is written."""
    chat = await Chat("Monday.", "Friday.", turns_per_minute=1).join()
    await chat.ana.post("@llama when?")
    (first,) = await chat.until_closed(1)
    await chat.ben.send(Regenerate(room="lobby", id=first.id, cid="a"))
    await chat.until_closed(2)
    with pytest.raises(Refusal) as refusal:
        await chat.ben.send(Regenerate(room="lobby", id=first.id, cid="b"))
    assert (refusal.value.code, refusal.value.retry_ms is not None) == (Code.TOO_FAST, True)
    assert len(chat.replies()) == 2


async def test_what_waits_once_more_can_be_stopped() -> None:
    """Stopping the question stops the attempt that waits, and not the reply that was there before."""
    other, busy, ends = holding("Hm")
    chat = await Chat("Monday.", other).join()
    asked = (await chat.ana.post("@llama when?")).id
    (first,) = await chat.until_closed(1)
    await chat.ana.post("@llama and?")
    await busy.wait()
    await chat.ben.send(Regenerate(room="lobby", id=first.id, cid="a"))
    await chat.ana.send(Cancel(room="lobby", id=asked))
    ends.set()
    replies = await chat.until_closed(3)
    assert sorted((reply.text, reply.status) for reply in replies if reply.to == asked) == [
        ("", "stopped"), ("Monday.", "complete"),
    ]  # fmt: skip
    assert chat.ben.rooms["lobby"].waiting == {}


async def test_a_question_taken_back_is_not_answered_once_more() -> None:
    """None of the attempts that wait is made, whoever asked for them."""
    other, busy, ends = holding("Hm")
    chat = await Chat("Monday.", other, "Fine.").join()
    asked = (await chat.ana.post("@llama when?")).id
    (first,) = await chat.until_closed(1)
    await chat.ana.post("@llama and?")
    await busy.wait()
    for client in (chat.ana, chat.ben):
        await client.send(Regenerate(room="lobby", id=first.id, cid="a"))
    await chat.ben.until(lambda: list(chat.ben.rooms["lobby"].waiting) == [asked])
    await chat.ana.send(Redact(room="lobby", id=asked))
    ends.set()
    await chat.until_closed(2)
    await chat.ben.post("@llama well?")
    assert (await chat.until_closed(3))[2].text == "Fine."
    assert [reply.to for reply in chat.replies()].count(asked) == 1


async def test_a_stop_says_whose_it_was() -> None:
    """Everybody is told what they were called who stopped a reply; other ends name nobody."""
    reply, held, _ = holding("Once")
    chat = await Chat(reply, "Fine.").join()
    await stopped(chat, held)
    await chat.ana.post("@llama well?")
    one, two = await chat.until_closed(2)
    assert (one.stopped_by, two.stopped_by) == ("Ana", None)
