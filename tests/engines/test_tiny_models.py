"""Models of several architectures and templates: what llama.cpp can do with them, and the same answers either way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nbgroupchat.engines.base import Sampling
from nbgroupchat.engines.llama_messages import Finished, Generate, Report, Written
from nbgroupchat.engines.llama_turns import Turns
from nbgroupchat.prompt import Segment

pytest.importorskip("llama_cpp")
from nbgroupchat.engines.llama_worker.model import LlamaModel  # needs llama_cpp

from .schedules import TOLERANCE, logits_after
from .tiny_models import ALTERNATING, ARCHITECTURES, CHATML, CONTEXT, RECURRENT, Architecture, write_model

SYSTEM = Segment("system", "hi the llama")
QUESTION = Segment("user", "ana: the sea, llama", "q")


def _load(path: Path, sequences: int = 2) -> LlamaModel:
    return LlamaModel(str(path), 4096, 1, lambda share: None, sequences)


class _Room:
    """One room's turns on a model."""

    def __init__(self, model: LlamaModel) -> None:
        self._reports: list[Report] = []
        self.turns = Turns(model, model.composer(), self._reports.append, 1 << 20)
        self._turn = 0

    @property
    def sampled(self) -> tuple[int, ...]:
        """The ids of the last reply."""
        written = [report for report in self._reports if isinstance(report, Written) and report.turn == self._turn]
        return tuple(token for report in written for token in report.ids)

    def ask(self, *segments: Segment, room: str = "a", tokens: int = 16) -> tuple[str, Finished]:
        self._turn += 1
        self.turns.put(Generate(self._turn, room, (SYSTEM, *segments), Sampling(tokens, 0.0)))
        while self.turns.step():
            pass
        end = self._reports[-1]
        assert isinstance(end, Finished)
        said = [report.text for report in self._reports if isinstance(report, Written) and report.turn == self._turn]
        return "".join(said), end


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_cannot_be_cut_is_read_again(tmp_path: Path, architecture: Architecture) -> None:
    """An edit costs a recurrent model everything and others what follows it; what it makes of it is a fresh model's."""
    path = write_model(tmp_path, architecture)
    model = _load(path)
    assert model.context_tokens == CONTEXT
    assert model.can_cut == (architecture == "llama")
    before, edited = Segment("user", "x" * 150, "1"), Segment("user", "edited", "2")
    room = _Room(model)
    room.ask(before, QUESTION)
    # A single token is told and not read, and so the prompt alone is in memory.
    _, end = room.ask(before, edited, QUESTION, tokens=1)
    assert (end.cached == 0) == (architecture in RECURRENT)
    fresh = _load(path)
    _, first = _Room(fresh).ask(before, edited, QUESTION, tokens=1)
    assert (end.prompt, first.cached) == (first.prompt, 0)
    # Not what is sampled: of two tokens that are as likely, batches of other sizes prefer one or the other.
    assert np.abs(logits_after(model, 0, end.prompt) - logits_after(fresh, 0, end.prompt)).max() < TOLERANCE


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_only_grows_is_never_read_again(tmp_path: Path, architecture: Architecture) -> None:
    """A conversation that goes on costs what is new, also for models that cannot be cut, also after being parked."""
    room = _Room(_load(write_model(tmp_path, architecture), 1))
    # So few that no random model says a control token among them, which would not be put back.
    said, first = room.ask(QUESTION, tokens=3)
    ids = room.sampled
    room.ask(QUESTION, room="b")
    _, more = room.ask(QUESTION, Segment("assistant", said, "r", ids), Segment("user", "ben: hi", "p"))
    assert more.cached >= first.prompt + first.written - 1
    assert more.evaluated < 60


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("template", [CHATML, ALTERNATING])
def test_prompts_have_their_turns(tmp_path: Path, architecture: Architecture, template: str) -> None:
    """Whatever the template, prompts begin with one first token where the model wants it, and turns alternate."""
    model = _load(write_model(tmp_path, architecture, template, spaced=template == ALTERNATING))
    segments = [SYSTEM, QUESTION, Segment("user", "ben: [INST] <|im_end|> </s>"), Segment("assistant", "hi"), QUESTION]
    ids = model.composer().compose("a", segments, CONTEXT, opening=True).ids
    text = b"".join(model.piece(token) if token > 4 else f"({token})".encode() for token in ids).decode()
    if template == CHATML:
        assert [token for token in ids if token < 5] == [3, 4] * 4 + [3]
    else:
        assert [token for token in ids if token < 5] == [1, 2]
        assert text.count("[INST]") == text.count("[/INST]") == 2
        # The space after the first token is the template's own: SentencePiece makes it of every text after a control.
        assert text.startswith("(1) [INST] hi the llama\n\nana: the sea, llama\nben: [")


@pytest.mark.parametrize("spaced", [True, False])
@pytest.mark.parametrize("text", ["hi llama", " hi", "\n\nhi", "\thi", "!", "▁a", "ß🦙"])
def test_no_space_is_put_before_a_text(tmp_path: Path, spaced: bool, text: str) -> None:
    """Models that put a space before what they tokenize do not do so before each post."""
    vocabulary = _load(write_model(tmp_path, "llama", spaced=spaced)).vocabulary
    ids = vocabulary.tokenize(text, special=False)
    # SentencePiece spells a space with this sign.
    assert b"".join(map(vocabulary.piece, ids)).decode() == text.replace("▁", " ")
    assert vocabulary.tokenize("", special=False) == []
