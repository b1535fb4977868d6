"""The agent: a member that hears every room, and answers posts that address it, one after another.

It speaks only through its seat and hears a stop as everybody does, by the close of its reply. It knows nothing of hubs,
connections or model files.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from nbgroupchat.engines.base import Engine, EngineStatus, Sampling
from nbgroupchat.errors import Refusal
from nbgroupchat.explain import record_of
from nbgroupchat.measures import Measures
from nbgroupchat.protocol import (
    DurableEvent,
    Edited,
    Event,
    Posted,
    Queue,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    RoomChanged,
    RoomPolicy,
    Status,
)
from nbgroupchat.settings import Settings
from nbgroupchat.turn import Seat, Turn, begin
from nbgroupchat.turns import Request, TurnQueue, TurnRefused, first
from nbgroupchat.window import BYTES_PER_TOKEN, Window

_TURNED_OFF = "An instructor has turned the model off in this room. Ask the people in it."

_log = logging.getLogger(__name__)


class Agent:
    """Answers with what `engine` writes, once it has been given a seat: one reply at a time in each room."""

    _seat: Seat

    def __init__(self, engine: Engine, settings: Settings, measures: Measures | None = None) -> None:
        self._engine = engine
        self._measures = measures or Measures()
        self._settings = settings
        self._sampling = Sampling(settings.reply_tokens, settings.temperature, settings.seed)
        self._windows: dict[str, Window] = {}
        self._policies: dict[str, RoomPolicy] = {}
        """What rooms allow where somebody has decided."""
        self._queue = TurnQueue(settings.turns_per_minute)
        self._queued: set[str] = set()
        self._turns: dict[str, Turn] = {}
        self._besides: set[asyncio.Task[None]] = set()
        self._closed = False

    def sit(self, seat: Seat) -> None:
        """Take a seat, and say how the model is from now on."""
        self._seat = seat
        self._engine.watch(self._tell)
        self._tell(self._engine.status)

    @property
    def waiting(self) -> int:
        """How many questions wait for their turn."""
        return len(self._queue)

    def opened(self, room: str, entries: Sequence[DurableEvent], records: Mapping[str, bytes]) -> None:
        """Hear what a room's log held; what was asked then is not answered now. The first room starts the model."""
        budget = (self._settings.context_tokens - self._settings.reply_tokens) * BYTES_PER_TOKEN
        window = Window(self._settings.agent_name, budget, self._settings.system_prompt)
        for entry in entries:
            kept = records.get(entry.id) if isinstance(entry, ReplyClosed) else None
            window.apply(entry, record.sampled if (record := record_of(kept)) else ())
            if isinstance(entry, RoomChanged):
                self._follow(room, entry)
        self._windows[room] = window
        self._engine.start()

    def hear(self, room: str, events: Sequence[Event]) -> None:
        """Hear what happened in a room."""
        window, turn = self._windows[room], self._turns.get(room)
        for event in events:
            ids: tuple[int, ...] = ()
            if turn is not None and isinstance(event, ReplyOpened) and event.to == turn.asked.eid:
                turn.reply = event.eid
            elif turn is not None and isinstance(event, ReplyClosed) and event.id == turn.reply:
                ids = turn.closed(event.text)
                turn.stop()
            if isinstance(event, DurableEvent):
                window.apply(event, ids)
            if isinstance(event, Redacted):
                # Nobody is answered who has taken the question back, however many asked for another reply to it.
                while self._queue.withdraw(room, event.id):
                    pass
                self._engine.forget(room, window.read_ahead())
            elif isinstance(event, RoomChanged):
                self._follow(room, event)
                if window.missing():
                    self._begin(self._recall(room, window))
            if isinstance(event, Posted) and self._seat.me(room) in event.asks:
                self._ask(room, event)
            elif turn is None and isinstance(event, (Posted, Edited, Redacted, RoomChanged)):
                self._engine.listen(room, window.read_ahead())
        self._next_turns()

    def ask(self, room: str, request: Request) -> None:
        """Answer a question once more. Raises TurnRefused."""
        if self._closed:
            raise TurnRefused("The server is ending. Ask again when it is back.")
        if self.has(room, request.key):
            # It came twice, and the first has got its turn while the second was looked up.
            return
        self._queue.add(room, request, asyncio.get_running_loop().time())
        self._next_turns()

    def has(self, room: str, key: str) -> bool:
        """Say whether the request with that key waits, or its reply is about to be opened."""
        turn = self._turns.get(room)
        return (turn is not None and turn.request.key == key) or self._queue.has(room, key)

    def withdraw(self, room: str, asked: str) -> Request | None:
        """Answer a question no more that waits for a reply, and give what was asked; None where it does not wait."""
        turn = self._turns.get(room)
        if turn is not None and turn.asked.eid == asked and turn.reply is None:
            turn.stop()
            return turn.request
        withdrawn = self._queue.withdraw(room, asked)
        self._next_turns()
        return withdrawn

    def closed(self, room: str) -> None:
        """Hear that an empty room was given back."""
        self._windows.pop(room, None)
        self._policies.pop(room, None)

    async def close(self) -> None:
        """Stop answering and end the engine."""
        self._closed = True
        self._queue.clear()
        tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
        for turn in self._turns.values():
            turn.end()
        if running := [*tasks, *self._besides]:
            await asyncio.wait(running)
        await self._engine.close()

    def _tell(self, status: EngineStatus) -> None:
        self._seat.announce(Status(status.state, status.model, status.progress, status.message))

    def _follow(self, room: str, changed: RoomChanged) -> None:
        """Hear what the room allows from now on; where the agent is turned off, whoever waits is told so."""
        if changed.policy is None:
            return
        self._policies[room] = changed.policy
        if changed.policy.agent == "off":
            for request in self._queue.withdraw_all(room):
                self._begin(self._refuse(room, request, _TURNED_OFF))

    def _sampling_in(self, room: str) -> Sampling:
        """Give how replies are written in a room: never longer than the server allows."""
        policy = self._policies.get(room)
        if policy is None or not 0 < policy.reply_tokens < self._sampling.max_tokens:
            return self._sampling
        return replace(self._sampling, max_tokens=policy.reply_tokens)

    def _ask(self, room: str, asked: Posted) -> None:
        if self._closed:
            return
        try:
            self._queue.add(room, first(asked), asyncio.get_running_loop().time())
        except TurnRefused as refused:
            self._begin(self._refuse(room, first(asked), str(refused)))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something besides, whose end nobody waits for but the agent's."""
        task = asyncio.get_running_loop().create_task(doing)
        self._besides.add(task)
        task.add_done_callback(self._besides.discard)

    async def _recall(self, room: str, window: Window) -> None:
        """Look up pinned messages that were said longer ago than anything is remembered of them here."""
        seq, entries = -1, list[DurableEvent]()
        while seq != window.seq and (missing := window.missing()):
            seq = window.seq
            try:
                entries = list(await self._seat.about(room, missing))
            except Refusal as refusal:
                _log.warning("What is pinned in room %s could not be looked up: %s", room, refusal.message)
                return
        # Nothing was heard since it was asked for, so that no change of them is missing.
        window.recall(entries)
        if room not in self._turns and self._windows.get(room) is window:
            self._engine.listen(room, window.read_ahead())

    async def _refuse(self, room: str, request: Request, why: str) -> None:
        # An answer like any other, for whoever asked may be a cell that waits for one. A server that ends does not wait
        # for a disk that stays full.
        reply = await begin(self._seat, room, request, request.asked.seq, lambda: self._closed)
        if reply is not None:
            await self._seat.close_reply(room, reply, "failed", why)

    def _next_turns(self) -> None:
        """Begin what can begin, and let everybody know who waits."""
        while len(self._turns) < self._settings.turns_at_once and (found := self._queue.take(self._turns)):
            room, request = found
            sampling = self._sampling_in(room)
            turn = self._turns[room] = Turn(self._seat, self._engine, sampling, room, request, self._measures)
            answering = turn.answer(self._windows[room], self._settings.agent_name)
            turn.task = asyncio.get_running_loop().create_task(answering)
            turn.task.add_done_callback(partial(self._ended, room))
        waiting = self._queue.waiting(len(self._turns))
        for room in self._queued | set(waiting):
            self._seat.show_queue(room, Queue(waiting.get(room, ())))
        self._queued = set(waiting)

    def _ended(self, room: str, task: asyncio.Task[None]) -> None:
        del self._turns[room]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("The agent could not answer in room %s", room, exc_info=error)
        self._next_turns()
        if room not in self._turns and room in self._windows:
            self._engine.listen(room, self._windows[room].read_ahead())
