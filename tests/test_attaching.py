"""Specification of attachments from Python: what becomes of variables and files, and what of a lost connection."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbgroupchat import attaching, client
from nbgroupchat.attaching import Thing, thing, things
from nbgroupchat.attachment import MAX_ATTACHMENT
from nbgroupchat.connection import Connection
from nbgroupchat.errors import ChatError, Code, Refusal
from nbgroupchat.link import LocalLink
from nbgroupchat.protocol import Post, Upload
from tests.pictures import png


class Table:
    """Shows itself as a library for tables does."""

    def __repr__(self) -> str:
        return "   a  b\n0  1  2"

    def _repr_html_(self) -> str:
        return "<table onclick='alert(1)'></table>"

    def _repr_svg_(self) -> str:
        return "<svg onload='alert(1)'/>"


class Figure:
    """Shows itself as a picture, in base64 as some do."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"image/png": b64encode(png(4, 2)).decode(), "text/plain": "a figure"}


class Liar:
    """Says that a script is a picture."""

    def __repr__(self) -> str:
        return "a liar"

    def _repr_png_(self) -> bytes:
        return b"<svg onload='alert(1)'/>"


def made(one: Thing) -> tuple[str, str, bytes]:
    return one.name, one.mime, one.data


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[client.ChatRoom]:
    """A room in this process."""
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "off")
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(Connection, "_shared", None)
    yield client.connect("lobby")
    Connection.shared().close()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython around the test, as in a notebook."""
    from IPython.testing.globalipapp import start_ipython

    start_ipython()  # type: ignore[no-untyped-call]


@pytest.mark.usefixtures("shell")
def test_a_variable_is_what_jupyter_shows_of_it() -> None:
    """A picture where there is one, else text: neither HTML nor SVG, nor what only claims to be a picture."""
    assert made(thing(Table())) == ("table.txt", "text/plain", b"   a  b\n0  1  2")
    assert made(thing(Figure(), "fig")) == ("fig.png", "image/png", png(4, 2))
    assert made(thing(Liar())) == ("liar.txt", "text/plain", b"a liar")
    assert made(thing("two\nlines", "note.txt")) == ("note.txt", "text/plain", b"two\nlines")
    assert made(thing("")) == ("str.txt", "text/plain", b"(empty)")


def test_outside_ipython_a_variable_is_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script needs no IPython to attach something."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert made(thing({"a": 1})) == ("dict.txt", "text/plain", b"{'a': 1}")


def test_a_path_is_a_file(tmp_path: Path) -> None:
    """A file's bytes say whether it is a picture, its name which text it is."""
    for name, data, mime in (
        ("plot.bin", png(), "image/png"),
        ("data.CSV", b"a,b", "text/csv"),
        ("page.html", b"<script>", "text/plain"),
        ("x.py", b"pass", "text/x-python"),
    ):
        (tmp_path / name).write_bytes(data)
        assert made(thing(tmp_path / name)) == (name, mime, data)


def test_what_cannot_be_attached_is_said(tmp_path: Path) -> None:
    """A missing, an empty and a huge file, too many things and a bare text are each a sentence."""
    huge, empty = tmp_path / "huge", tmp_path / "empty"
    with huge.open("wb") as file:
        file.truncate(MAX_ATTACHMENT + 1)
    empty.touch()
    for attach, why in (
        ([tmp_path / "none"], "could not be read"),
        ([huge], "has 4194305 bytes"),
        ([empty], "is empty"),
        ([1] * 9, "takes 8 attachments"),
        ("df", "takes a list"),
        (huge, "takes a list"),
    ):
        with pytest.raises(ChatError, match=why):
            things(attach)  # type: ignore[arg-type]  # wrong on purpose


def test_it_is_posted_and_fetched(room: client.ChatRoom, tmp_path: Path) -> None:
    """Variables and files stand beside the text for everybody, with their bytes."""
    data = b"x" * 100_000
    (tmp_path / "long.txt").write_bytes(data)
    room.post("look", attach=[tmp_path / "long.txt"])
    room.post(attach={"answer": 42})
    first, second = room.messages
    assert (first.text, first.attachments[0].name, first.attachments[0].cut) == ("look", "long.txt", True)
    assert (second.text, second.attachments[0].name, second.attachments[0].text) == ("", "answer.txt", "42")
    assert room.attachment(first.attachments[0].id) == data
    assert "[file answer.txt, 2 bytes]\n42" in repr(room.messages)
    with pytest.raises(Refusal) as refusal:
        room.attachment("0" * 64)
    assert refusal.value.code is Code.NOT_FOUND


def test_what_the_room_does_not_take_is_refused(room: client.ChatRoom) -> None:
    """The server looks at the bytes itself; nothing is posted where one attachment is refused."""
    lie = Thing("u", "x.png", "image/png", b"<svg/>")
    command = Post(room="lobby", cid="c", text="look", attachments=("u",))
    connection = Connection.shared()
    with pytest.raises(Refusal) as refusal:
        connection.run(attaching.post(connection, command, [lie]))
    assert refusal.value.code is Code.INVALID
    assert room.messages == ()


def test_a_connection_lost_in_between_costs_nothing(room: client.ChatRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent over a connection is forgotten with it, and sent again; the message stands there once."""
    connection, lost = Connection.shared(), list[Upload]()
    command = connection.command

    async def losing(asked: Any, answer: Any) -> Any:
        if isinstance(asked, Upload) and asked.at > 0 and not lost:
            lost.append(asked)
            (uploads,) = [LocalLink.composition().hub.attachments._uploads]
            uploads.forget(connection._link._client)  # type: ignore[union-attr]
        return await command(asked, answer)

    monkeypatch.setattr(connection, "command", losing)
    room.post("look", attach={"n": "y" * 100_000})
    assert lost
    assert [message.attachments[0].size for message in room.messages] == [100_000]
