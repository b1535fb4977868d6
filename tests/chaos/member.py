"""A member that talks, edits and redacts, stops replies and reads along whatever happens to its connection, as a panel
does: it comes back where it was, over whichever transport, and sends again, with the same client's ids, what was not
acknowledged.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable
from typing import Any, Literal, TypeVar

from msgspec import Struct

from nbgroupchat.protocol import Event
from nbgroupchat.room import Room
from nbgroupchat.signalr import client as signalr
from tests.chaos.network import Network
from tests.chaos.record import Record, secret_of
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.exchange import ExchangeClient

T = TypeVar("T")

ANSWER = 4.0
"""How long, in seconds, a member waits for an answer before it takes its connection for lost."""
BREATH = 0.05
"""How long, in seconds, it waits before it tries to connect again."""


class Said(Struct, frozen=True):
    """A post: the client's id for it, and its text, which begins with that id."""

    cid: str
    text: str


class Change(Struct, frozen=True):
    """An edit or a redaction of a message; after a redaction these secrets have gone."""

    what: Literal["edit", "redact"]
    id: str
    cid: str = ""
    text: str = ""
    secrets: tuple[str, ...] = ()

    def fields(self) -> dict[str, str]:
        """Give what is sent."""
        return {"id": self.id} | ({"cid": self.cid, "text": self.text} if self.what == "edit" else {})


class Lost(Exception):
    """The connection is of no use any more."""


class Reader(SocketClient):
    """One connection of a member."""

    record: Record
    _gone = 0
    """How many secrets had gone when it began."""

    @classmethod
    async def dial(cls, port: int, name: str, over: Transport, record: Record) -> Reader:
        """Connect. Raises ConnectionClosed, OSError or EOFError."""
        self = cls()
        self.record = record
        self._gone = len(record.gone)
        url, headers = f"http://127.0.0.1:{port}/hub", {"X-User": name}
        if over == "WebSockets":
            self.connection = await signalr.connect(
                url, headers, self._hear, self._end, connect_timeout=ANSWER, keep_alive=0.5, server_timeout=3.0
            )
        else:
            self.connection = await ExchangeClient.connect(url, headers, self._hear, self._end, over)
        return self

    async def within(self, doing: Awaitable[T]) -> T:
        """Wait for something, but no longer than ANSWER and the connection last. Raises Lost."""
        task = asyncio.ensure_future(doing)
        task.add_done_callback(_heed)
        either: set[asyncio.Future[Any]] = {task, self.closed}
        await asyncio.wait(either, timeout=ANSWER, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise Lost
        return task.result()

    async def drop(self) -> None:
        """End without a word."""
        if isinstance(self.connection, ExchangeClient):
            await self.connection.cut()
        else:
            self.connection.abandon()

    def _hear(self, target: str, arguments: bytes) -> None:
        self.record.tell(arguments, self._gone)
        super()._hear(target, arguments)

    def _apply(self, name: str, events: list[Event]) -> None:
        for event in events:
            if self.closed.done():
                return
            if self.record.hear(name, self.rooms[name], event):
                self.rooms[name].apply(event)
            else:
                self._end("what came does not follow", True)
        self._changed.set()


class Member:
    """Called `name`, in `rooms`, behind a network of its own; `stops` is how likely it is to stop what is written, and
    `changes` to change what it said.
    """

    def __init__(
        self, name: str, rooms: tuple[str, ...], record: Record, rng: random.Random, stops: float, changes: float
    ) -> None:
        self.name = name
        self.network = Network()
        self.rooms = {room: Room() for room in rooms}
        self.quiet = False
        """Whether it says nothing new."""
        self.unanswered: dict[str, deque[Said]] = {room: deque() for room in rooms}
        self.unchanged: dict[str, deque[Change]] = {room: deque() for room in rooms}
        """Changes that were not answered."""
        self._said: list[tuple[str, Said]] = []
        self._secrets: dict[str, list[str]] = {}
        """Of each text it gave a message, by the client's id; none for one that is to be redacted."""
        self._changes = changes
        self._record = record
        self._rng = rng
        self._stops = stops
        self._numbers = 0
        self._reader: Reader | None = None

    async def live(self) -> None:
        """Take part until cancelled."""
        while True:
            over = self._rng.choices(TRANSPORTS, (3, 1, 1))[0]
            try:
                async with asyncio.timeout(2 * ANSWER):
                    reader = await Reader.dial(self.network.port, self.name, over, self._record)
            except (signalr.ConnectionClosed, OSError, EOFError):
                await asyncio.sleep(BREATH)
                continue
            self._reader = reader
            self._record.counts[f"over_{over}"] += 1
            try:
                await self._take_part(reader)
            except (Lost, signalr.ConnectionClosed, OSError, EOFError):
                pass
            finally:
                self._reader = None
                await reader.drop()

    async def change_transport(self) -> bool:
        """End the connection in good order, so that the next one is another; False where there is none."""
        if self._reader is None or self._reader.closed.done():
            return False
        if any(room.drafts for room in self.rooms.values()):
            self._record.counts["transports_changed_in_a_reply"] += 1
        reader = self._reader
        try:
            async with asyncio.timeout(ANSWER):
                await reader.connection.close()
        except (TimeoutError, signalr.ConnectionClosed, OSError, EOFError):
            return False
        finally:
            reader._end("another transport", True)
        return True

    def has(self, room: str, seq: int) -> bool:
        """Say whether it reads a room live, has entry `seq`, and knows of nothing that goes on there."""
        known = self.rooms.get(room)
        return known is None or (
            self._reader is not None
            and known.live
            and known.position.seq >= seq
            and not (known.drafts or known.waiting or self.unanswered[room] or self.unchanged[room])
        )

    async def _take_part(self, reader: Reader) -> None:
        for name, held in self.rooms.items():
            # A page that was opened anew knows nothing.
            known = held if held.position.epoch and self._rng.random() > 0.1 else None
            await reader.within(reader.join(name, known))
            self.rooms[name] = reader.rooms[name]
        while not reader.closed.done():
            room = self._rng.choice(tuple(self.rooms))
            await self._speak(reader, room)
            await self._change(reader, room)
            if self._rng.random() < self._stops:
                await self._stop(reader, room)
            # People pause; a connection that ends wakes them.
            await asyncio.wait({reader.closed}, timeout=self._rng.random() / 3)

    async def _speak(self, reader: Reader, room: str) -> None:
        """Send what was not answered, something new, and some of it twice."""
        waiting = self.unanswered[room]
        self._record.counts["retries"] += len(waiting)
        if not self.quiet and len(waiting) < 8:
            waiting.extend(self._new() for _ in range(self._rng.randrange(4)))
        sending = [said for said in waiting for _ in range(self._rng.choice((1, 2, 3)))]
        self._record.counts["retries"] += len(sending) - len(waiting)
        if self._said and self._rng.random() < 0.5:
            # Long after it was answered.
            place, said = self._rng.choice(self._said)
            if place == room:
                sending.append(said)
                self._record.counts["retries"] += 1
        if isinstance(reader.connection, ExchangeClient):
            for said in sending:
                await self._post(reader, room, said)
        else:
            posts = [asyncio.ensure_future(self._post(reader, room, said)) for said in sending]
            for result in await asyncio.gather(*posts, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    def _new(self) -> Said:
        self._numbers += 1
        cid = f"{self.name}-{self._numbers}"
        asks = "@llama " if self._rng.random() < 0.2 else ""
        self._secrets[cid] = [secret_of(self._rng.getrandbits(64))]
        return Said(cid, f"{cid} {asks}{'wort ' * self._rng.randrange(1, 20)}{self._secrets[cid][0]}")

    async def _post(self, reader: Reader, room: str, said: Said) -> None:
        answer = await reader.within(reader.invoke("post", room=room, cid=said.cid, text=said.text))
        if "error" in answer:
            self._record.counts[f"refused_{answer['error']['code']}"] += 1
            return
        self._record.ack(room, said.cid, answer["id"], answer["seq"])
        if said in self.unanswered[room]:
            self.unanswered[room].remove(said)
            self._said.append((room, said))

    async def _change(self, reader: Reader, room: str) -> None:
        """Send the changes that were not answered, and now and then a new one of something that it said."""
        waiting = self.unchanged[room]
        if self._said and not self.quiet and len(waiting) < 4 and self._rng.random() < self._changes:
            place, said = self._rng.choice(self._said)
            if place == room and said.cid in self._secrets:
                waiting.append(self._new_change(self._record.acked[room, said.cid][0], said.cid))
        while waiting:
            change = waiting[0]
            answer = await reader.within(reader.invoke(change.what, room=room, **change.fields()))
            if "error" in answer:
                self._record.counts[f"refused_{answer['error']['code']}"] += 1
                if answer["error"]["code"] != "not_found":
                    return
                # An edit that is sent again after its message was redacted.
            else:
                self._record.change(room, change.id, answer["seq"], change.text, change.secrets)
                self._record.counts[f"{change.what}s"] += 1
            waiting.popleft()

    def _new_change(self, id_: str, cid: str) -> Change:
        if self._rng.random() < 0.5:
            return Change("redact", id_, secrets=tuple(self._secrets.pop(cid)))
        secret = secret_of(self._rng.getrandbits(64))
        self._secrets[cid].append(secret)
        # Not the secret in the client's id: that stays.
        return Change("edit", id_, f"{cid}-{len(self._secrets[cid])}", f"{cid} and more {secret}")

    async def _stop(self, reader: Reader, room: str) -> None:
        """Stop what is being written and, as somebody who is too late, what was written last."""
        replies = [message.id for message in self.rooms[room].messages.values() if message.to is not None]
        for reply in dict.fromkeys((*self.rooms[room].drafts, *replies[-1:])):
            answer: dict[str, Any] = await reader.within(reader.invoke("cancel", room=room, id=reply))
            if "error" not in answer:
                self._record.stops.append((room, reply, answer["seq"], answer["status"]))
                self._record.counts[f"stops_answered_{answer['status']}"] += 1


def _heed(done: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not done.cancelled():
        done.exception()
