from __future__ import annotations

import asyncio

import pytest

from nbgroupchat.signalr.websocket import HIGH_WATER, LOW_WATER, WebSocketTransport, encode_frame

from .conftest import Dial, MakeHub
from .fakes import FakeClock, Hub, frame, until


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
async def test_frames_of_every_length_arrive(hub: Hub, dial: Dial, size: int) -> None:
    """At and around the limits of the three length encodings, a client reads what was written."""
    socket = await dial(hub)
    [connection] = hub.endpoint.connections
    payload = b"x" * size
    assert connection.send(payload)
    assert await socket.raw.read_message() == payload.decode()


def test_a_frame_is_that_of_rfc_6455() -> None:
    """The example of RFC 6455 section 5.7: a single-frame unmasked text message."""
    assert encode_frame(b"Hello") == bytes([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])


async def test_a_reader_that_stops_reading_is_noticed_and_again_when_it_reads(hub: Hub, dial: Dial) -> None:
    """`send` returns False for a stalled reader, and `drained` is called once when it has read."""
    socket = await dial(hub)
    # Tornado's client takes one message from the socket and waits for it to be read: this reader has stopped.
    socket.send(frame(type=1, target="flood", arguments=[]))
    session = hub.application.sessions[0]
    await until(lambda: "end flood" in session.heard)
    [connection] = hub.endpoint.connections
    assert connection.send(frame(type=6).encode()) is False
    assert session.drained_count == 0
    reading = asyncio.create_task(socket.rest())
    await session.was_drained.wait()
    assert connection.send(frame(type=6).encode()) is True
    connection.close()
    messages = await reading
    assert messages[-1] == {"type": 7}
    assert messages[-2] == messages[-3] == {"type": 6}
    assert {message["target"] for message in messages[:-3]} == {"flood"}
    assert session.drained_count == 1


async def test_a_reader_has_caught_up_at_the_low_water_mark(
    hub: Hub, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`drained` waits until little is left, so that a slow reader does not cause a call for each frame."""
    socket = await dial(hub)
    [connection] = hub.endpoint.connections
    transport = connection.transport
    assert isinstance(transport, WebSocketTransport)
    left: asyncio.Queue[int] = asyncio.Queue()
    monkeypatch.setattr(hub.application.sessions[0], "drained", lambda: left.put_nowait(transport._backlog))
    while connection.send(b"x" * 30_000):
        pass
    assert transport._backlog > HIGH_WATER
    while left.empty():
        await socket.raw.read_message()
    assert await left.get() <= LOW_WATER


async def test_what_the_system_takes_in_part_arrives_whole_and_in_order(hub: Hub, dial: Dial) -> None:
    """Frames larger than a socket's buffer and small ones after them are read as they were written."""
    socket = await dial(hub)
    [connection] = hub.endpoint.connections
    transport = connection.transport
    assert isinstance(transport, WebSocketTransport)
    written: list[str] = []
    while not transport._backlog:
        for letter in "ab":
            written += [letter * 150_000, letter]
            connection.send(written[-2].encode())
            connection.send(written[-1].encode())
    # Something of the first frame that waits has gone already, or nothing would tell a part from a whole.
    assert transport._backlog % 150_000 != 0
    assert [await socket.raw.read_message() for _ in written] == written


def test_a_frame_for_many_is_made_once() -> None:
    """What all readers are sent is one object in memory."""
    payload = b"x" * 1_000
    assert encode_frame(payload) is encode_frame(payload)


async def test_a_stalled_reader_holds_nobody_else_up(hub: Hub, dial: Dial) -> None:
    """While one reader is stalled another is answered."""
    stalled, other = await dial(hub), await dial(hub)
    stalled.send(frame(type=1, target="flood", arguments=[]))
    session = hub.application.sessions[0]
    await until(lambda: "end flood" in session.heard)
    other.send(frame(type=1, target="echo", arguments=[1], invocationId="0"))
    assert await other.next() == {"type": 3, "invocationId": "0", "result": [1]}


async def test_a_socket_cut_during_an_invocation_is_noticed(hub: Hub, dial: Dial) -> None:
    """The session hears the end although nothing is being read from the socket."""
    socket = await dial(hub)
    socket.send(frame(type=1, target="hold", arguments=[], invocationId="0"))
    session = hub.application.sessions[0]
    await session.holding.wait()
    stream = socket.raw.protocol.stream  # type: ignore[union-attr]
    assert stream is not None
    stream.close()
    await session.was_closed.wait()
    assert session.closed_count == 1
    assert hub.endpoint.connections == frozenset()
    session.release.set()


async def test_a_write_after_the_end_is_quiet(hub: Hub, dial: Dial) -> None:
    """Writing to a socket whose client is gone returns False and raises nothing."""
    socket = await dial(hub)
    [connection] = hub.endpoint.connections
    stream = socket.raw.protocol.stream  # type: ignore[union-attr]
    assert stream is not None
    stream.close()
    await until(lambda: not connection.send(frame(type=6).encode()))
    await hub.application.sessions[0].was_closed.wait()
    assert connection.closed


async def test_a_socket_that_is_not_read_is_closed(make_hub: MakeHub, dial: Dial) -> None:
    """A client that reads nothing for 30 s, though it sends, is closed and told to come back when it reads again."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    socket = await dial(hub)
    socket.send(frame(type=1, target="flood", arguments=[]))
    session = hub.application.sessions[0]
    await until(lambda: "end flood" in session.heard)
    [connection] = hub.endpoint.connections
    for _ in range(5):
        clock.advance(5)
        connection.heard()
    assert not connection.closed
    clock.advance(5)
    assert connection.closed
    assert session.closed_count == 1
    messages = await socket.rest()
    assert messages[-1]["allowReconnect"] is True
