"""Specification of what an administrator does to stored rooms: the audit trail, pseudonymised exports, forgetting."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.cli import main
from nbgroupchat.errors import Refusal
from nbgroupchat.protocol import Explain, Explanation, Post, PostAnswer, React, SetPolicy, Upload, Who
from tests.test_hub_policy import Class

Visit = Callable[[Class], Awaitable[None]]


def visit(path: Path, do: Visit) -> None:
    """Do something in the rooms of a file, with a hub that ends afterwards."""

    async def run() -> None:
        room = Class("Canary Ana, yes.", "Well.", backplane=SqliteBackplane(path))
        await do(room)
        await room.agent.close()
        await room.hub.close()

    asyncio.run(run())


async def talk(room: Class) -> None:
    """Ana speaks in person and from a kernel, by name and under a pseudonym; Ben and the model answer."""
    ina = await room.member("Ina")
    ana, ben = await room.member("Canary Ana", user="ana"), await room.member("Ben")
    own = await room.member("canary-notebook", "kernel", "ana")
    await ana.post("canary one")
    await own.post("canary two")
    asked = await ana.post("@llama canary three?")
    reply = await ben.reply(asked.id)
    await ana.send(React(room="lobby", id=reply.id, emoji="\N{THUMBS UP SIGN}", on=True))
    answer = await ben.send(Post(room="lobby", cid="b", text="@llama and I?", reply_to=asked.id))
    assert isinstance(answer, PostAnswer)
    await ben.reply(answer.id)
    await ina.send(SetPolicy(room="lobby", cid="p", anonymous=True))
    notes = b"canary attached to what is said, and long enough to be found on the disk with what stands around it"
    await ana.send(Upload(room="lobby", id="u", name="notes.txt", mime="text/plain", size=len(notes), at=0, data=notes))
    await ana.send(Post(room="lobby", cid="a", text="canary four", attachments=("u",)))
    await ben.post("mine")
    await ana.join("other")
    await ana.post("canary five", room="other")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that no server has open."""
    visit(tmp_path / "rooms.sqlite", talk)
    return tmp_path / "rooms.sqlite"


def trail(path: Path, room: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Give the audit trail as the command prints it."""
    assert main(["audit", room, "--store", str(path)]) == 0
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def bytes_of(path: Path) -> bytes:
    """Give all that is on the disk of a file of rooms."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def test_a_person_is_forgotten(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that they said is gone, by whatever door and name, and so is their name, from the disk too; others' words are
    not; the trail says so without naming them; doing it again changes nothing.
    """
    assert b"canary attached" in bytes_of(path)
    for _ in range(2):
        assert main(["forget", "ana", "--store", str(path)]) == 0
        assert capsys.readouterr().out == "lobby: 4 messages taken back.\nother: 1 message taken back.\n"
    found = bytes_of(path)
    around = re.findall(rb"(?is).{60}canary[ -]\w+.{60}", found)
    assert len(around) == 1, around
    acts = trail(path, "lobby", capsys)
    assert [act[3] for act in acts] == ["policy", "forget", "forget"]
    assert acts[-1][5] == "4 messages"
    assert "ana" not in " ".join(acts[-1][4:]).lower()

    async def look(room: Class) -> None:
        ben = await room.member("Ben")
        messages = list(ben.rooms["lobby"].messages.values())
        texts = ["", "", "", "Canary Ana, yes.", "@llama and I?", "Well.", "", "mine"]
        assert [message.text for message in messages] == texts
        assert [who.name for reaction in messages[3].reactions for who in reaction.by] == ["(removed)"]
        assert [message.name for message in messages if message.redacted] == ["(removed)"] * 4
        for reply in (messages[3], messages[5]):
            explained = await ben.send(Explain(room="lobby", id=reply.id))
            assert isinstance(explained, Explanation)
            assert "canary" not in repr(explained).lower()
        assert "Ben (to (removed))" in repr(explained)

    visit(path, look)


def test_a_person_is_forgotten_in_one_room(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What they said elsewhere stays."""
    assert main(["forget", "ana", "--room", "other", "--store", str(path)]) == 0
    assert capsys.readouterr().out == "other: 1 message taken back.\n"
    assert b"canary four" in bytes_of(path)
    assert b"canary five" not in bytes_of(path)


def test_a_person_is_forgotten_by_what_they_were_shown_as(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For servers without accounts; a name that nobody had is said to be none."""
    assert main(["forget", "Canary Ana", "--store", str(path)]) == 1
    assert "--shown" in capsys.readouterr().err
    assert main(["forget", "Canary Ana", "--shown", "--store", str(path)]) == 0
    assert capsys.readouterr().out == "lobby: 2 messages taken back.\nother: 1 message taken back.\n"


async def test_nobody_is_forgotten_behind_a_servers_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has the rooms in its memory; nothing is changed, and no file is made beside it."""
    room = Class(backplane=SqliteBackplane(tmp_path / "rooms.sqlite"))
    ana = await room.member("Ana")
    await ana.post("hi")
    assert await asyncio.to_thread(main, ["forget", "ana", "--store", str(tmp_path / "rooms.sqlite")]) == 1
    assert "End it first" in capsys.readouterr().err
    assert not (tmp_path / "rooms-2.sqlite").exists()
    await room.hub.close()


def test_exports_are_in_the_trail(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each, with its form; a room in which nobody spoke has none."""
    assert main(["export", "lobby", "--format", "jsonl", "--store", str(path)]) == 0
    acts = trail(path, "lobby", capsys)
    assert [acts[-1][3], acts[-1][5]] == ["export", "jsonl"]
    assert trail(path, "nowhere", capsys) == []


async def test_an_export_beside_a_server_is_in_the_trail(tmp_path: Path) -> None:
    """Both write the same file, one after the other."""
    room = Class(backplane=SqliteBackplane(tmp_path / "rooms.sqlite"))
    ana = await room.member("Ana")
    await ana.post("hi")
    assert await asyncio.to_thread(main, ["export", "lobby", "--store", str(tmp_path / "rooms.sqlite")]) == 0
    await ana.post("and on")
    assert [act.action for act in await room.backplane.audited("lobby")] == ["export"]
    await room.hub.close()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_cannot_be_written_is_exported(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a word that it is not in the trail."""
    path.chmod(0o400)
    assert main(["export", "lobby", "--store", str(path)]) == 0
    assert "not in the audit trail" in capsys.readouterr().err


def test_an_export_without_names(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """No name of the roster is in it, in no form; a roster that names nobody exports nothing."""
    roster = path.with_name("roster.csv")
    roster.write_text("ana, Canary Ana, Cani\nben, Ben\n", "utf-8")
    for form in ("markdown", "jsonl", "ipynb"):
        arguments = ["export", "lobby", "--format", form, "--pseudonyms", str(roster), "--store", str(path)]
        assert main(arguments) == 0
        assert not re.search(rb"(?i)canary|\bana\b|\bben\b", capfdbinary.readouterr().out)
    roster.write_text("# nobody\n")
    assert main(arguments) == 1
    roster.unlink()
    assert main(arguments) == 1
    out, err = capfdbinary.readouterr()
    assert (out, err.count(b"Nothing was exported")) == (b"", 2)


def test_a_trail_that_was_tampered_with_says_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that cannot be read is a line of its own, and does not hide the others."""
    db = sqlite3.connect(path)
    db.execute("INSERT INTO acts (room, ts, act) VALUES ('lobby', 5, '{}')")
    db.commit()
    db.close()
    assert [act[3] for act in trail(path, "lobby", capsys)] == ["policy", "unreadable"]


async def test_who_was_forgotten_is_nobody(tmp_path: Path) -> None:
    """Who a pseudonym was is not known any more once the person was forgotten."""
    file = tmp_path / "rooms.sqlite"
    await asyncio.to_thread(visit, file, talk)
    room = Class(backplane=SqliteBackplane(file))
    ina = await room.member("Ina")
    alias = next(message.by for message in ina.rooms["lobby"].messages.values() if message.text == "canary four")
    await ina.send(Who(room="lobby", id=alias))
    await room.hub.close()
    await asyncio.to_thread(main, ["forget", "ana", "--store", str(file)])
    room = Class(backplane=SqliteBackplane(file))
    ina = await room.member("Ina")
    with pytest.raises(Refusal, match="Nobody is known"):
        await ina.send(Who(room="lobby", id=alias))
    await room.hub.close()
