"""Specification of the outbox: in order, merged for the slow, bounded for the stalled."""

from __future__ import annotations

from nbgroupchat.log import Gap
from nbgroupchat.outbox import Outbox


class FakeRoom:
    """A log of numbers and one reply of pieces."""

    def __init__(self) -> None:
        self.seq = 0
        self.oldest = 0
        self.pieces = 0

    def entries_after(self, seq: int) -> tuple[bytes, int] | None:
        if seq < self.oldest:
            raise Gap("gone")
        return None if seq == self.seq else (b"entries %d-%d" % (seq + 1, self.seq), self.seq)

    def pieces_after(self, reply: str, pieces: int) -> tuple[bytes, int] | None:
        return None if pieces == self.pieces else (b"%s %d-%d" % (reply.encode(), pieces, self.pieces), self.pieces)

    def live(self, seq: int) -> bytes:
        return b"live %d" % seq


class FakeReader:
    """A transport that takes `room` frames before it says that it is behind."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.room = 1_000
        self.lost = 0
        self.outbox = Outbox(self.write, self.lose)

    def write(self, frame: bytes) -> bool:
        self.frames.append(frame)
        self.room -= 1
        return self.room > 0

    def lose(self) -> None:
        self.lost += 1

    def take(self) -> list[bytes]:
        frames, self.frames = self.frames, []
        return frames


def test_a_join_is_entries_then_live_then_pieces_then_the_rest() -> None:
    """The order of what a joining client is told is fixed."""
    room, reader = FakeRoom(), FakeReader()
    room.seq, room.pieces = 5, 3
    with reader.outbox.corked():
        reader.outbox.follow(room, 2, 5, {"r": 1})
        reader.outbox.put_newest(room, "presence", b"presence")
        assert reader.frames == []
    assert reader.take() == [b"entries 3-5", b"live 5", b"r 1-3", b"presence"]


def test_a_reader_that_keeps_up_gets_each_event() -> None:
    """What happens is sent at once."""
    room, reader = FakeRoom(), FakeReader()
    reader.outbox.follow(room, 0, 0, {})
    assert reader.take() == [b"live 0"]
    for seq in (1, 2):
        room.seq = seq
        reader.outbox.wake(room)
    reader.outbox.follow_reply(room, "r")
    room.pieces = 1
    reader.outbox.wake(room)
    assert reader.take() == [b"entries 1-1", b"entries 2-2", b"r 0-1"]


def test_a_slow_reader_gets_fewer_and_larger_frames() -> None:
    """While a reader is behind nothing queues up; then it gets all it missed in one frame of each kind."""
    room, reader = FakeRoom(), FakeReader()
    reader.room = 1
    reader.outbox.follow(room, 0, 0, {"r": 0})
    assert reader.take() == [b"live 0"]
    for count in range(1, 101):
        room.seq = room.pieces = count
        reader.outbox.put_newest(room, "typing", b"typing %d" % count)
        reader.outbox.wake(room)
    assert reader.take() == []
    reader.room = 1_000
    reader.outbox.drained()
    assert reader.take() == [b"entries 1-100", b"r 0-100", b"typing 100"]


def test_a_closed_reply_sends_no_more_pieces() -> None:
    """The close carries the whole text, so the pieces a slow reader missed are not sent."""
    room, reader = FakeRoom(), FakeReader()
    reader.outbox.follow(room, 0, 0, {"r": 0})
    reader.take()
    with reader.outbox.corked():
        room.pieces = 5
        reader.outbox.wake(room)
        reader.outbox.drop_reply(room, "r")
        room.seq = 1
        reader.outbox.wake(room)
    assert reader.take() == [b"entries 1-1"]


def test_a_reader_too_far_behind_is_lost_once() -> None:
    """Where the entries a reader misses are no longer held, it is told to begin again, and gets nothing more."""
    room, reader = FakeRoom(), FakeReader()
    reader.room = 1
    reader.outbox.follow(room, 0, 0, {})
    room.seq, room.oldest = 500, 400
    reader.outbox.wake(room)
    reader.take()
    reader.outbox.drained()
    reader.outbox.wake(room)
    assert (reader.take(), reader.lost) == ([], 1)


def test_a_room_that_was_left_is_silent() -> None:
    """After leaving, nothing of a room is sent, and other rooms go on."""
    left, stayed, reader = FakeRoom(), FakeRoom(), FakeReader()
    reader.outbox.follow(left, 0, 0, {})
    reader.outbox.follow(stayed, 0, 0, {})
    reader.take()
    reader.outbox.leave(left)
    left.seq = stayed.seq = 1
    reader.outbox.wake(left)
    reader.outbox.put_newest(left, "presence", b"presence")
    reader.outbox.wake(stayed)
    assert reader.take() == [b"entries 1-1"]
