"""What members do to messages that are there: edit, redact, pin, react, and ask what the model read for a reply.

This module touches trust: who may do it is decided (`policy`) under the room's lock, together with the write, by what
the log says at that moment.
"""

from __future__ import annotations

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.channel import Channel
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.explain import explanation, record_of
from nbgroupchat.policy import check_edit, check_pin, check_reaction, check_redaction, check_reply_to
from nbgroupchat.protocol import (
    ChangeAnswer,
    Edit,
    Edited,
    Explain,
    Explanation,
    Member,
    Pin,
    React,
    Reacted,
    Redact,
    Redacted,
    RoomChanged,
)
from nbgroupchat.room import Message, Room


class Changes:
    """Carries them out in the rooms of one backplane."""

    def __init__(self, backplane: Backplane) -> None:
        self._backplane = backplane

    async def edit(self, channel: Channel, me: Member, command: Edit) -> ChangeAnswer:
        """Give a post another text. Raises Refusal."""
        key = f"edit {me.id} {command.cid}"
        async with channel.lock:
            message = await self._message(channel, command.id)
            try:
                check_edit(message, me)
            except Refusal:
                # What was answered is answered again, also where the message is gone since.
                if (before := await self._backplane.keyed(channel.room, key)) is None:
                    raise
                return ChangeAnswer(before.seq)
            entry = Edited(seq=0, eid="", ts=0, by=me.id, id=command.id, text=command.text)
            appended = await self._backplane.append(channel.room, entry, key)
        return ChangeAnswer(appended.entry.seq)

    async def check_reply_to(self, channel: Channel, id_: str, key: str) -> None:
        """Raise Refusal unless a post may answer a message; one that stands under `key` already was taken before."""
        try:
            check_reply_to(await self._message(channel, id_))
        except Refusal:
            if await self._backplane.keyed(channel.room, key) is None:
                raise

    async def redact(self, channel: Channel, me: Member, command: Redact) -> ChangeAnswer:
        """Take back what a message says. Raises Refusal."""
        async with channel.lock:
            message = await self._message(channel, command.id)
            asked = await self._message(channel, message.to) if message is not None and message.to else None
            check_redaction(message, asked, me)
            entry = Redacted(seq=0, eid="", ts=0, by=me.id, id=command.id)
            appended = await self._backplane.append(channel.room, entry, f"redact {command.id}")
        return ChangeAnswer(appended.entry.seq)

    async def pin(self, channel: Channel, me: Member, command: Pin) -> ChangeAnswer:
        """Pin a message, or unpin it. Raises Refusal."""
        async with channel.lock:
            if (command.id in channel.pinned) is command.on:
                return ChangeAnswer(channel.log.position.seq)
            pinned = tuple(message for message in channel.pinned if message != command.id)
            if command.on:
                check_pin(await self._message(channel, command.id), pinned)
                pinned += (command.id,)
            entry = RoomChanged(seq=0, eid="", ts=0, by=me.id, pinned=pinned)
            appended = await self._backplane.append(channel.room, entry)
        return ChangeAnswer(appended.entry.seq)

    async def react(self, channel: Channel, me: Member, command: React) -> ChangeAnswer:
        """Put an emoji to a message, or take it away. Raises Refusal."""
        async with channel.lock:
            message = await self._message(channel, command.id)
            if not check_reaction(message, command.emoji, command.on, me):
                return ChangeAnswer(channel.log.position.seq)
            entry = Reacted(
                seq=0, eid="", ts=0, by=me.id, name=me.name, id=command.id, emoji=command.emoji, on=command.on
            )
            appended = await self._backplane.append(channel.room, entry)
        return ChangeAnswer(appended.entry.seq)

    async def explain(self, channel: Channel, _me: Member, command: Explain) -> Explanation:
        """Say what the model read for a reply. Raises Refusal."""
        records = await self._backplane.records(channel.room, {command.id})
        message = await self._message(channel, command.id)
        record = record_of(records.get(command.id))
        if message is None or message.to is None or record is None:
            raise Refusal(
                Code.NOT_FOUND,
                "Of this message nothing is recorded that the model read: it is no reply, was redacted, the model had "
                "not begun to read when it ended, or what was recorded cannot be read.",
            )
        entries = await self._backplane.about(channel.room, record.messages)
        return explanation(message, record, entries)

    async def _message(self, channel: Channel, id_: str) -> Message | None:
        """Give a message as it stands, also one that is no longer in memory; None where there is none."""
        room = Room()
        for entry in await self._backplane.about(channel.room, {id_}):
            room.fold(entry)
        return room.messages.get(id_)
