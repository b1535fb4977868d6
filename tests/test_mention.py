"""Specification of mentions: whom a message addresses."""

from __future__ import annotations

import pytest

from nbgroupchat.mention import mentions


@pytest.mark.parametrize(
    "text",
    [
        "@llama hi",
        "hi @llama",
        "so, @LLaMA?",
        "(@llama)",
        "what do you think,@llama.",
        "@llama: why",
        "first line\n@llama second",
        "use `x` @llama",
        "```\ncode\n```\n@llama explain",
        "*@llama*",
        "“@llama”",
    ],
)
def test_a_mention_by_itself_addresses(text: str) -> None:
    """A mention may stand anywhere in prose, in any case, with punctuation around it."""
    assert mentions(text, "llama")


@pytest.mark.parametrize(
    "text",
    [
        "llama hi",
        "me@llama.org",
        "@llamas",
        "@llama_2",
        "@llama-server",
        "@llama.cpp is fast",
        "`@llama`",
        "``x `@llama` y``",
        "```\n@llama\n```",
        "~~~\n@llama\n~~~",
        "```python\n@llama\ndef f(): ...",
        "path/@llama",
        "@@llama",
        "npm i @llama/core",
        "",
    ],
)
def test_what_looks_like_a_mention_but_is_none(text: str) -> None:
    """Inside a word, an address, a longer name or code, nobody is addressed."""
    assert not mentions(text, "llama")
