"""Specification of the agent: hears everything, answers what addresses it, stops when it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.base import NOTHING, Appended
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.engines.base import EngineStatus, Part, Piece, Reading, Sampling, StatusListener
from nbgroupchat.engines.script import ScriptEngine, Step
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import MAX_TEXT, Cancel, Delta, DurableEvent, Redact, ReplyClosed, ReplyOpened
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain

SETTINGS = Settings(engine="script")


class Chat:
    """A hub with an agent that plays a script."""

    def __init__(self, *script: object) -> None:
        self.hub = Hub(MemoryBackplane(), plain)
        self.engine = ScriptEngine(list(script))  # type: ignore[arg-type]  # replies of every shape
        self.agent = Agent(self.engine, SETTINGS)
        self.agent.sit(self.hub.seat(Identity("", "llama", "agent"), self.agent))

    async def member(self, name: str) -> FakeClient:
        client = FakeClient(self.hub, name)
        await client.join()
        return client


def holding(text: str) -> tuple[list[object], asyncio.Event]:
    """Give a scripted reply that holds after `text`, and what lets it go on."""
    gate = asyncio.Event()
    return [text, gate.wait, " done"], gate


async def test_a_mention_is_answered_in_front_of_everybody() -> None:
    """Ben asks; Ana sees the reply too, as an answer to Ben's post, complete."""
    chat = Chat("On Friday.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    asked = await ben.post("@llama when?")
    for client in (ana, ben):
        reply = await client.reply(asked.id)
        assert (reply.text, reply.status, reply.kind, reply.name) == ("On Friday.", "complete", "agent", "llama")


async def test_what_addresses_nobody_is_only_heard() -> None:
    """People talk among themselves without an answer, and the agent has still read it."""
    chat = Chat("Yes.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    await ana.post("The demo is on Friday.")
    await ana.post("see `@llama` in the docs")
    asked = await ben.post("@llama when is the demo?")
    reply = await ben.reply(asked.id)
    assert len([event for event in ben.events if isinstance(event, ReplyOpened)]) == 1
    ((room, prompt),) = chat.engine.prompts
    assert room == "lobby"
    assert "Ana: The demo is on Friday." in [segment.text for segment in prompt.segments]
    assert reply.context == asked.seq


async def test_the_agent_does_not_answer_itself() -> None:
    """A reply that mentions the agent starts no new one."""
    chat = Chat("I am @llama, ask @llama.")
    ana = await chat.member("Ana")
    await ana.reply((await ana.post("@llama who are you?")).id)
    await ana.reply((await ana.post("@llama again?")).id)
    assert len(chat.engine.prompts) == 2


async def test_questions_wait_for_their_turn() -> None:
    """Two people who ask at once are both answered, one after the other, the second with the first reply read."""
    chat = Chat("First.", "Second.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    one, two = await asyncio.gather(ana.post("@llama one?"), ben.post("@llama two?"))
    assert (await ana.reply(one.id)).text == "First."
    assert (await ana.reply(two.id)).text == "Second."
    kinds = [type(event) for event in ana.events if isinstance(event, (ReplyOpened, ReplyClosed))]
    assert kinds == [ReplyOpened, ReplyClosed] * 2
    assert "First." in [segment.text for segment in chat.engine.prompts[1][1].segments]


async def test_a_stop_ends_the_reply_and_the_next_is_answered() -> None:
    """Whoever stops it, the reply ends with what was shown, the model is let go, and it answers again."""
    gate, held = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        held.set()
        await gate.wait()

    chat = Chat(["Hel", "lo ", hold, "never"], "Again.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    asked = (await ana.post("@llama talk")).id
    await held.wait()
    await ben.until(lambda: (reply := ben.reply_to(asked)) is not None and reply.text == "Hello")
    reply = ben.reply_to(asked)
    assert reply is not None
    await ben.send(Cancel(room="lobby", id=reply.id))
    gate.set()
    assert (await ana.reply(asked)).text == "Hello"
    assert (await ana.reply((await ana.post("@llama again")).id)).text == "Again."
    assert "never" not in "".join(event.text for event in ana.events if isinstance(event, Delta))


async def test_a_lost_engine_leaves_what_was_written() -> None:
    """A reply whose engine is lost closes as interrupted with the text so far, and the next question is answered."""
    chat = Chat(["Half", Step(interrupt="The model's process ended.")], "Whole.")
    ana = await chat.member("Ana")
    lost = await ana.reply((await ana.post("@llama one?")).id)
    assert (lost.text, lost.status, lost.error) == ("Half", "interrupted", "The model's process ended.")
    assert (await ana.reply((await ana.post("@llama two?")).id)).status == "complete"


async def test_an_engine_that_cannot_answer_says_what_to_do() -> None:
    """Without a model the question gets a failed reply with the engine's own words."""
    chat = Chat([Step(fail="There is no model. Install one.")])
    ana = await chat.member("Ana")
    reply = await ana.reply((await ana.post("@llama one?")).id)
    assert (reply.text, reply.status, reply.error) == ("", "failed", "There is no model. Install one.")


class BrokenEngine:
    """An engine with a bug."""

    status = EngineStatus("ready")
    model = None

    def watch(self, listener: StatusListener) -> None:
        """Tell nothing."""

    def start(self) -> None:
        """Be ready."""

    def listen(self, room: str, prompt: Prompt) -> None:
        """Hear nothing."""

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        yield Reading()
        yield Piece("So")
        raise ZeroDivisionError("canary")

    async def close(self) -> None:
        """End."""


async def test_a_bug_in_an_engine_is_a_failed_reply(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw ends the reply, is found in the log under the number shown, and does not end the agent."""
    hub = Hub(MemoryBackplane(), plain)
    agent = Agent(BrokenEngine(), SETTINGS)
    agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
    ana = FakeClient(hub, "Ana")
    await ana.join()
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            reply = await ana.reply((await ana.post("@llama?")).id)
    assert (reply.status, reply.text) == ("failed", "So")
    assert reply.error is not None
    assert "canary" not in reply.error
    assert reply.error.split()[-1].strip(".") in caplog.text


async def test_a_reply_that_would_never_end_is_cut() -> None:
    """A model that floods is let go at the length of a message, with the status that says so."""
    chat = Chat(["é" * 5_000] * 4)
    ana = await chat.member("Ana")
    reply = await ana.reply((await ana.post("@llama go")).id)
    assert reply.status == "length"
    assert MAX_TEXT - 2 < len(reply.text.encode()) <= MAX_TEXT


async def test_the_model_does_not_write_for_others() -> None:
    """Where the model goes on with another member's line, the reply ends before it."""
    chat = Chat("Sure.\nAna: thanks!\nllama: you're welcome")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    await ana.post("hi")
    reply = await ben.reply((await ben.post("@llama ok?")).id)
    assert (reply.text, reply.status) == ("Sure.", "complete")


async def test_a_reply_that_ends_early_lets_the_model_go(caplog: pytest.LogCaptureFixture) -> None:
    """Also while the model's next piece is awaited, a reply that is over closes the stream, and nothing goes wrong."""
    closed = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    chat = Chat(["Sure.", "\nAna: thanks", never], "Next.")
    ana = await chat.member("Ana")
    assert (await ana.reply((await ana.post("@llama ok?")).id)).text == "Sure."
    await closed.wait()
    assert (await ana.reply((await ana.post("@llama?")).id)).text == "Next."
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class FloodingEngine(BrokenEngine):
    """An engine that never ends by itself, and needs a moment to let its model go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        try:
            yield Reading()
            yield Piece("Sure.")
            while True:
                yield Piece("\nAna: thanks")
        finally:
            await asyncio.sleep(0)
            self.let_go.set()


async def test_a_turn_is_not_stopped_by_its_own_close() -> None:
    """The agent hears the close of its reply like everybody; that must not cut short how it lets the model go."""
    hub, engine = Hub(MemoryBackplane(), plain), FloodingEngine()
    agent = Agent(engine, SETTINGS)
    agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
    ana = FakeClient(hub, "Ana")
    await ana.join()
    assert (await ana.reply((await ana.post("@llama ok?")).id)).text == "Sure."
    async with asyncio.timeout(10):
        await engine.let_go.wait()


async def test_a_question_that_waits_can_be_stopped() -> None:
    """Stopping it by its message's id ends it with an empty reply, which nobody has to wait for."""
    held, gate = holding("Slow")
    chat = Chat(held, "Never.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    first = (await ana.post("@llama one?")).id
    await ana.until(lambda: ana.reply_to(first) is not None)
    second = (await ben.post("@llama two?")).id
    await ana.send(Cancel(room="lobby", id=second))
    reply = await ben.reply(second)
    assert (reply.status, reply.text, ben.rooms["lobby"].waiting) == ("stopped", "", {})
    gate.set()
    assert (await ana.reply(first)).text == "Slow done"
    assert len(chat.engine.prompts) == 1


async def test_a_stop_by_the_question_finds_its_reply() -> None:
    """Who knows only the question, as an interrupted cell may, stops the reply that has begun meanwhile."""
    held, gate = holding("Half")
    chat = Chat(held)
    ana = await chat.member("Ana")
    asked = (await ana.post("@llama one?")).id
    await ana.until(lambda: (reply := ana.reply_to(asked)) is not None and reply.text == "Half")
    await ana.send(Cancel(room="lobby", id=asked))
    gate.set()
    assert (await ana.reply(asked)).status == "stopped"


async def test_the_first_room_starts_the_model_and_posts_are_read_ahead() -> None:
    """Nothing is loaded before somebody comes; then what is said is handed to the engine while it has nothing to do."""
    chat = Chat("Yes.")
    states = [chat.engine.status.state]
    ana = await chat.member("Ana")
    assert [*states, chat.engine.status.state] == ["off", "ready"]
    await ana.post("just talking")
    assert chat.engine.heard[-1][1].segments[-1].text == "Ana: just talking"


async def test_closing_the_agent_closes_its_reply() -> None:
    """When the server ends in the middle of a reply, the reply is closed as interrupted first."""
    held = asyncio.Event()

    async def hold() -> None:
        held.set()
        await asyncio.Event().wait()

    chat = Chat(["Half", hold])
    ana = await chat.member("Ana")
    asked = (await ana.post("@llama?")).id
    await held.wait()
    await ana.until(lambda: (reply := ana.reply_to(asked)) is not None and reply.text == "Half")
    await chat.agent.close()
    reply = ana.reply_to(asked)
    assert reply is not None
    assert (reply.status, reply.text) == ("interrupted", "Half")


async def test_rooms_are_answered_at_the_same_time() -> None:
    """While a reply is held in one room, another room's question is answered."""
    held, gate = holding("Slow")
    chat = Chat(held, "Quick.")
    ana, ben = await chat.member("Ana"), FakeClient(chat.hub, "Ben")
    await ben.join("other")
    slow = (await ana.post("@llama one?")).id
    await ana.until(lambda: ana.reply_to(slow) is not None)
    quick = (await ben.post("@llama two?", "other")).id
    assert (await ben.reply(quick, "other")).text == "Quick."
    gate.set()
    assert (await ana.reply(slow)).text == "Slow done"


async def test_who_waits_sees_how_many_are_before() -> None:
    """Everybody in the room, also who joins later, sees the line, and it is empty when it has been worked off."""
    held, gate = holding("Slow")
    chat = Chat(held, "Next.", "Last.")
    ana, ben, cleo = [await chat.member(name) for name in ("Ana", "Ben", "Cleo")]
    first = (await ana.post("@llama one?")).id
    await ana.until(lambda: ana.reply_to(first) is not None)
    second, third = (await ben.post("@llama two?")).id, (await cleo.post("@llama three?")).id
    late = await chat.member("Late")
    for client in (ana, ben, late):
        await client.until(lambda c=client: c.rooms["lobby"].waiting == {second: 1, third: 2})  # type: ignore[misc]
    gate.set()
    assert [(await ana.reply(asked)).text for asked in (first, second, third)] == ["Slow done", "Next.", "Last."]
    assert late.rooms["lobby"].waiting == {}


async def test_one_question_of_a_member_waits() -> None:
    """A second question of somebody who waits is answered at once with why not, and the first one keeps its place."""
    held, gate = holding("Slow")
    chat = Chat(held, "Next.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    first = (await ana.post("@llama one?")).id
    await ana.until(lambda: ana.reply_to(first) is not None)
    second, third = (await ben.post("@llama two?")).id, (await ben.post("@llama three?")).id
    refused = await ben.reply(third)
    assert (refused.status, refused.text) == ("failed", "")
    assert "waiting already" in (refused.error or "")
    gate.set()
    assert (await ben.reply(second)).text == "Next."


async def test_a_stop_in_one_room_leaves_the_others() -> None:
    """Stopping a reply ends it alone."""
    (one, first_gate), (two, second_gate) = holding("One"), holding("Two")
    chat = Chat(one, two)
    ana, ben = await chat.member("Ana"), FakeClient(chat.hub, "Ben")
    await ben.join("other")
    first = (await ana.post("@llama?")).id
    await ana.until(lambda: (reply := ana.reply_to(first)) is not None and reply.text == "One")
    second = (await ben.post("@llama?", "other")).id
    await ben.until(lambda: (reply := ben.reply_to(second, "other")) is not None and reply.text == "Two")
    reply = ana.reply_to(first)
    assert reply is not None
    await ana.send(Cancel(room="lobby", id=reply.id))
    first_gate.set()
    second_gate.set()
    assert (await ben.reply(second, "other")).text == "Two done"
    assert (await ana.reply(first)).text == "One"


@pytest.mark.parametrize("spins", range(6))
async def test_a_stop_while_the_opening_is_stored_leaves_no_reply_open(tmp_path: Path, spins: int) -> None:
    """Wherever a stop of a question meets its turn, there is one reply to it, and that one is closed."""
    store = SqliteBackplane(tmp_path / "rooms.sqlite", "normal")
    hub, agent = Hub(store, plain), Agent(ScriptEngine(["Sure."]), SETTINGS)
    agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
    ana = FakeClient(hub, "Ana")
    await ana.join()
    asked = await ana.post("@llama hi")
    for _ in range(spins):
        await asyncio.sleep(0)
    await ana.send(Cancel(room="lobby", id=asked.id))
    await agent.close()
    entries, _ = await store.read("lobby", 1_000, 1_000)
    (opened,) = [entry.eid for entry in entries if isinstance(entry, ReplyOpened)]
    assert [entry.id for entry in entries if isinstance(entry, ReplyClosed)] == [opened]
    await hub.close()


async def test_a_question_taken_back_is_not_answered() -> None:
    """A question that is redacted while it waits gets no turn."""
    reply, gate = holding("One")
    chat = Chat(reply, "Two.")
    ana, ben = await chat.member("Ana"), await chat.member("Ben")
    first = await ana.post("@llama one?")
    second = await ben.post("@llama two?")
    await ben.send(Redact(room="lobby", id=second.id))
    gate.set()
    await ana.reply(first.id)
    last = await ana.post("@llama three?")
    assert (await ana.reply(last.id)).text == "Two."
    assert ben.reply_to(second.id) is None


class FullStore(MemoryBackplane):
    """A store that has no room for the opening of a reply until there is; it may never be."""

    def __init__(self, retry_ms: int | None) -> None:
        super().__init__()
        self.refusals = 0
        self._retry_ms = retry_ms

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        if isinstance(entry, ReplyOpened) and self.refusals < 2:
            self.refusals += 1
            raise Refusal(Code.UNAVAILABLE, "The disk is full.", self._retry_ms)
        return await super().append(room, entry, key, files)


async def test_a_question_is_answered_once_there_is_room_again() -> None:
    """Where a reply cannot be stored now, the question is not forgotten; where it never will be, the next ones are not
    either.
    """
    for retry_ms in (1, None):
        store = FullStore(retry_ms)
        hub, agent = Hub(store, plain), Agent(ScriptEngine(["Sure."]), SETTINGS)
        agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
        ana = FakeClient(hub, "Ana")
        await ana.join()
        questions = [await ana.post("@llama hi")]
        if retry_ms is None:
            while store.refusals < 2:
                await asyncio.sleep(0)
                if not agent._turns:
                    questions.append(await ana.post("@llama again"))
            questions.append(await ana.post("@llama and now"))
        assert (await ana.reply(questions[-1].id)).text == "Sure."
        assert store.refusals == 2
        await agent.close()


async def test_a_closed_agent_takes_no_question() -> None:
    """What is asked while the server ends begins no turn that nobody would wait for."""
    chat = Chat("Sure.")
    ana = await chat.member("Ana")
    await chat.agent.close()
    asked = await ana.post("@llama hi")
    await asyncio.sleep(0)
    assert (ana.reply_to(asked.id), chat.engine.prompts) == (None, [])
