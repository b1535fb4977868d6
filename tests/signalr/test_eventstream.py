from __future__ import annotations

import asyncio
import socket as sockets

import pytest
from tornado.httpclient import AsyncHTTPClient

from nbgroupchat.signalr import Connection
from nbgroupchat.signalr.backlog import LINGER
from nbgroupchat.signalr.eventstream import EventStream, encode_event
from nbgroupchat.signalr.websocket import HIGH_WATER

from .conftest import MakeHub, OpenExchange
from .fakes import HANDSHAKE, FakeClock, Hub, frame, until


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (b"{}\x1e", b"data: {}\x1e\n\n"),
        (b'{"a":\n1}\x1e', b'data: {"a":\ndata: 1}\x1e\n\n'),
        (b"a\r\nb\rc\n", b"data: a\ndata: b\ndata: c\ndata: \n\n"),
        (b"data: x\n\nevent: y", b"data: data: x\ndata: \ndata: event: y\n\n"),
    ],
)
def test_an_event_has_a_data_line_for_each_line(payload: bytes, event: bytes) -> None:
    """Any line end splits a payload into several data lines, so that no payload can look like another event."""
    assert encode_event(payload) == event


async def test_a_result_of_several_lines_arrives(hub: Hub, open_exchange: OpenExchange) -> None:
    """JSON text with line ends between its parts is the same value at the other end."""
    ana = await open_exchange(hub, "ServerSentEvents")
    [connection] = hub.endpoint.connections
    connection.send(b'{"type":1,"target":"event",\n"arguments":[\r\n1]}\x1e')
    assert await ana.next() == {"type": 1, "target": "event", "arguments": [1]}


async def test_the_stream_asks_not_to_be_held_back(hub: Hub) -> None:
    """A comment comes at once, with headers that tell proxies neither to store, to change nor to collect."""
    ticket = hub.endpoint.negotiate("ana")
    received: asyncio.Queue[bytes] = asyncio.Queue()
    headers: list[str] = []
    reading = asyncio.ensure_future(
        AsyncHTTPClient().fetch(
            f"{hub.http}?id={ticket.token}",
            headers={"X-User": "ana", "Accept": "text/event-stream"},
            streaming_callback=received.put_nowait,
            header_callback=headers.append,
        )
    )
    assert await received.get() == b":\n\n"
    told = "".join(headers).lower()
    assert "content-type: text/event-stream\r\n" in told
    assert "cache-control: no-store, no-transform\r\n" in told
    assert "x-accel-buffering: no\r\n" in told
    hub.endpoint.close_all()
    await reading


async def test_the_end_of_the_stream_comes_after_the_last_words(hub: Hub, open_exchange: OpenExchange) -> None:
    """A closing server's Close message arrives, the response ends, and the token is worth nothing."""
    ana = await open_exchange(hub, "ServerSentEvents")
    hub.endpoint.close_all()
    assert await ana.rest() == [{"type": 7, "error": "the server is shutting down", "allowReconnect": True}]
    assert await ana.send(frame(type=6)) == 404
    assert not hub.endpoint._used


async def test_a_reader_that_goes_ends_the_connection(hub: Hub, open_exchange: OpenExchange) -> None:
    """When the client resets the stream, the session hears the end once and the token is given back."""
    ana = await open_exchange(hub, "ServerSentEvents")
    await ana.cut()
    [session] = hub.application.sessions
    await session.was_closed.wait()
    await until(lambda: not hub.endpoint._used)
    assert session.closed_count == 1
    assert hub.endpoint.connections == frozenset()


async def raw_stream(hub: Hub, raw: sockets.socket, token: str) -> None:
    """Open a stream over a socket of one's own, which nobody reads."""
    raw.setblocking(False)
    head = (f"GET /hub?id={token} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "X-User: ana", "Accept: text/event-stream")
    await asyncio.get_running_loop().sock_sendall(raw, "\r\n".join((*head, "", "")).encode())
    await until(lambda: bool(hub.endpoint.connections))


async def fill(connection: Connection) -> None:
    """Send until nothing is taken any more, neither by the stream nor by the operating system."""
    taken = True
    while taken:
        while connection.send(b"x" * 60_000):
            pass
        for _ in range(100):
            await asyncio.sleep(0)
        taken = connection.send(b"x")


async def test_a_stalled_reader_is_bounded_and_cut_off_at_the_end(make_hub: MakeHub) -> None:
    """`send` stops where a reader stalls; when the connection closes, it gets a while for the last words, no more."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    ticket = hub.endpoint.negotiate("ana")
    with sockets.create_connection(("127.0.0.1", hub.port)) as raw:
        await raw_stream(hub, raw, ticket.token)
        [connection] = hub.endpoint.connections
        await connection.receive(HANDSHAKE)
        await fill(connection)
        transport = connection.transport
        assert isinstance(transport, EventStream)
        assert HIGH_WATER < transport._size <= HIGH_WATER + 60_000 + 100
        connection.close("enough")
        assert hub.endpoint._used
        clock.advance(LINGER)
        assert not hub.endpoint._used
        # Nobody has read: only a cut lets the response end.
        await until(lambda: transport._request is None)


async def test_a_stalled_reader_that_goes_leaves_nothing_behind(hub: Hub) -> None:
    """A client that disconnects while a write waits for it ends the response, the connection and its token."""
    ticket = hub.endpoint.negotiate("ana")
    with sockets.create_connection(("127.0.0.1", hub.port)) as raw:
        await raw_stream(hub, raw, ticket.token)
        [connection] = hub.endpoint.connections
        await connection.receive(HANDSHAKE)
        await fill(connection)
    transport = connection.transport
    assert isinstance(transport, EventStream)
    await until(lambda: transport._request is None)
    assert hub.application.sessions[0].closed_count == 1
    assert not hub.endpoint._used


async def test_a_stream_that_is_not_read_is_closed(make_hub: MakeHub) -> None:
    """A client that reads nothing for 30 s, though it sends, loses its connection and a moment later its socket."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    ticket = hub.endpoint.negotiate("ana")
    with sockets.create_connection(("127.0.0.1", hub.port)) as raw:
        await raw_stream(hub, raw, ticket.token)
        [connection] = hub.endpoint.connections
        await connection.receive(HANDSHAKE)
        await fill(connection)
        for _ in range(5):
            clock.advance(5)
            await connection.receive(frame(type=6))
        assert not connection.closed
        clock.advance(5)
        assert connection.closed
        transport = connection.transport
        assert isinstance(transport, EventStream)
        clock.advance(LINGER)
        await until(lambda: transport._request is None)
        assert not hub.endpoint._used
