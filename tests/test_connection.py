"""Specification of a Python program's connection: joins, stays, comes back where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from nbgroupchat import connection_file
from nbgroupchat.client import ChatRoom
from nbgroupchat.compose import Composition
from nbgroupchat.connection import Connection
from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import ChatError, Refusal
from nbgroupchat.policy import Identity
from nbgroupchat.settings import Settings
from nbgroupchat.signalr.handlers import SocketHandler

T = TypeVar("T")


class Socket(SocketHandler):
    """The hub's socket for a kernel that shows the right secret."""

    def signalr_user(self) -> object | None:
        right = self.request.headers.get("Authorization") == "nbgroupchat s3cret"
        return Identity("kernel", "analysis", "kernel") if right else None

    def signalr_user_key(self) -> str:
        return "kernel"

    def signalr_origin_optional(self) -> bool:
        return True


class Hub:
    """A hub with a scripted agent behind a real socket, on the test's loop."""

    def __init__(self) -> None:
        self.engine = ScriptEngine(["One two three."])
        self.composition = Composition(Settings(engine="script"), self.engine)
        self.http = HTTPServer(Application([("/kernel", Socket, {"endpoint": self.composition.endpoint})]))
        socket, self.port = bind_unused_port()
        self.http.add_socket(socket)

    def cut(self) -> None:
        """Cut every connection, as a proxy or a sleeping machine does."""
        self.composition.endpoint.close_all(allow_reconnect=True)

    async def close(self) -> None:
        await self.composition.close()
        self.http.stop()
        await self.http.close_all_connections()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    await hub.close()


@pytest.fixture
async def room(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChatRoom]:
    """A room joined over the socket, by calls that block in another thread."""
    point_to(monkeypatch, hub.port, "s3cret")
    connection = await blocking(Connection)
    joined = ChatRoom("lobby", connection)
    await blocking(lambda: connection.run(connection.join(joined)))
    yield joined
    await blocking(connection.close)


def point_to(monkeypatch: pytest.MonkeyPatch, port: int, secret: str) -> None:
    found = ConnectionFile(1, f"ws://127.0.0.1:{port}/kernel", secret)
    monkeypatch.setattr(connection_file, "find", lambda _environment: found)


async def blocking(call: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(call, *arguments)


async def test_it_posts_and_reads(room: ChatRoom) -> None:
    """What is posted is stored, and read back under the kernel's name."""
    await blocking(room.post, "hello")
    (message,) = await blocking(lambda: wait_for(room, 1))
    assert (message.text, message.name, message.kind) == ("hello", "analysis", "kernel")


async def test_it_asks_and_gets_the_reply(room: ChatRoom, hub: Hub) -> None:
    """A question gets the mention it lacks, and the whole reply comes back."""
    reply = await blocking(room.ask, "what?")
    assert (reply.text, reply.status) == ("One two three.", "complete")
    assert room.messages[0].text == "@llama what?"
    await blocking(room.ask, "and @llama again?")
    assert room.messages[2].text == "and @llama again?"


async def test_it_comes_back_where_it_was(room: ChatRoom, hub: Hub) -> None:
    """After a cut it joins again by itself, has each message once, and posts go on."""
    await blocking(room.post, "before")
    for number in range(3):
        hub.cut()
        await blocking(room.post, f"after {number}")
    texts = [message.text for message in await blocking(lambda: wait_for(room, 4))]
    assert texts == ["before", "after 0", "after 1", "after 2"]


async def test_what_the_room_refuses_is_raised(room: ChatRoom) -> None:
    """A refusal reaches the caller with its code, and the connection goes on."""
    with pytest.raises(Refusal) as refusal:
        await blocking(room.post, "x" * 20_000)
    assert refusal.value.code == "too_long"
    await blocking(room.post, "short")


async def test_a_reply_that_takes_too_long_is_given_up(hub: Hub, room: ChatRoom) -> None:
    """With a time limit, the question ends in an error, and the reply is stopped."""
    hub.engine._script = [["Half", asyncio.Event().wait]]
    with pytest.raises(ChatError, match="No whole reply came within"):
        await blocking(room.ask, "what?", 0.01)
    reply = next(message for message in room.messages if message.kind == "agent")
    await blocking(lambda: wait_until(room, lambda: room.messages[-1].status == "stopped"))
    assert reply.text == "Half"


async def test_a_failed_reply_is_an_error(hub: Hub, room: ChatRoom) -> None:
    """Where the model fails, what it says is raised."""
    hub.engine._script = [[lambda: fail("There is no model. Install one.")]]
    with pytest.raises(ChatError, match="failed in an unforeseen way"):
        await blocking(room.ask, "what?")


async def test_a_wrong_secret_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that refuses is an error at once, with what to do."""
    point_to(monkeypatch, hub.port, "wrong")
    with pytest.raises(ChatError, match=r"403.*Restart the server"):
        await blocking(Connection)


async def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that cannot be reached is an error at once, with what to do."""
    socket, port = bind_unused_port()
    socket.close()
    point_to(monkeypatch, port, "s3cret")
    with pytest.raises(ChatError, match="could not be reached"):
        await blocking(Connection)


async def fail(why: str) -> None:
    raise RuntimeError(why)


def wait_for(room: ChatRoom, count: int) -> Any:
    return wait_until(room, lambda: len(room.messages) == count)


def wait_until(room: ChatRoom, condition: Callable[[], bool]) -> Any:
    with room._changed:
        assert room._changed.wait_for(condition, timeout=30)
    return room.messages
