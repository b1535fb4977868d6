"""The worker's turns, with a model that plays tokens by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.chat_template import TurnLiterals
from nbgroupchat.engines.llama_messages import Alive, Failed, Finished, Generate, Listen, Report, Written
from nbgroupchat.engines.llama_turns import CHUNK, ModelError, Turns
from nbgroupchat.engines.prompt_ids import Composer
from nbgroupchat.prompt import Segment

from .vocabulary import FakeVocabulary

VOCABULARY = FakeVocabulary(control=["<s>", "<u>", "<a>", "<end>"], ends=["<end>"])
LITERALS = TurnLiterals("<s>", "<u>", "<a>", "<u>", "<a>")
SYSTEM = Segment("system", "sys")


class FakeModel:
    """Says the bytes of `says`, one a token; checks that it is only read at its end."""

    context_tokens = 1000

    def __init__(self, says: bytes = b"abc") -> None:
        self.says = says
        self.memory: list[int] = []
        self.reads: list[int] = []
        self.can_truncate = True
        self.refuses = False
        self.on_read: Callable[[], None] = lambda: None

    def truncate(self, length: int) -> int:
        del self.memory[length if self.can_truncate else 0 :]
        return len(self.memory)

    def read(self, ids: Sequence[int]) -> None:
        if self.refuses:
            raise ModelError("It would not.")
        assert 0 < len(ids) <= CHUNK
        self.memory += ids
        self.reads.append(len(ids))
        self.on_read()

    @contextmanager
    def sampler(self, sampling: Sampling) -> Iterator[Callable[[], int]]:
        says = iter([*self.says, VOCABULARY.id("<end>")])
        yield lambda: next(says)

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def ends_reply(self, token: int) -> bool:
        return VOCABULARY.ends_reply(token)


class Desk:
    """Turns over a fake model, and what they reported."""

    def __init__(self, model: FakeModel) -> None:
        self.reports: list[Report] = []
        self.turns = Turns(model, Composer(VOCABULARY, LITERALS), self.reports.append)
        self.turn = 0

    def ask(self, *segments: Segment, max_tokens: int = 100) -> Finished | Failed:
        """Ask for a reply and wait for its end."""
        self.turn += 1
        self.turns.put(Generate(self.turn, "lobby", (SYSTEM, *segments), Sampling(max_tokens=max_tokens)))
        self.turns.step()
        end = self.reports[-1]
        assert isinstance(end, Finished | Failed)
        return end

    def written(self) -> list[Written]:
        return [report for report in self.reports if isinstance(report, Written)]


def _user(text: str) -> Segment:
    return Segment("user", text)


def test_a_reply_and_its_counts() -> None:
    """A turn reports pieces and a Finished whose counts say what was read."""
    desk = Desk(FakeModel())
    assert desk.ask(_user("hi")) == Finished(1, "complete", 8, 8, 0, 3, 0)
    assert [(report.text, report.ids) for report in desk.written()] == [("a", (97,)), ("b", (98,)), ("c", (99,))]


def test_a_long_prompt_gives_signs_of_life() -> None:
    """Each chunk of a prompt is reported."""
    model = FakeModel()
    desk = Desk(model)
    desk.ask(_user("x" * (3 * CHUNK)))
    assert sum(isinstance(report, Alive) for report in desk.reports) >= 4
    assert max(model.reads) == CHUNK


def test_only_what_is_new_is_read() -> None:
    """The same prompt costs one token; one that goes on after the reply costs what was added."""
    desk = Desk(FakeModel())
    first = desk.ask(_user("question"))
    again = desk.ask(_user("question"))
    assert isinstance(first, Finished)
    assert isinstance(again, Finished)
    assert (again.prompt, again.cached, again.evaluated) == (first.prompt, first.prompt - 1, 1)
    more = desk.ask(_user("question"), Segment("assistant", "abc"), _user("more"))
    assert isinstance(more, Finished)
    # The reply and all before it were in memory; the end of its turn, the post and the opening were not.
    assert more.evaluated == len("<") + len("more") + len("<")


@pytest.mark.parametrize("can_truncate", [True, False])
def test_memory_is_the_prompt(can_truncate: bool) -> None:
    """Whatever was read before, the model's memory is the prompt and the reply, also where it can only forget all."""
    model = FakeModel()
    model.can_truncate = can_truncate
    desk = Desk(model)
    composer = Composer(VOCABULARY, LITERALS)
    for text in ("one", "one two", "other", "one", "x" * 200, "x" * 100):
        desk.ask(_user(text))
        prompt = composer.compose("lobby", (SYSTEM, _user(text)), 900, opening=True).ids
        assert model.memory == [*prompt, *b"abc"]


def test_characters_stay_whole() -> None:
    """A character of several tokens is one piece with their ids; broken bytes are replaced, also at the end."""
    desk = Desk(FakeModel("é🦙".encode() + b"\xff" + b"z\xf0\x9f"))
    assert isinstance(desk.ask(_user("hi")), Finished)
    assert [report.text for report in desk.written()] == ["é", "🦙", "\ufffd", "z", "\ufffd"]
    assert [len(report.ids) for report in desk.written()] == [2, 4, 1, 1, 2]


def test_a_reply_ends_at_a_turn_marker() -> None:
    """A model that goes on with somebody else's turn is not read on."""

    class Rambling(FakeModel):
        @contextmanager
        def sampler(self, sampling: Sampling) -> Iterator[Callable[[], int]]:
            says = iter([97, VOCABULARY.id("<u>"), 98])
            yield lambda: next(says)

    desk = Desk(Rambling())
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("complete", 1)


def test_length() -> None:
    """A reply ends with `length` at max_tokens."""
    end = Desk(FakeModel(b"x" * 50)).ask(_user("hi"), max_tokens=7)
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("length", 7)


def test_stop_while_reading() -> None:
    """A turn stopped while its prompt is read ends after that chunk without a word; the next goes on from there."""
    model = FakeModel()
    desk = Desk(model)
    model.on_read = lambda: desk.turns.stop(1, 0)
    end = desk.ask(_user("x" * 500))
    assert isinstance(end, Finished)
    assert (end.reason, len(model.reads), desk.written()) == ("stopped", 1, [])
    model.on_read = lambda: None
    end = desk.ask(_user("x" * 500))
    assert isinstance(end, Finished)
    assert (end.reason, end.cached) == ("complete", CHUNK)


def test_stop_while_writing() -> None:
    """A turn stopped while writing stops at the next token; what its reader saw is known when it comes back."""
    model = FakeModel(b"x" * 50)
    desk = Desk(model)

    def report(report: Report) -> None:
        desk.reports.append(report)
        if len(desk.written()) == 5:
            desk.turns.stop(1, 3)

    desk.turns = Turns(model, Composer(VOCABULARY, LITERALS), report)
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("stopped", 5)
    more = desk.ask(_user("hi"), Segment("assistant", "xxx"), _user("more"))
    assert isinstance(more, Finished)
    assert more.cached == end.prompt + 3


def test_a_turn_stopped_before_it_began() -> None:
    """A stop that overtakes its turn ends it before anything is read."""
    model = FakeModel()
    desk = Desk(model)
    desk.turns.stop(1, 0)
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, model.reads) == ("stopped", [])
    assert isinstance(end := desk.ask(_user("hi")), Finished)
    assert end.reason == "complete"


def test_a_hint_is_read_while_idle() -> None:
    """After a hint an answer costs what is new since; of several hints only the last is read."""
    model = FakeModel()
    desk = Desk(model)
    desk.turns.put(Listen("lobby", (SYSTEM, _user("not this one"))))
    desk.turns.put(Listen("lobby", (SYSTEM, _user("a long conversation"))))
    desk.turns.step()
    assert model.reads == []
    desk.turns.step()
    assert VOCABULARY.text(model.memory) == "<s>sys<u>a long conversation"
    end = desk.ask(_user("a long conversation"), _user("q"))
    assert isinstance(end, Finished)
    assert end.evaluated == len("\nq") + 1


def test_a_hint_gives_way() -> None:
    """A question that comes while a hint is read waits for one chunk; the rest of the hint is given up."""
    model = FakeModel()
    desk = Desk(model)

    def interrupt() -> None:
        model.on_read = lambda: None
        desk.turns.put(Generate(1, "lobby", (SYSTEM, _user("q")), Sampling()))

    model.on_read = interrupt
    desk.turns.put(Listen("lobby", (SYSTEM, _user("x" * 500))))
    desk.turns.step()
    assert model.reads == [CHUNK]
    desk.turns.step()
    assert isinstance(desk.reports[-1], Finished)
    assert len(model.memory) < CHUNK


def test_a_refusal_is_told_and_survived() -> None:
    """What llama.cpp refuses fails the turn that asked, a hint it refuses fails nobody; the next turn is whole."""
    model = FakeModel()
    desk = Desk(model)
    model.refuses = True
    desk.turns.put(Listen("lobby", (SYSTEM, _user("hi"))))
    desk.turns.step()
    assert desk.reports == []
    assert desk.ask(_user("hi")) == Failed("It would not.", 1)
    model.refuses = False
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.cached) == ("complete", 0)


def test_a_conversation_never_outgrows_the_context() -> None:
    """Prompt and reply together stay within the context, however long the conversation."""
    model = FakeModel(b"x" * 2000)
    desk = Desk(model)
    for count in (10, 100, 300):
        end = desk.ask(*[_user(f"post {number}") for number in range(count)], max_tokens=400)
        assert isinstance(end, Finished)
        assert end.prompt + end.written <= model.context_tokens
        assert end.written == 400
        assert (end.dropped > 0) == (count > 10)
