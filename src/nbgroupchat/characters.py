"""Which characters of a name or a text everybody sees alike: the reader, the log and the model.

Pure. This module touches trust. It covers what hides or reorders text: control and bidi characters, the tag block,
halves of surrogate pairs, and marks stacked without end. It does not cover letters of
different scripts that look alike.
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 6
"""How many combining marks one letter keeps; scripts in use need fewer."""

_JOINERS = "\u200c\u200d"
_KEPT = "\n\t"
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{{MAX_MARKS}}}){_MARK}+")


def visible(text: str) -> str:
    """Give a text in NFC, with line feeds only, without what hides or reorders. Joiners of emoji and scripts stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in lines if char in _KEPT or char in _JOINERS or not _hides(char))
    return _STACKED.sub(r"\1", unicodedata.normalize("NFC", kept))


def label(name: object, fallback: str, most: int = 64) -> str:
    """Give a name as it is shown: one line, at most `most` characters, never empty; `fallback` where it is no text."""
    found = " ".join(visible(name).split())[:most].strip(" " + _JOINERS) if isinstance(name, str) else ""
    return found or " ".join(visible(fallback).split())[:most] or "someone"


def _hides(char: str) -> bool:
    # Cc control, Cf format (bidi, the tag block, invisible ones), Cs surrogates. Of Cn only what will never be a
    # character: the rest may be one in a newer Unicode than this Python's, such as this year's emoji.
    code = ord(char)
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
