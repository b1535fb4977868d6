"""How a kernel finds the hub of its own server: a small file that the server writes and the kernel reads.

This module touches trust. It covers: the file holds a secret that lets its reader post as a kernel, is readable by its
owner alone, and is believed by a kernel only when it was written by the process that started that kernel. It does not
cover other processes of the same user, who can read it as they can read the kernel's memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from nbgroupchat.errors import ChatError

VARIABLE = "NBGROUPCHAT_CONNECTION_FILE"
"""Names the file's path to the kernels; the secret itself is in no environment."""


class ConnectionFile(Struct, frozen=True):
    """Where the hub of the server with that `pid` listens, and what a kernel shows there."""

    pid: int
    url: str
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out of tracebacks and logs."""
        return f"ConnectionFile(pid={self.pid}, url={self.url!r})"


def write(path: Path, connection: ConnectionFile) -> None:
    """Write the file anew, readable and writable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(connection))


def path_for(folder: Path, pid: int) -> Path:
    """Give the place of the file of the server with that `pid`."""
    return folder / f"nbgroupchat-{pid}.json"


def find(environment: Mapping[str, str]) -> ConnectionFile | None:
    """Give what the server that started this kernel has written, or None where this kernel's parent is no such server.

    Raises ChatError where it is one, and its file cannot be read: a room of one's own would be taken for the server's.
    """
    place, parent = environment.get(VARIABLE), environment.get("JPY_PARENT_PID", "")
    if not place or not parent.isdecimal() or Path(place).name != path_for(Path(), int(parent)).name:
        return None
    try:
        connection = msgspec.json.decode(Path(place).read_bytes(), type=ConnectionFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise ChatError(
            f"The chat of this notebook's server cannot be found: {place} is missing or unreadable "
            f"({type(error).__name__}). The server's log may say why. Restart the server, then this kernel."
        ) from error
    return connection if connection.pid == int(parent) else None
