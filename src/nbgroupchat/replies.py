"""Opening, writing and closing replies, and the ends of those that nobody writes any more.

Whatever is done to one reply is done under its room's lock, so that its end is stored with exactly the pieces that were
told before. Knows nothing of who may do it, or of what writes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.channel import Channel
from nbgroupchat.errors import Refusal
from nbgroupchat.measures import Measures
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta, DurableEvent, Member, ReplyClosed, ReplyOpened, ReplyStatus
from nbgroupchat.turns import Request

_LEFT_OPEN = "The server ended while this was written. Ask again."

_log = logging.getLogger(__name__)


class Replies:
    """The replies in the rooms of one backplane.

    Where the end of one cannot be stored, it is tried again every `close_again_seconds`.
    """

    def __init__(self, backplane: Backplane, measures: Measures, close_again_seconds: float) -> None:
        self._backplane = backplane
        self._measures = measures
        self._close_again_seconds = close_again_seconds
        self.closing: set[asyncio.Task[None]] = set()
        """What goes on trying to end a reply."""

    async def open(self, channel: Channel, me: Member, request: Request, context: int) -> str:
        """Begin to answer a request, having read everything up to entry `context`; gives the reply's id.

        A request is answered once: who begins while another's beginning is being stored is given the same reply.
        """
        entry = ReplyOpened(
            seq=0,
            eid="",
            ts=0,
            by=me.id,
            name=me.name,
            to=request.asked.eid,
            context=context,
            continues=request.continues,
        )
        async with channel.lock:
            appended = await self._backplane.append(channel.room, entry, request.key)
        return appended.entry.eid

    async def write(self, channel: Channel, delta: Delta) -> bool:
        """Add pieces to a reply; False where it has been closed, by whomever."""
        async with channel.lock:
            return await self._backplane.journal(channel.room, delta)

    async def close(
        self, channel: Channel, by: Member | Identity, reply: str, status: ReplyStatus, error: str | None
    ) -> ReplyClosed | None:
        """End an open reply with the text told so far, or give the end it has had; None where there is none."""
        async with channel.lock:
            # What somebody is called here is decided by what holds when it is stored.
            me = channel.member(by) if isinstance(by, Identity) else by
            return await self._close(channel, me, reply, status, error)

    async def end(self, channel: Channel, by: Member, reply: str, status: ReplyStatus, error: str | None) -> None:
        """End an open reply, now or as soon as that can be stored."""
        try:
            await self.close(channel, by, reply, status, error)
        except Refusal:
            self._close_later(channel, by, reply, status, error)

    async def end_left_open(self, channel: Channel, entries: Sequence[DurableEvent]) -> None:
        """End the replies that nobody writes any more, as a server that was killed leaves them, with what was told.

        For whoever holds the room's lock.
        """
        for entry in entries:
            if isinstance(entry, ReplyOpened) and entry.eid in channel.drafts:
                writer = Member(entry.by, entry.name, "agent")
                try:
                    await self._close(channel, writer, entry.eid, "interrupted", _LEFT_OPEN)
                except Refusal:
                    self._close_later(channel, writer, entry.eid, "interrupted", _LEFT_OPEN)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """Keep what the model read for a reply."""
        try:
            await self._backplane.record(room, reply, record)
        except Refusal as refusal:
            _log.warning("What the model read for a reply in room %s could not be kept: %s", room, refusal.message)

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        """Give the entries that made and changed the messages that a reply is to be written from. Raises Refusal."""
        return await self._backplane.about(room, messages)

    def give_up(self) -> None:
        """Try no more to end what could not be stored."""
        for task in self.closing:
            task.cancel()

    async def _close(
        self, channel: Channel, by: Member, reply: str, status: ReplyStatus, error: str | None
    ) -> ReplyClosed | None:
        draft = channel.drafts.get(reply)
        if draft is None:
            return channel.log.close_of(reply)
        entry = ReplyClosed(
            seq=0,
            eid="",
            ts=0,
            by=by.id,
            id=reply,
            text=draft.text,
            status=status,
            error=error,
            name=by.name if status == "stopped" else "",
        )
        appended = await self._backplane.append(channel.room, entry, f"close {reply}")
        if not appended.duplicate:
            self._measures.turns[status] += 1
        assert isinstance(appended.entry, ReplyClosed)  # noqa: S101  # the key is used for closes alone
        return appended.entry

    def _close_later(self, channel: Channel, by: Member, reply: str, status: ReplyStatus, error: str | None) -> None:
        """Go on trying to end a reply whose end cannot be stored now."""

        async def close() -> None:
            while True:
                await asyncio.sleep(self._close_again_seconds)
                with suppress(Refusal):
                    await self.close(channel, by, reply, status, error)
                    return

        task = asyncio.get_running_loop().create_task(close())
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)
