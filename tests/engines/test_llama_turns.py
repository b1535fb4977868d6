"""The worker's turns, with a model that plays tokens by hand."""

from __future__ import annotations

import pytest

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_batches import CHUNK
from nbgroupchat.engines.llama_messages import (
    Alive,
    Failed,
    Finished,
    Generate,
    Listen,
    Report,
    Stop,
    Written,
)
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.engines.prompt_ids import Composer
from nbgroupchat.prompt import Segment

from .played_model import LITERALS, VOCABULARY, PlayedModel

SYSTEM = Segment("system", "sys")


class Desk:
    """Turns over a played model, and what they reported."""

    def __init__(self, model: PlayedModel, parked_bytes: int = 0) -> None:
        self.reports: list[Report] = []
        self.turns = Turns(model, Composer(VOCABULARY, LITERALS), self._hear, parked_bytes)
        self.turn = 0

    def put(self, room: str, *segments: Segment, max_tokens: int = 100) -> int:
        """Ask for a reply; gives the turn's id."""
        self.turn += 1
        sampling = Sampling(max_tokens=max_tokens, seed=7)
        self.turns.put(Generate(self.turn, room, (SYSTEM, *segments), sampling))
        return self.turn

    def work(self) -> None:
        """Do all there is to do."""
        while self.turns.step():
            pass

    def end(self, turn: int) -> Finished | Failed:
        (end,) = [report for report in self.reports if isinstance(report, Finished | Failed) and report.turn == turn]
        return end

    def finish(self, turn: int) -> Finished:
        end = self.end(turn)
        assert isinstance(end, Finished)
        return end

    def ask(self, *segments: Segment, max_tokens: int = 100) -> Finished | Failed:
        """Ask for a reply and wait for its end."""
        turn = self.put("lobby", *segments, max_tokens=max_tokens)
        self.work()
        return self.end(turn)

    def written(self, turn: int | None = None) -> list[Written]:
        return [report for report in self.reports if isinstance(report, Written) and turn in (None, report.turn)]

    def _hear(self, report: Report) -> None:
        self.reports.append(report)


def _user(text: str) -> Segment:
    return Segment("user", text)


def test_a_reply_and_its_counts() -> None:
    """A turn reports pieces and a Finished whose counts say what was read."""
    desk = Desk(PlayedModel())
    assert desk.ask(_user("hi")) == Finished(1, "complete", 8, 8, 0, 3, 0, "", (), 7)
    assert [(report.text, report.ids) for report in desk.written()] == [("a", (97,)), ("b", (98,)), ("c", (99,))]


def test_a_long_prompt_gives_signs_of_life() -> None:
    """Each chunk of a prompt is reported."""
    model = PlayedModel()
    desk = Desk(model)
    desk.ask(_user("x" * (3 * CHUNK)))
    assert sum(isinstance(report, Alive) for report in desk.reports) >= 4
    assert max(model.reads) == CHUNK


def test_only_what_is_new_is_read() -> None:
    """The same prompt costs one token; one that goes on after the reply costs what was added."""
    desk = Desk(PlayedModel())
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
    model = PlayedModel()
    model.can_truncate = can_truncate
    desk = Desk(model)
    composer = Composer(VOCABULARY, LITERALS)
    for text in ("one", "one two", "other", "one", "x" * 200, "x" * 100):
        desk.ask(_user(text))
        prompt = composer.compose("lobby", (SYSTEM, _user(text)), 900, opening=True).ids
        assert model.memory == [*prompt, *b"abc"]


def test_characters_stay_whole() -> None:
    """A character of several tokens is one piece with their ids; broken bytes are replaced, also at the end."""
    desk = Desk(PlayedModel("é🦙".encode() + b"\xff" + b"z\xf0\x9f"))
    assert isinstance(desk.ask(_user("hi")), Finished)
    assert [report.text for report in desk.written()] == ["é", "🦙", "\ufffd", "z", "\ufffd"]
    assert [len(report.ids) for report in desk.written()] == [2, 4, 1, 1, 2]


def test_a_reply_ends_at_a_turn_marker() -> None:
    """A model that goes on with somebody else's turn is not read on."""

    model = PlayedModel()
    model.says = [97, VOCABULARY.id("<u>"), 98]
    desk = Desk(model)
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("complete", 1)


def test_length() -> None:
    """A reply ends with `length` at max_tokens."""
    end = Desk(PlayedModel(b"x" * 50)).ask(_user("hi"), max_tokens=7)
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("length", 7)


def test_stop_while_reading() -> None:
    """A turn stopped while its prompt is read ends after that chunk without a word; the next goes on from there."""
    model = PlayedModel()
    desk = Desk(model)
    model.on_read = lambda: desk.turns.put(Stop(1, 0))
    end = desk.ask(_user("x" * 500))
    assert isinstance(end, Finished)
    assert (end.reason, len(model.reads), desk.written()) == ("stopped", 1, [])
    model.on_read = lambda: None
    end = desk.ask(_user("x" * 500))
    assert isinstance(end, Finished)
    assert (end.reason, end.cached) == ("complete", CHUNK)


def test_stop_while_writing() -> None:
    """A turn stopped while writing stops at the next token; what its reader saw is known when it comes back."""
    model = PlayedModel(b"x" * 50)
    desk = Desk(model)

    def stop() -> None:
        if len(desk.written()) == 4:
            desk.turns.put(Stop(1, 3))

    model.on_read = stop
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("stopped", 5)
    more = desk.ask(_user("hi"), Segment("assistant", "xxx"), _user("more"))
    assert isinstance(more, Finished)
    assert more.cached == end.prompt + 3


def test_a_turn_stopped_before_it_began() -> None:
    """A stop that overtakes its turn ends it before anything is read."""
    model = PlayedModel()
    desk = Desk(model)
    desk.turns.put(Stop(1, 0))
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, model.reads) == ("stopped", [])
    assert isinstance(end := desk.ask(_user("hi")), Finished)
    assert end.reason == "complete"


def test_a_hint_is_read_while_idle() -> None:
    """After a hint an answer costs what is new since; of several hints only the last is read."""
    model = PlayedModel()
    desk = Desk(model)
    desk.turns.put(Listen("lobby", (SYSTEM, _user("not this one"))))
    desk.turns.put(Listen("lobby", (SYSTEM, _user("a long conversation"))))
    desk.work()
    assert VOCABULARY.text(model.memory) == "<s>sys<u>a long conversation"
    end = desk.ask(_user("a long conversation"), _user("q"))
    assert isinstance(end, Finished)
    assert end.evaluated == len("\nq") + 1


def test_a_hint_gives_way() -> None:
    """A question that comes while a hint is read waits for one chunk; the rest of the hint is given up."""
    model = PlayedModel()
    desk = Desk(model)

    def interrupt() -> None:
        model.on_read = lambda: None
        desk.turns.put(Generate(1, "lobby", (SYSTEM, _user("q")), Sampling()))

    model.on_read = interrupt
    desk.turns.put(Listen("lobby", (SYSTEM, _user("x" * 500))))
    desk.turns.step()
    assert model.reads == [CHUNK]
    desk.turns.step()
    assert len(desk.written()) == 1
    desk.work()
    assert isinstance(desk.reports[-1], Finished)
    assert len(model.memory) < CHUNK


def test_a_refusal_is_told_and_survived() -> None:
    """What llama.cpp refuses fails the turn that asked, a hint it refuses fails nobody; the next turn is whole."""
    model = PlayedModel()
    desk = Desk(model)
    model.refuses = lambda part: True
    desk.turns.put(Listen("lobby", (SYSTEM, _user("hi"))))
    desk.work()
    assert desk.reports == []
    assert desk.ask(_user("hi")) == Failed("It would not.", 1)
    model.refuses = lambda part: False
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.cached) == ("complete", 0)


def test_a_conversation_never_outgrows_the_context() -> None:
    """Prompt and reply together stay within the context, however long the conversation."""
    model = PlayedModel(b"x" * 2000)
    desk = Desk(model)
    for count in (10, 100, 300):
        end = desk.ask(*[_user(f"post {number}") for number in range(count)], max_tokens=400)
        assert isinstance(end, Finished)
        assert end.prompt + end.written <= model.context_tokens
        assert end.written == 400
        assert (end.dropped > 0) == (count > 10)
