"""Specification of the connection file: for its owner, and believed only by the writer's own kernels."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from nbgroupchat import connection_file
from nbgroupchat.connection_file import VARIABLE, ConnectionFile, path_for
from nbgroupchat.errors import ChatError

FOUND = ConnectionFile(pid=42, url="ws://127.0.0.1:1/nbgroupchat/kernel", secret="s3cret")


def test_the_servers_own_kernel_believes_it(tmp_path: Path) -> None:
    """A kernel that the writer started finds what was written."""
    path = path_for(tmp_path / "deep", 42)
    connection_file.write(path, FOUND)
    assert connection_file.find({VARIABLE: str(path), "JPY_PARENT_PID": "42"}) == FOUND


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """It has mode 0600, also where a file that others could read was there before."""
    path = tmp_path / "file.json"
    path.write_text("old")
    path.chmod(0o666)
    connection_file.write(path, FOUND)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_in_its_place_is_replaced(tmp_path: Path) -> None:
    """A symbolic link that somebody put there is not written through."""
    other, path = tmp_path / "other", tmp_path / "file.json"
    other.write_text("theirs")
    path.symlink_to(other)
    connection_file.write(path, FOUND)
    assert (other.read_text(), path.is_symlink()) == ("theirs", False)


@pytest.mark.parametrize("environment", [{}, {"JPY_PARENT_PID": "42"}, {"JPY_PARENT_PID": "43"}])
def test_another_servers_file_is_not_believed(tmp_path: Path, environment: dict[str, str]) -> None:
    """Without the variable, or with another parent, there is no server."""
    path = path_for(tmp_path, 42)
    connection_file.write(path, FOUND)
    if environment.get("JPY_PARENT_PID") != "42":
        environment = environment | {VARIABLE: str(path)}
    assert connection_file.find(environment) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "42"}', b"\xff", None])
def test_an_own_server_that_cannot_be_found_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    """Where the kernel's own server should have written a file, a room of one's own must not take its place."""
    path = path_for(tmp_path, 42)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ChatError, match="Restart the server"):
        connection_file.find({VARIABLE: str(path), "JPY_PARENT_PID": "42"})


def test_the_secret_is_in_no_traceback() -> None:
    """What a debugger or a log shows of it leaves the secret out."""
    assert "s3cret" not in repr(FOUND)
