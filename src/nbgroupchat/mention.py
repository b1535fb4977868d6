"""Finds whom a message addresses. Pure: text in, yes or no out.

A mention is `@name`, in any case, that stands by itself: not inside a word, an address, a longer name, or code.
"""

from __future__ import annotations

import re

# A fence of backticks has none in the rest of its line: such a line is prose with a code span.
_FENCE = re.compile(
    r"^ {0,3}(?:(?P<ticks>`{3,})[^`\n]*|(?P<tildes>~{3,})[^\n]*)\n"
    r".*?(?:^ {0,3}(?:(?P=ticks)`*|(?P=tildes)~*)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
# A span ends in the paragraph in which it begins, and an escaped backtick begins none.
_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\1(?!`)", re.DOTALL)


def mentions(text: str, name: str) -> bool:
    """Say whether `text` addresses `name`.

    Fenced blocks (also unclosed ones) and code spans are code, much as in CommonMark 0.31; indented blocks are not.
    """
    prose = _SPAN.sub(" ", _FENCE.sub("\n", text))
    return re.search(rf"(?<![\w@/`-])(?<!\w\.)@{re.escape(name)}(?![\w@/`-]|\.\w)", prose, re.IGNORECASE) is not None
