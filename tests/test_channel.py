from __future__ import annotations

from collections.abc import Callable

from nbgroupchat import protocol
from nbgroupchat.channel import CROWD, CROWD_SECONDS, Channel, Client
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Join, Presence, Status


class Reader:
    """Somebody in a room, and how many members it was told of, each time."""

    def __init__(self, channel: Channel, name: str) -> None:
        self.told: list[int] = []
        self.client = Client(Identity(name, name), Outbox(self._write, lambda: None))
        channel.join(self.client, Join(room="lobby", wire=protocol.WIRE), protocol.RoomPolicy("@llama"), Status("off"))

    def _write(self, frame: bytes) -> bool:
        self.told += [len(event.members) for event in protocol.decode_events(frame)[1] if isinstance(event, Presence)]
        return True


def test_in_a_crowd_many_changes_of_who_is_here_are_told_at_once() -> None:
    """Up to CROWD readers each change is told when it happens; of those above it all hear together, a little later."""
    waiting: list[tuple[float, Callable[[], None]]] = []
    channel = Channel("lobby", bytes, lambda seconds, call: waiting.append((seconds, call)))
    channel.key = b"k" * 32
    readers = [Reader(channel, f"student{number}") for number in range(CROWD)]
    first = readers[0]
    assert first.told == list(range(1, CROWD + 1))
    readers += [Reader(channel, f"late{number}") for number in range(10)]
    assert first.told[-1] == CROWD
    [(seconds, call)] = waiting
    assert seconds == CROWD_SECONDS
    call()
    assert {tuple(reader.told[-1:]) for reader in readers} == {(CROWD + 10,)}
    channel.leave(readers.pop().client)
    assert len(waiting) == 2
    waiting[1][1]()
    assert first.told[-2:] == [CROWD + 10, CROWD + 9]


def test_whoever_leaves_a_crowd_for_a_few_is_told_at_once_and_once_more() -> None:
    """A change that waits when the crowd has gone is told as things stand then, also in an empty room."""
    waiting: list[Callable[[], None]] = []
    channel = Channel("lobby", bytes, lambda _seconds, call: waiting.append(call))
    channel.key = b"k" * 32
    readers = [Reader(channel, f"student{number}") for number in range(CROWD + 1)]
    for reader in readers[1:]:
        channel.leave(reader.client)
    assert readers[0].told[-1] == 1
    waiting[0]()
    assert readers[0].told[-2:] == [1, 1]
    channel.leave(readers[0].client)
    for call in waiting:
        call()
    assert readers[0].told[-2:] == [1, 1]
