"""Specification of mentions: whom a message addresses. The panel's TypeScript reads the same texts."""

from __future__ import annotations

from typing import Any

import pytest

from nbgroupchat.mention import code_blocks, mentions
from tests.frames import load


@pytest.mark.parametrize("frame", load("mentions"), ids=lambda frame: repr(frame["text"]))
def test_whom_a_text_addresses(frame: dict[str, Any]) -> None:
    """A mention stands by itself in prose, in any case; inside a word, an address, a longer name or code it is none."""
    assert mentions(frame["text"], "llama") == frame["addressed"]


def test_code_is_what_stands_in_fences() -> None:
    """Blocks come without their fences, longer fences hold shorter ones, and one may still be open."""
    text = "Try\n```python\nx = 1\n\ny = 2\n```\nor\n~~~~\n```\nz\n~~~~ \nor\n```\nopen"
    assert code_blocks(text) == ["x = 1\n\ny = 2", "```\nz", "open"]
    assert code_blocks("no `code` here") == []
