"""The agent's place in every room of a hub: all it can do there, and how it hears what happens.

Knows nothing of what sits in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nbgroupchat.channel import Channel
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta, DurableEvent, Event, Queue, ReplyStatus, Status
from nbgroupchat.replies import Replies


class Listener(Protocol):
    """Somebody who hears every room without a panel, such as the agent."""

    def opened(self, room: str, entries: Sequence[DurableEvent], records: Mapping[str, bytes]) -> None:
        """Hear what a room's log held when it was opened, and what is recorded with its replies."""

    def hear(self, room: str, events: Sequence[Event]) -> None:
        """Hear what happened in a room. Called on the event loop; must not block."""

    def withdraw(self, room: str, asked: str) -> bool:
        """Answer a question no more that has no reply yet; False where it is not waiting for one."""

    def closed(self, room: str) -> None:
        """Hear that an empty room was given back."""


class Seat:
    """The agent's place in every room: all it can do is write replies and say how its model is."""

    def __init__(
        self,
        identity: Identity,
        channels: Mapping[str, Channel],
        replies: Replies,
        announce: Callable[[Status], None],
    ) -> None:
        self.identity = identity
        self._channels = channels
        self._replies = replies
        self._announce = announce

    def me(self, room: str) -> str:
        """Give the id of the member that sits here."""
        return self._channels[room].member(self.identity).id

    async def open_reply(self, room: str, to: str, context: int) -> str:
        """Begin to answer the message `to`, having read everything up to entry `context`; gives the reply's id."""
        channel = self._channels[room]
        return await self._replies.open(channel, channel.member(self.identity), to, context)

    async def write(self, room: str, delta: Delta) -> bool:
        """Add pieces to a reply; False where it has been closed, by whomever."""
        return await self._replies.write(self._channels[room], delta)

    async def close_reply(self, room: str, reply: str, status: ReplyStatus, error: str | None = None) -> None:
        """End a reply with what was written, unless it has been closed already."""
        await self._replies.end(self._channels[room], self.me(room), reply, status, error)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """Keep what the model read for a reply."""
        await self._replies.record(room, reply, record)

    def show_queue(self, room: str, queue: Queue) -> None:
        """Tell a room, now and when somebody joins, which of its questions wait."""
        self._channels[room].show_queue(queue)

    def announce(self, status: Status) -> None:
        """Tell every room, now and when somebody joins, how the model is."""
        self._announce(status)
