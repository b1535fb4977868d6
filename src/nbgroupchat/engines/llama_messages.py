"""What the engine and its worker say to each other: one JSON object a line, over the worker's standard pipes.

Knows nothing of llama.cpp or of processes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from nbgroupchat.engines.base import FinishReason, Sampling
from nbgroupchat.prompt import Segment


class Load(Struct, frozen=True, tag="load"):
    """The first request: load this model. With `threads` 0 the worker takes as many as it finds cores free."""

    path: str
    context_tokens: int
    threads: int
    sequences: int = 4
    parked_bytes: int = 0
    read_ahead_share: float = 1.0
    nice: int = 0


class Generate(Struct, frozen=True, tag="generate"):
    """Write the reply to a prompt. Ids of turns grow."""

    turn: int
    room: str
    segments: tuple[Segment, ...]
    sampling: Sampling


class Listen(Struct, frozen=True, tag="listen"):
    """Read this ahead while nobody waits for reading; a later one for the room takes its place."""

    room: str
    segments: tuple[Segment, ...]


class Forget(Struct, frozen=True, tag="forget"):
    """Keep nothing of a room in memory that these segments do not begin with: something was redacted."""

    room: str
    segments: tuple[Segment, ...]


class Stop(Struct, frozen=True, tag="stop"):
    """End a turn."""

    turn: int


class Rebuild(Struct, frozen=True, tag="rebuild"):
    """Compose again the ids of a prompt that left out `dropped` segments, with the ids of the replies it spelled so.

    Answered by `Rebuilt` with the same id.
    """

    turn: int
    segments: tuple[Segment, ...]
    replies: dict[str, tuple[int, ...]]
    dropped: int
    max_tokens: int


class Loading(Struct, frozen=True, tag="loading"):
    """How far the load is, from 0 to 1."""

    progress: float


class Ready(Struct, frozen=True, tag="ready"):
    """The model is loaded, with that many sequences of that many tokens; sizes are in bytes."""

    model: str
    path: str
    context_tokens: int
    sequences: int
    weights: int
    cache: int


class Hashed(Struct, frozen=True, tag="hashed"):
    """The SHA-256 of the model's file, in hexadecimal; it takes a while and comes after Ready."""

    sha256: str


class Failed(Struct, frozen=True, tag="failed"):
    """The model cannot be loaded, or (with its id) a turn cannot be answered; the message says what to do."""

    message: str
    turn: int = 0


class Alive(Struct, frozen=True, tag="alive"):
    """Still at work on a turn, with nothing to show yet."""

    turn: int


class Began(Struct, frozen=True, kw_only=True, tag="began"):
    """A turn has a sequence and is read; the fields are those of `Reading`."""

    turn: int
    prompt: int = 0
    evaluated: int = 0
    cached: int = 0
    dropped: int = 0
    replies: tuple[str, ...] = ()
    seed: int = 0


class Written(Struct, frozen=True, tag="written"):
    """A piece of a turn's reply."""

    turn: int
    text: str
    ids: tuple[int, ...]


class Finished(Began, frozen=True, kw_only=True, tag="finished"):
    """The end of a turn; the fields are those of `Finish`."""

    reason: FinishReason | Literal["stopped"]
    written: int = 0


class Rebuilt(Struct, frozen=True, tag="rebuilt"):
    """The ids of a prompt."""

    turn: int
    ids: list[int]


Request: TypeAlias = Load | Generate | Listen | Forget | Stop | Rebuild
Report: TypeAlias = Loading | Ready | Hashed | Failed | Alive | Began | Written | Finished | Rebuilt

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def encode(message: Request | Report) -> bytes:
    """One line: JSON has no bare newline in it."""
    return _encoder.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """What the engine said. Raises msgspec.DecodeError."""
    return _requests.decode(line)


def decode_report(line: bytes) -> Report:
    """What the worker said. Raises msgspec.DecodeError."""
    return _reports.decode(line)
