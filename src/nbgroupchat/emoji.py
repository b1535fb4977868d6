"""What a reaction may be: one emoji, written in one way only.

Pure. After "Unicode Emoji" (UTS #51): a pictograph with or without a skin tone, pictographs joined to one, a flag of
two letters, or a keycap. This module touches trust. It covers: that a reaction is one sign of bounded length, and
carries no hidden text; the flags that are spelled in tag characters are left out for that. It does not cover signs that
look alike.
"""

from __future__ import annotations

import re
from typing import Final

MAX_EMOJI: Final = 12
"""Longest emoji, in code points: two people, a heart, their skin tones and what joins them take ten."""

_AS_PICTURE = "\ufe0f"
_TONE = "[\U0001f3fb-\U0001f3ff]"
_OLD = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299]"
)
"""Signs that were text before they were pictures, which a selector asks for."""

_PICTURE = f"(?:{_OLD}|[\U0001f004-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff])"
_ONE = f"{_PICTURE}(?:{_AS_PICTURE}?{_TONE}|{_AS_PICTURE})?"
_EMOJI = re.compile(f"{_ONE}(?:\u200d{_ONE})*|[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]{_AS_PICTURE}?\u20e3")
_SIMPLE = re.compile(f"({_PICTURE}){_AS_PICTURE}?")


def emoji(text: str) -> str | None:
    """Give the one way in which an emoji is written, so that equal ones are counted together; None for another text."""
    found = text.strip()
    if len(found) > MAX_EMOJI or not _EMOJI.fullmatch(found):
        return None
    if found.endswith("\u20e3"):
        return f"{found[0]}{_AS_PICTURE}\u20e3"
    if simple := _SIMPLE.fullmatch(found):
        return simple[1] + (_AS_PICTURE if re.match(_OLD, simple[1]) else "")
    return found
