"""Specification of what is made of damaged and forged rows: they are counted, and never served."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.backplanes.sqlite_rows import LOST_TEXT
from nbgroupchat.engines.echo import EchoEngine
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.explain import _report_unreadable, record_of
from nbgroupchat.hub import Hub
from nbgroupchat.log import Log
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta, Explain, Explanation, ReplyClosed
from nbgroupchat.room import Room
from nbgroupchat.settings import Settings
from tests.backplanes.contract import attaching, closing, opening, pinning, post
from tests.clients import FakeClient, plain

FORGED = "forged"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file of a room: a pinned post, a reply, two more posts."""
    path = tmp_path / "rooms.sqlite"
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    pinned = (await backplane.append("lobby", post("one"))).entry
    await backplane.append("lobby", pinning(pinned.eid))
    reply = (await backplane.append("lobby", opening())).entry
    await backplane.append("lobby", closing(reply.eid, "so"))
    await backplane.append("lobby", post("two"))
    await backplane.append("lobby", post("three"))
    await backplane.close()
    return path


def forge(path: Path, statement: str, *values: object) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(statement, values)
    db.close()


async def read(path: Path) -> tuple[Room, SqliteBackplane]:
    """Read a room in all ways, as a reader that takes no gaps."""
    backplane = SqliteBackplane(path)
    opened = await backplane.open("lobby", lambda _events: None)
    log, room = Log(opened.epoch, opened.entries), Room(opened.epoch)
    for entry in log.after(0) or ():
        room.apply(entry)
    page, _ = await backplane.read("lobby", log.position.seq + 1, 100)
    assert list(page) == list(opened.entries)
    about = await backplane.about("lobby", set(room.messages))
    assert FORGED not in repr((opened, page, about))
    await backplane.close()
    return room, backplane


@pytest.mark.parametrize(
    "change",
    [
        "payload = x'ff00'",
        "payload = ''",
        'payload = \'{"type": "forged"}\'',
        "payload = replace(CAST(payload AS TEXT), 'two', 'forged' || hex(zeroblob(9000)))",
        "payload = replace(CAST(payload AS TEXT), 'human', 'forged')",
        "payload = replace(CAST(payload AS TEXT), '\"seq\":5', '\"seq\":7')",
        "payload = replace(CAST(payload AS TEXT), 'two', 'forged\\ud800')",
        "payload = zeroblob(50000000)",
        "payload = CAST(printf('%.*c', 100000, '[') AS BLOB)",
        "type = 'edited'",
        "eid = CAST(x'ff' AS TEXT)",
        "message = 'forged'",
        "ts = 'forged'",
    ],
)
async def test_a_row_that_says_nonsense_is_left_out(path: Path, change: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is reported with its place, the others keep theirs, and the room goes on."""
    forge(path, f"UPDATE entries SET {change} WHERE seq = 5")
    room, backplane = await read(path)
    assert [message.text for message in room.messages.values()] == ["one", "so", "three"]
    assert (room.position.seq, room.pinned != (), backplane.unreadable) == (6, True, 1)
    (line,) = [record.message for record in caplog.records]
    assert f"Room lobby in {path}: entry 5 cannot be read, or is forged" in line
    again = SqliteBackplane(path)
    await again.open("lobby", lambda _events: None)
    assert (await again.append("lobby", post("four"))).entry.seq == 7
    await again.close()


async def test_a_lost_close_still_ends_its_reply(path: Path) -> None:
    """A reply whose end cannot be read is shown as failed, and not as being written for ever."""
    forge(path, "UPDATE entries SET payload = 'forged' WHERE seq = 4")
    room, backplane = await read(path)
    (reply,) = [message for message in room.messages.values() if message.to]
    assert (reply.status, reply.text, reply.error) == ("failed", "", LOST_TEXT)
    assert backplane.unreadable == 1


async def test_a_hole_is_filled_with_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Entries that are missing are reported, and readers get the others in their places."""
    forge(path, "DELETE FROM entries WHERE seq IN (1, 4, 5)")
    room, backplane = await read(path)
    assert [message.text for message in room.messages.values()] == ["", "three"]
    assert (room.position.seq, backplane.unreadable) == (6, 3)
    assert "entries 4 to 5 are missing" in caplog.text


async def test_a_hole_too_wide_ends_the_room_before_it(path: Path) -> None:
    """What lies before a hole of many thousand entries is not shown, and nobody makes up that many."""
    forge(path, "UPDATE entries SET seq = seq + 1000000000 WHERE seq > 4")
    backplane = SqliteBackplane(path)
    opened = await backplane.open("lobby", lambda _events: None)
    page, more = await backplane.read("lobby", 1_000_000_007, 100)
    assert [entry.seq for entry in page] == [1_000_000_005, 1_000_000_006]
    assert not more
    assert opened.entries[-2:] == page
    await backplane.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO pieces VALUES (1, 'forged', 0, 3, 'forged')",
        "INSERT INTO pieces VALUES (1, (SELECT eid FROM entries WHERE seq = 3), -1, 0, ''), "
        "(1, (SELECT eid FROM entries WHERE seq = 3), 0, 2, 'forged')",
        "INSERT INTO pieces VALUES (1, 'x', -1, 'forged', x'ff')",
    ],
)
async def test_forged_drafts_are_left_out(path: Path, statement: str) -> None:
    """Pieces of no reply, or of one that has ended, are shown to nobody."""
    forge(path, statement)
    room, _ = await read(path)
    assert [message.text for message in room.messages.values()] == ["one", "so", "two", "three"]


@pytest.mark.parametrize("change", ["key = 'short'", "key = zeroblob(65)", "epoch = ''"])
async def test_a_room_without_its_key_is_not_opened(path: Path, change: str) -> None:
    """A damaged row of a room is answered with what to do."""
    forge(path, f"UPDATE rooms SET {change}")
    backplane = SqliteBackplane(path)
    with pytest.raises(Refusal, match="is damaged in the file"):
        await backplane.open("lobby", lambda _events: None)
    await backplane.close()


async def test_pieces_end_where_one_is_missing(path: Path) -> None:
    """Of an open reply's pieces those up to the first that is missing are given."""
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    reply = (await backplane.append("lobby", opening())).entry.eid
    for number in range(4):
        await backplane.journal("lobby", Delta(reply, number, number + 1, str(number)))
    await backplane.close()
    forge(path, "DELETE FROM pieces WHERE start = 2")
    backplane = SqliteBackplane(path)
    opened = await backplane.open("lobby", lambda _events: None)
    assert opened.drafts == [Delta(reply, 0, 2, "01")]
    ended = (await backplane.append("lobby", closing(reply, "01"))).entry
    assert isinstance(ended, ReplyClosed)
    await backplane.close()


@pytest.mark.parametrize(
    "record",
    [b"\xc1", b"", b"\x80", b"\x91" * 100_000, msgspec.msgpack.encode({"seen": [["user", "a"]], "left_out": FORGED})],
    ids=["none", "empty", "without fields", "deep", "of another kind"],
)
async def test_a_forged_record_counts_as_none(tmp_path: Path, record: bytes) -> None:
    """Where what is recorded with a reply is forged the room opens, the agent answers, and explaining is refused."""
    path, settings = tmp_path / "rooms.sqlite", Settings()
    asked = []
    for _ in range(2):
        hub, agent = Hub(SqliteBackplane(path), plain), Agent(EchoEngine(), settings)
        agent.sit(hub.seat(Identity("", "llama", "agent"), agent))
        ana = FakeClient(hub, "Ana")
        await ana.join()
        asked.append((await ana.post("@llama hi")).id)
        reply = await ana.reply(asked[-1])
        assert reply.status == "complete"
        first = ana.reply_to(asked[0])
        assert first is not None
        if len(asked) == 2:
            with pytest.raises(Refusal) as refusal:
                await ana.send(Explain(room="lobby", id=first.id))
            assert refusal.value.code is Code.NOT_FOUND
        await agent.close()  # by then the reply is recorded
        assert isinstance(await ana.send(Explain(room="lobby", id=reply.id)), Explanation)
        await hub.close()
        forge(path, "UPDATE records SET record = ?", record)


def test_forged_records_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """However many cannot be read, there is one line about it."""
    _report_unreadable.cache_clear()
    assert [record_of(FORGED.encode()) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "change", ["data = x'666f72676564'", "data = 'text'", "data = NULL", "data = zeroblob(5000000)", "data = 7"]
)
async def test_forged_attachments_are_not_given(tmp_path: Path, change: str) -> None:
    """Bytes that are not those that were attached are not there."""
    path = tmp_path / "rooms.sqlite"
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    entry, files = attaching(b"true")
    await backplane.append("lobby", entry, None, files)
    await backplane.close()
    if change == "data = NULL":
        forge(path, "DELETE FROM attachments")
    else:
        forge(path, f"UPDATE attachments SET {change}")
    again = SqliteBackplane(path)
    await again.open("lobby", lambda _events: None)
    (id_,) = files
    assert await again.attachment("lobby", id_) is None
    await again.close()


@pytest.mark.parametrize("field", ["id", "name", "size", "text", "width"])
async def test_a_post_with_a_forged_attachment_is_left_out(tmp_path: Path, field: str) -> None:
    """What an entry says of its attachments is checked like the rest of it."""
    path = tmp_path / "rooms.sqlite"
    backplane = SqliteBackplane(path)
    await backplane.open("lobby", lambda _events: None)
    entry, files = attaching(b"true")
    await backplane.append("lobby", entry, None, files)
    await backplane.close()
    forged = {"id": '"../../etc/passwd"', "name": '""', "size": "-1", "text": f'"{"x" * 5000}"', "width": "-5"}[field]
    forge(
        path,
        f"UPDATE entries SET payload = json_set(CAST(payload AS TEXT), '$.attachments[0].{field}', json(?))",
        forged,
    )
    room, _ = await read(path)
    assert [message.attachments for message in room.messages.values()] == []
