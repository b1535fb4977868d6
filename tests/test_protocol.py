"""Specification of the vocabulary and of what is refused at the edge."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from nbgroupchat import protocol
from nbgroupchat.decoding import decode_command
from nbgroupchat.errors import Code, Refusal
from tests.frames import load


def named(frames: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("frame", [pytest.param(frame, id=frame["name"]) for frame in frames])


@named(load("commands"))
def test_commands_are_decoded(frame: dict[str, Any]) -> None:
    """Every command of the golden frames is understood, with its defaults filled in."""
    command = decode_command(frame["target"], json.dumps(frame["arguments"]).encode())
    assert json.loads(protocol.encode(command)) == frame["command"]


@named(load("commands"))
def test_commands_survive_a_round_trip(frame: dict[str, Any]) -> None:
    """What the Python client sends is what the server decodes."""
    command = decode_command(frame["target"], json.dumps(frame["arguments"]).encode())
    assert decode_command(*protocol.encode_command(command)) == command


@named(load("refused"))
def test_what_does_not_fit_is_refused(frame: dict[str, Any]) -> None:
    """Frames that claim another author, break JSON or exceed a range get their documented code."""
    with pytest.raises(Refusal) as refusal:
        decode_command(frame["target"], frame["arguments"].encode())
    assert refusal.value.code == frame["code"]


@named(load("events"))
def test_events_are_encoded_as_written_down(frame: dict[str, Any]) -> None:
    """Every event reads and writes as the golden frames say."""
    room, events = protocol.decode_events(json.dumps(frame["arguments"]))
    assert json.loads(protocol.encode([room, events])) == frame["arguments"]


@named(load("answers"))
def test_answers_are_encoded_as_written_down(frame: dict[str, Any]) -> None:
    """Every answer reads and writes as the golden frames say."""
    answer = msgspec.convert(frame["result"], getattr(protocol, frame["type"]))
    assert json.loads(protocol.encode(answer)) == frame["result"]


def test_every_command_and_event_is_written_down() -> None:
    """The golden frames hold each command, event and answer at least once."""
    assert {frame["target"] for frame in load("commands")} == set(protocol.COMMANDS)
    events = {event["type"] for frame in load("events") for event in frame["arguments"][1]}
    kinds = {kind.__struct_config__.tag for kind in get_args(protocol.Event)}
    assert events == kinds
    assert {frame["type"] for frame in load("answers")} == {
        *("Joined", "PostAnswer", "CancelAnswer", "ChangeAnswer", "Explanation", "HistoryAnswer"),
        *("UploadAnswer", "DownloadAnswer", "RoomsAnswer", "SearchAnswer", "TurnAnswer"),
        *("PolicyAnswer", "WhoAnswer"),
    }


@pytest.mark.parametrize(
    "raw",
    [b"[" * 100_000, b'[{"room":"\xff\xfe"}]', b"\x00", b"[{}]", b"[1]", b'"', b'[{"room": "a"}] x', b"", b"null"],
)
def test_hostile_json_is_refused_and_nothing_else(raw: bytes) -> None:
    """Depth, invalid UTF-8 and other tricks end in a refusal, never in another exception."""
    with pytest.raises(Refusal) as refusal:
        decode_command("leave", raw)
    assert refusal.value.code is Code.INVALID


def test_a_text_is_measured_in_bytes() -> None:
    """16 KiB of UTF-8 are taken, one byte more is not, however many characters they are."""
    fits = "é" * (protocol.MAX_TEXT // 2)
    arguments = json.dumps([{"room": "lobby", "cid": "c", "text": fits}]).encode()
    assert decode_command("post", arguments) == protocol.Post(room="lobby", cid="c", text=fits)
    with pytest.raises(Refusal) as refusal:
        decode_command("post", json.dumps([{"room": "lobby", "cid": "c", "text": fits + "x"}]).encode())
    assert refusal.value.code is Code.TOO_LONG


def test_a_refusal_does_not_repeat_what_was_typed() -> None:
    """A refusal names fields and types; values do not come back in it, where they would reach logs."""
    with pytest.raises(Refusal) as refusal:
        decode_command("post", b'[{"room": "lobby", "cid": "c", "text": ["canary-7"]}]')
    assert "canary-7" not in refusal.value.message
    assert "text" in refusal.value.message
