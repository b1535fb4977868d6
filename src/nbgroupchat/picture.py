"""What kind of picture some bytes are, and how large it is, from its first bytes alone. Pure; nothing is unpacked.

This module touches trust. It covers: bytes that claim to be a picture and do not begin as one, and pictures whose
header ends early. It does not cover what follows the header: that is for the reader's browser, which shows what it can.

Sources: PNG (W3C, 11.2.2 IHDR), GIF89a (18. Logical Screen Descriptor), JPEG (ITU-T T.81, B.2.2 frame header), WebP
(RFC 9649, 2.5 to 2.7).
"""

from __future__ import annotations

from typing import Final

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers that begin a frame header."""
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""JPEG's markers without a segment."""


def kind_of(data: bytes) -> str | None:
    """Give the media type of a picture's bytes, None where they are no picture that is known here."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def size_of(data: bytes) -> tuple[int, int] | None:
    """Give a picture's width and height in pixels, None where its header does not say them."""
    try:
        match kind_of(data):
            case "image/png":
                found = _numbers(data, 16, 4, "big") if data[12:16] == b"IHDR" else None
            case "image/gif":
                found = _numbers(data, 6, 2, "little")
            case "image/jpeg":
                found = _jpeg(data)
            case "image/webp":
                found = _webp(data)
            case _:
                found = None
    except IndexError:
        return None
    return found if found and min(found) > 0 else None


def _numbers(data: bytes, at: int, width: int, order: str) -> tuple[int, int]:
    """Read two numbers of `width` bytes that follow each other. Raises IndexError beyond the end."""
    if len(data) < at + 2 * width:
        raise IndexError
    little = order == "little"
    first, second = data[at : at + width], data[at + width : at + 2 * width]
    return (
        int.from_bytes(first, "little" if little else "big"),
        int.from_bytes(second, "little" if little else "big"),
    )


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            height, width = _numbers(data, at + 5, 2, "big")
            return width, height
        else:
            length = _numbers(data, at + 2, 1, "big")
            at += 2 + max(2, length[0] * 256 + length[1])
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            width, height = _numbers(data, 24, 3, "little")
            return width + 1, height + 1
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = _numbers(data, 26, 2, "little")
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if data[20] == 0x2F:
            low, high = _numbers(data, 21, 2, "little")
            bits = low | high << 16
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
