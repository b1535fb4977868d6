"""Specification of what a killed server leaves: everything it had acknowledged or shown, in order and once."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbgroupchat.backplanes import sqlite_trim
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta, Pin, Post, PostAnswer
from nbgroupchat.room import Room
from tests.clients import FakeClient, Nobody, plain
from tests.killed_hub import PEOPLE, ROOMS

KILLS = 24


async def killed(path: Path, run: str, when: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Run a hub on a file, kill it with SIGKILL once what it said is enough, and give all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.killed_hub", str(path), run, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said: list[dict[str, Any]] = []
    while line := await process.stdout.readline():
        if line.endswith(b"\n"):
            said.append(json.loads(line))
        if process.returncode is None and when(said):
            process.kill()
            when = never
    await process.wait()
    return said


def at_least(lines: int) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda said: len(said) >= lines


def never(_said: list[dict[str, Any]]) -> bool:
    return False


async def whole(backplane: SqliteBackplane, room: str) -> Room:
    """Fold all of a room's log, which has no gap."""
    entries, more = await backplane.read(room, 2**53, 10**9)
    assert not more
    fold = Room()
    for entry in entries:
        fold.apply(entry)
    return fold


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_what_a_killed_hub_told_is_in_the_file(tmp_path: Path) -> None:
    """Killed at some moment, again and again on one file: acknowledged posts are there once, replies are closed with
    all that was told of them, numbers have no gaps, and a retry gets the first answer.
    """
    path, rng = tmp_path / "rooms.sqlite", random.Random(11)
    posts: dict[tuple[str, str], dict[str, Any]] = {}
    told: dict[tuple[str, str], dict[str, Any]] = {}
    interrupted = 0
    for kill in range(KILLS):
        said = await killed(path, str(kill), at_least(rng.randrange(1, 400)))
        posts.update(((known["room"], known["cid"]), known) for known in said if "cid" in known)
        told.update(((known["room"], known["reply"]), known) for known in said if "reply" in known)

        backplane = SqliteBackplane(path)
        hub = Hub(backplane, plain)
        people = {name: FakeClient(hub, name) for name in PEOPLE}
        for room in ROOMS:
            await asyncio.gather(*(client.join(room) for client in people.values()))
            messages = (await whole(backplane, room)).messages
            assert [message for message in messages.values() if message.status == "open"] == []
            texts = [message.text for message in messages.values() if message.status == "posted"]
            assert len(texts) == len(set(texts))
            for known in (known for (place, _), known in posts.items() if place == room):
                assert (messages[known["id"]].text, messages[known["id"]].seq) == (known["cid"], known["seq"])
            for known in (known for (place, _), known in told.items() if place == room):
                reply = messages[known["reply"]]
                assert reply.text.startswith(known["text"])
                assert reply.text == known["text"] or "closed" not in known
            interrupted += sum(message.error is not None for message in messages.values())
        for known in [known for known in said if "cid" in known][-1:]:
            again = await people[known["who"]].send(Post(room=known["room"], cid=known["cid"], text="a retry"))
            assert again == PostAnswer(known["id"], known["seq"], duplicate=True)
        await hub.close()
    assert len(posts) > KILLS
    assert interrupted > KILLS


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_a_reply_cut_off_by_a_kill_is_ended_before_anybody_joins(tmp_path: Path) -> None:
    """Whoever joins next finds it interrupted, with at least the text that was told, and what to do."""
    path = tmp_path / "rooms.sqlite"

    def in_the_middle(said: list[dict[str, Any]]) -> bool:
        return "reply" in said[-1] and "closed" not in said[-1] and said[-1]["text"].startswith("0 1 2 ")

    said = await killed(path, "0", in_the_middle)
    told = {known["reply"]: known for known in said if "reply" in known}
    backplane = SqliteBackplane(path)
    hub = Hub(backplane, plain)
    seen = FakeClient(hub, "Ana")
    for room in ROOMS:
        await seen.join(room)
        assert seen.rooms[room].drafts == {}
    # All of the log: a hub that is read slowly may have said more than a snapshot holds before it was killed.
    rooms = {room: (await whole(backplane, room)).messages for room in ROOMS}
    cut = 0
    for known in told.values():
        message = rooms[known["room"]][known["reply"]]
        if message.error:
            assert message.status == "interrupted"
            assert message.text.startswith(known["text"])
            assert "Ask again" in message.error
            cut += 1
    assert cut
    await hub.close()


class Failing(MemoryBackplane):
    """A backplane whose disk is full for as long as `full` says."""

    full = False

    async def append(self, *arguments: Any, **keywords: Any) -> Any:
        if self.full:
            raise Refusal(Code.UNAVAILABLE, "The disk is full.", 2_000)
        return await super().append(*arguments, **keywords)

    async def journal(self, room: str, delta: Delta) -> bool:
        if self.full:
            raise Refusal(Code.UNAVAILABLE, "The disk is full.", 2_000)
        return await super().journal(room, delta)


async def test_a_reply_whose_end_cannot_be_stored_is_ended_later() -> None:
    """The end is tried again until it is stored, once, with what was told."""
    backplane = Failing()
    hub = Hub(backplane, plain, close_again_seconds=0.0)
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    asked = (await ana.post("@llama hi")).id
    reply = await seat.open_reply("lobby", asked, 1)
    await seat.write("lobby", Delta(reply, 0, 1, "Hel"))
    backplane.full = True
    with pytest.raises(Refusal):
        await seat.write("lobby", Delta(reply, 1, 2, "lo"))
    await seat.close_reply("lobby", reply, "failed", "The disk is full.")
    assert ana.rooms["lobby"].messages[reply].status == "open"
    backplane.full = False
    ended = await ana.reply(asked)
    assert (ended.text, ended.status, ended.error) == ("Hel", "failed", "The disk is full.")
    await hub.close()


async def test_a_room_that_cannot_be_opened_takes_up_no_place(tmp_path: Path) -> None:
    """Joining is refused with what to do, as often as it is tried, and works once the file can be used."""
    (tmp_path / "file").write_text("")
    hub = Hub(SqliteBackplane(tmp_path / "file" / "rooms.sqlite"), plain, max_rooms=1)
    ana = FakeClient(hub, "Ana")
    for room in ("one", "two", "one"):
        with pytest.raises(Refusal) as refusal:
            await ana.join(room)
        assert refusal.value.code is Code.UNAVAILABLE
    (tmp_path / "file").unlink()
    await ana.join("three")
    assert (await ana.post("hello", "three")).seq == 1
    await hub.close()


async def test_a_first_post_survives_its_authors_leaving(tmp_path: Path) -> None:
    """Whoever goes while the first post of a room is being stored leaves it there."""
    path = tmp_path / "rooms.sqlite"
    hub = Hub(SqliteBackplane(path), plain)
    ana = FakeClient(hub, "Ana")
    await ana.join()
    posting = asyncio.ensure_future(ana.post("on my way out"))
    await asyncio.sleep(0)
    ana.leave()
    await posting
    ben = FakeClient(hub, "Ben")
    await ben.join()
    assert ben.texts() == ["on my way out"]
    await hub.close()


async def test_what_is_trimmed_is_shown_to_nobody_who_joins(tmp_path: Path) -> None:
    """After a trim a snapshot and older pages begin behind it, a resume before it starts over, and pins stay."""
    hub = Hub(SqliteBackplane(tmp_path / "rooms.sqlite", now_ms=iter(range(1, 1000)).__next__), plain)
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    pinned = (await ana.post("pinned")).id
    await ana.send(Pin(room="lobby", id=pinned, on=True))
    for number in range(5):
        await ana.post(str(number))
    await hub.trim(6)
    early = ana.rooms["lobby"].position
    answer = await ben.join()
    assert (answer.base, answer.mode, answer.pinned) == (5, "snapshot", (pinned,))
    assert ben.texts() == ["3", "4"]
    assert (await ana.join(resume=early)).mode == "tail"
    await hub.trim(2**50)
    assert (await ana.join(resume=early)).mode == "snapshot"
    assert ana.texts() == []
    await ana.post("after")
    assert (ana.texts(), ana.rooms["lobby"].position.seq) == (["after"], 8)
    await hub.close()


async def test_what_is_forgotten_before_a_trim_fails_is_shown_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a trim breaks off who joins is shown nothing of what the file has forgotten by then."""
    monkeypatch.setattr(sqlite_trim, "BLOCK", 3)
    backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
    hub = Hub(backplane, plain)
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    for number in range(1, 9):
        await ana.post(str(number))
    await backplane._writer.write(
        lambda db: db.execute(
            "CREATE TEMP TRIGGER fails BEFORE DELETE ON entries WHEN old.seq = 5 BEGIN SELECT raise(ABORT, 'x'); END"
        ).fetchall()
    )
    with pytest.raises(Refusal):
        await hub.trim(2**50)
    await ben.join()
    assert ben.texts() == ["4", "5", "6", "7", "8"]
    await hub.close()
