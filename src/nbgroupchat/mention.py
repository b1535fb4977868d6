"""Finds whom a message addresses, and which of it is code. Pure: text in, an answer out.

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


def code_blocks(text: str) -> list[str]:
    """Give the fenced blocks of a text, without their fences; what is still being written has an open one."""
    blocks = []
    for found in _FENCE.finditer(text):
        lines = found[0].splitlines()[1:]
        fence = found["ticks"] or found["tildes"]
        if lines and re.fullmatch(rf" {{0,3}}{fence}{fence[0]}*[ \t]*", lines[-1]):
            lines.pop()
        blocks.append("\n".join(lines))
    return blocks
