"""What can stand beside the text of a post: pictures of a few kinds, and files of text, each known by its content.

Vocabulary between the wire, which names attachments, and the window, which makes text of them. It knows nothing of how
they are sent or kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_ATTACHMENT: Final = 4 * 1024 * 1024
"""Largest attachment, in bytes."""

MAX_ATTACHED: Final = 8
"""Most attachments of one message."""

MAX_PART: Final = 32 * 1024
"""Longest part in which an attachment is sent or fetched, in bytes: as base64 it fits a frame."""

MAX_EXCERPTS: Final = 4 * 1024
"""How much of its text files a message tells everybody and the model, in bytes of UTF-8, of all of them together."""

MAX_PIXELS: Final = 40_000_000
"""Largest picture: whoever looks at it needs four bytes of memory for each."""

PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
TEXTS: Final = ("text/plain", "text/markdown", "text/csv", "text/x-python", "application/json")
"""The media types that are taken. What browsers could run is none of them: SVG and HTML are refused."""


class Attachment(Struct, frozen=True):
    """Something attached to a message. `id` is the SHA-256 of its bytes, `size` how many there are.

    Of a picture there are `width` and `height` in pixels, of a file of text the beginning in `text`, which is `cut`
    where there is more.
    """

    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    mime: Annotated[str, Meta(max_length=64)]
    size: Annotated[int, Meta(ge=0, le=MAX_ATTACHMENT)]
    width: Annotated[int, Meta(ge=0)] = 0
    height: Annotated[int, Meta(ge=0)] = 0
    text: Annotated[str, Meta(max_length=MAX_EXCERPTS)] = ""
    cut: bool = False


def as_text(attachments: Iterable[Attachment]) -> str:
    """Give what a reader of text alone is told of a message's attachments, "" where there are none."""
    return "\n".join(_described(attachment) for attachment in attachments)


def beside(text: str, attachments: Iterable[Attachment]) -> str:
    """Give a message's text with what it has attached below it."""
    return "\n".join(part for part in (text, as_text(attachments)) if part)


def _described(attachment: Attachment) -> str:
    if attachment.mime in PICTURES:
        return f"[picture {attachment.name}, {attachment.width}\u00d7{attachment.height}]"
    head = f"[file {attachment.name}, {attachment.size:,} bytes]"
    lines = [head, *attachment.text.splitlines()]
    if attachment.cut:
        lines.append(f"[{attachment.name} goes on: only its beginning is shown]")
    return "\n".join(lines)
