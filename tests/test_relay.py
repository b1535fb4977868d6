"""Specification of the relay: a panel's frames go through the kernel to a real hub, unread, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbgroupchat import protocol, relay
from nbgroupchat.connection import Connection
from nbgroupchat.link import LocalLink
from nbgroupchat.relay import Relay
from tests.signalr.fakes import HANDSHAKE, decoded, frame, until
from tests.test_connection import Hub, blocking, point_to

JOIN = frame(type=1, target="join", invocationId="0", arguments=[{"room": "lobby", "wire": protocol.WIRE}])
LOBBY = {"room": "lobby"}


def invocation(number: int, target: str, **fields: object) -> str:
    return frame(type=1, target=target, invocationId=str(number), arguments=[LOBBY | fields])


class Page:
    """A panel's end of the relay: says what `relay.ts` says, and hears what all front ends hear."""

    def __init__(self) -> None:
        self.relay = Relay(self._tell)
        self.told: list[dict[str, Any]] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    async def say(self, what: str, connection: str = "c1", **fields: object) -> None:
        """Send a message as a front end does; the kernel's own thread takes it."""
        await blocking(self.relay.hear, {"relay": what, "connection": connection, **fields})

    async def frames(self, *frames: str, connection: str = "c1", heard: int = 0) -> None:
        """Send frames for the hub."""
        await self.say("frames", connection, frames=list(frames), heard=heard)

    async def open(self, connection: str = "c1") -> None:
        """Open a connection."""
        await self.say("open", connection)
        await self.until("opened", connection)

    async def until(self, what: str, connection: str = "c1", count: int = 1) -> dict[str, Any]:
        """Wait for a message, and give the newest of its kind."""
        while len(found := self.of(what, connection)) < count:
            self._changed.clear()
            await self._changed.wait()
        return found[-1]

    async def until_answer(self, number: int) -> dict[str, Any]:
        """Wait for the answer to an invocation."""
        while not (found := [m for m in self.messages() if m.get("invocationId") == str(number) and m["type"] == 3]):
            self._changed.clear()
            await self._changed.wait()
        answer: dict[str, Any] = found[0]["result"]
        return answer

    def of(self, what: str, connection: str = "c1") -> list[dict[str, Any]]:
        """Give the messages of a kind so far."""
        return [told for told in self.told if (told["relay"], told["connection"]) == (what, connection)]

    def messages(self, connection: str = "c1") -> list[Any]:
        """Give the hub's messages so far."""
        return [message for told in self.of("frame", connection) for message in decoded(told["data"])]

    def _tell(self, message: dict[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._hear, json.loads(json.dumps(message)))

    def _hear(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        self._changed.set()


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub behind a real socket, which the kernel's connection file names."""
    hub = Hub()
    point_to(monkeypatch, hub.port, "s3cret")
    monkeypatch.setattr(Connection, "_shared", None)
    yield hub
    if Connection._shared is not None:
        await blocking(Connection._shared.close)
    await hub.close()


@pytest.fixture
async def page(hub: Hub) -> Page:
    return Page()


@pytest.fixture
async def alone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    """A panel in a process without a server, which gets a hub of its own."""
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "script")
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(Connection, "_shared", None)
    yield Page()
    connection = Connection.shared()
    assert LocalLink._composition is not None
    await blocking(connection.run, LocalLink._composition.close())
    await blocking(connection.close)


async def test_a_panel_joins_and_posts_as_the_kernel(page: Page) -> None:
    """Through the kernel a panel is a member of kind `kernel` in the server's rooms, and gets its answers."""
    await joins_and_posts(page)


async def test_without_a_server_the_hub_is_in_the_kernel(alone: Page) -> None:
    """Where there is no server, the same goes on with the hub of the own process."""
    await joins_and_posts(alone)


async def joins_and_posts(page: Page) -> None:
    await page.open()
    await page.frames(HANDSHAKE + JOIN)
    assert (await page.until_answer(0))["you"]["kind"] == "kernel"
    await page.frames(invocation(1, "post", cid="p", text="@llama hello"))
    assert (await page.until_answer(1))["seq"] == 1
    events: list[Any] = []
    while not any(event["type"] == "reply_closed" for event in events):
        await page.until("frame", count=len(page.of("frame")) + 1)
        events = [e for m in page.messages() if m.get("target") == "event" for e in m["arguments"][1]]
    said = next(event for event in events if event["type"] == "posted")
    assert (said["text"], said["kind"]) == ("@llama hello", "kernel")
    assert [told["number"] for told in page.of("frame")] == list(range(1, len(page.of("frame")) + 1))


async def test_the_secret_stays_in_the_kernel(page: Page) -> None:
    """Nothing that a front end is sent has the secret in it, whatever happens."""
    await page.open()
    await page.frames(HANDSHAKE + JOIN)
    await page.until_answer(0)
    await page.frames("nonsense")
    await page.until("closed")
    assert "s3cret" not in json.dumps(page.told)


async def test_nobody_else_can_be_spoken_for(page: Page) -> None:
    """A frame that names another author is refused, as from any kernel."""
    await page.open()
    await page.frames(HANDSHAKE + JOIN + invocation(1, "post", cid="p", text="hi", by="ana", kind="human"))
    assert (await page.until_answer(1))["error"]["code"] == "invalid"


async def test_frames_are_not_read(page: Page) -> None:
    """What is no SignalR message is given to the hub all the same, and its goodbye to the panel."""
    await page.open()
    await page.frames(HANDSHAKE)
    await page.frames("nonsense\x1e")
    closed = await page.until("closed")
    assert page.messages()[-1]["type"] == 7
    assert (closed["code"], closed["reason"][:14]) == (1002, "protocol error")


async def test_each_message_is_acknowledged(page: Page) -> None:
    """The panel learns that the kernel has taken a message, for each but the last."""
    await page.open()
    await page.frames(HANDSHAKE)
    await page.until("taken", count=2)
    await page.say("close")
    await page.until("closed")
    assert len(page.of("taken")) == 2


async def test_views_have_connections_of_their_own(page: Page, hub: Hub) -> None:
    """Each connection id is one connection to the hub; the end of one leaves the other."""
    for connection in ("c1", "c2"):
        await page.open(connection)
        await page.frames(HANDSHAKE + JOIN, connection=connection)
        await page.until("frame", connection)
    assert len(hub.composition.endpoint.connections) == 3
    await page.say("close", "c1")
    await until(lambda: len(hub.composition.endpoint.connections) == 2)
    await page.frames(invocation(1, "post", cid="p", text="hi"), connection="c2")
    await page.until("frame", "c2", count=len(page.of("frame", "c2")) + 1)
    assert page.of("closed", "c2") == []


@pytest.mark.parametrize(
    "content",
    [
        None,
        "open",
        {"kind": "anywidget-command", "id": "1"},
        {"relay": "sesame", "connection": "c1"},
        {"relay": "open", "connection": 1},
        {"relay": "open", "connection": "x" * 65},
        {"relay": "open", "connection": "c1", "url": "ws://elsewhere"},
        {"relay": "frames", "connection": "c1", "frames": [1], "heard": 0},
        {"relay": "frames", "connection": "c1", "frames": ["x"] * 300, "heard": 0},
    ],
)
async def test_other_messages_are_left_alone(content: object, page: Page) -> None:
    """What is no message of the relay does nothing, not even connect."""
    await blocking(page.relay.hear, content)
    assert page.told == []
    assert Connection._shared is None


@pytest.mark.parametrize(("text", "code"), [("x" * (64 * 1024 + 1), 1009), ("é" * 40_000, 1009), ("\ud83d", 1002)])
async def test_a_frame_the_hub_would_not_take_ends_its_connection(text: str, code: int, page: Page) -> None:
    """A frame over 64 KiB of UTF-8, or with half a surrogate pair, goes no further than the kernel."""
    await page.open()
    await page.frames(text)
    assert (await page.until("closed"))["code"] == code


async def test_a_cut_is_told(page: Page, hub: Hub) -> None:
    """When the hub ends the connection, the panel hears its last frame and the close code, and can open another."""
    await page.open()
    await page.frames(HANDSHAKE)
    await page.until("frame")
    hub.cut()
    assert (await page.until("closed"))["code"] == 1012
    assert page.messages()[-1]["allowReconnect"] is True
    await page.frames(JOIN)
    assert (await page.until("closed", count=2))["reason"] == "the kernel has no such connection any more"
    await page.open("c2")


async def test_a_hub_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    """Where the kernel cannot reach the hub either, the panel is told why, in words."""
    point_to(monkeypatch, hub.port, "wrong")
    page = Page()
    await page.say("open")
    closed = await page.until("closed")
    assert closed["code"] == 1013
    assert "Restart the server" in closed["reason"]


async def test_connections_are_counted(monkeypatch: pytest.MonkeyPatch, page: Page) -> None:
    """A widget has so many connections and no more; one that ends makes room."""
    monkeypatch.setattr(relay, "MAX_LINES", 1)
    await page.open("c1")
    await page.say("open", "c2")
    assert (await page.until("closed", "c2"))["code"] == 1013
    await page.say("close", "c1")
    await page.until("closed", "c1")
    await page.open("c3")


async def test_the_end_of_the_widget_ends_its_connections(page: Page, hub: Hub) -> None:
    """A widget that is closed leaves none behind."""
    await page.open()
    page.relay.close()
    await page.until("closed")
    await until(lambda: len(hub.composition.endpoint.connections) == 1)
