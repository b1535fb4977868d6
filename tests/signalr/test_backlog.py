from __future__ import annotations

import asyncio

import pytest

from nbgroupchat.signalr import Connection
from nbgroupchat.signalr.backlog import LINGER, Backlog
from nbgroupchat.signalr.websocket import HIGH_WATER

from .fakes import HANDSHAKE, FakeApplication, FakeClock, until


class Waiting:
    """A connection whose transport is a backlog."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.application = FakeApplication()
        self.backlog = Backlog(self.clock)
        self.connection = Connection(self.backlog, self.application, "ana", clock=self.clock)
        self.forgotten = 0
        self.backlog.attach(self.connection, self.connection.lost, self._forget)

    def _forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
async def waiting() -> Waiting:
    found = Waiting()
    await found.connection.receive(HANDSHAKE)
    assert await found.backlog.take("a") == b"{}\x1e"
    return found


async def test_what_waits_is_taken_at_once_and_together(waiting: Waiting) -> None:
    """Frames keep their order and go together, without waiting for more."""
    assert waiting.connection.send(b"1")
    assert waiting.connection.send(b"2")
    assert await waiting.backlog.take("a") == b"12"


async def test_a_taker_waits_for_the_next_frame(waiting: Waiting) -> None:
    """A taker that finds nothing gets what is written first, with what is written in the same breath."""
    taking = asyncio.create_task(waiting.backlog.take("a"))
    await asyncio.sleep(0)
    assert not taking.done()
    waiting.connection.send(b"1")
    waiting.connection.send(b"2")
    assert await taking == b"12"


async def test_a_newer_taker_sends_the_older_away(waiting: Waiting) -> None:
    """The older gets None, also when a frame was written before it could run, and the frame is the newer's."""
    older = asyncio.create_task(waiting.backlog.take("a"))
    await asyncio.sleep(0)
    newer = asyncio.create_task(waiting.backlog.take("b"))
    assert await older is None
    waiting.connection.send(b"1")
    assert await waiting.backlog.take("c") == b"1"
    assert await newer is None


async def test_a_taker_that_leaves_takes_nothing_with_it(waiting: Waiting) -> None:
    """After one has left, what is written waits for the next; an older taker's leaving does not disturb a newer."""
    gone = asyncio.create_task(waiting.backlog.take("a"))
    await asyncio.sleep(0)
    waiting.backlog.leave("a")
    assert await gone is None
    waiting.connection.send(b"1")
    assert await waiting.backlog.take("b") == b"1"
    newer = asyncio.create_task(waiting.backlog.take("c"))
    await asyncio.sleep(0)
    waiting.backlog.leave("b")
    waiting.connection.send(b"2")
    assert await newer == b"2"


async def test_what_waits_is_bounded(waiting: Waiting) -> None:
    """Above the mark `write` returns False, and taking tells the session, once, that there is room again."""
    written = 0
    while waiting.connection.send(b"x" * 30_000):
        written += 30_000
    assert HIGH_WATER - 30_000 < written <= HIGH_WATER
    [session] = waiting.application.sessions
    assert session.drained_count == 0
    assert len(await waiting.backlog.take("a") or b"") == written + 30_000
    assert session.drained_count == 1
    assert waiting.connection.send(b"1")
    assert await waiting.backlog.take("a") == b"1"
    assert session.drained_count == 1


async def test_the_last_words_may_still_be_taken(waiting: Waiting) -> None:
    """A closed connection has ended for the application, and its Close message waits to be taken."""
    waiting.connection.close("bye")
    [session] = waiting.application.sessions
    assert session.closed_count == 1
    assert not waiting.backlog.finished()
    assert b"bye" in (await waiting.backlog.take("a") or b"")
    assert await waiting.backlog.take("a") is None
    assert waiting.backlog.finished()
    assert waiting.forgotten == 0


async def test_nobody_waits_for_ever(waiting: Waiting) -> None:
    """After a while the last words are dropped and the ticket is given back; a taker that waits is sent away."""
    waiting.connection.close("bye")
    waiting.clock.advance(LINGER - 1)
    assert waiting.forgotten == 0
    waiting.clock.advance(1)
    assert waiting.forgotten == 1
    assert await waiting.backlog.take("a") is None
    assert waiting.clock.pending == 0


async def test_closing_ends_the_wait(waiting: Waiting) -> None:
    """A taker that waits when the transport closes without a word gets None; a late frame goes nowhere."""
    taking = asyncio.create_task(waiting.backlog.take("a"))
    await asyncio.sleep(0)
    waiting.backlog.close()
    waiting.backlog.close()
    assert await taking is None
    assert waiting.connection.closed
    assert waiting.backlog.write(b"late") is False
    await until(waiting.backlog.finished)


async def test_who_does_not_take_what_waits_is_told_to_come_back(waiting: Waiting) -> None:
    """A poll or stream that takes nothing for 30 s is closed, though its messages come; a late taker is told to come
    back, and then it is forgotten.
    """
    while waiting.connection.send(b"x" * 30_000):
        pass
    for _ in range(5):
        waiting.clock.advance(5)
        waiting.connection.heard()
    assert not waiting.connection.closed
    waiting.clock.advance(5)
    assert waiting.connection.closed
    assert b'"allowReconnect":true' in (await waiting.backlog.take("a") or b"")
    waiting.clock.advance(LINGER)
    assert waiting.forgotten == 1
    assert waiting.clock.pending == 0
