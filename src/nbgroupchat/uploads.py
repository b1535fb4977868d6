"""What clients have sent to be attached and not posted yet, part by part. Pure state.

This module touches trust. It covers: sizes, parts out of order, what a file's name, its media type and its bytes say of
each other, pictures too large to be looked at, and how much memory all of it takes: the oldest goes first, and its
client sends it again. It does not cover how much a user may send (`rates`), or what a picture or a file shows.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nbgroupchat.attachment import (
    MAX_ATTACHED,
    MAX_ATTACHMENT,
    MAX_EXCERPTS,
    MAX_PIXELS,
    PICTURES,
    TEXTS,
    Attachment,
)
from nbgroupchat.characters import label, visible
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.picture import kind_of, size_of
from nbgroupchat.protocol import Post, Upload

MAX_WAITING: Final = 128 * 1024 * 1024
"""How many bytes of all clients wait to be posted."""

MAX_NAME: Final = 100


class Uploaded(Struct, frozen=True):
    """Something that is ready to be attached, and its bytes."""

    attachment: Attachment
    data: bytes


class _Waiting:
    def __init__(self, first: Upload) -> None:
        self.first = first
        self.data = bytearray()
        self.ready: Uploaded | None = None


class Uploads:
    """Of each owner at most as many as a message takes, of all together at most `most` bytes."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        self._size = 0
        self._waiting: OrderedDict[tuple[Hashable, str, str], _Waiting] = OrderedDict()

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return self._size

    def take(self, owner: Hashable, part: Upload) -> int:
        """Take the next part of an owner's upload, and give how many bytes are held of it. Raises Refusal.

        The part at 0 begins it, anew where there was one of that id; one that is held already changes nothing.
        """
        key = (owner, part.room, part.id)
        if part.at == 0:
            check(part)
            self._drop(key)
            self._make_room(owner)
            self._waiting[key] = _Waiting(part)
        waiting = self._waiting.get(key)
        if waiting is None or part.at > len(waiting.data):
            raise Refusal(
                Code.NOT_FOUND, "What came before this part is not here any more. Send it from the beginning."
            )
        if part.at + len(part.data) > waiting.first.size:
            self._drop(key)
            raise Refusal(Code.INVALID, "More was sent than the size that was said. Send it from the beginning.")
        new = part.data[len(waiting.data) - part.at :]
        waiting.data += new
        self._size += len(new)
        if len(waiting.data) == waiting.first.size and waiting.ready is None:
            try:
                waiting.ready = looked_at(waiting.first.name, waiting.first.mime, bytes(waiting.data))
            except Refusal:
                self._drop(key)
                raise
        held = len(waiting.data)
        while self._size > self._most:
            self._drop(next(iter(self._waiting)))
        return held

    def of(self, owner: Hashable, post: Post) -> tuple[Uploaded, ...]:
        """Give what a post attaches, in order. Raises Refusal with `not_found` where not all of it is here."""
        found = [self._waiting.get((owner, post.room, id_)) for id_ in post.attachments]
        ready = [waiting.ready for waiting in found if waiting is not None and waiting.ready is not None]
        if len(ready) < len(found):
            raise Refusal(
                Code.NOT_FOUND, "What this post attaches is not here as a whole. Send it again, then the post."
            )
        return with_excerpts(ready)

    def used(self, owner: Hashable, post: Post) -> None:
        """Hold no more what was posted."""
        for id_ in post.attachments:
            self._drop((owner, post.room, id_))

    def forget(self, owner: Hashable) -> None:
        """Hold nothing any more of somebody who is gone."""
        for key in [key for key in self._waiting if key[0] == owner]:
            self._drop(key)

    def _make_room(self, owner: Hashable) -> None:
        own = [key for key in self._waiting if key[0] == owner]
        if len(own) >= MAX_ATTACHED:
            self._drop(own[0])

    def _drop(self, key: tuple[Hashable, str, str]) -> None:
        if (waiting := self._waiting.pop(key, None)) is not None:
            self._size -= len(waiting.data)


def check(upload: Upload) -> None:
    """Raise Refusal where it is known from the first part that something cannot be attached."""
    if upload.mime not in (*PICTURES, *TEXTS):
        raise Refusal(
            Code.INVALID,
            f"Files of this type cannot be attached. There are: {', '.join((*PICTURES, *TEXTS))}; "
            "the source of anything else can be attached as text/plain.",
        )
    if not upload.size:
        raise Refusal(Code.INVALID, "The file is empty.")
    if upload.size > MAX_ATTACHMENT:
        raise Refusal(
            Code.TOO_LONG,
            f"The file has {upload.size} bytes, and a room takes {MAX_ATTACHMENT}. Attach a smaller one, or a part.",
        )


def looked_at(name: str, mime: str, data: bytes) -> Uploaded:
    """Give what can be attached of some bytes. Raises Refusal where they are not what they are said to be."""
    id_ = hashlib.sha256(data).hexdigest()
    attachment = Attachment(id=id_, name=file_name(name), mime=mime, size=len(data))
    if mime not in PICTURES:
        if b"\0" in data or not _is_unicode(data):
            raise Refusal(Code.INVALID, "The file is no text in UTF-8. Save it as UTF-8, or attach a picture of it.")
        return Uploaded(attachment, data)
    size = size_of(data)
    if kind_of(data) != mime or size is None:
        raise Refusal(Code.INVALID, f"The file is no picture of the type {mime}. Save it as one, and attach that.")
    if size[0] * size[1] > MAX_PIXELS:
        raise Refusal(
            Code.TOO_LONG,
            f"The picture has {size[0]}\u00d7{size[1]} pixels, and a room takes {MAX_PIXELS:,}. Attach a smaller one.",
        )
    return Uploaded(replace(attachment, width=size[0], height=size[1]), data)


def file_name(name: str) -> str:
    """Give a file's name without folders, on one line."""
    last = re.split(r"[/\\]", name)[-1]
    return label(last if last.strip(". ") else "", "attachment", MAX_NAME)


def with_excerpts(uploads: Sequence[Uploaded]) -> tuple[Uploaded, ...]:
    """Let each file of text say its beginning; they share what a message may say of them."""
    texts = sum(uploaded.attachment.mime not in PICTURES for uploaded in uploads)
    left, told = MAX_EXCERPTS, []
    for uploaded in uploads:
        attachment = uploaded.attachment
        if attachment.mime not in PICTURES:
            attachment = with_excerpt(attachment, uploaded.data, left // texts)
            left -= len(attachment.text.encode())
            texts -= 1
        told.append(Uploaded(attachment, uploaded.data))
    return tuple(told)


def with_excerpt(attachment: Attachment, data: bytes, most: int) -> Attachment:
    """Let a file of text say its beginning, at most so many bytes, as everybody sees it."""
    # A byte order mark would be the first character.
    text = visible(data[: 2 * most].decode("utf-8-sig", "ignore"))
    excerpt = text.encode()[:most].decode(errors="ignore")
    cut = len(data) > 2 * most or len(excerpt) < len(text)
    return replace(attachment, text=excerpt.rstrip("\n"), cut=cut)


def _is_unicode(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
