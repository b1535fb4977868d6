from __future__ import annotations

import asyncio

import pytest

from nbgroupchat.signalr import Connection, Reply

from .fakes import HANDSHAKE, FakeApplication, FakeClock, FakeTransport


@pytest.fixture
async def connection() -> Connection:
    connection = Connection(FakeTransport(), FakeApplication(), "ana", clock=FakeClock())
    await connection.receive(HANDSHAKE)
    return connection


def transport_of(connection: Connection) -> FakeTransport:
    transport = connection.transport
    assert isinstance(transport, FakeTransport)
    transport.written.clear()
    return transport


async def test_a_reply_is_used_once(connection: Connection) -> None:
    """A second answer of either kind is a mistake of the caller and is not sent."""
    transport = transport_of(connection)
    reply = Reply(connection, "1")
    reply.result(b"1")
    with pytest.raises(RuntimeError, match="once"):
        reply.error("no")
    with pytest.raises(RuntimeError, match="once"):
        reply.result(b"2")
    assert transport.sent == [{"type": 3, "invocationId": "1", "result": 1}]


async def test_no_answer_is_sent_that_was_not_asked_for(connection: Connection) -> None:
    """Without an invocation id, results and errors go nowhere."""
    transport = transport_of(connection)
    Reply(connection, None).result(b"1")
    Reply(connection, None).error("no")
    await asyncio.sleep(0)
    assert transport.sent == []
