"""Commands as they arrive: decoded and validated here, once, and refused with a stable code where they do not fit.

This module touches trust. It covers: types, ranges, lengths, unknown and duplicate fields, text that is not Unicode,
characters that nobody sees. It does not cover: who may do what (`policy`), and how much (`rates`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from nbgroupchat.characters import visible
from nbgroupchat.emoji import emoji
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import (
    COMMANDS,
    MAX_SAFE_INTEGER,
    MAX_TEXT,
    ROOM_NAMES,
    Command,
    Edit,
    Post,
    React,
    Search,
    SetPolicy,
    fits_text,
)


def decode_command(target: str, raw: bytes) -> Command:
    """Decode the arguments of a client's invocation of `target`: a JSON array that holds one object.

    Raises Refusal with `unknown_method`, `too_long` or `invalid`.
    """
    kind = COMMANDS.get(target)
    if kind is None:
        known = ", ".join(COMMANDS)
        raise Refusal(Code.UNKNOWN_METHOD, f"The hub has no method {target[:64]!r}. It has: {known}.")
    try:
        arguments = json.loads(raw, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        _check(arguments)
        if not isinstance(arguments, list) or len(arguments) != 1:
            raise ValueError("expected an array of one object")
        command = msgspec.convert(arguments[0], kind)
    except Refusal:
        raise
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        # The reason names fields and types, and never repeats what was sent.
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
            reason = "not JSON"
        if reason.endswith("at `$.room`"):
            raise Refusal(Code.INVALID, f"There is no room of that name. A room's name has {ROOM_NAMES}.") from None
        raise Refusal(Code.INVALID, f"The arguments of {target!r} were not understood: {reason}.") from None
    return _normalised(command)


def _normalised(command: Command) -> Command:
    if isinstance(command, React):
        return _with_emoji(command)
    if isinstance(command, Search):
        # As posts are written, or a word would not be found whose accent a keyboard sends apart.
        return msgspec.structs.replace(command, text=visible(command.text))
    if isinstance(command, SetPolicy) and isinstance(command.prompt, str):
        return msgspec.structs.replace(command, prompt=visible(command.prompt).strip())
    if not isinstance(command, (Post, Edit)):
        return command
    text = visible(command.text)
    if not text.strip() and not (isinstance(command, Post) and command.attachments):
        raise Refusal(Code.INVALID, "The message is empty. Write something and send it again.")
    if not fits_text(text):
        raise Refusal(
            Code.TOO_LONG,
            f"The message has {len(text.encode())} bytes, and a room takes {MAX_TEXT} at once. Send it in parts.",
        )
    return msgspec.structs.replace(command, text=text)


def _with_emoji(command: React) -> React:
    found = emoji(command.emoji)
    if found is None:
        raise Refusal(Code.INVALID, "A reaction is one emoji, and this is none that is known here. Choose another.")
    return msgspec.structs.replace(command, emoji=found)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field stands twice")
    return fields


def _refuse_constant(_name: str) -> float:
    raise ValueError("a number is not finite")


def _check(value: object) -> None:
    """Refuse what JSON can say and the wire may not carry."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text holds a NUL character")
        if not _is_unicode(value):
            raise ValueError("a text holds half of a surrogate pair")
    elif isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number is not finite")
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValueError("an integer is beyond 2^53")
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key)
            _check(item)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
