"""Asking the agent once more: for another reply to a question, or to go on with a reply that ended early.

Both are turns like any other, and their replies messages of their own. Nothing is stored before such a turn begins, so
one that waits when the server ends is gone, as a question's is. This module touches trust: anybody here may ask, as
anybody may stop a reply; what was written before stays in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.channel import Channel
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.policy import check_again, check_resume, may_be_answered
from nbgroupchat.protocol import DurableEvent, Member, Posted, Regenerate, ResumeReply, TurnAnswer
from nbgroupchat.room import Room
from nbgroupchat.seat import Listener, Seat
from nbgroupchat.turns import Request, TurnRefused

AGAIN_MS = 5_000
"""When a turn that was refused may be asked for again: another may have ended by then."""


class Again:
    """Asks whoever sits in the rooms of one backplane."""

    def __init__(self, backplane: Backplane, seats: Mapping[Seat, Listener]) -> None:
        self._backplane = backplane
        self._seats = seats

    async def ask(self, channel: Channel, me: Member, command: Regenerate | ResumeReply) -> TurnAnswer:
        """Let another reply be written. Raises Refusal."""
        room, goes_on = Room(), isinstance(command, ResumeReply)
        await self._fold(room, channel, command.id)
        reply = room.messages.get(command.id)
        to = reply.to if reply is not None and reply.to else ""
        key = f"{'resume' if goes_on else 'again'} {me.id} {command.cid}"
        if await self._was_asked(channel, key):
            return TurnAnswer(to)
        entries = await self._fold(room, channel, to)
        opened = channel.log.reply_to(to)
        newest = opened.eid if opened is not None else ""
        check_again(reply, room.messages.get(to), newest in channel.drafts)
        if goes_on:
            check_resume(reply, newest)
        if not self._seats or not may_be_answered(me.kind):
            raise Refusal(Code.FORBIDDEN, "No model answers here, or not this kind of member.")
        asked = next(entry for entry in entries if isinstance(entry, Posted))
        for listener in self._seats.values():
            try:
                listener.ask(channel.room, Request(asked, me.id, key, command.id if goes_on else None))
            except TurnRefused as refused:
                raise Refusal(Code.TOO_FAST, str(refused), retry_ms=AGAIN_MS) from None
        return TurnAnswer(to)

    async def _was_asked(self, channel: Channel, key: str) -> bool:
        if any(listener.has(channel.room, key) for listener in self._seats.values()):
            return True
        return await self._backplane.keyed(channel.room, key) is not None

    async def _fold(self, room: Room, channel: Channel, message: str) -> list[DurableEvent]:
        entries = list(await self._backplane.about(channel.room, {message}))
        for entry in entries:
            room.fold(entry)
        return entries
