"""The well-kept clients of others against this server: `pysignalr` and `@microsoft/signalr` on Node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pysignalr.client import SignalRClient
from pysignalr.messages import CompletionMessage, Message

from nbgroupchat.signalr import Connection, Invocation, Reply
from nbgroupchat.signalr.eventstream import EventStream
from nbgroupchat.signalr.longpolling import LongPolling
from nbgroupchat.signalr.websocket import WebSocketTransport
from tests.node import SIGNALR, run_node

from .fakes import FakeSession, Hub, until

NODE_CLIENT = Path(__file__).with_name("node_client.mjs")


class Leaving(FakeSession):
    """A session that can be asked to end its connection, with or without an invitation to come back."""

    async def invoked(self, invocation: Invocation, reply: Reply) -> None:
        if invocation.target == "goodbye":
            self.connection.close("back soon", allow_reconnect=True)
        elif invocation.target == "farewell":
            self.connection.close("enough")
        else:
            await super().invoked(invocation, reply)


def leaving(hub: Hub) -> list[Leaving]:
    sessions: list[Leaving] = []

    def connected(connection: Connection, user: object) -> Leaving:
        sessions.append(Leaving(connection, user))
        return sessions[-1]

    hub.application.connected = connected  # type: ignore[method-assign]
    return sessions


@pytest.mark.parametrize(
    ("number", "transport"),
    [(0, WebSocketTransport), (1, WebSocketTransport), (2, EventStream), (4, LongPolling)],
    ids=["automatic choice", "WebSockets", "ServerSentEvents", "LongPolling"],
)
async def test_the_microsoft_client_works_over_this_server(hub: Hub, number: int, transport: type) -> None:
    """It negotiates, invokes, sends, hears events and errors, comes back when told to and stays away when not."""
    sessions = leaving(hub)
    seen = await run_node(NODE_CLIENT, hub.http, str(SIGNALR), str(number))
    assert seen["result"] == ["é😀", {"a": [1]}]
    assert seen["events"] == [["é😀", {"a": [1]}], [2], [3]]
    assert seen["nothing"] is None
    assert "internal error, incident" in seen["failure"]
    assert "swordfish" not in seen["failure"]
    assert "no such thing" in seen["refusal"]
    assert "streaming is not supported" in seen["stream"]
    assert [seen["id"], seen["secondId"]] == [session.connection.id for session in sessions]
    assert seen["again"] == [3]
    assert "enough" in seen["closed"]
    assert hub.endpoint.connections == frozenset()
    assert [type(session.connection.transport) for session in sessions] == [transport] * 2


async def test_pysignalr_works_over_this_server(hub: Hub) -> None:
    """It negotiates in version 0, invokes, gets its result and an error, and hears the server's events."""
    client = SignalRClient(hub.http, headers={"X-User": "ana"})
    opened = asyncio.Event()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    events: asyncio.Queue[Any] = asyncio.Queue()

    async def on_open() -> None:
        opened.set()

    client.on_open(on_open)
    client.on_error(answers.put)
    client.on("echoed", events.put)
    running = asyncio.create_task(client.run())
    await opened.wait()
    await client.send("echo", [{"é": 1}, {}], on_invocation=answers.put)
    answer = await answers.get()
    assert isinstance(answer, CompletionMessage)
    assert answer.result == [{"é": 1}, {}]
    assert await events.get() == [{"é": 1}, {}]
    await client.send("echo", [{}])
    assert await events.get() == [{}]
    await client.send("refuse", [], on_invocation=answers.put)
    answer = await answers.get()
    assert isinstance(answer, CompletionMessage)
    assert answer.error == "no such thing"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not hub.endpoint.connections)
    assert [session.user for session in hub.application.sessions] == ["ana"]
