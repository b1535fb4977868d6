"""A client without a socket, and a hub with an agent to talk to: for tests of the hub and of the agent."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import msgspec

from nbgroupchat import protocol
from nbgroupchat.channel import Client
from nbgroupchat.hub import Answer, Hub
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Command, Event, Join, Joined, Live, Post, PostAnswer, Posted
from nbgroupchat.room import Message, Room
from nbgroupchat.signalr import client as signalr
from nbgroupchat.turns import Request, first
from tests.exchange import ExchangeClient


class FakeClient:
    """Joins a hub straight, folds what it is told, and checks on the way that nothing is missing."""

    def __init__(
        self, hub: Hub, name: str, user: str = "", kind: protocol.Kind = "human", groups: tuple[str, ...] = ()
    ) -> None:
        self.hub = hub
        self.name = name
        self.events: list[Event] = []
        self.rooms: dict[str, Room] = {}
        self.keeps_up = True
        self.lost = False
        self._changed = asyncio.Event()
        identity = Identity(user or name, name, kind, groups)
        self.client = Client(identity, Outbox(self._write, self._lose))

    async def send(self, command: Command) -> Answer:
        """Send a command as an endpoint does."""
        with self.client.outbox.corked():
            return await self.hub.receive(self.client, command)

    async def join(self, room: str = "lobby", **fields: object) -> Joined:
        """Join a room and wait until it is live."""
        with self.client.outbox.corked():
            answer = await self.hub.receive(self.client, Join(room=room, wire=protocol.WIRE, **fields))  # type: ignore[arg-type]
            assert isinstance(answer, Joined)
            self.rooms.setdefault(room, Room()).joined(answer)
        await self.until(lambda: self.rooms[room].live)
        return answer

    async def post(self, text: str, room: str = "lobby", cid: str = "") -> PostAnswer:
        """Post a text."""
        answer = await self.send(Post(room=room, cid=cid or secrets.token_hex(4), text=text))
        assert isinstance(answer, PostAnswer)
        return answer

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for events until something holds."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def reply(self, to: str, room: str = "lobby") -> Message:
        """Wait for the closed reply to a message."""
        await self.until(lambda: (found := self.reply_to(to, room)) is not None and found.status != "open")
        found = self.reply_to(to, room)
        assert found is not None
        return found

    def reply_to(self, to: str, room: str = "lobby") -> Message | None:
        """Give the reply to a message as it stands."""
        return next((message for message in self.rooms[room].messages.values() if message.to == to), None)

    def texts(self, room: str = "lobby") -> list[str]:
        """Give what stands in the room."""
        return [message.text for message in self.rooms[room].messages.values()]

    def leave(self) -> None:
        """Go, as a connection that ends."""
        self.hub.leave(self.client)

    def _write(self, frame: bytes) -> bool:
        room, events = protocol.decode_events(frame)
        for event in events:
            if room in self.rooms:
                self.rooms[room].apply(event)
            self.events.append(event)
        self._changed.set()
        return self.keeps_up

    def _lose(self) -> None:
        self.lost = True
        self._changed.set()


class Nobody:
    """A listener that does nothing, for a seat whose replies the test writes itself."""

    def opened(self, room: str, entries: object, records: object) -> None:
        """Hear nothing."""

    def hear(self, room: str, events: object) -> None:
        """Hear nothing."""

    def ask(self, room: str, request: Request) -> None:
        """Answer nothing."""

    def has(self, room: str, key: str) -> bool:
        """Know of no request."""
        return False

    def withdraw(self, room: str, asked: str) -> Request | None:
        """Know of no question."""
        return None

    def closed(self, room: str) -> None:
        """Hear nothing."""


def asking(asked: str) -> Request:
    """Give the request for the first reply to a message, for a test that writes replies itself."""
    return first(Posted(seq=1, eid=asked, ts=0, by="", name="", kind="human", text=""))


def plain(arguments: bytes) -> bytes:
    """Give frames as they are, for a hub whose clients need no wire."""
    json.loads(arguments)
    return arguments


def lives(events: list[Event]) -> int:
    """Count how often a client was told that it is live."""
    return sum(isinstance(event, Live) for event in events)


Transport: TypeAlias = Literal["WebSockets", "ServerSentEvents", "LongPolling"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)


class SocketClient:
    """Joins a hub over one of the transports and folds what it is told; `heard` keeps all of it."""

    connected: ClassVar[list[SocketClient]] = []
    """All that were connected, for whoever closes at last what a test left open."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.heard: list[Event] = []
        self.closed: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, headers: Mapping[str, str], over: Transport = "WebSockets") -> SocketClient:
        """Open the connection. Raises signalr.ConnectFailed where it is refused."""
        self = cls()
        if over == "WebSockets":
            self.connection = await signalr.connect(url, headers, self._hear, self._end)
        else:
            http = url.replace("ws:", "http:", 1)
            self.connection = await ExchangeClient.connect(http, headers, self._hear, self._end, over)
        cls.connected.append(self)
        return self

    async def invoke(self, target: str, **fields: object) -> dict[str, Any]:
        """Invoke a method with one object as its argument and give what it answers."""
        answer: dict[str, Any] = json.loads(await self.connection.invoke(target, json.dumps([fields]).encode()))
        return answer

    async def join(self, room: str = "lobby", known: Room | None = None) -> Joined:
        """Join a room, from the place where `known` stands or anew, and wait until it is live."""
        self.rooms[room] = known or Room()
        resume: dict[str, object] = {}
        if known is not None:
            have = {reply: draft.pieces for reply, draft in known.drafts.items()}
            resume = {"resume": msgspec.to_builtins(known.position), "have": have}
        # Entries may be read in the same breath as the answer that comes before them.
        self._early: list[tuple[str, list[Event]]] | None = []
        answer = msgspec.convert(await self.invoke("join", room=room, wire=protocol.WIRE, **resume), Joined)
        self.rooms[room].joined(answer)
        early, self._early = self._early, None
        for name, events in early or []:
            self._apply(name, events)
        await self.until(lambda: self.rooms[room].live)
        return answer

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for events until something holds."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def texts(self, room: str = "lobby") -> list[str]:
        """Give what stands in the room."""
        return [message.text for message in self.rooms[room].messages.values()]

    def messages(self, room: str = "lobby") -> list[Message]:
        """Give the room's messages."""
        return list(self.rooms[room].messages.values())

    _early: list[tuple[str, list[Event]]] | None = None
    connection: signalr.Client | ExchangeClient

    def _hear(self, _target: str, arguments: bytes) -> None:
        name, events = protocol.decode_events(arguments)
        if self._early is not None:
            self._early.append((name, events))
        else:
            self._apply(name, events)

    def _apply(self, name: str, events: list[Event]) -> None:
        for event in events:
            self.rooms[name].apply(event)
            self.heard.append(event)
        self._changed.set()

    def _end(self, error: str | None, _again: bool) -> None:
        if not self.closed.done():
            self.closed.set_result(error)
