"""The hub: carries out what members ask for, and lets everybody in a room know what happened.

Commands come up through `receive`, events go down through each channel. The agent takes a seat here like any member;
the hub does not know what sits there. This module touches trust: authors are stamped from the client's identity alone,
and nothing is done in a room that the client has not joined. Authentication is the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from nbgroupchat import protocol
from nbgroupchat.again import Again
from nbgroupchat.attachments import Attachments
from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.changes import Changes
from nbgroupchat.channel import Channel, Client, Encode
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.measures import Measures
from nbgroupchat.mention import mentions
from nbgroupchat.policy import Identity, may_be_answered, plain_policy
from nbgroupchat.protocol import (
    Cancel,
    CancelAnswer,
    ChangeAnswer,
    Command,
    Download,
    DownloadAnswer,
    Edit,
    Event,
    Explain,
    Explanation,
    History,
    HistoryAnswer,
    Join,
    Joined,
    Leave,
    Member,
    Pin,
    Post,
    PostAnswer,
    Posted,
    React,
    Redact,
    Regenerate,
    ResumeReply,
    RoomListed,
    RoomPolicy,
    Rooms,
    RoomsAnswer,
    Search,
    SearchAnswer,
    Status,
    TurnAnswer,
    Typing,
    Upload,
    UploadAnswer,
)
from nbgroupchat.replies import Replies
from nbgroupchat.roles import PlainRoles, Role, Roles
from nbgroupchat.search import Searches
from nbgroupchat.seat import Listener, Seat

Answer: TypeAlias = (
    Joined
    | PostAnswer
    | CancelAnswer
    | ChangeAnswer
    | TurnAnswer
    | Explanation
    | HistoryAnswer
    | SearchAnswer
    | RoomsAnswer
    | UploadAnswer
    | DownloadAnswer
    | None
)

FULL_RETRY_MS = 10_000
"""When somebody may have left a full room."""

MOST_ROOMS = 10_000
"""Among how many, the newest first, somebody's rooms are looked for where not all are everybody's."""

_log = logging.getLogger(__name__)


class Hub:
    """Serves rooms from a backplane. `agent_name` is whom posts may address; `encode` makes frames for clients.

    `roles` say which rooms there are for whom. A room has at most `members_per_room`, 0 without limit. Where the end of
    a reply cannot be stored, it is tried again every `close_again_seconds`.
    """

    def __init__(
        self,
        backplane: Backplane,
        encode: Encode,
        agent_name: str = "llama",
        max_rooms: int = 200,
        members_per_room: int = 0,
        measures: Measures | None = None,
        close_again_seconds: float = 5.0,
        roles: Roles | None = None,
    ) -> None:
        self._backplane = backplane
        self._changes = Changes(backplane)
        self._measures = measures or Measures()
        self._replies = Replies(backplane, self._measures, close_again_seconds)
        self.attachments = Attachments(backplane)
        self._encode = encode
        self._roles = roles or PlainRoles()
        self._agent_name = agent_name
        self._max_rooms = max_rooms
        self._members_per_room = members_per_room
        self._channels: dict[str, Channel] = {}
        self._seats: dict[Seat, Listener] = {}
        self._searches = Searches(backplane)
        self._again = Again(backplane, self._seats)
        self._status = Status(state="off")

    async def receive(self, client: Client, command: Command) -> Answer:
        """Carry out a client's command. Raises Refusal where it may not or cannot be done."""
        self.role_of(client.identity, command.room)
        channel = client.channels.get(command.room)
        try:
            return await self._carry_out(client, command)
        finally:
            if client.gone and channel is not None:
                # It left while this was done, which kept the room.
                self._give_back(channel)

    async def _carry_out(self, client: Client, command: Command) -> Answer:
        match command:
            case Join():
                return await self._join(client, command)
            case Post():
                return await self._post(client, command)
            case Upload():
                self._joined(client, command)
                return self.attachments.upload(client, command)
            case Download():
                self._joined(client, command)
                return await self.attachments.download(command)
            case Cancel():
                return await self._cancel(client, command)
            case Edit():
                return await self._changes.edit(*self._me(client, command), command)
            case Redact():
                return await self._changes.redact(*self._me(client, command), command)
            case Pin():
                return await self._changes.pin(*self._me(client, command), command)
            case React():
                return await self._changes.react(*self._me(client, command), command)
            case Regenerate() | ResumeReply():
                return await self._again.ask(*self._me(client, command), command)
            case Explain():
                return await self._changes.explain(*self._me(client, command), command)
            case Typing():
                self._joined(client, command).type(client, command.on)
            case History():
                return await self._history(client, command)
            case Search():
                channel = self._joined(client, command)
                return await self._searches.search(channel.room, channel.log.position.seq, command)
            case Rooms():
                return await self._rooms(client, command)
            case Leave():
                self._leave(client, self._joined(client, command))
        return None

    def role_of(self, identity: Identity, room: str) -> Role:
        """Give what somebody is in a room. Raises Refusal where it does not exist for them, whether or not it does."""
        role = self._role(identity, room)
        if role is None:
            raise Refusal(Code.NOT_FOUND, "There is no such room for you. Check its name, or ask who runs the course.")
        return role

    def _role(self, identity: Identity, room: str) -> Role | None:
        return self._roles.role(identity.user, identity.groups, room)

    @property
    def rooms(self) -> int:
        """How many rooms are open."""
        return len(self._channels)

    @property
    def members(self) -> int:
        """How many members are present, counted in each room they are in."""
        return sum(channel.present for channel in self._channels.values())

    def leave(self, client: Client) -> None:
        """Let a client go whose connection has ended."""
        client.gone = True
        self.attachments.forget(client)
        for channel in list(client.channels.values()):
            self._leave(client, channel)
        client.outbox.close()

    def seat(self, identity: Identity, listener: Listener) -> Seat:
        """Give the agent a seat in every room; to be called before the first room is opened."""
        seat = Seat(identity, self._channels, self._replies, self._announce)
        self._seats[seat] = listener
        return seat

    async def trim(self, before: int) -> None:
        """Forget what was said before a time, in milliseconds since 1970, and is not pinned."""
        # Part by part, so that what is forgotten is shown to nobody also where a later part fails.
        while moved := await self._backplane.trim(before):
            for room, base in moved.items():
                if channel := self._channels.get(room):
                    channel.trim(base)

    async def close(self) -> None:
        """End; whatever is stored stays stored."""
        self._replies.give_up()
        await self._backplane.close()

    async def _join(self, client: Client, command: Join) -> Joined:
        if command.wire != protocol.WIRE:
            raise Refusal(
                Code.VERSION,
                f"This page speaks version {command.wire} of the chat's frames and the server version {protocol.WIRE}. "
                "Reload the page; if that does not help, run the notebook's cell again.",
            )
        channel = await self._open(command.room)
        if client.gone:
            # Its connection has ended while the room was opened.
            self._give_back(channel)
            raise Refusal(Code.NOT_JOINED, "The connection has ended.")
        if self._members_per_room and not channel.has_room(client.identity, self._members_per_room):
            raise Refusal(
                Code.TOO_MANY,
                f"This room has its {self._members_per_room} members. Wait until somebody leaves, use another room, or "
                "ask the server's administrator to raise NbGroupChat.members_per_room.",
                retry_ms=FULL_RETRY_MS,
            )
        joined = channel.join(client, command, self._policy(), self._status)
        self._measures.joins["new" if command.resume is None else joined.mode] += 1
        return joined

    async def _post(self, client: Client, command: Post) -> PostAnswer:
        channel = self._joined(client, command)
        me = channel.member(client.identity)
        asks: tuple[str, ...] = ()
        if may_be_answered(me.kind) and mentions(command.text, self._agent_name):
            asks = tuple(channel.member(identity).id for identity in channel.seated)
        uploads = self.attachments.of(client, command)
        posted = Posted(
            seq=0,
            eid="",
            ts=0,
            by=me.id,
            name=me.name,
            kind=me.kind,
            text=command.text,
            reply_to=command.reply_to,
            asks=asks,
            attachments=tuple(uploaded.attachment for uploaded in uploads),
        )
        key = f"post {me.id} {command.cid}"
        files = {uploaded.attachment.id: uploaded.data for uploaded in uploads}
        # Without the lock: posts change nothing that others decide by, and the backplane keeps their order.
        with channel.busy():
            if command.reply_to is not None:
                await self._changes.check_reply_to(channel, command.reply_to, key)
            appended = await self._backplane.append(channel.room, posted, key, files)
        self.attachments.posted(client, command)
        if not appended.duplicate:
            self._measures.posts[me.kind] += 1
        return PostAnswer(appended.entry.eid, appended.entry.seq, appended.duplicate)

    async def _cancel(self, client: Client, command: Cancel) -> CancelAnswer:
        channel = self._joined(client, command)
        me = channel.member(client.identity)
        reply = await self._reply_meant(channel, command.id)
        closed = await self._replies.close(channel, me, reply, "stopped", None)
        if closed is None:
            raise Refusal(Code.NOT_FOUND, "There is no such reply in this room. It may be too old to be stopped.")
        return CancelAnswer(closed.seq, closed.status)

    async def _reply_meant(self, channel: Channel, id_: str) -> str:
        """Give the reply an id means: itself, the one to that question or, where it still waits, an empty one."""
        if id_ in channel.drafts:
            return id_
        # What waits comes first: a question that has a reply may wait for another.
        for seat, listener in self._seats.items():
            if request := listener.withdraw(channel.room, id_):
                return await seat.open_reply(channel.room, request, channel.log.position.seq)
        if opened := channel.log.reply_to(id_):
            return opened.eid
        return id_

    async def _history(self, client: Client, command: History) -> HistoryAnswer:
        channel = self._joined(client, command)
        before = min(command.before, channel.log.position.seq + 1)
        entries, more = await self._backplane.read(channel.room, before, command.limit)
        return HistoryAnswer(tuple(entries), more)

    async def _rooms(self, client: Client, command: Rooms) -> RoomsAnswer:
        """Name the rooms that there are for somebody: on a plain server there is none that they may not join."""
        self._joined(client, command)
        known = await self._backplane.rooms(command.limit + 1 if self._roles.plain else MOST_ROOMS)
        known = [room for room in known if self._role(client.identity, room.name)]
        listed = [RoomListed(room.name, room.epoch, room.seq, room.ts, self._present(room.name)) for room in known]
        said = {room.name for room in known}
        for name, channel in self._channels.items():
            silent = channel.present and not channel.log.position.seq and name not in said
            if silent and self._role(client.identity, name):
                listed.append(RoomListed(name, channel.log.position.epoch, 0, 0, channel.present))
        return RoomsAnswer(tuple(listed[: command.limit]), len(listed) > command.limit)

    def _present(self, room: str) -> int:
        channel = self._channels.get(room)
        return channel.present if channel else 0

    async def _open(self, room: str) -> Channel:
        channel = self._channels.get(room)
        if channel is None:
            if len(self._channels) >= self._max_rooms:
                raise Refusal(
                    Code.TOO_MANY,
                    f"This server already has {self._max_rooms} rooms, its most. Use one of those, or ask its "
                    "administrator to raise NbGroupChat.max_rooms.",
                )
            channel = self._channels[room] = Channel(room, self._encode)
            channel.seated = tuple(seat.identity for seat in self._seats)
        try:
            # Whoever waits for the lock needs the room, also where the one who opens it leaves meanwhile.
            with channel.busy():
                async with channel.lock:
                    await self._open_once(channel)
        except Refusal:
            self._give_back(channel)
            raise
        return channel

    async def _open_once(self, channel: Channel) -> None:
        if channel.key:
            return
        opened = await self._backplane.open(channel.room, partial(self._deliver, channel))
        channel.opened(opened)
        for listener in self._seats.values():
            listener.opened(channel.room, (*opened.earlier, *opened.entries), opened.records)
        await self._replies.end_left_open(channel, (*opened.earlier, *opened.entries))

    def _announce(self, status: Status) -> None:
        self._status = status
        for channel in self._channels.values():
            channel.announce(status)

    def _leave(self, client: Client, channel: Channel) -> None:
        channel.leave(client)
        self._give_back(channel)

    def _give_back(self, channel: Channel) -> None:
        """Forget a room in which nobody is and nothing was said, so that names cannot be used up."""
        if channel.is_empty() and channel.room in self._channels:
            del self._channels[channel.room]
            self._backplane.release(channel.room)
            for listener in self._seats.values():
                listener.closed(channel.room)

    def _deliver(self, channel: Channel, events: Sequence[Event]) -> None:
        channel.deliver(events)
        for listener in self._seats.values():
            try:
                listener.hear(channel.room, events)
            except Exception:
                # What was said is said: whoever cannot hear it must not take it from the others.
                _log.exception("A listener failed on what happened in room %s", channel.room)

    def _me(self, client: Client, command: Command) -> tuple[Channel, Member]:
        channel = self._joined(client, command)
        return channel, channel.member(client.identity)

    def _joined(self, client: Client, command: Command) -> Channel:
        channel = client.channels.get(command.room)
        if channel is None:
            raise Refusal(Code.NOT_JOINED, f"This connection is not in the room {command.room!r}. Join it first.")
        return channel

    def _policy(self) -> RoomPolicy:
        return plain_policy(self._agent_name) if self._seats else RoomPolicy(mention="")
