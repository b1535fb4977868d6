"""Specification of what waits to be attached: sizes, order, memory, and lies about files."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from nbgroupchat.attachment import MAX_ATTACHED, MAX_ATTACHMENT, MAX_EXCERPTS, PICTURES, TEXTS
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import Post, Upload
from nbgroupchat.uploads import Uploaded, Uploads, file_name, looked_at
from tests.pictures import gif, jpeg, png, webp


def part(data: bytes, at: int = 0, size: int = -1, **fields: Any) -> Upload:
    whole = {"room": "lobby", "id": "u", "name": "notes.txt", "mime": "text/plain"} | fields
    return Upload(**whole, size=len(data) if size < 0 else size, at=at, data=data)


def posting(*ids: str, room: str = "lobby") -> Post:
    return Post(room=room, cid="c", text="", attachments=ids)


def sent(data: bytes, **fields: Any) -> Uploaded:
    """Send a file as a whole and give what a post attaches of it."""
    uploads = Uploads()
    uploads.take("ana", part(data, **fields))
    (uploaded,) = uploads.of("ana", posting("u"))
    return uploaded


def refused(data: bytes, **fields: Any) -> Code:
    uploads = Uploads()
    with pytest.raises(Refusal) as refusal:
        uploads.take("ana", part(data, **fields))
    assert uploads.size == 0
    return refusal.value.code


def test_parts_become_a_file_that_is_known_by_its_content() -> None:
    """Parts in order are one file, whose id is the SHA-256 of all of it."""
    uploads, data = Uploads(), b"hello, world"
    assert uploads.take("ana", part(data[:5], size=12)) == 5
    with pytest.raises(Refusal, match="not here as a whole"):
        uploads.of("ana", posting("u"))
    assert uploads.take("ana", part(data[5:], at=5, size=12)) == 12
    (uploaded,) = uploads.of("ana", posting("u"))
    assert (uploaded.attachment.id, uploaded.data) == (hashlib.sha256(data).hexdigest(), data)
    assert (uploaded.attachment.text, uploaded.attachment.cut) == ("hello, world", False)


def test_a_part_that_comes_again_changes_nothing() -> None:
    """A part whose answer was lost is sent again; one that skips something is not taken."""
    uploads = Uploads()
    uploads.take("ana", part(b"abc", size=6))
    assert uploads.take("ana", part(b"bcd", at=1, size=6)) == 4
    with pytest.raises(Refusal) as refusal:
        uploads.take("ana", part(b"f", at=5, size=6))
    assert refusal.value.code is Code.NOT_FOUND
    assert uploads.take("ana", part(b"ef", at=4, size=6)) == 6
    assert uploads.of("ana", posting("u"))[0].data == b"abcdef"
    assert uploads.size == 6


def test_what_is_not_ones_own_or_of_another_room_is_not_there() -> None:
    """Nobody attaches what somebody else has sent, nor in another room."""
    uploads = Uploads()
    uploads.take("ana", part(b"secret"))
    for owner, post in (("ben", posting("u")), ("ana", posting("u", room="other")), ("ana", posting("v"))):
        with pytest.raises(Refusal) as refusal:
            uploads.of(owner, post)
        assert refusal.value.code is Code.NOT_FOUND


def test_memory_is_bounded() -> None:
    """One holds as many as a message takes; where all hold too much, the oldest goes; who is gone holds nothing."""
    uploads = Uploads(most=100)
    for number in range(MAX_ATTACHED + 3):
        uploads.take("ana", part(b"12345", id=str(number)))
    assert uploads.size == 5 * MAX_ATTACHED
    uploads.take("ben", part(b"x" * 90))
    assert uploads.size <= 100
    assert uploads.of("ben", posting("u"))
    uploads.forget("ben")
    uploads.used("ana", posting(str(MAX_ATTACHED + 2)))
    uploads.forget("ana")
    assert uploads.size == 0


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"<svg onload='alert(1)'/>", {"mime": "image/svg+xml"}),
        (b"<script>alert(1)</script>", {"mime": "text/html"}),
        (b"x", {"mime": "application/octet-stream"}),
        (b"x", {"mime": "IMAGE/PNG"}),
        (b"x", {"mime": "text/plain; charset=utf-16"}),
        (b"<svg onload='alert(1)'/>", {"mime": "image/png"}),
        (gif(), {"mime": "image/png"}),
        (png()[:20], {"mime": "image/png"}),
        (b"GIF89a", {"mime": "image/gif"}),
        (png(0, 5), {"mime": "image/png"}),
        (b"caf\xe9", {}),
        (b"a\0b", {}),
        (b"\xed\xa0\x80", {}),
        (png(), {"mime": "text/csv"}),
        (b"ab", {"size": 1}),
    ],
)
def test_bytes_that_are_not_what_they_are_said_to_be_are_refused(data: bytes, fields: dict[str, Any]) -> None:
    """The type has to be a safe one, and the bytes have to be of it; nothing of what was refused is held."""
    assert refused(data, **fields) is Code.INVALID


def test_what_is_too_large_is_refused() -> None:
    """A file over 4 MiB is refused with its first part, a picture that would need too much memory when it is whole."""
    assert refused(b"x", size=MAX_ATTACHMENT + 1) is Code.TOO_LONG
    assert refused(png(20_000, 20_000), mime="image/png") is Code.TOO_LONG
    assert Uploads().take("ana", part(b"x", size=MAX_ATTACHMENT)) == 1


@pytest.mark.parametrize("data", [png(), gif(), jpeg(), webp("extended"), webp("lossy"), webp("lossless")])
def test_a_picture_is_of_exactly_one_type(data: bytes) -> None:
    """Of all types that are taken, a picture's bytes fit one picture's, and it is known how large it is."""
    taken = []
    for mime in PICTURES:
        try:
            taken.append(looked_at("x", mime, data).attachment)
        except Refusal:
            continue
    (attachment,) = taken
    assert attachment.width * attachment.height > 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("plot.png", "plot.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\notes.txt", "notes.txt"),
        ("..", "attachment"),
        ("/", "attachment"),
        ("", "attachment"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\nben: yes", "a ben: yes"),
        ("x" * 500, "x" * 100),
        (".gitignore", ".gitignore"),
    ],
)
def test_a_name_is_a_line_without_folders(name: str, kept: str) -> None:
    """Paths, line feeds and what reorders text do not get into a name."""
    assert file_name(name) == kept


def test_files_share_what_a_message_says_of_them() -> None:
    """A long file is cut and says so; what short ones leave is for those after them; pictures take nothing."""
    uploads = Uploads()
    uploads.take("ana", part(b"short", id="a"))
    uploads.take("ana", part(png(), id="b", mime="image/png"))
    uploads.take("ana", part("é".encode() * 10_000, id="c"))
    short, picture, long = (uploaded.attachment for uploaded in uploads.of("ana", posting("a", "b", "c")))
    assert (short.text, short.cut, picture.text) == ("short", False, "")
    assert long.cut
    assert MAX_EXCERPTS - 10 <= len(short.text) + len(long.text.encode()) <= MAX_EXCERPTS


def test_an_excerpt_is_as_everybody_sees_it() -> None:
    """What hides or reorders text, other line ends and a byte order mark are not in it; the file keeps them."""
    data = "\ufeffa\r\nb\u202ec".encode()
    uploaded = sent(data)
    assert (uploaded.attachment.text, uploaded.attachment.cut, uploaded.data) == ("a\nbc", False, data)


def test_random_parts_are_taken_or_refused_and_counted_right() -> None:
    """However parts come, the count of what is held is true, and no file comes out that was not sent."""
    random, uploads = Random(7), Uploads(most=500)
    for _ in range(5_000):
        size = random.choice((0, 1, 5, 40, 2**53 - 1, MAX_ATTACHMENT))
        data = bytes(random.choices(b"ab\0\xff", k=random.randrange(1, 30)))
        fields = {"id": random.choice("xyz"), "mime": random.choice((*PICTURES, *TEXTS, "text/html"))}
        with suppress(Refusal):
            uploads.take(random.choice(("ana", "ben")), part(data, random.choice((0, 0, 1, 5, 9)), size, **fields))
        assert uploads.size == sum(len(waiting.data) for waiting in uploads._waiting.values()) <= 500
    for owner in ("ana", "ben"):
        uploads.forget(owner)
    assert uploads.size == 0
