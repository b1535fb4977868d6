"""A hub behind its real SignalR endpoint, and peers who send it bytes, without sockets: for tests of abuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from nbgroupchat import protocol
from nbgroupchat.compose import Composition
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Joined
from nbgroupchat.room import Room
from nbgroupchat.signalr import messages
from tests.signalr.fakes import HANDSHAKE


class Peer:
    """One connection: what it is sent is parsed as a client does, its rooms folded, its completions kept.

    Folding raises where an event is missing or comes twice.
    """

    def __init__(self, composition: Composition, user: str, kind: protocol.Kind = "human", name: str = "") -> None:
        endpoint = composition.endpoint
        self.ticket = endpoint.claim(None, user)
        self.connection = endpoint.connect(self.ticket, self, Identity(user, name or user, kind))
        self.rooms: dict[str, Room] = {}
        self.answers: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.frames = 0
        self.size = 0
        self.reads = True
        self.ended: tuple[str | None, bool] | None = None
        self._composition = composition

    async def shake_hands(self) -> Peer:
        """Begin."""
        await self.connection.receive(HANDSHAKE)
        return self

    async def invoke(self, target: str, **fields: object) -> Any:
        """Send a command as any client does and give its result."""
        await self.connection.receive(self.frame(target, fields))
        return self.answers[-1]

    async def join(self, room: str = "lobby") -> None:
        """Join a room."""
        self.rooms[room] = Room()
        await self.invoke("join", room=room, wire=protocol.WIRE)

    def frame(self, target: str, *arguments: object) -> bytes:
        """Give an invocation as it is on the wire."""
        return (
            json.dumps({"type": 1, "target": target, "arguments": arguments, "invocationId": "1"}) + "\x1e"
        ).encode()

    def texts(self, room: str = "lobby") -> Sequence[str]:
        """Give what stands in a room."""
        return [message.text for message in self.rooms[room].messages.values()]

    def leave(self) -> None:
        """Go."""
        self._composition.endpoint.disconnect(self.connection)
        self._composition.endpoint.release(self.ticket)

    # What the connection asks of its transport.

    def write(self, payload: bytes) -> bool:
        """Take what the server says."""
        self.frames += 1
        self.size += len(payload)
        if payload == b"{}\x1e":
            return self.reads
        for part in payload.removesuffix(messages.SEPARATOR).split(messages.SEPARATOR):
            self._hear(msgspec.json.decode(part))
        return self.reads

    def close(self, _code: int, _reason: str) -> None:
        """End, as a socket does."""
        self._composition.endpoint.release(self.ticket)

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": 1, "target": "event", "arguments": [room, events]}:
                for event in protocol.decode_events(json.dumps([room, events]))[1]:
                    if room in self.rooms:
                        self.rooms[room].apply(event)
            case {"type": 3, "result": result}:
                self.answers.append(result)
                if isinstance(result, dict) and "mode" in result:
                    joined = msgspec.convert(result, Joined)
                    for room in self.rooms.values():
                        if not room.position.epoch:
                            room.joined(joined)
            case {"type": 3, "error": error}:
                self.errors.append(error)
            case {"type": 3}:
                self.answers.append({})
            case {"type": 7}:
                self.ended = (message.get("error"), message.get("allowReconnect", False))
