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

VARIABLE = "NBGROUPCHAT_CONNECTION_FILE"
"""Names the file's path to the kernels; the secret itself is in no environment."""


class ConnectionFile(Struct, frozen=True):
    """Where the hub of the server with that `pid` listens, and what a kernel shows there."""

    pid: int
    url: str
    secret: str


def write(path: Path, connection: ConnectionFile) -> None:
    """Write the file anew, readable and writable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(connection))


def find(environment: Mapping[str, str]) -> ConnectionFile | None:
    """Give the connection file of the server that started this kernel, or None where there is none to be believed."""
    path, parent = environment.get(VARIABLE), environment.get("JPY_PARENT_PID")
    if not path or not parent:
        return None
    try:
        connection = msgspec.json.decode(Path(path).read_bytes(), type=ConnectionFile)
    except (OSError, msgspec.MsgspecError):
        return None
    return connection if str(connection.pid) == parent else None
