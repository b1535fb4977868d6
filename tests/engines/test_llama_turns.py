"""The worker's turns, with a model that plays tokens by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count as ticks
from itertools import pairwise

import pytest

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_batches import BESIDE, CHUNK
from nbgroupchat.engines.llama_messages import (
    Alive,
    Failed,
    Finished,
    Generate,
    Listen,
    Rebuild,
    Rebuilt,
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
    """Turns over a played model, and what they reported: every token at once, where the clock is not given."""

    def __init__(self, model: PlayedModel, parked_bytes: int = 0, clock: Callable[[], float] | None = None) -> None:
        self.reports: list[Report] = []
        clock = clock or ticks().__next__
        self.turns = Turns(model, Composer(VOCABULARY, LITERALS), self._hear, parked_bytes, clock=clock)
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


def test_tokens_are_told_together() -> None:
    """The first is told at once, then what came in a pace; the end brings the rest."""
    desk = Desk(PlayedModel(), clock=iter([0.0, 0.01, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1]).__next__)
    desk.ask(_user("hi"))
    assert [(report.text, report.ids) for report in desk.written()] == [("a", (97,)), ("bc", (98, 99))]


def test_a_reply_and_its_counts() -> None:
    """A turn reports pieces and a Finished whose counts say what was read."""
    desk = Desk(PlayedModel())
    assert desk.ask(_user("hi")) == Finished(
        turn=1, reason="complete", prompt=8, evaluated=8, cached=0, written=3, seed=7
    )
    assert [(report.text, report.ids) for report in desk.written()] == [("a", (97,)), ("b", (98,)), ("c", (99,))]


def test_a_long_prompt_gives_signs_of_life() -> None:
    """Each chunk of a prompt is reported."""
    model = PlayedModel()
    desk = Desk(model)
    desk.ask(_user("x" * (3 * CHUNK)))
    assert sum(isinstance(report, Alive) for report in desk.reports) >= 3
    assert max(model.reads) == CHUNK


def test_only_what_is_new_is_read() -> None:
    """The same prompt costs one token; one that goes on after the reply costs what was added."""
    desk = Desk(PlayedModel())
    first = desk.ask(_user("question"))
    again = desk.ask(_user("question"))
    assert isinstance(first, Finished)
    assert isinstance(again, Finished)
    assert (again.prompt, again.cached, again.evaluated) == (first.prompt, first.prompt - 1, 1)
    more = desk.ask(_user("question"), Segment("assistant", "abc", ids=tuple(b"abc")), _user("more"))
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
    model.on_read = lambda: desk.turns.put(Stop(1))
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
            desk.turns.put(Stop(1))

    model.on_read = stop
    end = desk.ask(_user("hi"))
    assert isinstance(end, Finished)
    assert (end.reason, end.written) == ("stopped", 5)
    more = desk.ask(_user("hi"), Segment("assistant", "xxx", ids=tuple(b"xxx")), _user("more"))
    assert isinstance(more, Finished)
    assert more.cached == end.prompt + 3


def test_a_turn_stopped_before_it_began() -> None:
    """A stop that overtakes its turn ends it before anything is read."""
    model = PlayedModel()
    desk = Desk(model)
    desk.turns.put(Stop(1))
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
    assert VOCABULARY.text(model.memory) == "<s>sys<u>a long conversation\n"
    end = desk.ask(_user("a long conversation"), _user("q"))
    assert isinstance(end, Finished)
    assert end.evaluated == len("q") + 1


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


def _batches_of(model: PlayedModel, sequence: int) -> list[int]:
    """How many batches lay between one token written in a sequence and the next."""
    places = [
        place
        for place, batch in enumerate(model.batches)
        if any(part.sequence == sequence and part.sample for part in batch)
    ]
    return [later - earlier for earlier, later in pairwise(places)]


def test_rooms_write_at_the_same_time() -> None:
    """Three replies share their batches: together they take no more of them than one alone."""
    model = PlayedModel(b"x" * 50, sequences=3)
    desk = Desk(model)
    turns = [desk.put(room, _user(f"question of {room}")) for room in ("a", "b", "c")]
    desk.work()
    assert [desk.finish(turn).written for turn in turns] == [50, 50, 50]
    assert max(len(batch) for batch in model.batches) == 3
    assert len(model.batches) <= 50 + 6


def test_a_prompt_beside_a_reply_delays_it_by_a_chunk() -> None:
    """While another room's long prompt is read, a running reply has its token in every batch, beside a small chunk."""
    model = PlayedModel(b"x" * 90, sequences=2)
    desk = Desk(model)
    desk.put("a", _user("q"))
    for _ in range(5):
        desk.turns.step()
    desk.put("b", _user("y" * 500))
    desk.turns.put(Listen("c", (SYSTEM, _user("z" * 500))))
    desk.work()
    assert set(_batches_of(model, 0)) == {1}
    beside = [len(part.ids) for batch in model.batches if len(batch) > 1 for part in batch if part.sequence == 1]
    assert max(beside) == BESIDE


def test_a_stop_in_one_room_leaves_the_others() -> None:
    """Of two running replies the stopped one ends before the next batch and the other is whole."""
    model = PlayedModel(b"x" * 50, sequences=2)
    desk = Desk(model)
    one, other = desk.put("a", _user("q")), desk.put("b", _user("q"))
    for _ in range(10):
        desk.turns.step()
    written = len(desk.written(one))
    desk.turns.put(Stop(one))
    desk.work()
    assert (desk.finish(one).reason, desk.finish(one).written) == ("stopped", written)
    assert (desk.finish(other).reason, desk.finish(other).written) == ("complete", 50)


def test_a_room_answers_one_after_another() -> None:
    """The second question of a room waits for the first reply although a sequence is free; one stopped in line goes."""
    model = PlayedModel(b"x" * 5, sequences=2)
    desk = Desk(model)
    first, second, third = (desk.put("a", _user("q")) for _ in range(3))
    desk.turns.put(Stop(second))
    desk.work()
    ends = [report.turn for report in desk.reports if isinstance(report, Finished)]
    assert ends == [second, first, third]
    assert all(len(batch) == 1 for batch in model.batches)


def test_more_questions_than_sequences() -> None:
    """Who finds no sequence waits for one, and everybody is answered."""
    desk = Desk(PlayedModel(b"x" * 5, sequences=2))
    turns = [desk.put(room, _user("q")) for room in "abcde"]
    desk.work()
    assert [desk.finish(turn).reason for turn in turns] == ["complete"] * 5


def test_a_parked_room_comes_back_without_reading() -> None:
    """Six rooms over two sequences: after the first round each turn reads what is new; without a cap it reads all."""
    for parked_bytes, most in ((1 << 20, 1), (0, 1000)):
        model = PlayedModel(sequences=2)
        model.can_cut = False
        desk = Desk(model, parked_bytes)
        for room in "abcdef" * 3:
            turn = desk.put(room, _user(f"{room} " * 100))
            desk.work()
            end = desk.finish(turn)
            assert end.evaluated <= (most if turn > 6 else end.prompt)
            assert turn <= 6 or most == 1 or end.cached == 0


def test_a_shared_beginning_is_copied() -> None:
    """A room whose prompt begins as another's reads only the rest, also while that one is written, and if parked."""
    model = PlayedModel(b"x" * 30, sequences=2)
    desk = Desk(model, 1 << 20)
    beginning = _user("rules " * 50)
    desk.put("a", beginning, _user("first"))
    for _ in range(10):
        desk.turns.step()
    for room in "bcd":
        turn = desk.put(room, beginning, _user(room))
        desk.work()
        assert desk.finish(turn).evaluated < 20
    short = desk.put("e", _user("rules"))
    desk.work()
    assert desk.finish(short).cached == 0


def test_hints_of_several_rooms_are_read() -> None:
    """Each room's hint is read, while others write too; a hint never drives out what could not be parked."""
    model = PlayedModel(b"x" * 40, sequences=2)
    desk = Desk(model)
    desk.put("a", _user("q"))
    desk.turns.step()
    for room in "bc":
        desk.turns.put(Listen(room, (SYSTEM, _user(f"{room} " * 40))))
    desk.work()
    assert VOCABULARY.text(model.memories[1]).startswith("<s>sys<u>b ")
    turn = desk.put("b", _user("b " * 40), _user("q"))
    desk.work()
    assert desk.finish(turn).evaluated == len("q") + 1


def test_a_hint_during_a_reply_does_not_undo_it() -> None:
    """A hint that cannot know the running reply is dropped; the next one has it and costs what is new."""
    model = PlayedModel(b"x" * 40)
    desk = Desk(model)
    desk.put("a", _user("q"))
    desk.turns.step()
    desk.turns.put(Listen("a", (SYSTEM, _user("q"), _user("posted meanwhile"))))
    desk.work()
    read = sum(model.reads)
    desk.turns.put(
        Listen(
            "a", (SYSTEM, _user("q"), Segment("assistant", "x" * 40, ids=tuple(b"x" * 40)), _user("posted meanwhile"))
        )
    )
    desk.work()
    assert sum(model.reads) - read == len("<") + len("posted meanwhile\n")


def test_an_edit_is_read_again_from_where_it_is() -> None:
    """After an edit the ids before it stay, and the memory is that of the new text."""
    model = PlayedModel()
    desk = Desk(model)
    desk.ask(_user("a" * 100), _user("b" * 100))
    desk.turns.put(Listen("lobby", (SYSTEM, _user("a" * 100), _user("edited"))))
    read = sum(model.reads)
    desk.work()
    assert VOCABULARY.text(model.memory) == "<s>sys<u>" + "a" * 100 + "\nedited\n"
    assert sum(model.reads) - read == len("edited\n")


def test_who_cannot_be_read_harms_nobody_else() -> None:
    """A batch that is refused is read part by part: the one at fault fails, the others are whole."""
    model = PlayedModel(b"x" * 20, sequences=3)
    desk = Desk(model)
    turns = [desk.put(room, _user("q")) for room in "abc"]
    for _ in range(8):
        desk.turns.step()
    model.refuses = lambda part: part.sequence == 1
    desk.work()
    assert desk.end(turns[1]) == Failed("It would not.", turns[1])
    for turn in (turns[0], turns[2]):
        assert (desk.finish(turn).reason, desk.finish(turn).written) == ("complete", 20)
    model.refuses = lambda part: False
    again = desk.put("b", _user("q"))
    desk.work()
    assert desk.finish(again).reason == "complete"


@pytest.mark.parametrize("max_tokens", [100, 400])
def test_a_prompt_can_be_rebuilt(max_tokens: int) -> None:
    """From the segments, what was dropped and the ids of the replies come the ids that were read."""
    model = PlayedModel(b"x" * 30)
    desk = Desk(model)
    segments: list[Segment] = []
    replies: dict[str, tuple[int, ...]] = {}
    for number in range(40):
        segments += [Segment("user", f"post {number} " + "y" * 30, f"p{number}"), Segment("user", "(answer)")]
        turn = desk.put("lobby", *segments, max_tokens=max_tokens)
        desk.work()
        end = desk.finish(turn)
        kept = {key: replies[key] for key in end.replies}
        desk.turns.put(Rebuild(-turn, (SYSTEM, *segments), kept, end.dropped, max_tokens))
        desk.work()
        assert desk.reports[-1] == Rebuilt(-turn, model.memory[: end.prompt])
        segments.append(Segment("assistant", "x" * 30, f"r{number}", tuple(b"x" * 30)))
        replies[f"r{number}"] = tuple(b"x" * 30)
    assert end.dropped > 0


def test_what_was_thought_does_not_come_back() -> None:
    """A thought before the answer is in no later prompt, although the whole reply was kept with its ids."""
    model = PlayedModel(b"<think>hm, what?</think>\n\nYes.")
    desk = Desk(model)
    desk.ask(_user("q"))
    said = "".join(report.text for report in desk.written())
    desk.ask(_user("q"), Segment("assistant", said, "r", tuple(model.says)), _user("again"))
    assert VOCABULARY.text(model.memory).startswith("<s>sys<u>q<a>Yes.<u>again<a>")
    assert desk.finish(2).replies == ()
