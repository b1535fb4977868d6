"""Specification of what the first bytes of a picture say."""

from __future__ import annotations

import pytest

from nbgroupchat.picture import kind_of, size_of
from tests.pictures import gif, jpeg, png, webp

EVERY = [
    (png(640, 480), "image/png", (640, 480)),
    (gif(3, 4), "image/gif", (3, 4)),
    (jpeg(5, 6), "image/jpeg", (5, 6)),
    *((webp(kind, 700, 80), "image/webp", (700, 80)) for kind in ("extended", "lossy", "lossless")),
]


@pytest.mark.parametrize(("data", "mime", "size"), EVERY)
def test_each_kind_says_its_size(data: bytes, mime: str, size: tuple[int, int]) -> None:
    """The kind and the size in pixels are in the header."""
    assert (kind_of(data), size_of(data)) == (mime, size)


@pytest.mark.parametrize("data", [data for data, _, _ in EVERY])
def test_a_header_that_ends_early_says_nothing(data: bytes) -> None:
    """Cut anywhere, and with any byte of the header changed, it is a size, or none, and never an error."""
    whole = size_of(data)
    for end in range(len(data)):
        assert size_of(data[:end]) in (whole, None)
    for at in range(min(len(data), 40)):
        for value in (0x00, 0xFF):
            found = size_of(data[:at] + bytes([value]) + data[at + 1 :])
            assert found is None or min(found) > 0


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"RIFF____WAVE", b"\xff\xd8"]
)
def test_what_is_no_picture_is_none(data: bytes) -> None:
    """Vector graphics, pages and sounds are no pictures here."""
    assert (kind_of(data), size_of(data)) == (None, None)


def test_a_jpeg_without_a_frame_ends() -> None:
    """Segments that lead nowhere, or back, are no endless way."""
    for tail in (b"\xff\xe0\x00\x00" * 1000, b"\xff" * 1000, b"\xff\xd0" * 1000, b"\xff\xda\x00\x02data"):
        assert size_of(b"\xff\xd8\xff\xe0\x00\x02" + tail) is None
