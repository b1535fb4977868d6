"""Specification of the fold, shared with the panel's TypeScript."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from nbgroupchat import protocol
from nbgroupchat.log import Gap
from nbgroupchat.protocol import Delta, Joined, Limits, Member, Position, RoomPolicy
from nbgroupchat.room import Draft, Room
from tests.frames import load


def started(base: int) -> Room:
    room = Room()
    position = Position("e1", base, "x")
    me = Member("m1", "Ana", "human")
    room.joined(Joined(me, RoomPolicy("@llama"), Limits(), position, base, "snapshot"))
    return room


def state_of(room: Room) -> dict[str, Any]:
    return {
        "seq": room.position.seq,
        "eid": room.position.eid,
        "live": room.live,
        "typing": sorted(room.typing),
        "pieces": {reply: draft.pieces for reply, draft in room.drafts.items()},
        "members": [member.id for member in room.members],
        "status": room.status.state,
        "waiting": room.waiting,
        "pinned": list(room.pinned),
        "policy": {
            name: json.loads(msgspec.json.encode(getattr(room.policy, name)))
            for name in ("agent", "slow_seconds", "hours", "locked", "anonymous")
        },
        "messages": json.loads(msgspec.json.encode(list(room.messages.values()))),
    }


@pytest.mark.parametrize("fold", [pytest.param(fold, id=fold["name"]) for fold in load("folds")])
def test_folds(fold: dict[str, Any]) -> None:
    """The golden folds end in the state that is written down, or in a gap."""
    room = started(fold["base"])
    _, events = protocol.decode_events(json.dumps(["lobby", fold["events"]]))
    if fold.get("gap"):
        *before, last = events
        for event in before:
            room.apply(event)
        with pytest.raises(Gap):
            room.apply(last)
        return
    for event in events:
        room.apply(event)
    assert state_of(room) == fold["state"]


def test_a_tail_continues_and_a_snapshot_starts_over() -> None:
    """After a tail everything durable is still there; after a snapshot nothing is."""
    room = started(0)
    room.apply(protocol.Posted(seq=1, eid="a", ts=1, by="m1", name="Ana", kind="human", text="hi"))
    answer = Joined(Member("m1", "Ana", "human"), RoomPolicy("@llama"), Limits(), Position("e1", 1, "a"), 1, "tail")
    room.joined(answer)
    assert list(room.messages) == ["a"]
    room.joined(msgspec.structs.replace(answer, mode="snapshot", base=0))
    assert (list(room.messages), room.position.seq) == ([], 0)


def test_a_draft_gives_what_a_reader_misses_in_one_slice() -> None:
    """A reader that is behind gets all it misses at once, cut only where pieces ended."""
    draft = Draft()
    draft.extend(Delta("r", 0, 2, "ab"))
    draft.extend(Delta("r", 2, 3, "c"))
    assert draft.since("r", 0) == Delta("r", 0, 3, "abc")
    assert draft.since("r", 2) == Delta("r", 2, 3, "c")
    assert draft.since("r", 3) is None
    assert not draft.knows(1)


def test_a_draft_refuses_pieces_out_of_order() -> None:
    """A hole or a repetition in what the agent writes is a gap."""
    draft = Draft()
    with pytest.raises(Gap):
        draft.extend(Delta("r", 1, 2, "b"))
