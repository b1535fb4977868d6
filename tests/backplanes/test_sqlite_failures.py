"""Specification of what happens when the file cannot be used: it is said, nothing acknowledged is lost, and what can be
read is read.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbgroupchat.backplanes import sqlite_writer
from nbgroupchat.backplanes.base import Appended
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import Event, Posted
from tests.backplanes.contract import opening, post, redacting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.sqlite"


async def keep(path: Path, *texts: str) -> None:
    """Say something in the room of a file."""
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    for text in texts:
        await backplane.append("lobby", post(text), text)
    await backplane.close()


async def texts(path: Path) -> list[str]:
    """Give what was said in the room of a file."""
    backplane = SqliteBackplane(path)
    opened = await backplane.open("lobby", lambda _events: None)
    await backplane.close()
    assert [entry.seq for entry in opened.entries] == list(range(1, len(opened.entries) + 1))
    return [entry.text for entry in opened.entries if isinstance(entry, Posted)]


async def refused(backplane: SqliteBackplane, text: str = "more", retry_ms: int | None = 2_000) -> str:
    """Have a post refused, and give what is said to that."""
    with pytest.raises(Refusal) as refusal:
        await backplane.append("lobby", post(text), text)
    assert (refusal.value.code, refusal.value.retry_ms) == (Code.UNAVAILABLE, retry_ms)
    return refusal.value.message


async def test_a_full_disk_takes_nothing_that_was_acknowledged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once there is no space posts are refused and told to nobody, the room is read, and with space it goes on."""
    backplane, heard = SqliteBackplane(path), list[Event]()
    await backplane.open("lobby", heard.extend)
    await backplane._writer.write(lambda db: db.execute("PRAGMA max_page_count = 40").fetchall())
    answers: list[Appended | BaseException] = [await backplane.append("lobby", post("there is space"))]
    asked = [backplane.append("lobby", post(f"{number:x<9000}"), f"{number}") for number in range(30)]
    answers += await asyncio.gather(*asked, return_exceptions=True)
    (why,) = {str(answer) for answer in answers if isinstance(answer, Refusal)}
    assert "is full" in why
    acknowledged = [answer.entry for answer in answers if isinstance(answer, Appended)]
    assert str(path) in caplog.text
    assert 0 < len(acknowledged) < len(answers)
    assert heard == acknowledged
    page, _ = await backplane.read("lobby", 1000, 1000)
    assert page == acknowledged
    # The connection is a new one by now, without the limit.
    retried = await backplane.append("lobby", post("again"), "29")
    assert (retried.duplicate, retried.entry.seq) == (False, len(acknowledged) + 1)
    await backplane.close()
    assert len(await texts(path)) == len(acknowledged) + 1


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.errors import Refusal
from tests.backplanes.contract import post

async def main():
    backplane = SqliteBackplane(Path(sys.argv[1]))
    await backplane.open("lobby", lambda events: None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        for number in range(1000):
            await backplane.append("lobby", post(f"{number:x<2000}"))
            print("acknowledged", flush=True)
    except Refusal as refusal:
        print(refusal.code, refusal.message, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await backplane.append("lobby", post("there is space again"))
    print("acknowledged", flush=True)
    await backplane.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such limit")
async def test_a_write_that_the_system_refuses_is_answered(path: Path) -> None:
    """A process that may write no more to its files refuses posts, keeps all before them, and goes on when it may."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    (why,) = [line for line in lines if line != "acknowledged"]
    assert why.startswith("unavailable ")
    assert str(path) in why
    assert len(await texts(path)) == len(lines) - 1 > 5
    assert lines[-1] == "acknowledged"


UNEMPTIED = """
import asyncio, json, logging, resource, sys
from pathlib import Path
from nbgroupchat.backplanes import sqlite_writer
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.hub import Hub
from nbgroupchat.protocol import Redact
from tests.clients import FakeClient, plain

async def main():
    path = Path(sys.argv[1])
    backplane = SqliteBackplane(path)
    hub = Hub(backplane, plain)
    ana = FakeClient(hub, "Ana")
    await ana.join()

    async def left():
        await backplane.begin()
        return any(b"canary" in file.read_bytes() for file in path.parent.iterdir())

    first = await ana.post("first")
    for number in range(20):
        await ana.post(f"{number:x<15000}")
    # From now on the side file is smaller than the file, and so the file alone meets the limit.
    await ana.send(Redact(room="lobby", id=first.id))
    said = await ana.post("canary")
    for number in range(4):
        await ana.post(f"{number:x<15000}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 4096, resource.RLIM_INFINITY))
    redacted = await ana.send(Redact(room="lobby", id=said.id))
    print(json.dumps(["redacted", redacted.seq, await left()]))
    after = await ana.post("after")
    await ana.until(lambda: after.id in ana.rooms["lobby"].messages)
    print(json.dumps(["posted", after.seq, ana.texts()[-1]]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    sqlite_writer.AGAIN_SECONDS = 0.0
    await ana.post("there is space again")
    print(json.dumps(["emptied", await left()]))
    await hub.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such limit")
async def test_a_side_file_that_cannot_be_emptied_takes_nothing_back(path: Path) -> None:
    """Where only the emptying fails, the redaction and the next post are acknowledged and shown, it is reported, and
    done once it can be.
    """
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", UNEMPTIED, str(path)], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines == [["redacted", 28, True], ["posted", 29, "after"], ["emptied", False]]
    assert done.stderr.count("may still be in") == 1


async def emptyings(backplane: SqliteBackplane) -> list[str]:
    """Note from now on how often the writer tries to empty the side file, and do not let it wait for long."""
    found: list[str] = []

    def note(statement: str) -> None:
        if "wal_checkpoint" in statement:
            found.append(statement)

    await patience(backplane, 1)
    await backplane._writer.write(lambda db: db.set_trace_callback(note))
    return found


async def patience(backplane: SqliteBackplane, milliseconds: int) -> None:
    """Say how long the writer waits for others."""
    await backplane._writer.write(lambda db: db.execute(f"PRAGMA busy_timeout = {milliseconds}").fetchall())


@pytest.fixture
def reader(path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Another program that begins to read the file when it is called, and stays at it until it is closed."""
    made: list[sqlite3.Connection] = []

    def read() -> sqlite3.Connection:
        made.append(sqlite3.connect(path, isolation_level=None))
        made[-1].execute("BEGIN")
        made[-1].execute("SELECT count(*) FROM entries").fetchone()
        return made[-1]

    yield read
    for db in made:
        db.close()


def holds(path: Path, text: str) -> bool:
    """Say whether a text is in the file or one beside it."""
    return any(text.encode() in file.read_bytes() for file in path.parent.iterdir())


async def test_who_reads_the_file_delays_one_redaction_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[], sqlite3.Connection]
) -> None:
    """While another program reads, posts and later redactions do not wait for it; the side file is emptied after it."""
    monkeypatch.setattr(sqlite_writer, "AGAIN_SECONDS", 3600.0)
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    said = [(await backplane.append("lobby", post(f"canary{number}"))).entry.eid for number in range(2)]
    other = reader()
    tried = await emptyings(backplane)
    await backplane.append("lobby", redacting(said[0]))
    # Whatever waited for the other program from here on would wait for long.
    await patience(backplane, 20_000)
    for number in range(20):
        await backplane.append("lobby", post(str(number)))
        assert len(tried) == 1
    await backplane.append("lobby", redacting(said[1]))
    assert len(tried) == 2
    assert holds(path, "canary")
    other.close()
    monkeypatch.setattr(sqlite_writer, "AGAIN_SECONDS", 0.0)
    await backplane.append("lobby", post("due"))
    await backplane.begin()
    assert not holds(path, "canary")
    done = len(tried)
    await backplane.append("lobby", post("nothing is left"))
    await backplane.begin()
    assert len(tried) == done
    (kept,) = await backplane._writer.write(lambda db: db.execute("PRAGMA busy_timeout").fetchone())
    assert kept == 20_000
    await backplane.close()


async def test_the_side_file_is_emptied_although_nobody_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[], sqlite3.Connection]
) -> None:
    """What was redacted while another program read goes when that has ended, without another post."""
    monkeypatch.setattr(sqlite_writer, "AGAIN_SECONDS", 0.01)
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    said = (await backplane.append("lobby", post("canary"))).entry.eid
    other = reader()
    await patience(backplane, 1)
    await backplane.append("lobby", redacting(said))
    assert holds(path, "canary")
    tried, loop = asyncio.Event(), asyncio.get_running_loop()

    def note(statement: str) -> None:
        if "wal_checkpoint" in statement:
            loop.call_soon_threadsafe(tried.set)

    await backplane._writer.write(lambda db: db.set_trace_callback(note))
    other.close()
    tried.clear()
    while holds(path, "canary"):
        await tried.wait()
        tried.clear()
        # Whatever was being tried has ended after this.
        await backplane.begin()
    await backplane.close()


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Drop the rights of an administrator, whom no mode of a file keeps out."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder whose path everybody may walk, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
async def test_a_folder_that_cannot_be_written_is_read(open_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rooms of a read-only folder are shown, posts are refused with what to do, and taken once it can be written."""
    path = open_folder / "rooms.sqlite"
    await keep(path, "one", "two")
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(0o555)
    backplane = SqliteBackplane(path)
    with as_somebody_else():
        opened = await backplane.open("lobby", lambda _events: None)
        assert [entry.text for entry in opened.entries if isinstance(entry, Posted)] == ["one", "two"]
        assert "Make that file and its folder writable" in await refused(backplane, retry_ms=None)
        with pytest.raises(Refusal, match="cannot be kept"):
            await SqliteBackplane(open_folder / "deeper" / "rooms.sqlite").open("lobby", lambda _events: None)
    assert str(path) in caplog.text
    open_folder.chmod(0o755)
    assert (await backplane.append("lobby", post("three"), "more")).entry.seq == 3
    await backplane.close()


async def test_a_place_that_can_hold_no_file_is_named(tmp_path: Path) -> None:
    """Where a file stands in the way of the folder, rooms cannot be opened, and the message says where."""
    (tmp_path / "file").write_text("")
    backplane = SqliteBackplane(tmp_path / "file" / "rooms.sqlite")
    with pytest.raises(Refusal, match=r"rooms cannot be kept in .*file.rooms\.sqlite"):
        await backplane.open("lobby", lambda _events: None)
    assert backplane._rooms == {}
    await backplane.close()


async def test_a_file_that_others_hold_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While another program holds the file rooms are shown and posts refused, which is reported once; afterwards they
    are taken.
    """
    monkeypatch.setattr("nbgroupchat.backplanes.sqlite_file.BUSY_SECONDS", 0.0)
    await keep(path, "one")
    backplane = SqliteBackplane(path)
    await backplane.begin()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opened = await backplane.open("lobby", lambda _events: None)
    assert len(opened.entries) == 1
    for _ in range(3):
        assert "Another program holds the file" in await refused(backplane)
    assert len(caplog.records) == 1
    other.execute("ROLLBACK")
    other.close()
    assert (await backplane.append("lobby", post("two"), "more")).entry.seq == 2
    await backplane.close()
    assert await texts(path) == ["one", "two"]


def made_by(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "is no file of rooms, or is broken"),
        (lambda path: made_by(path, "PRAGMA user_version = 99"), "a newer nbgroupchat"),
        (lambda path: made_by(path, "CREATE TABLE t (a)"), "another program's"),
    ],
)
async def test_a_file_that_cannot_be_read_is_left_alone(path: Path, make: Callable[[Path], object], says: str) -> None:
    """A broken file, a newer one or another program's is named with what to do, and not changed."""
    make(path)
    before = path.read_bytes()
    backplane = SqliteBackplane(path)
    for _ in range(2):
        with pytest.raises(Refusal) as refusal:
            await backplane.open("lobby", lambda _events: None)
        assert refusal.value.code is Code.UNAVAILABLE
        assert says in refusal.value.message
        assert str(path) in refusal.value.message
    await backplane.close()
    assert path.read_bytes() == before


async def test_a_file_damaged_in_its_middle_is_answered(path: Path) -> None:
    """Where pages of the file are broken, whoever asks for them is told so, and nothing else happens."""
    await keep(path, *(f"{number:x<4000}" for number in range(100)))
    raw = bytearray(path.read_bytes())
    page = int.from_bytes(raw[16:18], "big")
    for number in range(10, len(raw) // page - 5):
        raw[number * page : number * page + 16] = b"\xff" * 16
    path.write_bytes(raw)
    backplane = SqliteBackplane(path)
    with pytest.raises(Refusal, match="is broken"):
        await backplane.open("lobby", lambda _events: None)
    await backplane.close()


async def test_a_room_of_a_replaced_file_is_not_mixed(path: Path, tmp_path: Path) -> None:
    """A file that another took the place of while the server runs gets nothing of the old room."""
    await keep(tmp_path / "other.sqlite", "other")
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    await backplane.append("lobby", post("one"))
    await backplane._writer.write(lambda db: db.execute("UPDATE rooms SET epoch = 'another'").fetchall())
    with pytest.raises(Refusal, match="replaced while the server ran"):
        await backplane.append("lobby", opening())
    await backplane.close()


async def test_after_its_end_it_takes_nothing(path: Path) -> None:
    """What is asked after the end is refused, and what was asked before it is stored."""
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    asked = [asyncio.ensure_future(backplane.append("lobby", post(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    heard = backplane._rooms["lobby"]
    await backplane.close()
    await asyncio.gather(*asked)
    backplane._rooms["lobby"] = heard
    assert "is ending" in await refused(backplane)
    assert await texts(path) == [str(number) for number in range(50)]
