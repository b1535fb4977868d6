from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from nbgroupchat.signalr import messages
from nbgroupchat.signalr.messages import (
    CancelInvocation,
    Close,
    Completion,
    Handshake,
    HandshakeAnswer,
    Invocation,
    Ping,
    ProtocolError,
    StreamInvocation,
    StreamItem,
    parse,
    parse_handshake,
    parse_handshake_answer,
)

E = "\x1e"


def only(payload: str | bytes) -> messages.Message:
    [message] = parse(payload)
    return message


def test_the_specifications_invocation_is_read() -> None:
    """An invocation has its target, id and the JSON text of its arguments, spaces and all."""
    message = only('{"type": 1, "invocationId": "123", "target": "Send", "arguments": [ 42, "Test Message" ]}' + E)
    assert isinstance(message, Invocation)
    assert (message.target, message.invocation_id) == ("Send", "123")
    assert bytes(message.arguments) == b'[ 42, "Test Message" ]'


def test_a_non_blocking_invocation_has_no_id() -> None:
    """Without `invocationId`, or with null, there is none."""
    for more in ("", ',"invocationId":null'):
        message = only('{"type":1,"target":"Send","arguments":[]' + more + "}" + E)
        assert isinstance(message, Invocation)
        assert message.invocation_id is None


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"type":5,"invocationId":"123"}', CancelInvocation(invocation_id="123")),
        ('{"type":6}', Ping()),
        ('{"type":7}', Close()),
        ('{"type":7,"error":"x","allowReconnect":true}', Close(error="x", allow_reconnect=True)),
        ('{"type":3,"invocationId":"123"}', Completion(invocation_id="123")),
        ('{"type":3,"invocationId":"123","error":"no"}', Completion(invocation_id="123", error="no")),
    ],
)
def test_the_specifications_examples_are_read(payload: str, expected: messages.Message) -> None:
    """Each message type of the specification becomes its value."""
    assert only(payload + E) == expected


def test_results_items_and_streams_are_read() -> None:
    """What carries JSON of the application's keeps it as text."""
    completion, item, stream = parse(
        f'{{"type":3,"invocationId":"1","result":{{"a":[1]}}}}{E}{{"type":2,"invocationId":"1","item":42}}{E}'
        f'{{"type":4,"invocationId":"2","target":"s","arguments":[],"streamIds":["3"]}}{E}'
    )
    assert isinstance(completion, Completion)
    assert bytes(completion.result) == b'{"a":[1]}'
    assert isinstance(item, StreamItem)
    assert bytes(item.item) == b"42"
    assert isinstance(stream, StreamInvocation)
    assert stream.stream_ids == ["3"]


def test_headers_are_allowed_and_ignored() -> None:
    """Headers on any message change nothing of its meaning."""
    message = only('{"type":1,"headers":{"Foo":"Bar"},"target":"t","arguments":[],"invocationId":"1"}' + E)
    assert isinstance(message, Invocation)
    assert message.target == "t"
    assert isinstance(only('{"type":6,"headers":{}}' + E), Ping)


def test_several_messages_keep_their_order_and_unknown_types_are_skipped() -> None:
    """One frame holds many messages; types 8, 9 and later ones leave no trace, whatever their fields."""
    payload = E.join(['{"type":6}', '{"type":9,"sequenceId":1}', '{"type":77,"target":5}', '{"type":7}', ""])
    assert parse(payload) == [Ping(), Close()]
    assert parse(payload.encode()) == [Ping(), Close()]


DEEP = 200_000
INVOCATION = b'{"type":1,"target":"t","arguments":%s}\x1e'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x1e",
        b"\x1e\x1e",
        b'{"type":6}',
        b'{"type":6}\x1e{"type":6}',
        b'{"type":6}\x1e\x1e',
        b'{"type":6}\x1e\n',
        b"null\x1e",
        b"6\x1e",
        b"[6]\x1e",
        b'"x"\x1e',
        b"{}\x1e",
        b"{\x1e",
        b'{"type":6}}\x1e',
        b'{"type":6,}\x1e',
        b"{'type':6}\x1e",
        b'\xef\xbb\xbf{"type":6}\x1e',
        b'{"type":"6"}\x1e',
        b'{"type":6.0}\x1e',
        b'{"type":true}\x1e',
        b'{"type":null}\x1e',
        b'{"type":NaN}\x1e',
        b'{"type":6,"author":"ana"}\x1e',
        b'{"type":1}\x1e',
        b'{"type":1,"target":"t"}\x1e',
        b'{"type":1,"arguments":[]}\x1e',
        b'{"type":1,"target":1,"arguments":[]}\x1e',
        b'{"type":1,"target":null,"arguments":[]}\x1e',
        b'{"type":1,"target":"t","arguments":[],"invocationId":1}\x1e',
        b'{"type":1,"target":"t","arguments":[],"author":"ana"}\x1e',
        b'{"type":1,"target":"t","arguments":[],"streamIds":"1"}\x1e',
        b'{"type":1,"target":"\\ud800","arguments":[]}\x1e',
        b'{"type":1,"target":"t","arguments":[],"invocationId":"' + b"9" * 129 + b'"}\x1e',
        b'{"type":1,"target":"' + b"t" * 257 + b'","arguments":[]}\x1e',
        b'{"type":3}\x1e',
        b'{"type":3,"invocationId":"1","result":1,"error":"x"}\x1e',
        b'{"type":4,"target":"t","arguments":[]}\x1e',
        b'{"type":5}\x1e',
        b'{"type":7,"allowReconnect":"yes"}\x1e',
        INVOCATION % b"{}",
        INVOCATION % b"null",
        INVOCATION % b'"[]"',
        INVOCATION % b"[01]",
        INVOCATION % b"[NaN]",
        INVOCATION % b"[Infinity]",
        INVOCATION % b"[1",
        INVOCATION % b"[\x1e]",
        INVOCATION % b'["\x00"]',
        INVOCATION % b'["\xff"]',
        INVOCATION % b'["\xed\xa0\x80"]',
        INVOCATION % b'["\\ud800"]',
        INVOCATION % b'["\\x"]',
        INVOCATION % (b"[" * DEEP + b"]" * DEEP),
        INVOCATION % (b'[{"a":' * DEEP + b"1" + b"}]" * DEEP),
        b'{"type":99,"x":' + b"[" * DEEP + b"]" * DEEP + b"}\x1e",
        b'{"headers":' + b"[" * DEEP + b"\x1e",
        b'{"type":6}\x1e\xff\x1e',
    ],
)
def test_malformed_payloads_are_protocol_errors(payload: bytes) -> None:
    """Whatever is wrong, `ProtocolError` says so and nothing else is raised."""
    with pytest.raises(ProtocolError):
        parse(payload)


@pytest.mark.parametrize("text", ["\ud800" + E, '{"type":1,"target":"\udfff","arguments":[]}' + E])
def test_text_that_is_not_unicode_is_a_protocol_error(text: str) -> None:
    """Lone surrogates in a text frame are refused."""
    with pytest.raises(ProtocolError, match="UTF-8"):
        parse(text)


def test_every_cut_and_every_flipped_byte_is_a_value_or_a_protocol_error() -> None:
    """All prefixes and all single-byte changes of a payload either parse or raise `ProtocolError`."""
    payload = '{"type":1,"invocationId":"é","target":"t","arguments":["\\u00e9",1e3,{"a":null}]}\x1e'.encode()
    variants = [payload[:end] for end in range(len(payload))]
    for at in range(len(payload)):
        variants += [payload[:at] + bytes([byte]) + payload[at + 1 :] for byte in range(256)]
    refused = 0
    for variant in variants:
        try:
            parse(variant)
        except ProtocolError:
            refused += 1
    assert len(payload) < refused < len(variants)


def test_the_handshake_may_carry_messages_behind_it() -> None:
    """The first payload is split into the handshake and the rest; extra handshake fields do no harm."""
    handshake, rest = parse_handshake('{"protocol":"json","version":1,"x":0}' + E + '{"type":6}' + E)
    assert handshake == Handshake("json", 1)
    assert parse(rest) == [Ping()]
    assert parse_handshake(messages.encode_handshake()) == (Handshake("json", 1), b"")


@pytest.mark.parametrize("payload", ["", "{}", '{"protocol":"json"}' + E, '{"protocol":"json","version":1}', "[]" + E])
def test_broken_handshakes_are_protocol_errors(payload: str) -> None:
    """A handshake without its fields or its end is refused."""
    with pytest.raises(ProtocolError):
        parse_handshake(payload)


def test_the_answer_to_the_handshake_is_yes_or_a_reason() -> None:
    """`{}` is yes, `{"error": …}` is no."""
    assert messages.encode_handshake_answer() == b"{}\x1e"
    assert parse_handshake_answer(messages.encode_handshake_answer()) == (HandshakeAnswer(), b"")
    assert parse_handshake_answer(messages.encode_handshake_answer("no")) == (HandshakeAnswer("no"), b"")


def test_what_is_encoded_is_what_the_specification_shows() -> None:
    """Encoders give the specification's JSON and the separator."""
    assert messages.PING == b'{"type":6}\x1e'
    assert messages.encode_close() == b'{"type":7}\x1e'
    assert messages.encode_close("x", True) == b'{"type":7,"error":"x","allowReconnect":true}\x1e'
    assert messages.encode_completion("1") == b'{"type":3,"invocationId":"1"}\x1e'
    assert messages.encode_completion("1", b"[2]") == b'{"type":3,"invocationId":"1","result":[2]}\x1e'
    assert messages.encode_error("1", "no") == b'{"type":3,"invocationId":"1","error":"no"}\x1e'
    assert messages.encode_invocation("t", b"[1]") == b'{"type":1,"target":"t","arguments":[1]}\x1e'


def test_encoding_and_parsing_are_inverse_for_awkward_text() -> None:
    """Quotes, separators and characters outside the BMP survive in targets, ids and errors."""
    awkward = 'a"\\\x1e\n\u2028😀'
    assert only(messages.encode_error(awkward, awkward)) == Completion(invocation_id=awkward, error=awkward)
    arguments = msgspec.json.encode([awkward])
    message = only(messages.encode_invocation(awkward, arguments, awkward))
    assert isinstance(message, Invocation)
    assert (message.target, message.invocation_id, bytes(message.arguments)) == (awkward, awkward, arguments)
    assert isinstance(message.arguments, Raw)
