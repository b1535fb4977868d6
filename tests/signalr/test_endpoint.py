from __future__ import annotations

import pytest

from nbgroupchat.signalr import Connection, Endpoint, Refused
from nbgroupchat.signalr.endpoint import UNUSED_PER_USER, Ticket

from .fakes import HANDSHAKE, FakeApplication, FakeClock, FakeTransport


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def endpoint(clock: FakeClock) -> Endpoint:
    return Endpoint(FakeApplication(), max_connections=100, clock=clock)


def status(endpoint: Endpoint, token: str | None, user_key: str) -> int:
    with pytest.raises(Refused) as refused:
        endpoint.claim(token, user_key)
    return refused.value.status


def status_of_find(endpoint: Endpoint, token: str, user_key: str) -> int:
    with pytest.raises(Refused) as refused:
        endpoint.find(token, user_key)
    return refused.value.status


def test_a_token_is_secret_long_and_not_the_id(endpoint: Endpoint) -> None:
    """Ids and tokens are random and different."""
    tickets = [endpoint.negotiate("ana") for _ in range(10)]
    texts = {ticket.id for ticket in tickets} | {ticket.token for ticket in tickets}
    assert len(texts) == 20
    assert min(len(ticket.token) for ticket in tickets) >= 40


def test_a_token_serves_one_connection(endpoint: Endpoint) -> None:
    """A token in use is 409, one that was used is 404."""
    ticket = endpoint.negotiate("ana")
    assert endpoint.claim(ticket.token, "ana") is ticket
    assert status(endpoint, ticket.token, "ana") == 409
    endpoint.release(ticket)
    assert status(endpoint, ticket.token, "ana") == 404


async def test_a_connection_is_found_by_its_token(endpoint: Endpoint) -> None:
    """The owner finds nothing yet, then 409 while it is opened, then the connection, and 404 at the end."""
    ticket = endpoint.negotiate("ana")
    assert endpoint.find(ticket.token, "ana") is None
    endpoint.claim(ticket.token, "ana")
    assert status_of_find(endpoint, ticket.token, "ana") == 409
    connection = endpoint.connect(ticket, FakeTransport(), "ana")
    assert endpoint.find(ticket.token, "ana") is connection
    assert status_of_find(endpoint, ticket.token, "ben") == 404
    endpoint.disconnect(connection)
    assert endpoint.find(ticket.token, "ana") is connection
    endpoint.release(ticket)
    assert status_of_find(endpoint, ticket.token, "ana") == 404


def test_a_token_of_someone_else_is_unknown(endpoint: Endpoint) -> None:
    """Before, during and after its use, another user's token is 404, and that does not use it up."""
    ticket = endpoint.negotiate("ana")
    assert status(endpoint, ticket.token, "ben") == 404
    assert status(endpoint, ticket.id, "ana") == 404
    endpoint.claim(ticket.token, "ana")
    assert status(endpoint, ticket.token, "ben") == 404


def test_a_token_expires(endpoint: Endpoint, clock: FakeClock) -> None:
    """Unused for 30 s, a token is 404 and takes no room."""
    ticket = endpoint.negotiate("ana")
    clock.advance(29)
    young = endpoint.negotiate("ana")
    clock.advance(1)
    assert status(endpoint, ticket.token, "ana") == 404
    assert endpoint.claim(young.token, "ana") is young


def test_without_a_token_a_connection_is_new(endpoint: Endpoint) -> None:
    """Each claim without a token is a connection of its own."""
    assert endpoint.claim(None, "ana").id != endpoint.claim(None, "ana").id


def test_connections_are_bounded(endpoint: Endpoint) -> None:
    """At the limit both doors answer 503, and a released ticket makes room."""
    tickets = [endpoint.claim(None, "ana") for _ in range(100)]
    assert status(endpoint, None, "ben") == 503
    with pytest.raises(Refused, match="100 connections"):
        endpoint.negotiate("ben")
    endpoint.release(tickets[0])
    assert isinstance(endpoint.negotiate("ben"), Ticket)


def test_one_user_cannot_use_up_the_tokens(endpoint: Endpoint) -> None:
    """Beyond a bound, a user's oldest unused token gives way to the new one; others still find room."""
    mine = [endpoint.negotiate("ana") for _ in range(1000)]
    assert isinstance(endpoint.negotiate("ben"), Ticket)
    assert status(endpoint, mine[-UNUSED_PER_USER - 1].token, "ana") == 404
    assert endpoint.claim(mine[-UNUSED_PER_USER].token, "ana") is mine[-UNUSED_PER_USER]


async def test_a_negotiated_token_keeps_its_place_when_it_is_full(endpoint: Endpoint) -> None:
    """Whoever negotiated is not turned away at the door by those who came later."""
    ticket = endpoint.negotiate("ana")
    for _ in range(99):
        endpoint.claim(None, "ben")
    assert endpoint.claim(ticket.token, "ana") is ticket


async def test_closing_all_tells_everyone_to_come_back(endpoint: Endpoint) -> None:
    """Each open connection gets a Close that allows reconnecting; gone ones are not bothered."""
    transports = [FakeTransport() for _ in range(3)]
    connections: list[Connection] = []
    for transport in transports:
        connections.append(endpoint.connect(endpoint.claim(None, "ana"), transport, "ana"))
        await connections[-1].receive(HANDSHAKE)
    endpoint.disconnect(connections[0])
    endpoint.disconnect(connections[0])
    assert endpoint.connections == set(connections[1:])
    endpoint.close_all()
    assert transports[0].sent == [{}]
    assert transports[1].sent[1] == {"type": 7, "error": "the server is shutting down", "allowReconnect": True}
    assert [len(transport.closed) for transport in transports] == [0, 1, 1]
    assert all(connection.closed for connection in connections)


def test_one_user_cannot_take_all_connections(clock: FakeClock) -> None:
    """At a user's own limit both doors and the negotiated token answer 503; others come in, and leaving makes room."""
    endpoint = Endpoint(FakeApplication(), clock=clock, max_per_user=3)
    token = endpoint.negotiate("ana").token
    tickets = [endpoint.claim(None, "ana") for _ in range(3)]
    assert (status(endpoint, None, "ana"), status(endpoint, token, "ana")) == (503, 503)
    with pytest.raises(Refused, match="this user has 3 connections"):
        endpoint.negotiate("ana")
    assert isinstance(endpoint.claim(None, "ben"), Ticket)
    endpoint.release(tickets[0])
    assert endpoint.claim(token, "ana").token == token
