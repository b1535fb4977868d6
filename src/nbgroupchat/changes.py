"""What members do to messages that are there: edit, redact, pin, react, and ask what the model read for a reply.

This module touches trust: who may do it is decided (`policy`, `rights`) under the room's lock, together with the write,
by what the log says at that moment. What one does to another's message by right of office is in the audit trail before
it is done.
"""

from __future__ import annotations

from nbgroupchat.backplanes.base import Act, Backplane, Person
from nbgroupchat.channel import Channel
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.explain import explanation, record_of
from nbgroupchat.policy import (
    Identity,
    check_edit,
    check_pin,
    check_reaction,
    check_redaction,
    check_reply_to,
    is_mine,
)
from nbgroupchat.protocol import (
    ChangeAnswer,
    Edit,
    Edited,
    Explain,
    Explanation,
    Member,
    Pin,
    PolicyAnswer,
    React,
    Reacted,
    Redact,
    Redacted,
    Role,
    RoomChanged,
    SetPolicy,
    Who,
    WhoAnswer,
)
from nbgroupchat.rights import changed, check_own
from nbgroupchat.room import Message, Room


class Changes:
    """Carries them out in the rooms of one backplane."""

    def __init__(self, backplane: Backplane) -> None:
        self._backplane = backplane
        self._met: set[tuple[str, str]] = set()

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

    async def redact(
        self, channel: Channel, me: Member, command: Redact, identity: Identity, role: Role
    ) -> ChangeAnswer:
        """Take back what a message says. Raises Refusal."""
        async with channel.lock:
            message, asked = await self.asked(channel, command.id)
            mine = is_mine(message, asked, channel.ids_of(identity))
            if message is not None:
                check_own("redact a message", channel.policy.redact, mine=mine, role=role)
            check_redaction(message)
            if not mine and message is not None and not message.redacted:
                await self._audit(channel, identity, "redact", command.id, "")
            entry = Redacted(seq=0, eid="", ts=0, by=me.id, id=command.id)
            appended = await self._backplane.append(channel.room, entry, f"redact {command.id}")
        return ChangeAnswer(appended.entry.seq)

    async def pin(self, channel: Channel, me: Member, command: Pin, identity: Identity, role: Role) -> ChangeAnswer:
        """Pin a message, or unpin it. Raises Refusal."""
        async with channel.lock:
            message, asked = await self.asked(channel, command.id)
            mine = is_mine(message, asked, channel.ids_of(identity))
            check_own("pin a message", channel.policy.pin, mine=mine, role=role)
            if (command.id in channel.pinned) is command.on:
                return ChangeAnswer(channel.log.position.seq)
            pinned = tuple(message for message in channel.pinned if message != command.id)
            if command.on:
                check_pin(message, pinned)
                pinned += (command.id,)
            entry = RoomChanged(seq=0, eid="", ts=0, by=me.id, pinned=pinned, policy=channel.decided)
            appended = await self._backplane.append(channel.room, entry)
        return ChangeAnswer(appended.entry.seq)

    async def react(self, channel: Channel, identity: Identity, command: React) -> ChangeAnswer:
        """Put an emoji to a message, or take it away. Raises Refusal."""
        async with channel.lock:
            message = await self._message(channel, command.id)
            await self.meet(channel, identity)
            me = channel.member(identity)
            if not check_reaction(message, command.emoji, command.on, me):
                return ChangeAnswer(channel.log.position.seq)
            entry = Reacted(
                seq=0, eid="", ts=0, by=me.id, name=me.name, id=command.id, emoji=command.emoji, on=command.on
            )
            appended = await self._backplane.append(channel.room, entry)
        return ChangeAnswer(appended.entry.seq)

    async def set_policy(self, channel: Channel, me: Member, command: SetPolicy, identity: Identity) -> PolicyAnswer:
        """Change what the room allows, and give all of it. Raises Refusal."""
        async with channel.lock:
            before, decided = channel.policy, channel.decided
            policy = changed(before, command)
            if policy == before:
                return PolicyAnswer(channel.log.position.seq, before)
            names = [name for name in policy.__struct_fields__ if getattr(policy, name) != getattr(before, name)]
            details = ", ".join(f"{name} = {getattr(policy, name)!r}" for name in names)
            await self._audit(channel, identity, "policy", "", details)
            entry = RoomChanged(seq=0, eid="", ts=0, by=me.id, pinned=channel.pinned, policy=policy)
            # From now on: what comes while it is being stored is after it in the log.
            channel.rule(policy)
            try:
                appended = await self._backplane.append(channel.room, entry, f"policy {me.id} {command.cid}")
            except BaseException:
                channel.rule(decided)
                raise
            if appended.duplicate:
                # A retry of what another change has undone since.
                channel.rule(decided)
        return PolicyAnswer(appended.entry.seq, channel.policy)

    async def meet(self, channel: Channel, identity: Identity) -> None:
        """Keep who a member with a pseudonym is, for instructors; once is enough while the hub runs."""
        me = channel.member(identity)
        if channel.policy.anonymous and channel.is_masked(identity) and (channel.room, me.id) not in self._met:
            await self._backplane.meet(channel.room, me.id, Person(identity.user, identity.name, identity.kind))
            self._met.add((channel.room, me.id))

    async def who(self, channel: Channel, command: Who, identity: Identity) -> WhoAnswer:
        """Say who a member is. Raises Refusal."""
        found = channel.identity_of(command.id) or await self._backplane.met(channel.room, command.id)
        if found is None:
            raise Refusal(
                Code.NOT_FOUND, "Nobody is known by this id: nothing was posted under it while names were hidden."
            )
        await self._audit(channel, identity, "who", command.id, "")
        return WhoAnswer(found.user, found.name, found.kind)

    async def explain(self, channel: Channel, command: Explain, role: Role) -> Explanation:
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
        return explanation(message, record, entries, whole=role == "instructor")

    async def asked(self, channel: Channel, id_: str) -> tuple[Message | None, Message | None]:
        """Give a message and, of a reply, what it answers."""
        message = await self._message(channel, id_)
        return message, await self._message(channel, message.to) if message is not None and message.to else None

    async def _audit(self, channel: Channel, identity: Identity, action: str, about: str, details: str) -> None:
        await self._backplane.audit(channel.room, Act(0, identity.user, identity.name, action, about, details))

    async def _message(self, channel: Channel, id_: str) -> Message | None:
        """Give a message as it stands, also one that is no longer in memory; None where there is none."""
        room = Room()
        for entry in await self._backplane.about(channel.room, {id_}):
            room.fold(entry)
        return room.messages.get(id_)
