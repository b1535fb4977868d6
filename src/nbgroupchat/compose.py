"""Puts a hub together: the backplane, the rooms, the agent with its engine, and the SignalR endpoint in front.

The only module that knows both the hub and the agent, and the only one that knows what frames look like on the wire.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from nbgroupchat import protocol
from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.base import now_ms
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.channel import Client
from nbgroupchat.decoding import decode_command
from nbgroupchat.engines.base import Engine
from nbgroupchat.engines.echo import EchoEngine
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.openai import OpenAIEngine
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.logbook import note
from nbgroupchat.measures import Measures
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.rates import Rates
from nbgroupchat.roles import PlainRoles, Roles
from nbgroupchat.settings import Settings
from nbgroupchat.signalr.connection import Connection, Reply
from nbgroupchat.signalr.endpoint import Endpoint
from nbgroupchat.signalr.messages import Invocation, encode_invocation

DAY_MS = 86_400_000

PAUSE_SECONDS = 0.2
"""How long nothing is read of a connection that was too fast."""

_log = logging.getLogger(__name__)


class Composition:
    """A hub with its agent, ready to be joined. To be made on the event loop that it runs on.

    `engine` takes the place of the one that the settings name, `clock`, `now_ms` and `pause` that of time. `roles` say
    which rooms there are for whom; without them it is a plain server's hub. `policy` is what a room allows until an
    instructor decides.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine | None = None,
        clock: Callable[[], float] | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        roles: Roles | None = None,
        policy: protocol.RoomPolicy = protocol.RoomPolicy(),  # noqa: B008  # frozen
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        roles = roles or PlainRoles(instructors=settings.instructors)
        self.pause = pause
        self.settings = settings
        self.measures = Measures()
        self.backplane = make_backplane(settings, self.measures)
        self.hub = Hub(
            self.backplane,
            _event_frame,
            settings.agent_name,
            settings.max_rooms,
            settings.members_per_room,
            measures=self.measures,
            roles=roles,
            policy=policy,
            clock=clock or time.monotonic,
            now_ms=now_ms,
        )
        self.rates = Rates(settings, clock or time.monotonic, kernels_are_known=not roles.plain)
        self.engine = engine or make_engine(settings)
        self._trimming: asyncio.Task[None] | None = None
        self._agent: Agent | None = None
        if self.engine is not None:
            self._agent = Agent(self.engine, settings, self.measures)
            self._agent.sit(self.hub.seat(Identity("", settings.agent_name, "agent"), self._agent))
        self.sessions: set[ChatSession] = set()
        self.endpoint = Endpoint(
            self,
            max_frame=protocol.MAX_FRAME,
            max_connections=settings.max_connections,
            max_per_user=settings.connections_per_user,
        )

    def connected(self, connection: Connection, user: object) -> ChatSession:
        """Begin the session of an authenticated SignalR connection, whose user is an Identity."""
        if not isinstance(user, Identity):
            raise TypeError(f"a connection's user is an Identity, not {type(user).__name__}")
        session = ChatSession(self, connection, user)
        self.sessions.add(session)
        return session

    async def answer(self, client: Client, target: str, arguments: bytes) -> bytes:
        """Carry out a command, given as a method's name and arguments in JSON; gives the answer or refusal as JSON."""
        try:
            return protocol.encode(await self.hub.receive(client, decode_command(target, arguments)))
        except Refusal as refusal:
            return self._refused(refusal)

    async def admit(self, client: Client, id_: str, target: str, arguments: bytes) -> tuple[bytes, bool]:
        """Do as `answer` does for connection `id_`, within its user's limits; says also whether it was too fast."""
        try:
            self.rates.receive(client.identity)
            command = decode_command(target, arguments)
            self.rates.carry_out(client.identity, command, command.room in client.channels)
            answer = await self.hub.receive(client, command)
            if isinstance(answer, protocol.Joined):
                note("joined", connection=id_, room=command.room, mode=answer.mode)
            elif isinstance(command, protocol.Leave):
                note("left", connection=id_, room=command.room)
            return protocol.encode(answer), False
        except Refusal as refusal:
            method = target if target in protocol.COMMANDS else "unknown"
            note("refused", connection=id_, method=method, code=refusal.code.value)
            return self._refused(refusal), refusal.code is Code.TOO_FAST

    def _refused(self, refusal: Refusal) -> bytes:
        self.measures.refusals[refusal.code] += 1
        found = {"code": refusal.code.value, "message": refusal.message, "retry_ms": refusal.retry_ms}
        return msgspec.json.encode({"error": found})

    def now(self) -> Gauges:
        """Give the numbers that go up and down."""
        return Gauges(
            connections=len(self.endpoint.connections),
            rooms=self.hub.rooms,
            members=self.hub.members,
            questions=self._agent.waiting if self._agent is not None else 0,
            deliveries=self.measures.deliveries + sum(session.sent for session in self.sessions),
        )

    async def begin(self) -> str:
        """Open the store, forget what has become old, now and from now on, and give where the store is.

        Raises Refusal where nothing can be stored there; it is tried again with each post.
        """
        if self.settings.keep_days:
            self._trimming = asyncio.get_running_loop().create_task(self._trim_hourly())
        if isinstance(self.backplane, MemoryBackplane):
            return "memory"
        await self.backplane.begin()
        await self._trim()
        return str(self.backplane.path)

    async def _trim(self) -> None:
        if self.settings.keep_days:
            await self.hub.trim(now_ms() - self.settings.keep_days * DAY_MS)

    async def _trim_hourly(self) -> None:
        while True:
            await asyncio.sleep(3600)
            try:
                await self._trim()
            except Refusal as refusal:
                _log.warning("What is older than keep_days could not be forgotten: %s", refusal.message)

    async def close(self) -> None:
        """End the agent, which closes the reply it writes, then the connections, which are told to come back."""
        if self._agent is not None:
            await self._agent.close()
        if self._trimming is not None:
            self._trimming.cancel()
        self.endpoint.close_all(allow_reconnect=True)
        await self.hub.close()


class Gauges(Struct, frozen=True):
    """What is going on now; `deliveries` are the frames sent so far, on open connections and on those that were."""

    connections: int
    rooms: int
    members: int
    questions: int
    deliveries: int


class ChatSession:
    """One SignalR connection as the hub's client: decodes commands, encodes answers."""

    def __init__(self, composition: Composition, connection: Connection, identity: Identity) -> None:
        self._composition = composition
        self._client = Client(identity, Outbox(connection.send, self._lost))
        self._connection = connection
        transport = type(connection.transport).__name__.removesuffix("Transport")
        note("connection_opened", connection=connection.id, transport=transport, kind=identity.kind)

    async def invoked(self, invocation: Invocation, reply: Reply) -> None:
        """Carry out one command. Its answer is sent before whatever it caused."""
        with self._client.outbox.corked():
            arguments = bytes(invocation.arguments)
            answer, too_fast = await self._composition.admit(
                self._client, self._connection.id, invocation.target, arguments
            )
            reply.result(answer)
        if too_fast:
            # Nothing more of this connection is read meanwhile, so that being refused cannot be a flood either.
            await self._composition.pause(PAUSE_SECONDS)

    def drained(self) -> None:
        """Go on sending."""
        self._client.outbox.drained()

    def closed(self) -> None:
        """Leave every room."""
        self._composition.measures.deliveries += self.sent
        self._composition.sessions.discard(self)
        for room in self._client.channels:
            note("left", connection=self._connection.id, room=room)
        note("connection_closed", connection=self._connection.id, frames=self.sent)
        self._composition.hub.leave(self._client)

    @property
    def sent(self) -> int:
        """How many frames were sent, answers not counted."""
        return self._client.outbox.sent

    def _lost(self) -> None:
        self._composition.measures.overflows += 1
        self._connection.close("This connection is too far behind and has to begin again.", allow_reconnect=True)


def make_backplane(settings: Settings, measures: Measures) -> SqliteBackplane | MemoryBackplane:
    """Make the backplane that the settings name; none of them writes anything yet."""
    if settings.store in ("", "memory"):
        return MemoryBackplane()
    return SqliteBackplane(Path(settings.store).expanduser(), settings.synchronous, took=measures.commit.add)


def make_engine(settings: Settings) -> Engine | None:
    """Make the engine that the settings name; None for `off`."""
    match settings.engine:
        case "llama":
            return LlamaEngine(settings)
        case "openai":
            return OpenAIEngine(settings)
        case "echo":
            return EchoEngine()
        case "script":
            return ScriptEngine(settings.script_path)
        case "off":
            return None


def _event_frame(arguments: bytes) -> bytes:
    return encode_invocation(protocol.EVENT_TARGET, arguments)
