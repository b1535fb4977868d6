"""Specification of how the extension starts, what it says, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbgroupchat.protocol import Position
from nbgroupchat.server.extension import NbGroupChat
from nbgroupchat.settings import Settings
from tests.clients import SocketClient
from tests.jupyter import JupyterServer


def test_it_is_enabled_by_installing() -> None:
    """`jupyter server extension list` shows it enabled and valid, without any configuration."""
    listing = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"], capture_output=True, text=True, check=True
    )
    text = listing.stdout + listing.stderr
    assert "nbgroupchat enabled" in text.replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "validation failed" not in text.split("nbgroupchat enabled")[-1].split("enabled")[0]


def test_every_setting_can_be_configured() -> None:
    """Each setting has a trait of the same name and default, with help."""
    extension = NbGroupChat()
    for name, default in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True):
        assert getattr(extension, name) == default, name
        assert extension.traits(config=True)[name].help, name


def test_it_says_what_it_runs_with_and_cleans_up(tmp_path: Path) -> None:
    """One line of the log says what runs; at the end the connection file is gone and the server exits cleanly."""
    with JupyterServer(tmp_path, "--NbGroupChat.engine=echo", "--NbGroupChat.agent_name=robo") as server:
        assert list(server.runtime.glob("nbgroupchat-*.json"))
        (line,) = [line for line in server.lines if "nbgroupchat: rooms such as" in line]
        assert "addressed as @robo, engine echo" in line
        assert server.stop() == 0
        assert not list(server.runtime.glob("nbgroupchat-*.json"))


def test_a_wrong_setting_leaves_the_server_up(tmp_path: Path) -> None:
    """A setting that cannot be used is named in the log with what it takes, and Jupyter runs on."""
    with JupyterServer(tmp_path, "--NbGroupChat.engine=echo", "--NbGroupChat.context_tokens=5") as server:
        (line,) = [line for line in server.lines if "nbgroupchat is not running" in line]
        assert "context_tokens is 5, and must be at least 512" in line


@pytest.mark.parametrize("kind", ["missing", "broken"])
async def test_without_a_model_the_room_says_what_to_do(tmp_path: Path, kind: str) -> None:
    """With a missing or broken model file people talk, see what is wrong, and a question is answered with it."""
    path = tmp_path / "model.gguf"
    if kind == "broken":
        path.write_bytes(b"GGUF" + b"\0" * 100)
    with JupyterServer(tmp_path, f"--NbGroupChat.model_path={path}") as server:
        ana = await SocketClient.connect(server.hub, server.login)
        await ana.join()
        room = ana.rooms["lobby"]
        await ana.until(lambda: room.status.state == "failed")
        assert room.status.message is not None
        assert str(path) in room.status.message
        await ana.invoke("post", room="lobby", cid="1", text="@llama hi")
        await ana.until(lambda: len(room.messages) == 2 and ana.messages()[1].status == "failed")
        assert str(path) in (ana.messages()[1].error or "")
        assert "seq" in await ana.invoke("post", room="lobby", cid="2", text="we go on")
        await ana.connection.close()


async def test_rooms_outlive_their_server(tmp_path: Path) -> None:
    """After a restart the room is the same one, with what was said, and goes on after it."""
    positions = []
    for number in range(2):
        with JupyterServer(tmp_path, "--NbGroupChat.engine=echo") as server:
            (line,) = [line for line in server.lines if "nbgroupchat: rooms such as" in line]
            assert f"kept in {tmp_path / 'data' / 'nbgroupchat' / 'rooms.sqlite'}," in line
            ana = await SocketClient.connect(server.hub, server.login)
            positions.append((await ana.join()).position)
            assert ana.texts() == ["0"][:number]
            said = await ana.invoke("post", room="lobby", cid="1", text=str(number))
            assert said["seq"] == number + 1
            positions.append(Position(positions[0].epoch, said["seq"], said["id"]))
            await ana.connection.close()
            assert server.stop() == 0
    assert positions[2] == positions[1]


async def test_two_servers_of_one_person_keep_two_files(tmp_path: Path) -> None:
    """The second server with the same data folder says which file it takes, and both take posts."""
    arguments = (tmp_path, "--NbGroupChat.engine=echo")
    with JupyterServer(*arguments) as one, JupyterServer(*arguments) as two:
        for server, name in ((one, "rooms.sqlite"), (two, "rooms-2.sqlite")):
            assert f"{name}, addressed as" in server.log
            ana = await SocketClient.connect(server.hub, server.login)
            await ana.join()
            assert (await ana.invoke("post", room="lobby", cid="1", text="hello"))["seq"] == 1
            await ana.connection.close()


async def test_a_store_that_cannot_be_used_leaves_the_server_up(tmp_path: Path) -> None:
    """Where nothing can be kept the log says what to do, whoever joins is told too, and Jupyter runs on."""
    (tmp_path / "file").write_text("")
    with JupyterServer(tmp_path, "--NbGroupChat.engine=echo", f"--NbGroupChat.store={tmp_path}/file/x") as server:
        assert f"nbgroupchat cannot take posts: The rooms cannot be kept in {tmp_path}/file/x" in server.log
        ana = await SocketClient.connect(server.hub, server.login)
        assert (await ana.invoke("join", room="lobby", wire=1))["error"]["code"] == "unavailable"
        await ana.connection.close()
