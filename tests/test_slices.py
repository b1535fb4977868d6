"""Specification of slices: the first at once, then together, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from nbgroupchat.slices import slices


async def numbers(count: int, error: Exception | None = None) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number
    if error:
        raise error


async def test_the_first_comes_alone_and_the_rest_together() -> None:
    """A burst costs two slices: its beginning at once, and the rest when the stream has ended."""
    assert [batch async for batch in slices(numbers(10), seconds=60)] == [[0], list(range(1, 10))]


async def test_what_waits_is_given_while_the_stream_is_silent() -> None:
    """A slice does not wait for the next item, only for its time."""
    more = asyncio.Event()

    async def stream() -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        await more.wait()
        yield 3

    found = slices(stream(), seconds=0.001)
    assert [await anext(found), await anext(found)] == [[1], [2]]
    more.set()
    assert [batch async for batch in found] == [[3]]


async def test_an_error_comes_after_what_was_before_it() -> None:
    """Items before an error are given first."""
    found = slices(numbers(3, ValueError("broken")), seconds=60)
    assert [await anext(found), await anext(found)] == [[0], [1, 2]]
    with pytest.raises(ValueError, match="broken"):
        await anext(found)


async def test_who_stops_listening_can_close_the_stream() -> None:
    """After the slices are closed, the stream runs no more and can be closed by its owner."""
    closed = asyncio.Event()

    async def stream() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    source = stream()
    found = slices(source, seconds=0.001)
    assert await anext(found) == [1]
    await found.aclose()
    await source.aclose()
    assert closed.is_set()
