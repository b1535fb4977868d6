"""Specification of the guard: the model keeps to its own message."""

from __future__ import annotations

import pytest

from nbgroupchat.guard import Guard

CUE = "(llama, answer"


def run(text: str, size: int) -> tuple[str, bool]:
    """Feed a text in pieces of that many characters and give what was shown."""
    guard = Guard("llama", {"Ana", "Ben"}, CUE)
    shown = "".join(guard.feed(text[start : start + size]) for start in range(0, len(text), size))
    return shown + guard.finish(), guard.ended


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "shown", "ended"),
    [
        ("Friday.", "Friday.", False),
        ("Friday.\nAna: thanks", "Friday.", True),
        ("Friday.\n\n  ben: I agree", "Friday.", True),
        ("Friday.\nllama: and more", "Friday.", True),
        ("Friday.\n(llama, answer Ben.) Friday", "Friday.", True),
        ("llama: Friday.", "Friday.", False),
        ("  LLAMA:  Friday.", "Friday.", False),
        ("Ana: Friday.", "Friday.", False),
        ("(llama, answer Ben.) Friday.", "Friday.", False),
        ("llama: Ana: I agree", "I agree", False),
        ("**Ana:** Friday.", "Friday.", False),
        ("Friday.\n- Ana: thanks", "Friday.", True),
        ("Friday.\n**Ben**: I agree", "Friday.", True),
        ("A list:\n- one\n- two\n\n**bold** end", "A list:\n- one\n- two\n\n**bold** end", False),
        ("**Yes** it is.", "**Yes** it is.", False),
        ("Two lines\nAnalysis: fine\n\nBenign", "Two lines\nAnalysis: fine\n\nBenign", False),
        ("I asked Ana: she said Friday", "I asked Ana: she said Friday", False),
        ("trailing  \n\n ", "trailing", False),
        ("", "", False),
        ("   ", "", False),
        ("Ana", "Ana", False),
        ("a\nBen", "a\nBen", False),
        ("bell\x07 and \x1b[31mred\ttab", "bell and [31mred\ttab", False),
    ],
)
def test_what_is_shown(text: str, shown: str, ended: bool, size: int) -> None:
    """However the pieces fall, the same text is shown and the reply ends at the same place."""
    assert run(text, size) == (shown, ended)


def test_nothing_follows_the_end() -> None:
    """Once another's line has begun, whatever else the model writes is not shown."""
    guard = Guard("llama", {"Ana"}, CUE)
    assert guard.feed("Yes.\nAna: no") == "Yes."
    assert (guard.feed(" and more"), guard.finish()) == ("", "")
