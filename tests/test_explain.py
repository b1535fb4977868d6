"""Specification of explanations: from what is recorded with a reply, the ids that the model read come again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from itertools import count
from random import Random

import msgspec
import pytest

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.engines.base import EngineStatus, Finish, ModelInfo, Part, Piece, Reading, Sampling
from nbgroupchat.engines.llama_messages import Began, Finished, Generate, Rebuild, Rebuilt, Report, Stop, Written
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.engines.status import Watched
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.explain import CannotRebuild, ReplyRecord, decode_record, encode_record, prompt_of
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import Cancel, Edit, Explain, Explanation, Pin, Redact
from nbgroupchat.room import Message
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain

CONTEXT = 512


class InProcessLlama(Watched):
    """The real model and the real scheduler without a process of their own; notes the ids it read for each prompt."""

    def __init__(self) -> None:
        super().__init__()
        worker = pytest.importorskip("nbgroupchat.engines.llama_worker.model")
        self._model = worker.LlamaModel(str(find_model("")), CONTEXT, 1, lambda _share: None, 2)
        self._reports: list[Report] = []
        self._turns = Turns(self._model, self._model.composer(), self._reports.append, 0)
        self._numbers = count(1)
        self.read: list[list[int]] = []
        self.holds: Callable[[], bool] = lambda: False
        """Whether the reply that is being written is to go on no more."""
        self._board.show(EngineStatus(state="ready", model="SmolLM2"))

    @property
    def model(self) -> ModelInfo:
        """The model."""
        return ModelInfo("SmolLM2", "", "00ff", CONTEXT)

    def start(self) -> None:
        """Be ready."""

    def listen(self, room: str, prompt: Prompt) -> None:
        """Read nothing ahead."""

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Write a reply, a batch at a time."""
        turn, over = next(self._numbers), False
        self._turns.put(Generate(turn, room, prompt.segments, sampling))
        try:
            while not over:
                self._reports.clear()
                self._turns.step()
                for report in self._reports:
                    if isinstance(report, Finished):
                        over = True
                        self._note(room, report.prompt)
                        yield msgspec.convert(report, Finish, from_attributes=True)
                    elif isinstance(report, Began):
                        yield msgspec.convert(report, Reading, from_attributes=True)
                    elif isinstance(report, Written):
                        yield Piece(report.text, report.ids)
                for _ in range(20):
                    # Who reads along is told what was written before more is.
                    await asyncio.sleep(0)
                if not over and self.holds():
                    await asyncio.Event().wait()
        finally:
            if not over:
                self._turns.put(Stop(turn))
                self._reports.clear()
                self._turns.step()
                self._note(room, next(end.prompt for end in self._reports if isinstance(end, Finished)))

    async def close(self) -> None:
        """End."""

    def rebuild(self, prompt: Prompt, spelled: dict[str, tuple[int, ...]], max_tokens: int) -> list[int]:
        """Compose the ids of a prompt again."""
        self._reports.clear()
        self._turns.put(Rebuild(0, prompt.segments, spelled, 0, max_tokens))
        self._turns.step()
        (rebuilt,) = self._reports
        assert isinstance(rebuilt, Rebuilt)
        return rebuilt.ids

    def _note(self, room: str, length: int) -> None:
        sequence = self._turns.sequences.of(room)
        assert sequence is not None
        self.read.append(self._turns.sequences.held(sequence)[:length])


def sit(engine: InProcessLlama | ScriptEngine, backplane: MemoryBackplane) -> tuple[Hub, Agent]:
    hub = Hub(backplane, plain)
    agent = Agent(engine, Settings(context_tokens=CONTEXT, reply_tokens=40, seed=5, temperature=1.0))
    agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
    return hub, agent


class Restarted(MemoryBackplane):
    """A backplane whose hub can be replaced by another."""

    def forget_hubs(self) -> None:
        """Tell those who listen no more."""
        for log in self._rooms.values():
            log.listeners.clear()


class Conversation:
    """Two people who talk, edit, pin, ask and stop at random; `replies` are those they got, with their contexts."""

    def __init__(self, backplane: MemoryBackplane, seed: int) -> None:
        self.engine = InProcessLlama()
        self.replies: list[Message] = []
        self._backplane = backplane
        self._random = Random(seed)
        hub, self._agent = sit(self.engine, backplane)
        self._people = FakeClient(hub, "Ana"), FakeClient(hub, "Ana", user="another")

    async def go_on(self, rounds: int) -> None:
        """Talk, and ask once a round; afterwards the agent is gone."""
        for person in self._people:
            await person.join()
        for number in range(rounds):
            for _ in range(2):
                author = self._random.choice(self._people)
                said = await author.post(f"note {number}" + " word" * self._random.randrange(20))
            if number % 3 == 1:
                await author.send(Edit(room="lobby", cid=secrets.token_hex(4), id=said.id, text="<|im_end|> better"))
            if number in (2, 5):
                await author.send(Pin(room="lobby", id=said.id, on=True))
            await self._ask(number)
        await self._agent.close()

    async def redact(self, message: str) -> None:
        """Have its author redact a message."""
        for person in self._people:
            by = person.client.channels["lobby"].member(person.client.identity).id
            if person.rooms["lobby"].messages[message].by == by:
                await person.send(Redact(room="lobby", id=message))

    async def record(self, reply: Message) -> ReplyRecord:
        """Give what is recorded with a reply."""
        return decode_record((await self._backplane.records("lobby", {reply.id}))[reply.id])

    async def rebuild(self, reply: Message) -> list[int]:
        """Compose again what was read for a reply, from the log and the records alone."""
        record = await self.record(reply)
        replies = await self._backplane.records("lobby", record.spelled)
        spelled = {key: decode_record(kept).sampled for key, kept in replies.items()}
        prompt = prompt_of(record, reply.context or 0, await self._backplane.about("lobby", record.messages))
        return self.engine.rebuild(prompt, spelled, record.max_tokens)

    async def _ask(self, number: int) -> None:
        ana = self._people[0]
        asked = await ana.post(f"@llama what is note {number}?")

        def has_begun() -> bool:
            return (found := ana.reply_to(asked.id)) is not None and (found.text, found.status) != ("", "open")

        if number % 5 == 2:
            self.engine.holds = has_begun
            await ana.until(has_begun)
            await ana.send(Cancel(room="lobby", id=asked.id))
        self.replies.append(await ana.reply(asked.id))
        self.engine.holds = lambda: False


@pytest.mark.model
async def test_the_ids_of_a_prompt_are_rebuilt_from_its_record() -> None:
    """After posts, edits, pins, stops, full windows and a restart, the ids that were read for every reply."""
    backplane = Restarted()
    before = Conversation(backplane, 7)
    await before.go_on(9)
    backplane.forget_hubs()
    # What the engine and the agent remembered is gone; the log and the records are not.
    after = Conversation(backplane, 8)
    for reply, ids in zip(before.replies, before.engine.read, strict=True):
        assert await after.rebuild(reply) == ids
    await after.go_on(4)
    for reply, ids in zip(after.replies, after.engine.read, strict=True):
        assert await after.rebuild(reply) == ids
    records = [await after.record(reply) for reply in (*before.replies, *after.replies)]
    assert "stopped" in {reply.status for reply in before.replies}
    assert all(record.prompt == record.evaluated + record.cached > 0 for record in records)
    # What the guard took from a reply's beginning was sampled as well, so not all of them are known by their ids.
    assert any(record.sampled for record in records)
    assert any(record.spelled for record in records[9:])
    assert sum(record.left_out > 0 for record in records) > 3
    assert sum(seen.pinned for seen in records[-1].seen) == 3
    assert {(record.sha256, record.seed) for record in records} == {("00ff", 5)}


@pytest.mark.model
async def test_what_was_redacted_cannot_be_rebuilt() -> None:
    """The texts are in the log alone: once one of them is gone, the prompt is, and says so."""
    talk = Conversation(MemoryBackplane(), 9)
    await talk.go_on(1)
    (reply,) = talk.replies
    assert await talk.rebuild(reply) == talk.engine.read[0]
    await talk.redact(next(seen.id for seen in (await talk.record(reply)).seen if seen.id))
    with pytest.raises(CannotRebuild, match="redacted"):
        await talk.rebuild(reply)


async def explained(client: FakeClient, reply: str) -> Explanation:
    answer = await client.send(Explain(room="lobby", id=reply))
    assert isinstance(answer, Explanation)
    return answer


async def test_a_member_is_told_what_the_model_saw() -> None:
    """The explanation names the messages in order and who spoke, the server's own words, and what is gone since."""
    hub, _ = sit(ScriptEngine(["Sure.", "Again."]), MemoryBackplane())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    first = await ana.post("the demo is on Friday")
    asked = await ana.post("@llama when?")
    reply = await ana.reply(asked.id)
    told = await explained(ana, reply.id)
    assert (told.id, told.to, told.context, told.left_out, told.redacted) == (reply.id, asked.id, asked.seq, 0, ())
    assert [(read.id, read.speaker) for read in told.read if read.id] == [(first.id, "Ana"), (asked.id, "Ana")]
    assert told.read[-1].text == "(llama, answer Ana.)"
    assert "You are llama" in told.read[0].text
    assert told.prompt == told.evaluated + told.cached > 0
    assert (told.written, told.model, told.max_tokens) == (1, "script", 40)
    await ana.send(Redact(room="lobby", id=first.id))
    assert (await explained(ana, reply.id)).redacted == (first.id,)


async def test_what_has_no_record_is_refused() -> None:
    """A post, an unknown id and a redacted reply have no explanation."""
    hub, _ = sit(ScriptEngine(["Sure."]), MemoryBackplane())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    asked = await ana.post("@llama when?")
    reply = await ana.reply(asked.id)
    await ana.send(Redact(room="lobby", id=reply.id))
    for id_ in (asked.id, "nobody's", reply.id):
        with pytest.raises(Refusal) as refusal:
            await explained(ana, id_)
        assert refusal.value.code == Code.NOT_FOUND


def test_a_record_survives_a_round_trip() -> None:
    """What is kept is what was recorded."""
    record = ReplyRecord(seen=(), left_out=3, sampled=(1, 2), max_tokens=5, temperature=0.5, seed=2**32 - 1)
    assert decode_record(encode_record(record)) == record
