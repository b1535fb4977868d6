"""What the engine tells its worker and nobody waits for, while the worker hangs; with a model of a few kilobytes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.llama_process import MOST_UNREAD
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.settings import Settings

from .contract import read

pytest.importorskip("llama_cpp")

from .tiny_models import write_model

ROOMS = ("one", "two", "three")
LENGTH = 5_000


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[LlamaEngine]:
    """One whose model is loaded."""
    path = write_model(tmp_path, "llama")
    engine = LlamaEngine(Settings(model_path=str(path), context_tokens=512, reply_tokens=64, turns_at_once=2))
    await read(engine)
    yield engine
    await engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
async def test_a_worker_that_hangs_is_told_no_more(engine: LlamaEngine) -> None:
    """However much is said and redacted meanwhile, of each room the last waits, and is told when the worker goes on."""
    worker = engine._worker
    assert worker is not None
    stdin = worker._process.stdin
    assert stdin is not None
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        for number in range(1_000):
            prompt = Prompt((Segment("user", f"{number} ".ljust(LENGTH, "x"), f"{number}"),))
            engine.listen(ROOMS[number % 3], prompt)
            engine.forget(ROOMS[number % 3], prompt)
        assert stdin.transport.get_write_buffer_size() < MOST_UNREAD + 2 * LENGTH
        assert 0 < len(engine._hints) <= 2 * len(ROOMS)
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    while engine._hints:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0.01)
    await read(engine)
    assert engine._worker is worker
