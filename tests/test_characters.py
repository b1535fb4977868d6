"""Specification of which characters everybody sees alike."""

from __future__ import annotations

import pytest

from nbgroupchat.characters import MAX_MARKS, label, visible


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("hello\tworld\n", "hello\tworld\n"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\0b\x1b[31m\x7f", "ab[31m"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("hi\U000e0041\U000e007f", "hi"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half\ud83e", "half"),
        ("cafe\u0301", "caf\u00e9"),
        ("👩\u200d🔬 می\u200cخواهم", "👩\u200d🔬 می\u200cخواهم"),
        ("shaking \U0001fae8 and not yet assigned \U0001faff", "shaking \U0001fae8 and not yet assigned \U0001faff"),
        ("no\uffff\ufdd0\U0010fffecharacters", "nocharacters"),
        ("שלום नमस्ते", "שלום नमस्ते"),
    ],
)
def test_what_hides_or_reorders_is_dropped(typed: str, shown: str) -> None:
    """Control, bidi and tag characters go; what scripts and emoji need stays."""
    assert visible(typed) == shown


def test_marks_are_not_stacked_without_end() -> None:
    """A letter keeps some marks, and the rest of the tower goes."""
    assert visible("x" + "\u0335" * 500) == "x" + "\u0335" * MAX_MARKS


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana", "Ana"),
        ("  Ana \n Maria ", "Ana Maria"),
        (123, "u1"),
        (None, "u1"),
        ({"a": 1}, "u1"),
        ("", "u1"),
        (" \u202e\u200d ", "u1"),
        ("\ud800", "u1"),
        ("x" * 30_000, "x" * 64),
    ],
)
def test_a_name_is_one_short_line(name: object, shown: str) -> None:
    """Whatever stands where a name should, what is shown is a short line of text."""
    assert label(name, "u1") == shown
    label(name, "\ud800").encode()
