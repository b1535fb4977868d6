"""How reading ahead rests, with a clock set by hand."""

from __future__ import annotations

import pytest

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_batches import CHUNK
from nbgroupchat.engines.llama_messages import Finished, Generate, Listen, Report
from nbgroupchat.engines.llama_rest import Rest
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.engines.prompt_ids import Composer
from nbgroupchat.prompt import Segment

from .played_model import LITERALS, VOCABULARY, PlayedModel


class Clock:
    """Stands still but for what a test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("share", "rest"), [(1.0, 0.0), (0.5, 2.0), (0.1, 18.0)])
def test_it_rests_for_its_share(share: float, rest: float) -> None:
    """After two seconds of reading it rests so long that reading was its share of both."""
    pause = Rest(share, clock := Clock())
    assert pause.left == 0
    pause.begin()
    clock.now += 2
    pause.end()
    assert pause.left == pytest.approx(rest)
    clock.now += 3
    assert pause.left == pytest.approx(max(0, rest - 3))


def test_a_question_does_not_wait_for_the_rest() -> None:
    """While reading ahead rests nothing is read but what somebody asked for; afterwards it goes on."""
    clock, model = Clock(), PlayedModel()
    reports: list[Report] = []
    turns = Turns(model, Composer(VOCABULARY, LITERALS), reports.append, 0, Rest(0.25, clock))

    def read() -> None:
        clock.now += 1

    model.on_read = read
    turns.put(Listen("lobby", (Segment("system", "sys"), Segment("user", "x" * 200))))
    assert turns.step()
    assert not turns.step()
    assert model.reads == [CHUNK]
    clock.now += 2.5
    assert not turns.step()
    clock.now += 0.5
    assert turns.step()
    assert model.reads == [CHUNK, CHUNK]
    assert not turns.step()
    turns.put(Generate(1, "lobby", (Segment("system", "sys"), Segment("user", "x" * 200)), Sampling()))
    while turns.step():
        pass
    assert isinstance(reports[-1], Finished)
