"""Specification of a Python program's connection: joins, stays, comes back where it was."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from itertools import chain
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec
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
from nbgroupchat.errors import ChatError, Code, Refusal
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


async def test_it_knows_the_rooms_of_its_hub(room: ChatRoom) -> None:
    """A room is named with how many entries it has and who is there."""
    await blocking(room.post, "hello")
    (listed,) = await blocking(room.rooms)
    assert (listed.name, listed.seq, listed.members) == ("lobby", 1, 1)


async def test_it_edits_and_redacts_what_it_said(room: ChatRoom) -> None:
    """The transcript marks what was edited, and keeps nothing of what was redacted, also of a reply one asked for."""

    def change() -> None:
        kept, gone = room.post("Fryday"), room.post("not for here")
        reply = room.ask("when?")
        room.edit(kept, "Friday")
        room.redact(gone)
        room.redact(reply.id)
        wait_until(room, lambda: room.messages[-1].redacted)

    await blocking(change)
    assert repr(room.messages).splitlines() == [
        "analysis: Friday (edited)",
        "analysis: (removed)",
        "analysis: @llama when?",
        "llama: (removed)",
    ]
    assert [(message.edited, message.redacted) for message in room.messages] == [
        (True, False), (False, True), (False, False), (False, True)
    ]  # fmt: skip


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


async def test_cuts_in_a_row_leave_one_connection(room: ChatRoom, hub: Hub) -> None:
    """However often and whenever it is cut, also while it joins again, one link and each message once remain."""
    connected = hub.composition.connected
    cuts = iter(range(10))

    def cut_soon(connection: Any, user: object) -> Any:
        if next(cuts, None) is not None:
            asyncio.get_running_loop().call_soon(connection.close, None, True)
        return connected(connection, user)

    hub.composition.connected = cut_soon  # type: ignore[method-assign]
    monkey = pytest.MonkeyPatch()
    monkey.setattr("nbgroupchat.connection.RETRY_SECONDS", (0.01,))
    hub.cut()
    for number in range(5):
        await blocking(room.post, str(number))
    monkey.undo()
    texts = [message.text for message in await blocking(lambda: wait_for(room, 5))]
    assert texts == ["0", "1", "2", "3", "4"]
    assert len(hub.composition.endpoint.connections) == 1


async def test_a_room_that_is_closed_to_it_is_said(room: ChatRoom, hub: Hub) -> None:
    """Where coming back is refused, the next call says why at once, and the connection serves other rooms."""
    await blocking(room.post, "before")
    hub.composition.hub._channels.clear()
    hub.composition.hub._max_rooms = 0
    hub.cut()
    await blocking(lambda: wait_until(room, lambda: bool(room._lost)))
    with pytest.raises(ChatError, match="cannot be used any more: This server already has 0 rooms"):
        await blocking(room.post, "after")


async def test_joining_while_nobody_is_there_ends(room: ChatRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room joined while the connection cannot be made again is an error after a while, not a wait for ever."""
    monkeypatch.setattr("nbgroupchat.connection.ANSWER_SECONDS", 0.05)
    connection = room._connection
    connection._loop.call_soon_threadsafe(connection._ready.clear)
    with pytest.raises(ChatError, match="'other' could not be joined"):
        await blocking(lambda: connection.run(connection.join(ChatRoom("other", connection))))


async def test_a_gap_is_mended(room: ChatRoom, hub: Hub) -> None:
    """Where an entry was missed, the room is joined again, and everything is there."""
    await blocking(room.post, "one")
    await blocking(lambda: wait_for(room, 1))
    room._room.position = msgspec.structs.replace(room._room.position, seq=0, eid="")
    room._room.messages.clear()
    await blocking(room.post, "two")
    texts = [message.text for message in await blocking(lambda: wait_for(room, 2))]
    assert texts == ["one", "two"]


async def test_a_forked_process_is_told_to_join_itself(room: ChatRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a child process, whose threads are gone, a call ends in an error instead of waiting for ever."""
    monkeypatch.setattr("nbgroupchat.connection.os.getpid", lambda: -1)
    with pytest.raises(ChatError, match="parent process"):
        room.post("hello")
    monkeypatch.undo()


def tell_time_by(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float]) -> None:
    """Have whoever waits for a reply look at another clock, which begins at 0."""
    times = chain([0.0], iter(clock, None))
    monkeypatch.setattr("nbgroupchat.client.time", SimpleNamespace(monotonic=lambda: next(times)))


def said_by_the_agent(room: ChatRoom) -> str:
    return "".join(message.text for message in room.messages if message.kind == "agent")


async def test_a_time_limit_holds_while_the_reply_grows(
    hub: Hub, room: ChatRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces that keep coming do not put the limit off."""

    async def a_moment() -> None:
        await asyncio.to_thread(threading.Event().wait, 0.02)

    hub.engine._script = [[part for _ in range(500) for part in ("word ", a_moment)]]
    tell_time_by(monkeypatch, lambda: said_by_the_agent(room).count(" "))
    with pytest.raises(ChatError, match="No whole reply came within"):
        await blocking(room.ask, "what?", 3)
    stopped = (await blocking(lambda: wait_until(room, lambda: room.messages[-1].status == "stopped")))[-1]
    assert stopped.text.count(" ") >= 3


async def test_what_the_room_refuses_is_raised(room: ChatRoom) -> None:
    """A refusal reaches the caller with its code, and the connection goes on."""
    with pytest.raises(Refusal) as refusal:
        await blocking(room.post, "x" * 20_000)
    assert refusal.value.code == "too_long"
    await blocking(room.post, "short")


async def test_what_was_too_fast_is_sent_again(room: ChatRoom, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A post, and a return to the room, that the hub puts off are tried again by themselves, and done once."""
    refusals = iter([Refusal(Code.TOO_FAST, "Too much at once.", retry_ms=1) for _ in range(3)])

    def carry_out(*_: object) -> None:
        if (refusal := next(refusals, None)) is not None:
            raise refusal

    monkeypatch.setattr(hub.composition.rates, "carry_out", carry_out)
    await blocking(room.post, "once")
    refusals = iter([Refusal(Code.TOO_FAST, "Too much at once.", retry_ms=1) for _ in range(3)])
    hub.cut()
    await blocking(room.post, "and back")
    assert [message.text for message in await blocking(lambda: wait_for(room, 2))] == ["once", "and back"]
    assert hub.composition.measures.refusals["too_fast"] == 6


async def test_a_reply_that_takes_too_long_is_given_up(
    hub: Hub, room: ChatRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a time limit, the question ends in an error, and the reply is stopped."""
    hub.engine._script = [["Half", asyncio.Event().wait]]
    tell_time_by(monkeypatch, lambda: 100 * bool(said_by_the_agent(room)))
    with pytest.raises(ChatError, match="No whole reply came within"):
        await blocking(room.ask, "what?", 10)
    stopped = (await blocking(lambda: wait_until(room, lambda: room.messages[-1].status == "stopped")))[-1]
    assert stopped.text == "Half"


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
