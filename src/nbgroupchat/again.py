"""Asking the agent once more: for another reply to a question, or to go on with a reply that ended early.

Both are turns like any other, and their replies messages of their own. Nothing is stored before such a turn begins, so
one that waits when the server ends is gone, as a question's is. This module touches trust: whoever may stop a reply may
ask, at the pace of questions, and nobody where the agent is turned off; what was written before stays in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.channel import Channel
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.pace import Pace, asked_too_often
from nbgroupchat.policy import Identity, check_again, check_resume, is_mine, may_be_answered
from nbgroupchat.protocol import DurableEvent, Posted, Regenerate, ResumeReply, Role, TurnAnswer
from nbgroupchat.rights import check_own
from nbgroupchat.room import Room
from nbgroupchat.seat import Listener, Seat
from nbgroupchat.turns import Request, TurnRefused

AGAIN_MS = 5_000
"""When a turn that was refused may be asked for again: another may have ended by then."""


class Again:
    """Asks whoever sits in the rooms of one backplane."""

    def __init__(self, backplane: Backplane, seats: Mapping[Seat, Listener], pace: Pace) -> None:
        self._backplane = backplane
        self._seats = seats
        self._pace = pace

    async def ask(
        self, channel: Channel, identity: Identity, command: Regenerate | ResumeReply, role: Role
    ) -> TurnAnswer:
        """Let another reply be written. Raises Refusal."""
        room, goes_on = Room(), isinstance(command, ResumeReply)
        await self._fold(room, channel, command.id)
        reply = room.messages.get(command.id)
        to = reply.to if reply is not None and reply.to else ""
        key = f"{'resume' if goes_on else 'again'} {channel.key_of(identity)} {command.cid}"
        if await self._was_asked(channel, key):
            return TurnAnswer(to)
        entries = await self._fold(room, channel, to)
        opened = channel.log.reply_to(to)
        newest = opened.eid if opened is not None else ""
        question = room.messages.get(to)
        check_again(reply, question, newest in channel.drafts)
        if goes_on:
            check_resume(reply, newest)
        mine = is_mine(reply, question, channel.ids_of(identity))
        check_own("have it answered again", channel.policy.stop, mine=mine, role=role)
        if not self._seats or not may_be_answered(identity.kind):
            raise Refusal(Code.FORBIDDEN, "No model answers here, or not this kind of member.")
        asked = next(entry for entry in entries if isinstance(entry, Posted))
        continues = command.id if goes_on else None
        self._take(channel, identity, Request(asked, channel.member(identity).id, key, continues), role)
        return TurnAnswer(to)

    def _take(self, channel: Channel, identity: Identity, request: Request, role: Role) -> None:
        """Let a request wait for its turn where the room's policy allows it now. Raises Refusal."""
        policy, person = channel.policy, (channel.room, identity.user, request.key)
        if policy.agent == "off":
            raise Refusal(Code.NOT_NOW, "An instructor has turned the model off in this room. Ask the people in it.")
        if role != "instructor" and (wait := self._pace.ask(*person, policy)):
            raise asked_too_often(policy, wait)
        for listener in self._seats.values():
            try:
                listener.ask(channel.room, request)
            except TurnRefused as refused:
                self._pace.take_back(*person)
                raise Refusal(Code.TOO_FAST, str(refused), retry_ms=AGAIN_MS) from None

    async def _was_asked(self, channel: Channel, key: str) -> bool:
        if any(listener.has(channel.room, key) for listener in self._seats.values()):
            return True
        return await self._backplane.keyed(channel.room, key) is not None

    async def _fold(self, room: Room, channel: Channel, message: str) -> list[DurableEvent]:
        entries = list(await self._backplane.about(channel.room, {message}))
        for entry in entries:
            room.fold(entry)
        return entries
