"""A room with people, an agent, a file, a disk and a clock, driven step by step, and what has to hold after each step.

The reference is `Told`: what was acknowledged, in a few sets. What the log says is read from the file, not the hub. A
step may be several commands at once; what was acknowledged with the later place in the log holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbgroupchat.agent import Agent
from nbgroupchat.backplanes import sqlite_reads
from nbgroupchat.backplanes.base import NOTHING, Act, Appended, Known, Opened, RoomListener
from nbgroupchat.backplanes.base import Person as Masked
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.engines.base import EngineStatus, Finish, ModelInfo, Part, Piece, Reading, Sampling
from nbgroupchat.engines.status import Watched
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Answer, Hub
from nbgroupchat.log import message_of
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import (
    Cancel,
    CancelAnswer,
    ChangeAnswer,
    Command,
    Delta,
    DurableEvent,
    Edit,
    Edited,
    Pin,
    Position,
    Post,
    PostAnswer,
    Posted,
    React,
    Reacted,
    Redact,
    Redacted,
    ReplyClosed,
    ReplyOpened,
)
from nbgroupchat.room import Message, Room
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain
from tests.disk import Disk

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

    async def keyed(self, room: str, key: str) -> DurableEvent | None:
        return await self._alive().keyed(room, key)

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
        """The client ids of everybody's posts, in the order in which they were sent and not refused."""
        self.changes: dict[str, dict[int, str]] = {}
        """What each message was to say from each acknowledged place on; "" where it was redacted."""
        self.pins: dict[str, tuple[int, bool]] = {}
        """Whether each message was pinned or unpinned last, and where."""
        self.reactions: dict[str, set[tuple[str, str]]] = {}
        """The emoji on each message, and whose."""
        self.stopped: dict[str, str] = {}
        """The text each reply had when its stop was acknowledged."""
        self.seen: dict[str, str] = {}
        """The longest text that anybody saw of each reply."""

    def text(self, message: str) -> str | None:
        """Give what a message says, "" where it is redacted, None where nothing was said to that."""
        changes = self.changes.get(message)
        if changes is None:
            return None
        return "" if "" in changes.values() else changes[max(changes)]

    def pinned(self) -> set[str]:
        """Give what is pinned."""
        return {message for message, (_, on) in self.pins.items() if on and self.text(message) != ""}


class Person:
    """Somebody with a page that keeps what it has, also while it is not connected."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client: FakeClient | None = None
        self.room = Room()
        self.entries: list[tuple[int, str]] = []
        """Every entry applied since the last snapshot, and where it stood."""
        self.unsure: list[tuple[str, str]] = []
        """Posts that were refused or whose answer was lost, by client id and text: they are sent again."""


class World:
    """Everything, in one process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.told = Told()
        self.people = {name: Person(name) for name in NAMES}
        self.now = 1_000
        self.base = 0
        self.disk = Disk()
        self._path = folder / "rooms.sqlite"
        self._number = 0
        self._start()

    def _start(self) -> None:
        self.engine = HandEngine()
        self.store = SqliteBackplane(self._path, "normal", self._tick)
        self.store._writer._open_file = self.disk.under(self.store._open_to_write)
        self._severed = Severed(self.store)
        self.hub = Hub(self._severed, plain, close_again_seconds=0.001)
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
            await self._stored()
            # What follows from what is stored needs a few turns of the loop, and may store again.
            for _ in range(20):
                await asyncio.sleep(0)
            if self.disk.fault is not None:
                # What cannot be stored is tried again and again, and comes to its end when the disk is well.
                quiet += 1
                continue
            storing = any(heard.writes for heard in self.store._rooms.values()) or self.hub._replies.closing
            script = self.engine.script
            writing = script is not None and script.empty()
            done = all(turn.task is None or turn.task.done() for turn in self.agent._turns.values())
            quiet = quiet + 1 if not storing and (writing or (done and not self.agent.waiting)) else 0

    async def _stored(self) -> None:
        # What is tried again may be refused together with this, which stores nothing.
        with suppress(Refusal):
            await self.store.begin()

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

    async def race(self, *doing: Coroutine[Any, Any, object], apart: int = 0) -> None:
        """Do several things at once; each begins that many turns of the loop after the one before."""

        async def later(turns: int, one: Coroutine[Any, Any, object]) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await one

        await asyncio.gather(*(later(number * apart, one) for number, one in enumerate(doing)))

    async def _ask(self, name: str, command: Command, *in_a_race: Code) -> Answer:
        """Send a command and give its answer, None where it is refused as it may be: for the disk's sake, or, with one
        of these codes, for what others did at the same time.
        """
        client = self.people[name].client
        assert client is not None
        try:
            return await client.send(command)
        except Refusal as refusal:
            if refusal.code in in_a_race or (self.disk.fault is not None and refusal.code is Code.UNAVAILABLE):
                return None
            raise AssertionError(refusal) from refusal

    async def post(self, name: str, text: str, *, answered: bool = True, times: int = 1) -> PostAnswer | None:
        """Say something, several times at once with the same client id; where it is not answered, the author does not
        hear that it was stored.
        """
        cid = self.name("c")
        sending = [self._send(name, cid, text, answered) for _ in range(times)]
        return (await asyncio.gather(*sending))[0]

    async def retry(self, name: str) -> None:
        """Send everything again that was refused or whose answer was lost."""
        person = self.people[name]
        unsure, person.unsure = person.unsure, []
        for cid, text in unsure:
            await self._send(name, cid, text, True)

    async def _send(self, name: str, cid: str, text: str, answered: bool) -> PostAnswer | None:
        person, told, order = self.people[name], self.told, self.told.order[name]
        before = told.posts.get((name, cid))
        if before is not None and before.seq <= self.base:
            # What was forgotten is said anew, and now.
            order.remove(cid)
            del told.posts[name, cid]
        if cid not in order:
            order.append(cid)
        answer = await self._ask(name, Post(room=ROOM, cid=cid, text=text))
        if (answer is None or not answered) and (cid, text) not in person.unsure:
            person.unsure.append((cid, text))
        if answer is None:
            if (name, cid) not in told.posts and cid in order:
                order.remove(cid)
            return None
        assert isinstance(answer, PostAnswer)
        first = told.posts.setdefault((name, cid), answer)
        assert (answer.id, answer.seq) == (first.id, first.seq), "I4"
        told.changes.setdefault(answer.id, {answer.seq: text})
        return answer

    async def edit(self, name: str, message: str, text: str, *in_a_race: Code) -> None:
        """Edit an own message."""
        command = Edit(room=ROOM, cid=self.name("e"), id=message, text=text)
        self._changed(message, await self._ask(name, command, *in_a_race), text)

    async def redact(self, name: str, message: str) -> None:
        """Redact an own message, or a reply one asked for."""
        self._changed(message, await self._ask(name, Redact(room=ROOM, id=message)), "")

    async def react(self, name: str, message: str, emoji: str, on: bool) -> None:
        """Put an emoji to a message, or take it away."""
        if await self._ask(name, React(room=ROOM, id=message, emoji=emoji, on=on)) is not None:
            held = self.told.reactions.setdefault(message, set())
            (held.add if on else held.discard)((emoji, name))

    def _changed(self, message: str, answer: Answer, text: str) -> None:
        if answer is not None:
            assert isinstance(answer, ChangeAnswer)
            self.told.changes.setdefault(message, {})[answer.seq] = text

    async def pin(self, name: str, message: str, on: bool, *in_a_race: Code) -> None:
        """Pin or unpin a message."""
        answer = await self._ask(name, Pin(room=ROOM, id=message, on=on), Code.TOO_MANY, *in_a_race)
        if answer is not None:
            assert isinstance(answer, ChangeAnswer)
            self.told.pins[message] = max(self.told.pins.get(message, (0, False)), (answer.seq, on))

    async def stop(self, name: str, id_: str, *in_a_race: Code) -> None:
        """Stop a reply, or, by its id, a question with or without one."""
        answer = await self._ask(name, Cancel(room=ROOM, id=id_), *in_a_race)
        if answer is not None:
            assert isinstance(answer, CancelAnswer)
            entries = await self.log()
            opened = [entry for entry in entries if isinstance(entry, ReplyOpened) and id_ in (entry.eid, entry.to)]
            closed = [entry for entry in entries if isinstance(entry, ReplyClosed) and entry.id == opened[0].eid]
            assert (len(opened), len(closed)) == (1, 1), "I6"
            self.told.stopped[opened[0].eid] = closed[0].text

    async def ask_and_stop(self, name: str, turns: int) -> None:
        """Ask, and stop it after so many turns of the loop, wherever that finds it."""
        asked = await self.post(name, "@llama so?")
        for _ in range(turns):
            await asyncio.sleep(0)
        if asked is not None:
            # A question that was not taken is answered so a moment later.
            await self.stop(name, asked.id, Code.NOT_FOUND)

    def waiting(self) -> list[str]:
        """Give the questions that wait for their turn."""
        return [request.asked.eid for line in self.agent._queue._rooms.values() for request in line]

    # What happens to the process.

    async def kill(self) -> None:
        """End the process without a word, and start another."""
        self.note_seen()
        self._severed.cut = True
        await self.store.close()
        tasks = [turn.task for turn in self.agent._turns.values() if turn.task is not None]
        tasks += [*self.agent._besides, *self.hub._replies.closing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for person in self.people.values():
            person.client = None
        self._start()

    async def trim(self, messages: int) -> None:
        """Forget all but about so many entries."""
        entries = await self.log()
        if len(entries) > messages:
            with suppress(*[Refusal] if self.disk.fault is not None else []):
                await self.hub.trim(entries[-messages].ts)
            self.base = (await self.log())[0].seq - 1

    async def mend(self) -> None:
        """Have the disk well again: whatever is said then is taken."""
        self.disk.fault = None
        for name, person in self.people.items():
            if person.client is not None:
                assert await self.post(name, "well again") is not None

    async def log(self) -> Sequence[DurableEvent]:
        """Read the whole log from the file."""
        await self._stored()
        entries, _ = await self.store.read(ROOM, 10**6, 10**6)
        return entries

    async def _opened(self) -> Opened:
        """Read how the file would open the room."""
        found = await self.store._read(lambda db: sqlite_reads.opened(db, ROOM, self.store._losses))
        return found or Opened("", b"", [], [])

    def note_seen(self) -> None:
        """Write down what everybody sees of replies."""
        for person in self.people.values():
            for message in person.room.messages.values():
                if message.kind == "agent" and not message.redacted:
                    self.told.seen[message.id] = max(self.told.seen.get(message.id, ""), message.text, key=len)

    # What has to hold.

    async def check(self) -> None:
        """Raise AssertionError where a promise is broken."""
        entries, opened = await self.log(), await self._opened()
        self._check_log(entries)
        self._check_replies(entries)
        await self._check_readers(entries, {delta.id: delta.text for delta in opened.drafts})
        if entries and self._open():
            # What the hub decides by is what is stored.
            channel = self.hub._channels[ROOM]
            assert channel.log.position == Position(opened.epoch, entries[-1].seq, entries[-1].eid), "I1"
            assert set(channel.pinned) == self.told.pinned(), "I2"
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
        whole, by_seq = fold(entries), {entry.seq: entry for entry in entries}
        for message, changes in told.changes.items():
            text = told.text(message)
            if message in whole:
                assert (whole[message].text, whole[message].redacted) == (text, text == "")
            for seq in changes:
                assert seq <= self.base or message_of(by_seq[seq]) == message, "I3"
        for message, reactions in told.reactions.items():
            if message in whole and told.text(message) != "":
                found = {(reaction.emoji, who.name) for reaction in whole[message].reactions for who in reaction.by}
                assert found == reactions
        gone = {entry.id for entry in entries if isinstance(entry, Redacted)}
        for entry in entries:
            if isinstance(entry, Reacted) and entry.id in gone:
                assert entry.emoji == ""
            if isinstance(entry, (Posted, Edited, ReplyClosed)) and message_of(entry) in gone:
                assert entry.text == ""

    def _check_replies(self, entries: Sequence[DurableEvent]) -> None:
        opened = [entry.eid for entry in entries if isinstance(entry, ReplyOpened)]
        closed = [entry for entry in entries if isinstance(entry, ReplyClosed)]
        ids = [entry.id for entry in closed]
        assert len(ids) == len(set(ids)), "I6"
        # What a killed process left open is closed when somebody opens the room again and the disk is well.
        if self._open() and self.disk.fault is None:
            assert set(opened) - set(ids) == {turn.reply for turn in self.agent._turns.values() if turn.reply}, "I6"
        for entry in closed:
            if self.told.text(entry.id) == "":
                continue
            assert entry.text.startswith(self.told.seen.get(entry.id, "")), "I7, I11"
            assert entry.text == self.told.stopped.get(entry.id, entry.text), "I12"

    async def _check_readers(self, entries: Sequence[DurableEvent], drafts: Mapping[str, str]) -> None:
        whole = fold(entries)
        for person in self.people.values():
            room, end = person.room, person.room.position.seq
            have = [entry for entry in entries if entry.seq <= end]
            if person.client is not None and person.client.keeps_up:
                assert room.live, "I10"
                assert end == self.base + len(entries), "I10"
                assert len(person.client.client.outbox._cursors) <= 1, "I9"
                assert set(room.pinned) == self.told.pinned(), "I2"
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
            assert whole.keys() == fresh.rooms[ROOM].messages.keys(), "I8"
            assert set(fresh.rooms[ROOM].pinned) == self.told.pinned(), "I8"
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
