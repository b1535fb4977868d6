"""Random schedules against the real scheduler with tiny models; `python -m tests.engines.schedules` runs many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbgroupchat.engines.llama_model import Part
from nbgroupchat.engines.llama_sequences import Sequences

pytest.importorskip("llama_cpp")
from nbgroupchat.engines.llama_worker.model import LlamaModel  # needs llama_cpp

from .schedules import run
from .tiny_models import ARCHITECTURES, Architecture

QUICK = range(60)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_schedules(tmp_path: Path, architecture: Architecture) -> None:
    """Sixty schedules for each architecture leave the ids, and the memory, of a fresh read."""
    counts = run(tmp_path, architecture, QUICK)
    assert counts["replies checked"] > 600
    assert counts["memories checked"] > 60
    assert min(counts[act] for act in ("post", "edit", "redact", "pin", "ask", "stop", "park", "kill")) > 30


def test_a_wrong_cut_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules go red where the sequences forget one token less than they say."""
    truncate = LlamaModel.truncate

    def wrong(model: LlamaModel, sequence: int, length: int) -> int:
        truncate(model, sequence, length + 1 if length else 0)
        return length

    monkeypatch.setattr(LlamaModel, "truncate", wrong)
    with pytest.raises(AssertionError):
        run(tmp_path, "llama", QUICK)


def test_a_wrong_memory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules go red where a parked room comes back with another's memory, though all ids are right."""
    restore = LlamaModel.restore
    kept: list[bytearray] = []

    def wrong(model: LlamaModel, sequence: int, state: bytearray) -> bool:
        kept.append(state)
        same = [other for other in kept if len(other) == len(state)]
        return restore(model, sequence, same[0])

    monkeypatch.setattr(LlamaModel, "restore", wrong)
    with pytest.raises(AssertionError):
        run(tmp_path, "llama", QUICK)


def test_wrong_ids_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules go red where what was read is written down wrongly."""

    def wrong(sequences: Sequences, part: Part) -> None:
        held = sequences.held(part.sequence)
        held += [held[-1] if held and place == 3 else token for place, token in enumerate(part.ids)]

    monkeypatch.setattr(Sequences, "read", wrong)
    with pytest.raises(AssertionError):
        run(tmp_path, "llama", QUICK)
