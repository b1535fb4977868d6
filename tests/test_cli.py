"""Specification of the command line: what it writes, what it says, and what it ends with."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.cli import main
from nbgroupchat.protocol import Delta
from tests.backplanes.contract import editing, opening, post, redacting


async def talk(backplane: SqliteBackplane) -> None:
    """Say something, take something back, and begin to answer."""
    await backplane.open("lobby", lambda _events: None)
    said = (await backplane.append("lobby", post("frist"))).entry
    await backplane.append("lobby", editing(said.eid, "first"))
    gone = (await backplane.append("lobby", post("secret"))).entry
    await backplane.append("lobby", redacting(gone.eid))
    reply = (await backplane.append("lobby", opening())).entry
    await backplane.journal("lobby", Delta(reply.eid, 0, 1, "so far"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that no server has open."""

    async def keep() -> None:
        backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
        await talk(backplane)
        await backplane.close()

    asyncio.run(keep())
    return tmp_path / "rooms.sqlite"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nbgroupchat", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "NBGROUPCHAT"))}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=kept | environment)


def test_a_room_is_written_to_the_terminal(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Edits are applied, redacted texts absent, and an open reply says what it says so far."""
    assert main(["export", "lobby", "--store", str(path)]) == 0
    written = capfdbinary.readouterr().out.decode()
    assert "first" in written
    assert "*redacted*" in written
    assert "so far" in written
    assert "frist" not in written
    assert "secret" not in written


def test_a_room_is_written_to_a_file_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there already is left alone, and the message says so."""
    output = path.with_name("room.jsonl")
    arguments = ["export", "lobby", "--format", "jsonl", "--store", str(path), "--output", str(output)]
    assert main(arguments) == 0
    lines = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [line["text"] for line in lines] == ["first", "", "so far"]
    output.write_text("mine")
    assert main(arguments) == 1
    assert "Name another file" in capsys.readouterr().err
    assert output.read_text() == "mine"


async def test_a_room_is_exported_while_a_server_writes(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Reading neither waits for the server nor holds it up, and sees what was just said."""
    backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
    await talk(backplane)
    assert main(["export", "lobby", "--store", str(tmp_path / "rooms.sqlite")]) == 0
    assert b"so far" in capfdbinary.readouterr().out
    assert (await backplane.append("lobby", post("and on"))).entry.seq == 6
    await backplane.close()


async def test_a_copy_is_exported(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A copy of the file and of the one beside it, taken while a server has it open, can be read elsewhere."""
    backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
    await talk(backplane)
    (tmp_path / "copy").mkdir()
    for name in ("rooms.sqlite", "rooms.sqlite-wal"):
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    await backplane.close()
    assert main(["export", "lobby", "--store", str(tmp_path / "copy" / "rooms.sqlite")]) == 0
    assert b"so far" in capfdbinary.readouterr().out


def test_what_is_not_there_is_named(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another room is answered with the rooms there are, a missing file with its path."""
    assert main(["export", "lobbby", "--store", str(path)]) == 1
    assert "has no room 'lobbby'. There are: lobby." in capsys.readouterr().err
    assert main(["export", "lobby", "--store", str(tmp_path / "none")]) == 1
    assert f"There is no file of rooms at {tmp_path / 'none'}" in capsys.readouterr().err


def test_the_servers_own_file_is_found(path: Path, tmp_path: Path) -> None:
    """Without `--store` the file is the one that Jupyter's configuration names, or else in its data folder."""
    folders = {"JUPYTER_DATA_DIR": str(tmp_path / "data"), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    assert str(tmp_path / "data" / "nbgroupchat" / "rooms.sqlite") in run("export", "lobby", **folders).stderr
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text(f"c.NbGroupChat.store = {str(path)!r}\n")
    done = run("export", "lobby", "--format", "ipynb", **folders)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["nbformat"] == 4


def test_help_names_the_commands() -> None:
    """`--help` lists them, and a wrong one ends with an error."""
    assert "export" in run("--help").stdout
    assert run("exprot").returncode == 2
