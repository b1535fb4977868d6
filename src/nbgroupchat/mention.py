"""Finds whom a message addresses. Pure: text in, yes or no out.

A mention is `@name`, in any case, that stands by itself: not inside a word, an address, a longer name, or code.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:.+?)(?<!`)\1(?!`)", re.DOTALL)


def mentions(text: str, name: str) -> bool:
    """Say whether `text` addresses `name`.

    Fenced blocks (also unclosed ones) and code spans are code, as in CommonMark 0.31.
    """
    prose = _SPAN.sub(" ", _FENCE.sub(" ", text))
    return re.search(rf"(?<![\w@/.`-])@{re.escape(name)}(?![\w@/`-]|\.\w)", prose, re.IGNORECASE) is not None
