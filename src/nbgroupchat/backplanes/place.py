"""Which file a server keeps its rooms in: the one that is set, or, where another server has that, one of its own.

An OS lock on a file beside it, held as long as the server lives, says that it is taken; the lock ends with its process,
however that ends. What it does not cover: file systems on which locks of other machines are not seen.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final

MOST_SERVERS: Final = 16
"""How many servers of one person may have a file each in one folder."""

_NETWORK: Final = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    ]
)


class Place:
    """A file that this process alone writes, until `release`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, path: Path) -> Place:
        """Take a file, or the first free one of `name-2.sqlite`, `name-3.sqlite`, … beside it. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for candidate in candidates(path):
            lock = os.open(candidate.with_name(f"{candidate.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if _locked(lock):
                    return cls(candidate, lock)
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)
        raise OSError(errno.EBUSY, f"{MOST_SERVERS} servers have a file there already")

    def release(self) -> None:
        """Let another server have it."""
        os.close(self._lock)


def candidates(path: Path) -> list[Path]:
    """Give the files that servers take beside each other, in order."""
    return [path] + [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, MOST_SERVERS + 1)]


def is_taken(path: Path) -> bool:
    """Say whether a server has a file now."""
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _locked(lock)
    finally:
        os.close(lock)


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Give the kind of network file system that a path is on, None where it is on none or the system does not say.

    `mounts` is what Linux has in /proc/self/mounts.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text("utf-8", errors="replace")
        except OSError:
            return None
    found, kind = "", ""
    real = Path(os.path.realpath(path))
    for line in mounts.splitlines():
        _source, point, type_, *_rest = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(found) and real.is_relative_to(point):
            found, kind = point, type_
    return kind if kind in _NETWORK else None


if sys.platform == "win32":
    import msvcrt

    def _locked(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLOCK):
                return False
            raise
        return True
else:
    import fcntl

    def _locked(file: int) -> bool:
        # Of the open file and not of the process, so that two servers in one process are told apart too.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
