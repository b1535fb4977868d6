"""What every engine must do, as tests. A subclass gives an `engine` that writes at least five tokens for `LONG`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from nbgroupchat.engines.base import Engine, EngineStatus, Finish, Piece, Reading, Sampling
from nbgroupchat.prompt import Prompt, Segment

LONG = Prompt(
    (
        Segment("system", "You are llama, a member of a group chat."),
        Segment("user", "Ana: Please write a long story about a llama who lives on a mountain.", "a"),
        Segment("user", "(llama, answer Ana.)"),
    )
)
FIXED = Sampling(max_tokens=24, temperature=0.0, seed=1)


async def read(engine: Engine, prompt: Prompt = LONG, sampling: Sampling = FIXED) -> tuple[list[Piece], Finish]:
    """A whole reply: its pieces, and its one Finish at the end."""
    reading, *pieces, finish = [part async for part in engine.stream("lobby", prompt, sampling)]
    assert type(reading) is Reading
    assert isinstance(finish, Finish)
    return [piece for piece in pieces if isinstance(piece, Piece)], finish


class EngineContract:
    @pytest.fixture
    def engine(self) -> Engine:
        raise NotImplementedError("A subclass gives the engine.")

    async def test_writes_pieces_and_one_finish(self, engine: Engine) -> None:
        """A reply is what is read, pieces with text, then one Finish whose counts add up."""
        parts = [part async for part in engine.stream("lobby", LONG, FIXED)]
        assert [type(part) for part in parts] == [Reading, *[Piece] * (len(parts) - 2), Finish]
        assert all(part.text for part in parts if isinstance(part, Piece))
        finish = parts[-1]
        assert isinstance(finish, Finish)
        assert finish.prompt == finish.evaluated + finish.cached > 0
        # How many pieces depends on how quick the machine is: what is written in one moment is told together.
        assert finish.written >= max(5, len(parts) - 2)
        assert len(parts) > 2

    async def test_status_goes_from_off_to_ready(self, engine: Engine) -> None:
        """An engine is off until it is started, and listeners hear of everything up to ready, which names the model."""
        heard: list[EngineStatus] = []
        ready = asyncio.Event()
        engine.watch(heard.append)
        engine.watch(lambda status: ready.set() if status.state == "ready" else None)
        assert engine.status.state == "off"
        engine.start()
        engine.start()
        await ready.wait()
        assert engine.status == heard[-1]
        assert heard[-1].model
        assert len(set(heard)) == len(heard)

    async def test_a_listener_that_fails_harms_nobody(self, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
        """An exception in a listener is logged, and the reply comes."""

        def fail(status: EngineStatus) -> None:
            raise ValueError(status.state)

        engine.watch(fail)
        await read(engine)
        assert "ValueError" in caplog.text

    async def test_max_tokens_ends_a_reply(self, engine: Engine) -> None:
        """A reply ends with reason `length` at max_tokens."""
        pieces, finish = await read(engine, sampling=Sampling(max_tokens=2, temperature=0.0, seed=1))
        assert (finish.reason, finish.written, len(pieces)) == ("length", 2, 2)

    async def test_closing_the_iterator_ends_the_reply(self, engine: Engine) -> None:
        """After the iterator is closed the next reply is a whole one of its own."""
        async with aclosing(engine.stream("lobby", LONG, Sampling(max_tokens=400))) as stream:
            async for _ in stream:
                break
        _, finish = await read(engine)
        assert finish.written <= FIXED.max_tokens

    async def test_cancelling_the_reader_ends_the_reply(self, engine: Engine) -> None:
        """After the task that reads a reply is cancelled the next reply is a whole one of its own."""
        begun = asyncio.Event()

        async def reader() -> None:
            async for _ in engine.stream("lobby", LONG, Sampling(max_tokens=400)):
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(reader())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        _, finish = await read(engine)
        assert finish.written <= FIXED.max_tokens

    async def test_two_rooms_at_once(self, engine: Engine) -> None:
        """Replies asked for at the same time all come to their end."""
        replies = await asyncio.gather(*(read(engine) for _ in range(3)))
        assert all(pieces for pieces, _ in replies)

    async def test_hints_are_harmless(self, engine: Engine) -> None:
        """Listening and forgetting at any time never raise, and change nothing of a reply's shape."""
        engine.listen("lobby", LONG)
        engine.forget("lobby", LONG)
        engine.start()
        engine.listen("elsewhere", LONG)
        engine.listen("lobby", Prompt(LONG.segments[:-1]))
        pieces, _ = await read(engine)
        engine.listen("lobby", Prompt(()))
        engine.forget("lobby", Prompt(LONG.segments[:1]))
        engine.forget("nowhere", Prompt(()))
        assert pieces
        assert (await read(engine))[0]

    async def test_close_may_be_called_at_any_time(self, engine: Engine) -> None:
        """Closing before and after a start, and twice, leaves the engine off."""
        engine.start()
        await engine.close()
        await engine.close()
        assert engine.status.state == "off"
