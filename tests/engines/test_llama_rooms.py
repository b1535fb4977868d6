"""Several rooms on the real SmolLM2: at once, in more rooms than sequences, and what is told about what was read."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import pytest

from nbgroupchat.engines.base import EngineError, Finish, Piece, Sampling
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.llama_batches import BESIDE
from nbgroupchat.engines.llama_messages import Finished, Generate, Report, Stop, Written
from nbgroupchat.engines.llama_model import Part, Sampler
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.settings import Settings
from nbgroupchat.window import opening

pytest.importorskip("llama_cpp")
from nbgroupchat.engines.llama_worker.model import LlamaModel  # needs llama_cpp

pytestmark = pytest.mark.model

SHORT = Sampling(max_tokens=40, temperature=0.0)
ENDLESS = Sampling(max_tokens=2000, temperature=1.0, seed=3)
# What is compared of replies: batches of other sizes round otherwise, and late in a reply two words may be as likely.
BEGINNING = 60
TOPICS = ("llamas", "mountains", "the sea", "trains", "bread", "music")


def prompt_of(room: str, topic: str, history: int = 0) -> Prompt:
    system = Segment("system", f"You are llama, a helpful assistant in the group chat room {room}.")
    said = [Segment("user", f"Ana: Fact {number}: {topic} are nice.", f"{number}") for number in range(history)]
    return Prompt((system, *said, Segment("user", f"Ben: Tell me about {topic}.", "q"), Segment("user", "(llama)")))


async def reply(engine: LlamaEngine, room: str, prompt: Prompt, sampling: Sampling = SHORT) -> tuple[str, Finish]:
    parts = [part async for part in engine.stream(room, prompt, sampling)]
    finish = parts[-1]
    assert isinstance(finish, Finish)
    return "".join(part.text for part in parts if isinstance(part, Piece)), finish


@pytest.fixture
async def two_sequences() -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine(Settings(turns_at_once=2, context_tokens=1024))
    yield engine
    await engine.close()


async def test_rooms_at_once_say_what_they_say_alone() -> None:
    """Three replies written in the same batches are those written one after another, at temperature 0."""
    engine = LlamaEngine(Settings(context_tokens=1024))
    prompts = {topic: prompt_of(topic, topic) for topic in TOPICS[:3]}
    alone = [(await reply(engine, f"{room}, alone", prompt))[0] for room, prompt in prompts.items()]
    together = await asyncio.gather(*(reply(engine, room, prompt) for room, prompt in prompts.items()))
    await engine.close()
    assert [text[:BEGINNING] for text, _ in together] == [text[:BEGINNING] for text in alone]
    assert len({text[:BEGINNING] for text in alone}) == 3


async def test_parked_rooms_are_not_read_again(two_sequences: LlamaEngine) -> None:
    """Six rooms in turn over two sequences: coming back costs one token, and the reply is the same."""
    rounds = [
        [await reply(two_sequences, topic, prompt_of(topic, topic, 5), SHORT) for topic in TOPICS] for _ in range(2)
    ]
    assert [finish.evaluated for _, finish in rounds[1]] == [1] * 6
    first, second = ([text[:BEGINNING] for text, _ in replies] for replies in rounds)
    assert first == second


async def test_a_stop_leaves_other_rooms(two_sequences: LlamaEngine) -> None:
    """Closing one stream does not change what is written in the other room; a third room finds the place."""
    expected, _ = await reply(two_sequences, "a", prompt_of("a", "llamas"))
    running = asyncio.create_task(reply(two_sequences, "a", prompt_of("a", "llamas")))
    async with aclosing(two_sequences.stream("b", prompt_of("b", "bread"), ENDLESS)) as stream:
        await anext(stream)
    assert (await reply(two_sequences, "c", prompt_of("c", "music")))[0]
    assert (await running)[0][:BEGINNING] == expected[:BEGINNING]


async def test_more_rooms_than_sequences_at_once(two_sequences: LlamaEngine) -> None:
    """Six rooms that ask at the same moment are all answered by two sequences."""
    replies = await asyncio.gather(*(reply(two_sequences, topic, prompt_of(topic, topic)) for topic in TOPICS))
    assert all(text and finish.written for text, finish in replies)


async def test_the_model_is_described(two_sequences: LlamaEngine) -> None:
    """Once loaded the engine names its model, the file, its hash and the context each room has."""
    assert two_sequences.model is None
    await reply(two_sequences, "a", prompt_of("a", "llamas"))
    path = find_model("")
    while not (model := two_sequences.model) or not model.sha256:  # noqa: ASYNC110  # nothing tells of the hash
        await asyncio.sleep(0.01)
    assert (model.name, model.path, model.context_tokens) == ("SmolLM2 135M Instruct", str(path), 1024)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_the_log_states_the_memory(two_sequences: LlamaEngine, caplog: pytest.LogCaptureFixture) -> None:
    """The line that says that the model is loaded has its sequences and how much memory they take."""
    caplog.set_level("INFO", "nbgroupchat")
    await reply(two_sequences, "a", prompt_of("a", "llamas"))
    # 30 layers of 3 heads of 64 numbers, twice, in 16 bits: 22.5 KiB a token, for 2 times 1,024.
    assert "2 sequences of 1024 tokens" in caplog.text
    assert "45 MiB of cache, and at most 256 MiB for parked rooms" in caplog.text


class Bench:
    """The scheduler over the real model, in this process, with every batch it reads."""

    def __init__(self, sequences: int, context_tokens: int = 1024) -> None:
        self.model = LlamaModel(str(find_model("")), context_tokens, 1, lambda share: None, sequences)
        self.reports: list[Report] = []
        self.composer = self.model.composer()
        self.turns = Turns(self.model, self.composer, self.reports.append, 1 << 26)
        self.batches: list[list[Part]] = []
        decode = self.model.decode

        def watched(parts: Sequence[Part]) -> list[int]:
            self.batches.append(list(parts))
            return decode(parts)

        self.model.decode = watched  # type: ignore[method-assign]  # to count batches

    def work(self) -> None:
        while self.turns.step():
            pass

    def finished(self) -> Finished:
        end = self.reports[-1]
        assert isinstance(end, Finished)
        return end


class Talkative:
    """Samples as another does, and goes on where that would end the reply."""

    def __init__(self, sampler: Sampler, ends: Callable[[int], bool], instead: int) -> None:
        self._sampler = sampler
        self._ends = ends
        self._instead = instead

    def choose(self, row: int) -> int:
        token = self._sampler.choose(row)
        return self._instead if self._ends(token) else token

    def free(self) -> None:
        self._sampler.free()


def test_reading_beside_a_reply_takes_one_chunk_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a long prompt of another room is read, each batch has the running reply's token and at most one chunk."""
    bench = Bench(2)
    sampler, (instead, *_) = bench.model.sampler, bench.composer.member_ids(" and")

    def ends(token: int) -> bool:
        return bench.model.ends_reply(token) or token in bench.composer.markers

    monkeypatch.setattr(bench.model, "sampler", lambda sampling: Talkative(sampler(sampling), ends, instead))
    bench.turns.put(Generate(1, "a", prompt_of("a", "llamas").segments, ENDLESS))
    while not bench.reports or not isinstance(bench.reports[-1], Written):
        bench.turns.step()
    bench.batches.clear()
    bench.turns.put(Generate(2, "b", prompt_of("b", "bread", 15).segments, SHORT))
    written = 0
    while not any(isinstance(report, Written) and report.turn == 2 for report in bench.reports):
        bench.turns.step()
        written += 1
    pieces = sum(isinstance(report, Written) and report.turn == 1 for report in bench.reports)
    assert pieces >= written > 10
    for batch in bench.batches:
        assert sorted(len(part.ids) for part in batch)[0] == 1
        assert sum(len(part.ids) for part in batch) <= 1 + BESIDE
    bench.turns.put(Stop(1))
    bench.work()


def test_a_prompt_is_rebuilt_as_it_was_read() -> None:
    """The ids that were evaluated are those rebuilt from the segments and the replies' ids, in the worker's memory."""
    bench = Bench(1, 512)
    prompt = list(prompt_of("a", "llamas", 3).segments)
    replies: dict[str, tuple[int, ...]] = {}
    for turn in range(1, 10):
        bench.turns.put(Generate(turn, "a", tuple(prompt), Sampling(max_tokens=30, temperature=1.0, seed=turn)))
        bench.work()
        end = bench.finished()
        held = bench.turns.sequences.held(0)
        assert bench.model.length(0) == len(held)
        written = [report for report in bench.reports if isinstance(report, Written) and report.turn == turn]
        rebuilt = bench.composer.rebuild(prompt, {key: replies[key] for key in end.replies}, 512 - 30, end.dropped)
        assert held[: end.prompt] == rebuilt
        assert end.seed == turn
        replies[f"r{turn}"] = tuple(token for piece in written for token in piece.ids)
        said = "".join(piece.text for piece in written)
        prompt += [
            Segment("assistant", said, f"r{turn}", replies[f"r{turn}"]),
            Segment("user", f"Ben: and{' more' * 60}?", f"p{turn}"),
        ]
    assert end.replies
    assert end.dropped > 0


async def test_an_engine_rebuilds_a_prompt(two_sequences: LlamaEngine) -> None:
    """The engine gives the ids of a prompt by asking its worker, as many as the reply's Finish counted."""
    prompt = prompt_of("a", "llamas", 3)
    _, finish = await reply(two_sequences, "a", prompt)
    ids = await two_sequences.rebuild(prompt, {}, finish.dropped, SHORT.max_tokens)
    assert len(ids) == finish.prompt
    await two_sequences.close()
    with pytest.raises(EngineError, match="closed"):
        await two_sequences.rebuild(prompt, {}, finish.dropped, SHORT.max_tokens)


async def test_what_every_room_begins_with_is_read_once(two_sequences: LlamaEngine) -> None:
    """The words that stand before every conversation are copied from the room that has read them to the next."""
    begin = opening("llama", "")
    question = (Segment("user", "Ben: @llama hi", "q"), Segment("user", "(llama, answer Ben.)"))
    _, first = await reply(two_sequences, "a", Prompt((*begin, *question)))
    _, second = await reply(two_sequences, "b", Prompt((*begin, Segment("user", "Ana: hello", "p"), *question)))
    assert first.cached == 0
    assert second.cached > 100
