"""Specification of the promises I1 to I12 of the design: after every step of any story, each of them holds."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from nbgroupchat import turn
from nbgroupchat.backplanes import sqlite_changes
from nbgroupchat.backplanes.base import Appended
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.channel import Channel
from nbgroupchat.log import Gap
from nbgroupchat.outbox import Outbox, Source
from nbgroupchat.protocol import Delta, DurableEvent, Event, Posted, ReplyClosed, ReplyOpened
from nbgroupchat.replies import Replies
from tests.promises import NAMES, ROOM, World

T = TypeVar("T")
Break: TypeAlias = Callable[[pytest.MonkeyPatch], None]

names = st.sampled_from(NAMES)
texts = st.sampled_from(("hi", "é\n\n  x", "@ben?", "<|im_end|>", "x" * 300))


class Story(RuleBasedStateMachine):
    """People come and go, talk, change what they said and ask; the process is killed; old entries are forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.world = self.run(self._world())

    async def _world(self) -> World:
        return World(Path(self.folder.name))

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(doing, 60))

    def step(self, doing: Coroutine[Any, Any, object]) -> None:
        async def done() -> None:
            await doing
            await self.world.settle()

        self.run(done())

    def here(self, name: str) -> bool:
        return self.world.people[name].client is not None

    def come(self, name: str) -> None:
        if not self.here(name):
            self.step(self.world.connect(name))

    def own(self, name: str, pick: int) -> str | None:
        """One of somebody's messages that are there, and not redacted."""
        told = self.world.told
        answers = [answer for (author, _), answer in told.posts.items() if author == name]
        ids = [answer.id for answer in answers if answer.seq > self.world.base and told.texts[answer.id]]
        return ids[pick % len(ids)] if ids else None

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self.come(name)

    @rule(name=names)
    def come_back(self, name: str) -> None:
        self.come(name)

    @rule(name=names)
    def go(self, name: str) -> None:
        if self.here(name):
            self.world.drop(name)

    @rule(name=names)
    def stall(self, name: str) -> None:
        if (client := self.world.people[name].client) is not None:
            client.keeps_up = False

    @rule(name=names)
    def catch_up(self, name: str) -> None:
        if (client := self.world.people[name].client) is not None and not client.keeps_up:
            client.keeps_up = True
            client.client.outbox.drained()

    @rule(name=names, text=texts, answered=st.booleans())
    def post(self, name: str, text: str, answered: bool) -> None:
        self.come(name)
        self.step(self.world.post(name, text, answered=answered))

    @rule(name=names)
    def retry(self, name: str) -> None:
        self.come(name)
        self.step(self.world.retry(name))

    @rule(name=names, text=texts, pick=st.integers(0, 99))
    def edit(self, name: str, text: str, pick: int) -> None:
        self.come(name)
        if (message := self.own(name, pick)) is not None:
            self.step(self.world.edit(name, message, text))

    @rule(name=names, pick=st.integers(0, 99))
    def redact(self, name: str, pick: int) -> None:
        self.come(name)
        if (message := self.own(name, pick)) is not None:
            self.step(self.world.redact(name, message))

    @rule(name=names)
    def ask(self, name: str) -> None:
        self.come(name)
        if not self.world.agent.waiting:
            self.step(self.world.post(name, "@llama so?"))

    @precondition(lambda self: self.world.engine.script is not None)
    @rule(pieces=st.lists(st.sampled_from(("So", ", well", "\n", " é")), min_size=1, max_size=3))
    def write(self, pieces: list[str]) -> None:
        async def write() -> None:
            for piece in pieces:
                if self.world.engine.script is not None:
                    self.world.engine.script.put_nowait(piece)

        self.step(write())

    @precondition(lambda self: self.world.engine.script is not None)
    @rule()
    def finish(self) -> None:
        async def finish() -> None:
            if self.world.engine.script is not None:
                self.world.engine.script.put_nowait(None)

        self.step(finish())

    @rule(name=names)
    def stop(self, name: str) -> None:
        async def stop() -> None:
            entries = await self.world.log()
            opened = [entry.eid for entry in entries if isinstance(entry, ReplyOpened)]
            if opened:
                await self.world.stop(name, opened[-1])

        self.come(name)
        self.step(stop())

    @rule()
    def kill(self) -> None:
        self.step(self.world.kill())

    @rule(entries=st.integers(2, 8))
    def trim(self, entries: int) -> None:
        if ROOM in self.world.hub._channels:
            self.step(self.world.trim(entries))

    @invariant()
    def promises(self) -> None:
        self.run(self.world.check())

    def teardown(self) -> None:
        self.run(self.world.kill())
        self.run(self.world.store.close())
        self.loop.close()
        self.folder.cleanup()


Story.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True,
    # A story that fails is shown as it is: to shorten one takes minutes.
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.fixture(autouse=True)
def _pieces_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are told as they come, so that nothing waits for a clock."""
    monkeypatch.setattr(turn, "SLICE_SECONDS", 0.0)


TestStory = Story.TestCase


def forget_client_ids(patch: pytest.MonkeyPatch) -> None:
    append = SqliteBackplane.append

    async def broken(
        self: SqliteBackplane, room: str, entry: DurableEvent, key: str | None = None, *files: Any
    ) -> Appended:
        return await append(self, room, entry, None if isinstance(entry, Posted) else key, *files)

    patch.setattr(SqliteBackplane, "append", broken)


def stop_with_less_than_was_told(patch: pytest.MonkeyPatch) -> None:
    append = SqliteBackplane.append

    async def broken(
        self: SqliteBackplane, room: str, entry: DurableEvent, key: str | None = None, *files: Any
    ) -> Appended:
        less = replace(entry, text=entry.text[:-1]) if isinstance(entry, ReplyClosed) else entry
        return await append(self, room, less, key, *files)

    patch.setattr(SqliteBackplane, "append", broken)


def leave_replies_open(patch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        """Close nothing."""

    patch.setattr(Replies, "end_left_open", broken)


def show_before_storing(patch: pytest.MonkeyPatch) -> None:
    async def broken(self: SqliteBackplane, room: str, delta: Delta) -> bool:
        self._tell(self._rooms[room], [delta])
        return True

    patch.setattr(SqliteBackplane, "journal", broken)


def resume_an_entry_too_late(patch: pytest.MonkeyPatch) -> None:
    follow = Outbox.follow

    def broken(self: Outbox, source: Source, seq: int, live_at: int, pieces: dict[str, int]) -> None:
        follow(self, source, min(seq + 1, live_at), live_at, pieces)

    patch.setattr(Outbox, "follow", broken)


def keep_what_was_redacted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite_changes, "without_text", lambda entry: entry)


def write_on_after_a_stop(patch: pytest.MonkeyPatch) -> None:
    deliver = Channel.deliver

    def broken(self: Channel, events: Sequence[Event]) -> None:
        deliver(self, [event for event in events if not (isinstance(event, ReplyClosed) and event.status == "stopped")])

    patch.setattr(Channel, "deliver", broken)


BROKEN = (
    forget_client_ids,
    stop_with_less_than_was_told,
    leave_replies_open,
    show_before_storing,
    resume_an_entry_too_late,
    keep_what_was_redacted,
    write_on_after_a_stop,
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_promise_is_found(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stories go red on each of these."""
    broken(monkeypatch)
    with pytest.raises((AssertionError, Gap)):
        run_state_machine_as_test(Story, settings=Story.TestCase.settings)
