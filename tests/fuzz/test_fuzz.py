"""Specification of what hostile frames cost: their sender's connection at most."""

from __future__ import annotations

import pytest

from tests.fuzz import hub
from tests.fuzz.hub import attack


@pytest.mark.parametrize("seed", [1, 2])
async def test_hostile_frames_harm_nobody(seed: int) -> None:
    """Of a thousand payloads each is answered with a documented code or ends its own connection for a protocol error;
    the server logs no failure, and a bystander misses nothing and is not spoken for.
    """
    answers = await attack(seed, 1000)
    # All of it was reached: deeds, refusals of most kinds, broken framing.
    assert {"done", "invalid", "forbidden", "not_found", "unknown_method", "protocol error"} <= set(answers)


async def test_a_harm_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that lets anybody edit and redact what others wrote does not pass."""
    for rule in ("check_edit", "check_redaction"):
        monkeypatch.setattr(f"nbgroupchat.changes.{rule}", lambda *_: None)
    monkeypatch.setattr("nbgroupchat.changes.is_mine", lambda *_: True)
    with pytest.raises(AssertionError):
        await attack(1, 1000)


async def test_a_code_that_nobody_knows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with a code that is not documented does not pass."""
    monkeypatch.setattr(hub, "CODES", frozenset({"invalid"}))
    with pytest.raises(AssertionError):
        await attack(1, 300)
