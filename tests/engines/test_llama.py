"""The llama engine with the real SmolLM2: replies, reuse of what was read, failures and ends of its worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from nbgroupchat.engines import backoff, llama_loading
from nbgroupchat.engines.base import Engine, EngineError, EngineInterrupted, EngineStatus, Finish, Piece, Sampling
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.settings import Settings

from .contract import LONG, EngineContract, read

# Of what a model may write, the likeliest is a long story for a prompt that asks for one.
ENDLESS = Sampling(max_tokens=2000, temperature=0.0)


@pytest.fixture
async def smollm() -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine()
    yield engine
    await engine.close()


@pytest.mark.model
class TestLlama(EngineContract):
    @pytest.fixture
    def engine(self, smollm: LlamaEngine) -> Engine:
        return smollm


@pytest.mark.model
async def test_what_was_read_is_not_read_again(smollm: LlamaEngine) -> None:
    """The same prompt costs one token, and one that goes on after the reply costs what was added to it."""
    pieces, first = await read(smollm)
    _, again = await read(smollm)
    assert (first.cached, again.cached, again.evaluated) == (0, first.prompt - 1, 1)
    said = "".join(piece.text for piece in pieces)
    ids = tuple(token for piece in pieces for token in piece.ids)
    more = Prompt((*LONG.segments, Segment("assistant", said, "r", ids), Segment("user", "Ben: nice", "b")))
    _, third = await read(smollm, more)
    # All but the last sampled token is in memory; what is new is that, the end of the turn, the post and the opening.
    assert third.cached >= first.prompt + first.written - 1
    assert third.evaluated < 20


@pytest.mark.model
async def test_ids_of_pieces_are_those_written(smollm: LlamaEngine) -> None:
    """Pieces carry the ids they were sampled as, as many as were written."""
    pieces, finish = await read(smollm)
    assert sum(len(piece.ids) for piece in pieces) == finish.written


@pytest.mark.model
async def test_a_stopped_reply_says_no_more(smollm: LlamaEngine) -> None:
    """After the iterator is closed the stopped turn has written little more, and the next reply is its own."""
    # The first reply read its whole prompt at once, which rounds otherwise than reading its last token.
    await read(smollm)
    expected, _ = await read(smollm)
    async with aclosing(smollm.stream("lobby", LONG, ENDLESS)) as stream:
        _, *stopped = [await anext(stream) for _ in range(4)]
    pieces, finish = await read(smollm)
    assert all(isinstance(part, Piece) for part in stopped)
    assert [piece.text for piece in pieces] == [piece.text for piece in expected]
    assert finish.evaluated == 1


@pytest.mark.model
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
async def test_a_lost_worker_interrupts_its_reply(blow: signal.Signals) -> None:
    """A worker that is killed, hangs or crashes interrupts the reply it writes; the next question starts another."""
    engine = LlamaEngine(Settings(piece_timeout=5.0))
    said: list[object] = []

    async def follow() -> None:
        async for part in engine.stream("lobby", LONG, ENDLESS):
            said.append(part)
            if len(said) == 3:
                assert engine.worker_pid is not None
                os.kill(engine.worker_pid, blow)

    with pytest.raises(EngineInterrupted, match="Ask again"):
        await follow()
    assert len(said) >= 3
    lost = engine.worker_pid
    pieces, _ = await read(engine)
    assert pieces
    assert engine.worker_pid != lost
    await engine.close()


@pytest.mark.model
async def test_a_worker_lost_while_idle_is_told(smollm: LlamaEngine) -> None:
    """A worker that dies between replies turns the status to off, with a reason; the next question starts another."""
    gone = asyncio.Event()
    await read(smollm)
    smollm.watch(lambda status: gone.set() if status.state == "off" else None)
    assert smollm.worker_pid is not None
    os.kill(smollm.worker_pid, signal.SIGKILL)
    await gone.wait()
    assert "SIGKILL" in (smollm.status.message or "")
    assert (await read(smollm))[0]


@pytest.mark.model
async def test_closing_interrupts_and_leaves_no_process(smollm: LlamaEngine) -> None:
    """Closing in the middle of a reply ends the worker; the reply is interrupted and no further one is begun."""
    stream = smollm.stream("lobby", LONG, ENDLESS)
    await anext(stream)
    pid = smollm.worker_pid
    assert pid is not None
    await smollm.close()
    with pytest.raises(EngineInterrupted):
        async for _ in stream:
            pass
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineError, match="closed"):
        await read(smollm)


@pytest.mark.model
async def test_loading_has_progress(smollm: LlamaEngine) -> None:
    """While the model loads, the status grows from 0 to 1; it ends with the name of the model."""
    heard: list[EngineStatus] = []
    smollm.watch(heard.append)
    await read(smollm)
    progress = [status.progress for status in heard if status.progress is not None]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert heard[-1] == EngineStatus(state="ready", model="SmolLM2 135M Instruct")


async def _failure(engine: LlamaEngine) -> str:
    """The message of an engine that cannot load, the same from its status and from a question."""
    with pytest.raises(EngineError) as raised:
        await read(engine)
    assert not isinstance(raised.value, EngineInterrupted)
    assert (engine.status.state, engine.status.message) == ("failed", str(raised.value))
    assert engine.worker_pid is None
    return str(raised.value)


@pytest.mark.model
async def test_a_missing_file_is_looked_for_again(tmp_path: Path) -> None:
    """Without the file the engine fails with its path and the setting, and works once it is there."""
    path = tmp_path / "model.gguf"
    engine = LlamaEngine(Settings(model_path=str(path)))
    message = await _failure(engine)
    assert str(path) in message
    assert "c.NbGroupChat.model_path" in message
    path.symlink_to(find_model(""))
    assert (await read(engine))[0]
    await engine.close()


@pytest.mark.model
@pytest.mark.parametrize("content", ["nothing", "text", "half"])
async def test_a_broken_file_says_so(tmp_path: Path, content: str) -> None:
    """A file that is empty, no GGUF or cut off fails the engine with its path, a reason and the setting."""
    path = tmp_path / "broken.gguf"
    whole = find_model("").read_bytes()
    contents = {"nothing": b"", "text": b"This is not a model.\n" * 100, "half": whole[: len(whole) // 2]}
    path.write_bytes(contents[content])
    message = await _failure(LlamaEngine(Settings(model_path=str(path))))
    assert str(path) in message
    assert "c.NbGroupChat.model_path" in message
    assert "no reason given" not in message


@pytest.mark.model
async def test_a_load_that_takes_too_long() -> None:
    """A load beyond its limit is ended, with the setting to change."""
    message = await _failure(LlamaEngine(Settings(load_timeout=0.001)))
    assert "c.NbGroupChat.load_timeout" in message


async def test_without_llama_cpp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where llama-cpp-python is not installed the message says what to install."""
    monkeypatch.setattr(llama_loading, "find_spec", lambda name: None)
    assert 'pip install "nbgroupchat[llama]"' in await _failure(LlamaEngine())


async def test_a_worker_that_dies_while_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends without a word fails the engine instead of leaving it loading."""
    path = tmp_path / "model.gguf"
    path.touch()
    monkeypatch.setattr("nbgroupchat.engines.llama_process.WORKER", "this")
    monkeypatch.setattr(llama_loading, "find_spec", lambda name: name)
    assert "while loading" in await _failure(LlamaEngine(Settings(model_path=str(path))))


@pytest.mark.model
@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="There are no priorities.")
async def test_the_worker_gives_way() -> None:
    """The worker's priority is below the server's by what the settings say."""
    engine = LlamaEngine(Settings(context_tokens=512, reply_tokens=64, turns_at_once=1, nice=7))
    try:
        await read(engine)
        assert engine.worker_pid is not None
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, engine.worker_pid) == min(own + 7, 19)
    finally:
        await engine.close()


@pytest.mark.model
async def test_a_worker_that_keeps_ending_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second end in a row shows a failed status that says when it is started again, and then it is."""
    # Longer than this test may be kept from asking in between.
    monkeypatch.setattr(backoff, "DELAYS", (0.0, 5.0))
    engine = LlamaEngine(Settings(context_tokens=512, reply_tokens=64, turns_at_once=1))
    heard: list[EngineStatus] = []
    engine.watch(heard.append)
    for _ in range(2):
        stream = engine.stream("lobby", LONG, ENDLESS)
        await anext(stream)
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGKILL)
        with pytest.raises(EngineInterrupted):
            async for _ in stream:
                pass
    assert [status.state for status in heard if status.state in ("off", "failed")] == ["off", "failed"]
    with pytest.raises(EngineError, match=r"SIGKILL, for the 2\. time in a row\. It is started again after 5 s"):
        await read(engine)
    ready = asyncio.Event()
    engine.watch(lambda status: ready.set() if status.state == "ready" else None)
    await ready.wait()
    assert (await read(engine))[0]
    await engine.close()


@pytest.mark.model
async def test_a_lost_worker_interrupts_every_room() -> None:
    """All replies that are being written when the worker dies are interrupted, and asked again they come."""
    engine = LlamaEngine(Settings(context_tokens=512, reply_tokens=64))
    streams = [engine.stream(room, LONG, ENDLESS) for room in "abc"]
    await asyncio.gather(*(anext(stream) for stream in streams))
    assert engine.worker_pid is not None
    os.kill(engine.worker_pid, signal.SIGKILL)
    for stream in streams:
        with pytest.raises(EngineInterrupted, match="SIGKILL"):
            async for _ in stream:
                pass
    assert all(pieces for pieces, _ in await asyncio.gather(*(read(engine) for _ in range(3))))
    await engine.close()


@pytest.mark.model
@pytest.mark.parametrize("read_ahead", [True, False])
async def test_reading_ahead_can_be_turned_off(read_ahead: bool) -> None:
    """What was hinted while the model loaded is read before anybody asks, unless the setting says no."""
    engine = LlamaEngine(Settings(context_tokens=512, reply_tokens=64, read_ahead=read_ahead))
    engine.listen("lobby", Prompt(LONG.segments[:-1]))
    engine.listen("elsewhere", LONG)
    engine.start()
    # A turn of another room comes after the hints, which are read before the worker has nothing to do.
    await read(engine, LONG)
    engine.listen("other", Prompt(LONG.segments[:-1]))
    [part async for part in engine.stream("third", LONG, Sampling(max_tokens=60, temperature=0.0))]
    *_, finish = [part async for part in engine.stream("other", LONG, Sampling(max_tokens=5))]
    assert isinstance(finish, Finish)
    assert (finish.evaluated < 20) == read_ahead
    await engine.close()
