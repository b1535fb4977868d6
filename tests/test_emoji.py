"""Specification of what a reaction may be."""

from __future__ import annotations

import pytest

from nbgroupchat.emoji import MAX_EMOJI, emoji

KNOWN = {
    "a pictograph": ("👍", "👍"),
    "with a skin tone": ("👍🏽", "👍🏽"),
    "an old sign": ("\u2764", "\u2764\ufe0f"),
    "an old sign that asks to be a picture": ("\u2764\ufe0f", "\u2764\ufe0f"),
    "a picture that asks again": ("👍\ufe0f", "👍"),
    "people joined": ("👩🏻\u200d❤️\u200d💋\u200d👨🏿", "👩🏻\u200d❤️\u200d💋\u200d👨🏿"),
    "a flag": ("🇵🇹", "🇵🇹"),
    "a keycap": ("1\u20e3", "1\ufe0f\u20e3"),
    "with spaces around": (" 🎉\n", "🎉"),
}

NONE = {
    "nothing": "",
    "a letter": "a",
    "a digit": "1",
    "two": "👍👍",
    "a word": "ok",
    "half a flag": "🇵",
    "a joiner alone": "\u200d",
    "a selector alone": "\ufe0f",
    "joined to nothing": "👍\u200d",
    "a tone alone": "\U0001f3fd",
    "tags": "🏴\U000e0067\U000e0062\U000e007f",
    "a bidi sign": "👍\u202e",
    "marks": "👍" + "\u0301" * 3,
    "too many joined": "\u200d".join(["👍"] * MAX_EMOJI),
    "markup": "<b>",
}


@pytest.mark.parametrize(("text", "found"), KNOWN.values(), ids=KNOWN)
def test_an_emoji_is_written_in_one_way(text: str, found: str) -> None:
    """Equal emoji become equal texts, and stay so."""
    assert emoji(text) == found
    assert emoji(found) == found


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_anything_else_is_none(text: str) -> None:
    """What is no emoji, is more than one, or could hide something is not taken."""
    assert emoji(text) is None
