"""What is recorded with each reply: what the model read for it and how it was run, enough to read the same again.

A record names messages and holds none of their texts, but for the server's own words and the ids that the reply itself
was sampled as, so that a redaction takes nothing away that it does not find. Pure: knows nothing of stores or engines.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import msgspec
from msgspec import Struct

from nbgroupchat.attachment import beside
from nbgroupchat.prompt import Prompt, Role, Segment
from nbgroupchat.protocol import DurableEvent, Explanation, Read
from nbgroupchat.room import Message, Room
from nbgroupchat.window import said


class Seen(Struct, frozen=True, array_like=True):
    """One segment of a prompt: the message `id` and what its speaker was called, or the server's own `text`."""

    role: Role
    id: str = ""
    speaker: str = ""
    text: str = ""
    pinned: bool = False
    private: bool = False


class ReplyRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the model read for a reply, oldest first; counts are of tokens, `left_out` of messages.

    `sampled` are the ids that the reply was sampled as, all it says; empty where they are not known. `spelled` are
    those of the replies it read that were read as they had been sampled.
    """

    seen: tuple[Seen, ...]
    left_out: int
    spelled: tuple[str, ...] = ()
    sampled: tuple[int, ...] = ()
    prompt: int = 0
    evaluated: int = 0
    cached: int = 0
    written: int = 0
    model: str = ""
    sha256: str = ""
    context_tokens: int = 0
    max_tokens: int
    temperature: float
    seed: int

    @property
    def messages(self) -> frozenset[str]:
        """The ids of the messages it read."""
        return frozenset(seen.id for seen in self.seen if seen.id)


class CannotRebuild(Exception):
    """A prompt that cannot be composed again; the message says what is missing."""


PRIVATE: Final = "(What the instructors of this room told the model is not shown.)"

_log = logging.getLogger(__name__)

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(ReplyRecord)


def encode_record(record: ReplyRecord) -> bytes:
    """Give a record as it is kept."""
    return _encoder.encode(record)


def decode_record(raw: bytes) -> ReplyRecord:
    """Read a record. Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(raw)


def record_of(raw: bytes | None) -> ReplyRecord | None:
    """Read a record that may be forged or of another version: one that cannot be read counts as none."""
    if not raw:
        return None
    try:
        return decode_record(raw)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        _report_unreadable()
        return None


@cache
def _report_unreadable() -> None:
    # What was found is not repeated: it may be anything.
    _log.error(
        "What is recorded with a reply cannot be read, or is forged. It counts as not "
        "recorded, and so do others like it, which are not reported."
    )


def seen_in(segments: Sequence[Segment], speakers: Mapping[str, str]) -> tuple[Seen, ...]:
    """Write down the segments of a prompt; `speakers` are what the authors of posts are called in it, by message."""
    return tuple(
        Seen(
            segment.role,
            segment.key,
            speakers.get(segment.key, "") if segment.role == "user" else "",
            "" if segment.key else segment.text,
            segment.pinned,
            segment.private,
        )
        for segment in segments
    )


def prompt_of(record: ReplyRecord, context: int, entries: Sequence[DurableEvent]) -> Prompt:
    """Compose a recorded prompt again from the entries about its messages, as they stood at entry `context`.

    Raises CannotRebuild where one of them is gone or was redacted.
    """
    messages = _fold(entries, context)
    now = _fold(entries, None)
    segments = []
    for seen in record.seen:
        if not seen.id:
            segments.append(Segment(seen.role, seen.text, pinned=seen.pinned, private=seen.private))
            continue
        if seen.id not in messages or now[seen.id].redacted:
            raise CannotRebuild(f"The message {seen.id} that the model read is gone: it was redacted or trimmed since.")
        text = beside(messages[seen.id].text, messages[seen.id].attachments)
        told = said(seen.speaker, text) if seen.role == "user" else text
        segments.append(Segment(seen.role, told, seen.id, pinned=seen.pinned))
    return Prompt(tuple(segments))


def explanation(
    message: Message, record: ReplyRecord, entries: Sequence[DurableEvent], whole: bool = False
) -> Explanation:
    """Give what a member is told of a reply: `entries` are those about the messages it read.

    Instructors are told the `whole` of it, others not what instructors told the model.
    """
    now = _fold(entries, None)
    return Explanation(
        id=message.id,
        to=message.to or "",
        context=message.context or 0,
        read=tuple(
            Read(seen.id, seen.speaker, seen.text if whole or not seen.private else PRIVATE) for seen in record.seen
        ),
        left_out=record.left_out,
        redacted=tuple(seen.id for seen in record.seen if seen.id and (seen.id not in now or now[seen.id].redacted)),
        prompt=record.prompt,
        evaluated=record.evaluated,
        cached=record.cached,
        written=record.written,
        model=record.model,
        sha256=record.sha256,
        max_tokens=record.max_tokens,
        temperature=record.temperature,
        seed=record.seed,
    )


def _fold(entries: Sequence[DurableEvent], until: int | None) -> dict[str, Message]:
    room = Room()
    for entry in entries:
        if until is None or entry.seq <= until:
            room.fold(entry)
    return room.messages
