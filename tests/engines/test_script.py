"""The script engine, its files and its gates."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from nbgroupchat.engines.base import Engine, EngineError, EngineInterrupted, Piece, Reading
from nbgroupchat.engines.script import ScriptEngine, Step

from .contract import FIXED, LONG, EngineContract, read


def _script(folder: Path, content: object) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


async def _text(engine: Engine) -> str:
    return "".join(piece.text for piece in (await read(engine))[0])


class TestScript(EngineContract):
    @pytest.fixture
    def engine(self) -> Engine:
        return ScriptEngine()


async def test_replies_come_in_order_and_again() -> None:
    """After the last reply comes the first; every prompt is written down with its room."""
    engine = ScriptEngine(["one two", ["th", "ree"]])
    assert [await _text(engine) for _ in range(3)] == ["one two", "three", "one two"]
    assert engine.prompts == [("lobby", LONG)] * 3


async def test_a_python_gate_holds_a_reply() -> None:
    """A step that returns something to await holds the reply until that is done."""
    reached, gate = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await gate.wait()

    seen: list[str] = []

    async def follow() -> None:
        async for part in ScriptEngine([["a", hold, "b"]]).stream("lobby", LONG, FIXED):
            seen.extend([part.text] if isinstance(part, Piece) else [])

    task = asyncio.create_task(follow())
    await reached.wait()
    assert seen == ["a"]
    gate.set()
    await task
    assert seen == ["a", "b"]


async def test_failures_end_a_reply() -> None:
    """A failure raises EngineError and an interruption EngineInterrupted, each with its words; the next reply comes."""
    engine = ScriptEngine([["a", Step(fail="no model")], ["b", Step(interrupt="lost")], "c"])
    with pytest.raises(EngineError, match="no model"):
        await read(engine)
    with pytest.raises(EngineInterrupted, match="lost"):
        await read(engine)
    assert await _text(engine) == "c"


async def test_a_file_is_played(tmp_path: Path) -> None:
    """A JSON list of texts and lists of steps is a script."""
    engine = ScriptEngine(_script(tmp_path, ["one", ["tw", "o", {"fail": "end"}]]))
    assert await _text(engine) == "one"
    with pytest.raises(EngineError, match="end"):
        await read(engine)


@pytest.mark.parametrize(
    "content", [{}, [], [1], ["a", [{"gate": "x", "fail": "y"}]], [[{}]], [[{"wait": 3}]], "text"], ids=str
)
async def test_a_wrong_script_says_so(tmp_path: Path, content: object) -> None:
    """A file that is no script leaves the engine failed; its message names the file and the setting."""
    path = _script(tmp_path, content)
    engine = ScriptEngine(path)
    with pytest.raises(EngineError, match="script_path"):
        await read(engine)
    assert engine.status.state == "failed"
    assert path in (engine.status.message or "")


async def test_a_missing_script_says_so_until_it_is_there(tmp_path: Path) -> None:
    """A file that is missing leaves the engine failed, and is read as soon as it is there."""
    engine = ScriptEngine(str(tmp_path / "script.json"))
    engine.start()
    assert engine.status.state == "failed"
    assert "No such file" in (engine.status.message or "")
    _script(tmp_path, ["here"])
    assert await _text(engine) == "here"


async def test_a_fifo_holds_a_reply(tmp_path: Path) -> None:
    """A gate in the file system holds the reply until somebody writes a line to it."""
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    engine = ScriptEngine(_script(tmp_path, [["a", {"gate": str(fifo)}, "b"]]))
    stream = engine.stream("lobby", LONG, FIXED)
    assert type(await anext(stream)) is Reading
    assert await anext(stream) == Piece("a")
    held = asyncio.ensure_future(anext(stream))
    # Opening it for writing returns when the engine is at the gate; closing it without a line does not open it.
    await asyncio.to_thread(lambda: fifo.open("w").close())
    writer = await asyncio.to_thread(fifo.open, "w")
    assert not held.done()
    writer.write("open\n")
    writer.close()
    assert await held == Piece("b")
    assert [part async for part in stream]


async def test_a_held_reply_can_be_cancelled(tmp_path: Path) -> None:
    """Cancelling a reply that waits at a gate leaves no thread behind."""
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    engine = ScriptEngine(_script(tmp_path, [[{"gate": str(fifo)}, "b"]]))
    task = asyncio.create_task(read(engine))
    writer = await asyncio.to_thread(fifo.open, "w")
    threads = [thread for thread in threading.enumerate() if thread.name == "nbgroupchat-gate"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    writer.close()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert len(threads) == 1


async def test_a_missing_gate_fails_the_reply(tmp_path: Path) -> None:
    """A gate that does not exist ends the reply with its path."""
    engine = ScriptEngine(_script(tmp_path, [[{"gate": str(tmp_path / "none")}]]))
    with pytest.raises(EngineError, match="none"):
        await read(engine)
