"""The messages of the SignalR hub protocol in its JSON encoding: bytes to values and back.

Specification: `src/SignalR/docs/specs/HubProtocol.md` in `dotnet/aspnetcore`. What it leaves open is decided here:
message types that are not known are skipped, so that later clients still connect; unknown fields of a known type are
refused, as the specification says.

This module knows nothing of connections, transports or clocks. Covered: whatever arrives, `parse` and the handshake
functions return values or raise `ProtocolError`, nothing else. Not covered: what the arguments mean, whether an object
in them has a key twice, and how long a payload may be (the transport's limit).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

SEPARATOR: Final = b"\x1e"
"""Ends every message; JSON cannot contain it, since control characters are escaped there."""

# "Callees may establish reasonable limits on Invocation ID lengths" (section Invocations); the other one is ours.
InvocationId: TypeAlias = Annotated[str, Meta(max_length=128)]
Target: TypeAlias = Annotated[str, Meta(max_length=256)]


class ProtocolError(Exception):
    """The peer broke the protocol; the text says how and may be shown to the peer."""


class _Message(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="type"):
    # Accepted everywhere and never read: the specification defines no header.
    headers: Raw = Raw()


class Invocation(_Message, frozen=True, tag=1):
    """Type 1: call `target`.

    `arguments` is the JSON text of the array. Without an `invocation_id` no answer may be sent.
    """

    target: Target
    arguments: Raw
    invocation_id: InvocationId | None = None
    stream_ids: list[InvocationId] | None = None


class StreamItem(_Message, frozen=True, tag=2):
    """Type 2: one piece of a stream."""

    invocation_id: InvocationId
    item: Raw


class Completion(_Message, frozen=True, tag=3):
    """Type 3: the answer to an invocation: a result, an error, or neither for a method that returns nothing.

    `result` is JSON text, and empty when there is none.
    """

    invocation_id: InvocationId
    result: Raw = Raw()
    error: str | None = None


class StreamInvocation(_Message, frozen=True, tag=4):
    """Type 4: call `target` for a stream of results."""

    target: Target
    arguments: Raw
    invocation_id: InvocationId
    stream_ids: list[InvocationId] | None = None


class CancelInvocation(_Message, frozen=True, tag=5):
    """Type 5: the caller no longer waits."""

    invocation_id: InvocationId


class Ping(_Message, frozen=True, tag=6):
    """Type 6: the peer is there."""


class Close(_Message, frozen=True, tag=7):
    """Type 7: the end, with a reason when it is an error, and whether connecting again makes sense."""

    error: str | None = None
    allow_reconnect: bool = False


Message: TypeAlias = Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close


class Handshake(Struct, frozen=True):
    """What a client asks for first."""

    protocol: str
    version: int


class HandshakeAnswer(Struct, frozen=True):
    """What the server says to it; None means yes."""

    error: str | None = None


class _Kind(Struct):
    type: int


_TYPES: Final[dict[int, type[Message]]] = {
    1: Invocation,
    2: StreamItem,
    3: Completion,
    4: StreamInvocation,
    5: CancelInvocation,
    6: Ping,
    7: Close,
}

_T = TypeVar("_T")
_kind: Final = msgspec.json.Decoder(_Kind)
_decoders: Final = {number: msgspec.json.Decoder(kind) for number, kind in _TYPES.items()}
_handshake: Final = msgspec.json.Decoder(Handshake)
_handshake_answer: Final = msgspec.json.Decoder(HandshakeAnswer)


def parse(payload: str | bytes) -> list[Message]:
    """Return the messages of one frame, without those of unknown types; all or `ProtocolError`."""
    data = _utf8(payload)
    if not data.endswith(SEPARATOR):
        raise ProtocolError("the payload does not end with the record separator 0x1E")
    messages = (_parse_one(part) for part in data[:-1].split(SEPARATOR))
    return [message for message in messages if message is not None]


def parse_handshake(payload: str | bytes) -> tuple[Handshake, bytes]:
    """Return the client's handshake and the rest of its first payload, which may hold invocations already."""
    return _first(payload, _handshake)


def parse_handshake_answer(payload: str | bytes) -> tuple[HandshakeAnswer, bytes]:
    """Return the server's answer to the handshake and the rest of that payload."""
    return _first(payload, _handshake_answer)


def _parse_one(part: bytes) -> Message | None:
    number = _decode(_kind, part).type
    decoder = _decoders.get(number)
    if decoder is None:
        return None
    message: Message = _decode(decoder, part)
    if isinstance(message, Invocation | StreamInvocation) and not bytes(message.arguments).startswith(b"["):
        raise ProtocolError("`arguments` is not an array")
    if isinstance(message, Completion) and bytes(message.result) and message.error is not None:
        raise ProtocolError("a completion has both `result` and `error`")
    return message


def _first(payload: str | bytes, decoder: msgspec.json.Decoder[_T]) -> tuple[_T, bytes]:
    head, separator, rest = _utf8(payload).partition(SEPARATOR)
    if not separator:
        raise ProtocolError("the handshake does not end with the record separator 0x1E")
    return _decode(decoder, head), rest


def _utf8(payload: str | bytes) -> bytes:
    try:
        if isinstance(payload, str):
            return payload.encode()
        payload.decode()
    except UnicodeError as problem:
        raise ProtocolError("the payload is not valid UTF-8") from problem
    return payload


def _decode(decoder: msgspec.json.Decoder[_T], part: bytes) -> _T:
    try:
        return decoder.decode(part)
    except msgspec.ValidationError as problem:
        raise ProtocolError(f"a message does not fit the protocol: {problem}") from problem
    except RecursionError as problem:
        raise ProtocolError("a message is nested too deeply") from problem
    except (msgspec.DecodeError, ValueError) as problem:
        raise ProtocolError(f"a message is not JSON: {problem}") from problem


PING: Final = b'{"type":6}' + SEPARATOR


def encode_handshake() -> bytes:
    """Return a client's request for this protocol."""
    return b'{"protocol":"json","version":1}' + SEPARATOR


def encode_handshake_answer(error: str | None = None) -> bytes:
    """Return the server's yes, or its no with the reason."""
    return _encode({} if error is None else {"error": error})


def encode_invocation(target: str, arguments: bytes, invocation_id: str | None = None) -> bytes:
    """Return a call of `target`; `arguments` is the JSON text of an array, so that it can be encoded once for many."""
    head = b'{"type":1,"target":' + msgspec.json.encode(target) + b',"arguments":' + arguments
    if invocation_id is not None:
        head += b',"invocationId":' + msgspec.json.encode(invocation_id)
    return head + b"}" + SEPARATOR


def encode_completion(invocation_id: str, result: bytes | None = None) -> bytes:
    """Return the answer to an invocation; `result` is JSON text, or None for a method that returns nothing."""
    head = b'{"type":3,"invocationId":' + msgspec.json.encode(invocation_id)
    if result is not None:
        head += b',"result":' + result
    return head + b"}" + SEPARATOR


def encode_error(invocation_id: str, message: str) -> bytes:
    """Return the answer to an invocation that failed."""
    return _encode({"type": 3, "invocationId": invocation_id, "error": message})


def encode_close(error: str | None = None, allow_reconnect: bool = False) -> bytes:
    """Return the last message of a connection."""
    close: dict[str, Any] = {"type": 7}
    if error is not None:
        close["error"] = error
    if allow_reconnect:
        close["allowReconnect"] = True
    return _encode(close)


def _encode(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + SEPARATOR
