"""Merges what a stream yields into slices of time, so that a burst of pieces costs one event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def slices(stream: AsyncIterator[T], seconds: float) -> AsyncGenerator[list[T], None]:
    """Give the first item at once, and then what has come whenever `seconds` have passed; nothing waits longer.

    An error of the stream is raised after everything that came before it was given.
    """
    loop = asyncio.get_running_loop()
    held: list[T] = []
    due = 0.0
    coming = asyncio.ensure_future(_next(stream))
    try:
        while True:
            await asyncio.wait({coming}, timeout=max(0.0, due - loop.time()) if held else None)
            if coming.done():
                if coming.cancelled() or coming.exception() is not None:
                    break
                held.append(coming.result())
                coming = asyncio.ensure_future(_next(stream))
            if held and loop.time() >= due:
                yield held
                held = []
                due = loop.time() + seconds
        if held:
            yield held
        error = coming.exception()
        if error is not None and not isinstance(error, StopAsyncIteration):
            raise error
    finally:
        # The stream is still running while an item is awaited, and can be closed by its owner only afterwards.
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _next(stream: AsyncIterator[T]) -> T:
    return await anext(stream)
