"""Specification of which file a server takes: never one that another server has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbgroupchat.backplanes.place import MOST_SERVERS, Place, candidates, is_taken, network_file_system

HOLDS = """
import sys
from pathlib import Path
from nbgroupchat.backplanes.place import Place
print(Place.take(Path(sys.argv[1])).path.name, flush=True)
sys.stdin.read()
"""


def test_a_second_server_takes_a_file_of_its_own(tmp_path: Path) -> None:
    """Whoever comes second gets another file, and whoever comes when the first is gone gets the first one's."""
    path = tmp_path / "deep" / "rooms.sqlite"
    first, second = Place.take(path), Place.take(path)
    assert (first.path, second.path.name) == (path, "rooms-2.sqlite")
    assert is_taken(path)
    first.release()
    assert not is_taken(path)
    assert Place.take(path).path == path


def test_a_killed_server_leaves_its_file_free(tmp_path: Path) -> None:
    """The lock of another process keeps its file, until that process is killed."""
    path = tmp_path / "rooms.sqlite"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "rooms.sqlite\n"
        assert is_taken(path)
        own = Place.take(path)
        assert own.path.name == "rooms-2.sqlite"
        other.kill()
        other.wait()
    assert not is_taken(path)
    assert Place.take(path).path == path


def test_there_are_so_many_files_and_no_more(tmp_path: Path) -> None:
    """A folder is not filled with files by servers that never end."""
    path = tmp_path / "rooms.sqlite"
    taken = [Place.take(path) for _ in range(MOST_SERVERS)]
    assert [place.path for place in taken] == candidates(path)
    with pytest.raises(OSError, match="16 servers have a file there already"):
        Place.take(path)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/ana/scratch ext4 rw 0 0
share /mnt/with\\040space cifs rw 0 0
proc /proc proc rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/rooms.sqlite", None),
        ("/home/ana/rooms.sqlite", "nfs4"),
        ("/home/ana/scratch/rooms.sqlite", None),
        ("/homes/rooms.sqlite", None),
        ("/mnt/with space/rooms.sqlite", "cifs"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are POSIX's")
def test_network_file_systems_are_known(path: str, kind: str | None) -> None:
    """The nearest mount of a path says what it is on."""
    assert network_file_system(Path(path), MOUNTS) == kind


def test_this_system_says_what_it_is(tmp_path: Path) -> None:
    """The real table of mounts can be read."""
    assert network_file_system(tmp_path) in (None, "9p", "nfs", "nfs4", "cifs", "ceph", "lustre")
