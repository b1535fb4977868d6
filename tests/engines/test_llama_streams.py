"""Reports of one worker, each to whoever waits for it, with a worker that says what it is told to."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from nbgroupchat.engines.llama_messages import Alive, Hashed, Report
from nbgroupchat.engines.llama_process import WorkerProcess
from nbgroupchat.engines.llama_streams import Streams


class _Worker:
    def __init__(self) -> None:
        self.says: asyncio.Queue[Report | None] = asyncio.Queue()

    async def next_report(self) -> Report | None:
        return await self.says.get()


class _Later:
    def __init__(self, now: float) -> None:
        self._now = now

    def time(self) -> float:
        return self._now


def _streams(worker: _Worker, silence: float = 10.0) -> tuple[Streams, list[str]]:
    hashes: list[str] = []
    return Streams(cast("WorkerProcess", worker), silence, hashes.append), hashes


async def test_each_turn_has_its_own_reports() -> None:
    """A report goes to its turn; one for a turn that nobody waits for, and the hash, go to none."""
    worker = _Worker()
    streams, hashes = _streams(worker)
    one, gone, two = streams.open(), streams.open(), streams.open()
    streams.close(gone)
    for report in (Alive(two), Hashed("abc"), Alive(gone), Alive(one)):
        worker.says.put_nowait(report)
    assert await streams.next_report(one) == Alive(one)
    assert await streams.next_report(two) == Alive(two)
    assert hashes == ["abc"]
    worker.says.put_nowait(None)


async def test_the_end_is_told_to_everybody() -> None:
    """When the worker is gone each open turn hears so, and so does one that is opened afterwards."""
    worker = _Worker()
    streams, _ = _streams(worker)
    turns = [streams.open(), streams.open()]
    worker.says.put_nowait(None)
    assert [await streams.next_report(turn) for turn in turns] == [None, None]
    assert await streams.next_report(streams.open()) is None


async def test_a_silent_worker_is_noticed() -> None:
    """A worker that says nothing for so long raises TimeoutError."""
    worker = _Worker()
    streams, _ = _streams(worker, 0.01)
    with pytest.raises(TimeoutError):
        await streams.next_report(streams.open())
    worker.says.put_nowait(None)


async def test_a_turn_may_wait_while_others_are_served() -> None:
    """A turn that hears nothing itself waits on as long as the worker speaks to others."""
    worker = _Worker()
    silence = 1.0
    streams, _ = _streams(worker, silence)
    served, waiting = streams.open(), streams.open()
    wait = asyncio.create_task(streams.next_report(waiting))
    await asyncio.sleep(0)
    # From now on the worker is heard long after it was waited for, however slow this machine is.
    loop = asyncio.get_running_loop()
    streams._loop = _Later(loop.time() + 1000)  # type: ignore[assignment]  # all that is asked of it is the time
    worker.says.put_nowait(Alive(served))
    assert await streams.next_report(served) == Alive(served)
    done, _ = await asyncio.wait([wait], timeout=1.5 * silence)
    assert not done
    worker.says.put_nowait(Alive(waiting))
    assert await wait == Alive(waiting)
    worker.says.put_nowait(None)
