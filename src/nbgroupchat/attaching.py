"""Makes something to be attached of a variable or a file, and sends it: the Python client's part in attachments.

A variable becomes what Jupyter would show of it: a picture where there is one, else text. Nothing that a browser could
run is sent: neither HTML nor SVG.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final, TypeAlias

from msgspec import Struct

from nbgroupchat.attachment import MAX_ATTACHED, MAX_ATTACHMENT, MAX_PART, PICTURES
from nbgroupchat.connection import Connection
from nbgroupchat.errors import ChatError, Code, Refusal
from nbgroupchat.picture import kind_of
from nbgroupchat.protocol import Download, DownloadAnswer, Post, PostAnswer, Upload, UploadAnswer

Attach: TypeAlias = Mapping[str, object] | Sequence[object]
"""What is to be attached: variables and the paths of files, with or without names."""

ATTEMPTS: Final = 4
"""How often everything is sent where the connection is lost in between."""

SHOWN: Final = (*PICTURES, "text/markdown", "application/json", "text/plain")
"""What is taken of a variable, the best first."""

_SUFFIXES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "text/markdown": ".md",
    "application/json": ".json",
    "text/csv": ".csv",
    "text/x-python": ".py",
}
_TYPES: Final = {suffix: mime for mime, suffix in _SUFFIXES.items() if mime not in PICTURES}


class Thing(Struct, frozen=True):
    """Something to be attached; `id` is this program's own for it."""

    id: str
    name: str
    mime: str
    data: bytes


def things(attach: Attach) -> list[Thing]:
    """Make what is to be attached of variables and files. Raises ChatError where one cannot be."""
    if isinstance(attach, (str, bytes, PurePath)) or not isinstance(attach, (Mapping, Sequence)):
        raise ChatError("'attach' takes a list of variables and paths, such as attach=[df, fig], or a dict with names.")
    named: Iterable[tuple[str, object]] = (
        attach.items() if isinstance(attach, Mapping) else (("", one) for one in attach)
    )
    found = [thing(value, name) for name, value in named]
    if len(found) > MAX_ATTACHED:
        raise ChatError(f"A message takes {MAX_ATTACHED} attachments, and there are {len(found)}. Post the rest apart.")
    return found


def thing(value: object, name: str = "") -> Thing:
    """Make something to be attached of a variable, or of the file whose path it is."""
    if isinstance(value, PurePath):
        return _file(Path(value), name)
    mime, data = _shown(value)
    name = name or type(value).__name__.lower()
    suffix = _SUFFIXES.get(mime, ".txt")
    return Thing(secrets.token_hex(8), name if name.endswith(suffix) else name + suffix, mime, data)


async def post(connection: Connection, command: Post, attach: Sequence[Thing]) -> PostAnswer:
    """Send what is to be attached, and then the post; all of it again where the connection was lost meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for one in attach:
                await _send(connection, command.room, one)
            return await connection.command(command, PostAnswer)
        except Refusal as refusal:
            # What was sent over a connection is forgotten with it.
            if not attach or refusal.code is not Code.NOT_FOUND or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


async def fetch(connection: Connection, room: str, id_: str) -> bytes:
    """Give the bytes of an attachment. Raises Refusal where the room has none of that id."""
    data = b""
    while True:
        part = await connection.command(Download(room=room, id=id_, at=len(data)), DownloadAnswer)
        data += part.data
        if not part.data or len(data) >= part.size:
            return data


async def _send(connection: Connection, room: str, one: Thing) -> None:
    for at in range(0, max(len(one.data), 1), MAX_PART):
        part = one.data[at : at + MAX_PART]
        upload = Upload(room=room, id=one.id, name=one.name, mime=one.mime, size=len(one.data), at=at, data=part)
        await connection.command(upload, UploadAnswer)


def _file(path: Path, name: str) -> Thing:
    try:
        size = path.stat().st_size
        if size > MAX_ATTACHMENT:
            raise ChatError(f"{path} has {size} bytes, and a room takes {MAX_ATTACHMENT}. Attach a part of it.")
        data = path.read_bytes()
    except OSError as error:
        raise ChatError(f"{path} could not be read ({error.strerror}). Name a file that is there.") from error
    if not data:
        raise ChatError(f"{path} is empty, so there is nothing to attach.")
    mime = kind_of(data) or _TYPES.get(path.suffix.lower(), "text/plain")
    return Thing(secrets.token_hex(8), name or path.name, mime, data)


def _shown(value: object) -> tuple[str, bytes]:
    """Give the best of what is shown of a variable, as bytes."""
    if isinstance(value, str):
        return "text/plain", _filled(value.encode(errors="replace"))
    bundle = _bundle(value)
    for mime in SHOWN:
        if (data := _as_bytes(mime, bundle.get(mime))) and (mime not in PICTURES or kind_of(data) == mime):
            return mime, data
    return "text/plain", _filled(repr(value).encode(errors="replace"))


def _as_bytes(mime: str, shown: Any) -> bytes:
    if isinstance(shown, str) and mime in PICTURES:
        try:
            return base64.b64decode(shown)
        except ValueError:
            return b""
    if isinstance(shown, bytes):
        return shown
    if shown is None:
        return b""
    return (shown if isinstance(shown, str) else json.dumps(shown, default=repr)).encode(errors="replace")


def _filled(text: bytes) -> bytes:
    return text or b"(empty)"


def _bundle(value: object) -> Mapping[str, Any]:
    """Give what would be shown of a variable, by media type; outside IPython there is only its text."""
    if "IPython" not in sys.modules:
        return {}
    from nbgroupchat.magics import shown

    return shown(value, SHOWN)
