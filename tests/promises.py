"""A room with people, an agent, a file and a clock, driven step by step, and what has to hold after each step.

The reference is `Told`: what was acknowledged, in a few sets. What the log says is read from the file, not the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from pathlib import Path

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes import sqlite_reads
from nbgroupchat.backplanes.base import NOTHING, Act, Appended, Known, Opened, RoomListener
from nbgroupchat.backplanes.base import Person as Masked
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.engines.base import EngineStatus, Finish, ModelInfo, Part, Piece, Reading, Sampling
from nbgroupchat.engines.status import Watched
from nbgroupchat.errors import Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import (
    Cancel,
    CancelAnswer,
    ChangeAnswer,
    Delta,
    DurableEvent,
    Edit,
    Edited,
    Post,
    PostAnswer,
    Posted,
    Redact,
    Redacted,
    ReplyClosed,
    ReplyOpened,
)
from nbgroupchat.room import Message, Room
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain

ROOM = "lobby"
NAMES = ("Ana", "Ben", "Eve")


class HandEngine(Watched):
    """Writes what it is told to, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.script: asyncio.Queue[str | None] | None = None
        """Of the reply that is being written; None ends it."""
        self._board.show(EngineStatus(state="ready", model="hand"))

    @property
    def model(self) -> ModelInfo | None:
        """None: there is no file."""
        return None

    def start(self) -> None:
        """Be ready."""

    def listen(self, room: str, prompt: Prompt) -> None:
        """Read nothing ahead."""

    async def stream(self, room: str, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Write what comes."""
        script = self.script = asyncio.Queue()
        written = 0
        try:
            yield Reading(prompt=len(prompt.segments))
            while (text := await script.get()) is not None:
                written += 1
                yield Piece(text)
            yield Finish(reason="complete", written=written)
        finally:
            if self.script is script:
                self.script = None

    async def close(self) -> None:
        """End."""


class Killed(Exception):
    """The process that asked for this is gone."""


class Severed:
    """A backplane until its process is killed: then nothing that the process still asks for is done."""

    def __init__(self, inner: SqliteBackplane) -> None:
        self._inner = inner
        self.cut = False

    async def open(self, room: str, listener: RoomListener) -> Opened:
        return await self._alive().open(room, listener)

    def release(self, room: str) -> None:
        self._inner.release(room)

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        return await self._alive().append(room, entry, key, files)

    async def attachment(self, room: str, id_: str) -> bytes | None:
        return await self._alive().attachment(room, id_)

    async def journal(self, room: str, delta: Delta) -> bool:
        return await self._alive().journal(room, delta)

    async def read(self, room: str, before: int, limit: int) -> tuple[Sequence[DurableEvent], bool]:
        return await self._alive().read(room, before, limit)

    async def rooms(self, limit: int) -> Sequence[Known]:
        return await self._alive().rooms(limit)

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        return await self._alive().about(room, messages)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        await self._alive().record(room, reply, record)

    async def records(self, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
        return await self._alive().records(room, replies)

    async def audit(self, room: str, act: Act) -> None:
        await self._alive().audit(room, act)

    async def audited(self, room: str) -> Sequence[Act]:
        return await self._alive().audited(room)

    async def meet(self, room: str, member: str, person: Masked) -> None:
        await self._alive().meet(room, member, person)

    async def met(self, room: str, member: str) -> Masked | None:
        return await self._alive().met(room, member)

    async def trim(self, before: int) -> Mapping[str, int]:
        return await self._alive().trim(before)

    async def close(self) -> None:
        await self._inner.close()

    def _alive(self) -> SqliteBackplane:
        if self.cut:
            raise Killed
        return self._inner


class Told:
    """The reference: what people were told that holds."""

    def __init__(self) -> None:
        self.posts: dict[tuple[str, str], PostAnswer] = {}
        """The answer to each post, by its author and client id."""
        self.order: dict[str, list[str]] = {name: [] for name in NAMES}
        """The client ids of everybody's posts, in the order in which they were first sent."""
        self.texts: dict[str, str] = {}
        """What each message says after its last acknowledged change; "" for a redacted one."""
        self.stopped: dict[str, str] = {}
        """The text each reply had when its stop was acknowledged."""
        self.seen: dict[str, str] = {}
        """The longest text that anybody saw of each reply."""


class Person:
    """Somebody with a page that keeps what it has, also while it is not connected."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client: FakeClient | None = None
        self.room = Room()
        self.entries: list[tuple[int, str]] = []
        """Every entry applied since the last snapshot, and where it stood."""
        self.unsure: list[tuple[str, str]] = []
        """Posts whose answer was lost, by client id and text: they are sent again."""


class World:
    """Everything, in one process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.told = Told()
        self.people = {name: Person(name) for name in NAMES}
        self.now = 1_000
        self.base = 0
        self._path = folder / "rooms.sqlite"
        self._number = 0
        self._start()

    def _start(self) -> None:
        self.engine = HandEngine()
        self.store = SqliteBackplane(self._path, "normal", self._tick)
        self._severed = Severed(self.store)
        self.hub = Hub(self._severed, plain)
        self.agent = Agent(self.engine, Settings(engine="off", turns_per_minute=10_000))
        self.agent.sit(self.hub.seat(Identity("", "llama", "agent"), self.agent))

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def name(self, kind: str) -> str:
        """Give a name that was not used before."""
        self._number += 1
        return f"{kind}{self._number}"

    async def settle(self) -> None:
        """Wait until all that was begun is done, but for replies that wait to be told what to write."""
        quiet = 0
        while quiet < 2:
            await self.store.begin()
            # What follows from what is stored needs a few turns of the loop, and may store again.
            for _ in range(20):
                await asyncio.sleep(0)
            storing = any(heard.writes for heard in self.store._rooms.values()) or self.hub._replies.closing
            script = self.engine.script
            writing = script is not None and script.empty()
            done = all(turn.task is None or turn.task.done() for turn in self.agent._turns.values())
            quiet = quiet + 1 if not storing and (writing or (done and not self.agent.waiting)) else 0

    # What people do.

    async def connect(self, name: str) -> None:
        """Come back from where one was, or for the first time."""
        person = self.people[name]
        client = FakeClient(self.hub, name)
        client.rooms[ROOM] = person.room
        resume = person.room.position if person.room.position.epoch else None
        have = {reply: draft.pieces for reply, draft in person.room.drafts.items()}
        answer = await client.join(ROOM, resume=resume, have=have)
        person.client = client
        if answer.mode == "snapshot":
            person.entries.clear()

    def drop(self, name: str) -> None:
        """Lose the connection."""
        person = self.people[name]
        assert person.client is not None
        person.client.leave()
        person.client = None

    async def post(self, name: str, text: str, *, answered: bool = True) -> PostAnswer:
        """Say something; where it is not answered, the author does not hear that it was stored."""
        cid = self.name("c")
        self.told.order[name].append(cid)
        return await self._send(name, cid, text, answered)

    async def retry(self, name: str) -> None:
        """Send everything again whose answer was lost."""
        person = self.people[name]
        unsure, person.unsure = person.unsure, []
        for cid, text in unsure:
            await self._send(name, cid, text, True)

    async def _send(self, name: str, cid: str, text: str, answered: bool) -> PostAnswer:
        person = self.people[name]
        assert person.client is not None
        answer = await person.client.send(Post(room=ROOM, cid=cid, text=text))
        assert isinstance(answer, PostAnswer)
        before = self.told.posts.get((name, cid))
        if before is not None and before.seq > self.base:
            assert (answer.id, answer.seq) == (before.id, before.seq), "I4"
        elif before is not None:
            # What was forgotten is said anew, and now.
            self.told.order[name].remove(cid)
            self.told.order[name].append(cid)
        self.told.posts[name, cid] = answer
        self.told.texts.setdefault(answer.id, text)
        if not answered:
            person.unsure.append((cid, text))
        return answer

    async def edit(self, name: str, message: str, text: str) -> None:
        """Edit an own message."""
        answer = await self._client(name).send(Edit(room=ROOM, cid=self.name("e"), id=message, text=text))
        assert isinstance(answer, ChangeAnswer)
        self.told.texts[message] = text

    async def redact(self, name: str, message: str) -> None:
        """Redact an own message."""
        await self._client(name).send(Redact(room=ROOM, id=message))
        self.told.texts[message] = ""

    async def stop(self, name: str, reply: str) -> None:
        """Stop a reply."""
        answer = await self._client(name).send(Cancel(room=ROOM, id=reply))
        assert isinstance(answer, CancelAnswer)
        self.told.stopped[reply] = await self.closed_text(reply)

    async def closed_text(self, reply: str) -> str:
        """Give what the log says that a reply says in the end."""
        return next(entry.text for entry in await self.log() if isinstance(entry, ReplyClosed) and entry.id == reply)

    def _client(self, name: str) -> FakeClient:
        client = self.people[name].client
        assert client is not None
        return client

    # What happens to the process.

    async def kill(self) -> None:
        """End the process without a word, and start another."""
        self.note_seen()
        self._severed.cut = True
        await self.store.close()
        tasks = [turn.task for turn in self.agent._turns.values() if turn.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self.hub._replies.closing, return_exceptions=True)
        for person in self.people.values():
            person.client = None
        self._start()

    async def trim(self, messages: int) -> None:
        """Forget all but about so many entries."""
        entries = await self.log()
        if len(entries) > messages:
            await self.hub.trim(entries[-messages].ts)
            self.base = (await self.log())[0].seq - 1

    async def log(self) -> Sequence[DurableEvent]:
        """Read the whole log from the file."""
        await self.store.begin()
        entries, _ = await self.store.read(ROOM, 10**6, 10**6)
        return entries

    async def _drafts(self) -> dict[str, str]:
        """Read what the file has of the replies that are open."""
        opened = await self.store._read(lambda db: sqlite_reads.opened(db, ROOM, self.store._losses))
        return {delta.id: delta.text for delta in opened.drafts} if opened is not None else {}

    def note_seen(self) -> None:
        """Write down what everybody sees of replies."""
        for person in self.people.values():
            for message in person.room.messages.values():
                if message.kind == "agent" and not message.redacted:
                    self.told.seen[message.id] = max(self.told.seen.get(message.id, ""), message.text, key=len)

    # What has to hold.

    async def check(self) -> None:
        """Raise AssertionError where a promise is broken."""
        entries = await self.log()
        self._check_log(entries)
        self._check_replies(entries)
        await self._check_readers(entries)
        self.note_seen()

    def _check_log(self, entries: Sequence[DurableEvent]) -> None:
        told = self.told
        assert [entry.seq for entry in entries] == list(range(self.base + 1, self.base + len(entries) + 1)), "I1"
        posts = [entry for entry in entries if isinstance(entry, Posted)]
        ids = [entry.eid for entry in posts]
        assert len(ids) == len(set(ids)), "I3"
        kept = {key: answer for key, answer in told.posts.items() if answer.seq > self.base}
        assert {answer.id for answer in kept.values()} == set(ids), "I3"
        for name, cids in told.order.items():
            seqs = [kept[name, cid].seq for cid in cids if (name, cid) in kept]
            assert seqs == sorted(seqs), "I5"
        whole = fold(entries)
        for message, text in told.texts.items():
            if message in whole:
                assert (whole[message].text, whole[message].redacted) == (text, text == "")
        gone = {entry.id for entry in entries if isinstance(entry, Redacted)}
        for entry in entries:
            if isinstance(entry, (Posted, Edited)) and (entry.eid in gone or getattr(entry, "id", "") in gone):
                assert entry.text == ""

    def _check_replies(self, entries: Sequence[DurableEvent]) -> None:
        opened = [entry.eid for entry in entries if isinstance(entry, ReplyOpened)]
        closed = [entry for entry in entries if isinstance(entry, ReplyClosed)]
        ids = [entry.id for entry in closed]
        assert len(ids) == len(set(ids)), "I6"
        # What a killed process left open is closed when somebody opens the room again.
        if self._open():
            assert set(opened) - set(ids) == {turn.reply for turn in self.agent._turns.values() if turn.reply}, "I6"
        for entry in closed:
            if entry.id not in self.told.texts or self.told.texts[entry.id]:
                assert entry.text.startswith(self.told.seen.get(entry.id, "")), "I7, I11"
            if entry.id in self.told.stopped:
                assert entry.text == self.told.stopped[entry.id], "I12"

    async def _check_readers(self, entries: Sequence[DurableEvent]) -> None:
        drafts, whole = await self._drafts(), fold(entries)
        for person in self.people.values():
            room, end = person.room, person.room.position.seq
            have = [entry for entry in entries if entry.seq <= end]
            if person.client is not None and person.client.keeps_up:
                assert room.live, "I10"
                assert end == self.base + len(entries), "I10"
                assert len(person.client.client.outbox._cursors) <= 1, "I9"
            # Who was away has not heard yet of what was redacted meanwhile.
            unheard = {entry.id for entry in entries if isinstance(entry, Redacted) and entry.seq > end}
            shown = fold(have)
            for message in room.messages.values():
                if message.id in shown and message.status != "open":
                    assert message == shown[message.id] or message.id in unheard, "I2"
                elif message.status == "open" and message.id in whole and message.id not in unheard:
                    assert drafts.get(message.id, whole[message.id].text).startswith(message.text), "I7, I11"
        if self._open():
            fresh = FakeClient(self.hub, "fresh")
            await fresh.join(ROOM)
            assert {
                **fold(entries),
            }.keys() == fresh.rooms[ROOM].messages.keys(), "I8"
            for message in fresh.rooms[ROOM].messages.values():
                assert message.text == drafts.get(message.id, whole[message.id].text), "I8"
            fresh.leave()

    def _open(self) -> bool:
        return ROOM in self.hub._channels


def fold(entries: Sequence[DurableEvent]) -> dict[str, Message]:
    """Give the messages of a part of the log."""
    room = Room()
    for entry in entries:
        room.fold(entry)
    return room.messages


async def refused(doing: object) -> bool:
    """Say whether a command was refused."""
    try:
        await doing  # type: ignore[misc]  # any awaitable
    except Refusal:
        return True
    return False
