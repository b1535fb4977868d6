"""Small pictures and lies about them, made by hand from the formats' own descriptions."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 2, height: int = 1) -> bytes:
    """Give a whole picture that any browser shows; of large ones only the header is true."""
    drawn = height if width * height < 100_000 else 1
    rows = b"".join(b"\0" + b"\x20\x80\xc0" * width for _ in range(drawn)) if drawn == height else b"\0"
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gif(width: int = 3, height: int = 4) -> bytes:
    """Give a GIF's header."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b";"


def jpeg(width: int = 5, height: int = 6) -> bytes:
    """Give a JPEG's beginning: a segment of something else, then the frame header."""
    other = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    return b"\xff\xd8" + other + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)


def webp(kind: str, width: int = 7, height: int = 8) -> bytes:
    """Give a WebP's beginning: extended, lossy or lossless."""
    body = {
        "extended": b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little"),
        "lossy": b"VP8 " + struct.pack("<I", 20) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height),
        "lossless": b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14),
    }[kind]
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
