from __future__ import annotations

import asyncio

from nbgroupchat.signalr import Connection
from nbgroupchat.signalr.longpolling import LongPolling

from .conftest import MakeHub, OpenExchange
from .fakes import FakeClock, Hub, decoded, frame, until


def is_polled(connection: Connection) -> bool:
    assert isinstance(connection.transport, LongPolling)
    return connection.transport._taking is not None


async def test_the_first_poll_is_answered_at_once_and_empty(hub: Hub, open_exchange: OpenExchange) -> None:
    """The first one is 200 without a body and opens the connection; a later one waits."""
    ticket = hub.endpoint.negotiate("ana")
    ana = await open_exchange(hub, "LongPolling", token=ticket.token, handshake=False)
    assert ana.polls[0] == 200
    assert ana.heard.empty()
    [connection] = hub.endpoint.connections
    assert connection.id == ticket.id
    await until(lambda: is_polled(connection))


async def test_a_newer_poll_ends_the_older_with_204(hub: Hub, open_exchange: OpenExchange) -> None:
    """The older is answered 204 without data, and what is said next is in the newer."""
    ana = await open_exchange(hub, "LongPolling")
    [connection] = hub.endpoint.connections
    await until(lambda: is_polled(connection))
    newer = asyncio.create_task(ana.request())
    assert await ana.next() is None
    assert ana.polls[-1] == 204
    connection.send(frame(type=1, target="event", arguments=[]).encode())
    answer = await newer
    assert answer.code == 200
    assert decoded(answer.body) == [{"type": 1, "target": "event", "arguments": []}]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_wait_is_ended_by_a_ping(make_hub: MakeHub, open_exchange: OpenExchange) -> None:
    """After 15 s of silence a poll is answered with a ping, so no request lasts as long as a proxy's limit."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    ana = await open_exchange(hub, "LongPolling")
    [connection] = hub.endpoint.connections
    for count in range(1, 20):
        await until(lambda: is_polled(connection))
        polls = len(ana.polls)
        clock.advance(15)
        await until(lambda polls=polls: len(ana.polls) > polls)  # type: ignore[misc]
        assert ana.heard.get_nowait() == {"type": 6}
        assert count < len(ana.polls)
    assert not connection.closed


async def test_a_client_that_does_not_come_back_is_gone(make_hub: MakeHub, open_exchange: OpenExchange) -> None:
    """30 s after its last poll the session hears the end, and soon the token is worth nothing."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    ana = await open_exchange(hub, "LongPolling")
    [connection] = hub.endpoint.connections
    await until(lambda: is_polled(connection))
    clock.advance(10)
    await ana.cut()
    await until(lambda: not is_polled(connection))
    clock.advance(29)
    assert not connection.closed
    clock.advance(2)
    assert connection.closed
    assert hub.application.sessions[0].closed_count == 1
    clock.advance(5)
    assert not hub.endpoint._used


async def test_a_handshake_that_does_not_come_ends_it(make_hub: MakeHub, open_exchange: OpenExchange) -> None:
    """A client that polls and says nothing is told so after 15 s, and then 204."""
    clock = FakeClock()
    hub = make_hub(clock=clock)
    ana = await open_exchange(hub, "LongPolling", handshake=False)
    clock.advance(15)
    [answer] = await ana.rest()
    assert "handshake" in answer["error"]
    assert ana.polls[-1] == 204
    assert not hub.endpoint._used


async def test_deleting_ends_the_connection(hub: Hub, open_exchange: OpenExchange) -> None:
    """DELETE is 202, the waiting poll 204, the session hears the end, and everything after that is 404."""
    ana = await open_exchange(hub, "LongPolling")
    [session] = hub.application.sessions
    assert (await ana.request("DELETE")).code == 202
    assert await ana.next() is None
    assert ana.polls[-1] == 204
    assert session.closed_count == 1
    for method in ("GET", "POST", "DELETE"):
        assert (await ana.request(method, body="" if method == "POST" else None)).code == 404
    assert hub.endpoint.connections == frozenset()


async def test_the_last_words_are_in_the_last_poll(hub: Hub, open_exchange: OpenExchange) -> None:
    """A Close message is answered to one poll, the next is 204, and then the connection is unknown."""
    ana = await open_exchange(hub, "LongPolling")
    hub.endpoint.close_all()
    assert await ana.rest() == [{"type": 7, "error": "the server is shutting down", "allowReconnect": True}]
    assert ana.polls[-2:] == [200, 204]
    assert (await ana.request()).code == 404


async def test_what_is_said_between_polls_is_in_the_next(hub: Hub, open_exchange: OpenExchange) -> None:
    """Messages wait for a client that is on its way, and come together and in order."""
    ticket = hub.endpoint.negotiate("ana")
    ana = await open_exchange(hub, "LongPolling", token=ticket.token)
    [connection] = hub.endpoint.connections
    for number in range(3):
        connection.send(frame(type=1, target="event", arguments=[number]).encode())
    heard = [await ana.next() for _ in range(3)]
    assert [message["arguments"] for message in heard] == [[0], [1], [2]]
