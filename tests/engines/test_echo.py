"""The echo engine."""

from __future__ import annotations

import pytest

from nbgroupchat.engines.base import Engine
from nbgroupchat.engines.echo import EchoEngine, words
from nbgroupchat.prompt import Prompt, Segment

from .contract import FIXED, LONG, EngineContract, read


class TestEcho(EngineContract):
    @pytest.fixture
    def engine(self) -> Engine:
        return EchoEngine()


async def test_says_the_last_post_again() -> None:
    """The reply is the text of the last post, not the server's line after it."""
    pieces, finish = await read(EchoEngine(), LONG, FIXED)
    assert "".join(piece.text for piece in pieces) == LONG.segments[1].text
    assert finish.reason == "complete"


async def test_a_prompt_without_posts() -> None:
    """With nothing said there is nothing to say."""
    pieces, finish = await read(EchoEngine(), Prompt((Segment("system", "x"),)))
    assert (pieces, finish.written) == ([], 0)


@pytest.mark.parametrize("text", ["", "one", " one  two\nthree ", "\n\n", "Ünï 🦙 llama"])
def test_words_join_to_the_text(text: str) -> None:
    """No character is lost by splitting into words."""
    assert "".join(words(text)) == text
