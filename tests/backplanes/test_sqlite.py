"""Specification of the backplane in a file: what is found again, and what is gone for good."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path

import pytest

from nbgroupchat.backplanes.base import NOTHING, Act, Appended, Backplane, Known, Opened, Person, RoomListener
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.log import Log
from nbgroupchat.protocol import Delta, DurableEvent, Event, Posted
from tests.backplanes.contract import BackplaneContract, closing, editing, opening, pinning, post, redacting


class _Files:
    """Gives backplanes in files, and closes them after the test."""

    made: list[SqliteBackplane]
    folder: Path

    @pytest.fixture(autouse=True)
    async def _files(self, tmp_path: Path) -> AsyncIterator[None]:
        self.folder, self.made = tmp_path, []
        yield
        for backplane in self.made:
            await backplane.close()

    def open_file(self) -> SqliteBackplane:
        self.made.append(SqliteBackplane(self.folder / f"{len(self.made)}.sqlite"))
        return self.made[-1]


class TestSqliteBackplane(_Files, BackplaneContract):
    """The contract, kept by the backplane in a file."""

    def make(self) -> Backplane:
        return self.open_file()


class Reopening:
    """A backplane that is closed before each thing it is asked, and opened again from its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listeners: dict[str, list[RoomListener]] = {}
        self.kept = SqliteBackplane(path)

    async def open(self, room: str, listener: RoomListener) -> Opened:
        await self._again()
        self._listeners.setdefault(room, []).append(listener)
        return await self.kept.open(room, listener)

    def release(self, room: str) -> None:
        self.kept.release(room)

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        await self._again()
        return await self.kept.append(room, entry, key, files)

    async def attachment(self, room: str, id_: str) -> bytes | None:
        await self._again()
        return await self.kept.attachment(room, id_)

    async def journal(self, room: str, delta: Delta) -> bool:
        await self._again()
        return await self.kept.journal(room, delta)

    async def read(self, room: str, before: int, limit: int) -> tuple[Sequence[DurableEvent], bool]:
        await self._again()
        return await self.kept.read(room, before, limit)

    async def rooms(self, limit: int) -> Sequence[Known]:
        await self._again()
        return await self.kept.rooms(limit)

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        await self._again()
        return await self.kept.about(room, messages)

    async def keyed(self, room: str, key: str) -> DurableEvent | None:
        await self._again()
        return await self.kept.keyed(room, key)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        await self._again()
        await self.kept.record(room, reply, record)

    async def records(self, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
        await self._again()
        return await self.kept.records(room, replies)

    async def audit(self, room: str, act: Act) -> None:
        await self._again()
        await self.kept.audit(room, act)

    async def audited(self, room: str) -> Sequence[Act]:
        await self._again()
        return await self.kept.audited(room)

    async def meet(self, room: str, member: str, person: Person) -> None:
        await self._again()
        await self.kept.meet(room, member, person)

    async def met(self, room: str, member: str) -> Person | None:
        await self._again()
        return await self.kept.met(room, member)

    async def trim(self, before: int) -> Mapping[str, int]:
        await self._again()
        return await self.kept.trim(before)

    async def close(self) -> None:
        await self.kept.close()

    async def _again(self) -> None:
        if any(heard.writes for heard in self.kept._rooms.values()):
            return  # several are asked for at once
        await self.kept.close()
        self.kept = SqliteBackplane(self._path)
        for room, listeners in self._listeners.items():
            for listener in listeners:
                await self.kept.open(room, listener)


class TestReopenedSqliteBackplane(_Files, BackplaneContract):
    """The contract, kept by a file that is closed and opened between all operations."""

    # Those in which thousands are asked for at once would only be slow.
    test_a_long_room_is_opened_with_what_still_holds = None  # type: ignore[assignment]
    test_a_reply_open_for_long_is_found_open = None  # type: ignore[assignment]
    test_writes_asked_for_at_once_keep_their_order = None  # type: ignore[assignment]

    def make(self) -> Backplane:
        reopening = Reopening(self.folder / "rooms.sqlite")
        self.made.append(reopening)  # type: ignore[arg-type]  # it is closed like one
        return reopening


async def test_the_clock_is_given(tmp_path: Path) -> None:
    """Entries carry the time of the clock that was given, in milliseconds."""
    backplane, heard = SqliteBackplane(tmp_path / "rooms.sqlite", now_ms=lambda: 1_760_000_000_000), list[Event]()
    await backplane.open("lobby", heard.extend)
    assert (await backplane.append("lobby", post())).entry.ts == 1_760_000_000_000
    await backplane.close()


class TestFile(_Files):
    """What is in the file, and what is not."""

    async def test_the_event_loop_goes_on_while_the_disk_works(self) -> None:
        """A post that waits for the disk keeps nothing else from being done."""
        backplane = self.open_file()
        await backplane.open("lobby", lambda _events: None)
        release = asyncio.Event()
        appending = asyncio.ensure_future(backplane.append("lobby", post()))
        asyncio.get_running_loop().call_soon(release.set)
        await release.wait()
        assert not appending.done()
        assert (await appending).entry.seq == 1

    async def test_who_is_cancelled_learns_it_when_it_is_decided(self) -> None:
        """A write that is cancelled ends only once it is stored and told, so a lock around it covers all of it."""
        backplane, heard = self.open_file(), list[Event]()
        await backplane.open("lobby", heard.extend)
        appending = asyncio.ensure_future(backplane.append("lobby", post()))
        await asyncio.sleep(0)
        for _ in range(3):
            appending.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await appending
        assert [event.seq for event in heard if isinstance(event, Posted)] == [1]

    async def test_who_opens_while_others_write_misses_nothing(self) -> None:
        """What is found on opening and what is told afterwards is the whole log, and the whole draft, once."""
        backplane = self.open_file()
        await backplane.open("lobby", lambda _events: None)
        reply = (await backplane.append("lobby", opening())).entry.eid
        writes: list[asyncio.Future[object]] = []
        logs = []
        for number in range(40):
            writes.append(asyncio.ensure_future(backplane.append("lobby", post(str(number)))))
            writes.append(asyncio.ensure_future(backplane.journal("lobby", Delta(reply, number, number + 1, "x"))))
            heard: list[Event] = []
            opened = await backplane.open("lobby", heard.extend)
            logs.append((opened, heard))
        await asyncio.gather(*writes)
        for opened, heard in logs:
            log, pieces = Log(opened.epoch, opened.entries), sum(delta.end for delta in opened.drafts)
            for event in heard:
                if isinstance(event, DurableEvent):
                    log.append(event)
                elif isinstance(event, Delta):
                    assert event.start == pieces
                    pieces = event.end
            assert (log.position.seq, pieces) == (41, 40)

    async def test_nothing_is_written_for_a_room_nobody_speaks_in(self) -> None:
        """Rooms that are only looked into leave nothing, and are others the next time."""
        backplane = self.open_file()
        first = await backplane.open("lobby", lambda _events: None)
        backplane.release("lobby")
        assert (await backplane.open("lobby", lambda _events: None)).epoch != first.epoch

    async def test_the_file_is_its_owners_alone(self) -> None:
        """Neither the file nor those beside it can be read by others."""
        backplane = self.open_file()
        await backplane.open("lobby", lambda _events: None)
        await backplane.append("lobby", post())
        if os.name == "posix":
            assert {path.stat().st_mode & 0o777 for path in self.folder.iterdir()} == {0o600}
        assert len(list(self.folder.iterdir())) == 4

    async def test_what_was_redacted_is_in_no_file(self) -> None:
        """Once a redaction is answered no byte of the text is left in the file or those beside it."""
        canaries = [f"canary{number:05}x" for number in range(60)]
        backplane, rng = self.open_file(), random.Random(7)
        await backplane.open("lobby", lambda _events: None)
        made: dict[str, str] = {}
        for canary in canaries:
            text = canary * rng.choice([1, 3, 100, 900])
            if rng.random() < 0.5:
                id_ = (await backplane.append("lobby", opening())).entry.eid
                await backplane.journal("lobby", Delta(id_, 0, 1, canary))
                await backplane.record("lobby", id_, canary.encode())
                await backplane.append("lobby", closing(id_, text))
            else:
                id_ = (await backplane.append("lobby", post(text))).entry.eid
                await backplane.append("lobby", editing(id_, text + "!"))
            made[canary] = id_
        assert all(canary in self.bytes_on_disk() for canary in canaries)
        gone: list[str] = []
        for canary in rng.sample(canaries, 30):
            await backplane.append("lobby", redacting(made[canary]))
            gone.append(canary)
            left = self.bytes_on_disk()
            assert [canary for canary in gone if canary in left] == []
        assert sum(canary in self.bytes_on_disk() for canary in canaries) == 30

    def bytes_on_disk(self) -> str:
        return "".join(path.read_bytes().decode("latin-1") for path in self.folder.iterdir())

    async def test_an_older_file_is_not_taken_for_the_newer_one(self) -> None:
        """Who has seen more than a restored copy holds starts over, also when as much has been said since."""
        path = self.folder / "rooms.sqlite"
        backplane = SqliteBackplane(path)
        await backplane.open("lobby", lambda _events: None)
        await backplane.append("lobby", post("both have it"))
        await backplane.close()
        shutil.copy(path, self.folder / "copy")
        backplane = SqliteBackplane(path)
        opened = await backplane.open("lobby", lambda _events: None)
        log = Log(opened.epoch, opened.entries)
        shared = log.position
        log.append((await backplane.append("lobby", post("lost"))).entry)
        seen = log.position
        await backplane.close()
        shutil.copy(self.folder / "copy", path)
        backplane = SqliteBackplane(path)
        opened = await backplane.open("lobby", lambda _events: None)
        log = Log(opened.epoch, opened.entries)
        assert log.tail(seen) is None
        log.append((await backplane.append("lobby", post("another"))).entry)
        assert log.tail(seen) is None
        assert len(log.tail(shared) or ()) == 1
        await backplane.close()

    async def test_pins_are_found_again(self) -> None:
        """After the server's end a room knows what is pinned, its epoch, its key and its members' ids."""
        path = self.folder / "rooms.sqlite"
        backplane = SqliteBackplane(path)
        await backplane.open("lobby", lambda _events: None)
        pinned = (await backplane.append("lobby", post("pinned"))).entry
        changed = (await backplane.append("lobby", pinning(pinned.eid))).entry
        before = await backplane.open("lobby", lambda _events: None)
        await backplane.close()
        backplane = SqliteBackplane(path)
        after = await backplane.open("lobby", lambda _events: None)
        assert after == before
        assert after.entries[-1] == changed
        await backplane.close()
