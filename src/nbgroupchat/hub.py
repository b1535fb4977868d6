"""The hub: carries out what members ask for, and lets everybody in a room know what happened.

Commands come up through `receive`, events go down through each channel. The agent takes a seat here like any member;
the hub does not know what sits there. This module touches trust: authors are stamped from the client's identity alone,
and nothing is done in a room that the client has not joined. Authentication is the caller's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from msgspec.structs import replace

from nbgroupchat import protocol
from nbgroupchat.again import Again
from nbgroupchat.attachments import Attachments
from nbgroupchat.backplanes.base import Backplane, now_ms
from nbgroupchat.changes import Changes
from nbgroupchat.channel import Channel, Client, Encode
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.log import public
from nbgroupchat.measures import Measures
from nbgroupchat.mention import mentions
from nbgroupchat.pace import Pace, asked_too_often
from nbgroupchat.policy import (
    Identity,
    is_mine,
    may_be_answered,
    part_of,
)
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
    Pin,
    PolicyAnswer,
    Post,
    PostAnswer,
    Posted,
    React,
    Redact,
    Regenerate,
    ResumeReply,
    Role,
    RoomListed,
    RoomPolicy,
    Rooms,
    RoomsAnswer,
    Search,
    SearchAnswer,
    SetPolicy,
    Status,
    TurnAnswer,
    Typing,
    Upload,
    UploadAnswer,
    Who,
    WhoAnswer,
)
from nbgroupchat.replies import Replies
from nbgroupchat.rights import check, check_own
from nbgroupchat.roles import PlainRoles, Roles
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
    | PolicyAnswer
    | WhoAnswer
    | None
)

FULL_RETRY_MS = 10_000
"""When somebody may have left a full room."""

MOST_ROOMS = 10_000
"""Among how many, the newest first, somebody's rooms are looked for where not all are everybody's."""

_log = logging.getLogger(__name__)


class Hub:
    """Serves rooms from a backplane. `agent_name` is whom posts may address; `encode` makes frames for clients.

    A room has at most `members_per_room`, 0 without limit. Where the end of a reply cannot be stored, it is tried again
    every `close_again_seconds`. `roles` say which rooms there are for whom, `policy` what a room allows until an
    instructor decides, `clock` gives seconds that only grow, and `now_ms` milliseconds since 1970.
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
        policy: RoomPolicy = RoomPolicy(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._backplane = backplane
        self._changes = Changes(backplane)
        self._measures = measures or Measures()
        self._replies = Replies(backplane, self._measures, close_again_seconds)
        self.attachments = Attachments(backplane)
        self._encode = encode
        self._agent_name = agent_name
        self._max_rooms = max_rooms
        self._members_per_room = members_per_room
        self._roles = roles or PlainRoles()
        self._default = policy
        self._pace = Pace(clock)
        self._now_ms = now_ms
        self._channels: dict[str, Channel] = {}
        self._seats: dict[Seat, Listener] = {}
        self._searches = Searches(backplane)
        self._again = Again(backplane, self._seats, self._pace)
        self._status = Status(state="off")

    async def receive(self, client: Client, command: Command) -> Answer:
        """Carry out a client's command. Raises Refusal where it may not or cannot be done."""
        # First of all: a room that does not exist for somebody is like one that nobody ever opened.
        role = self.role_of(client.identity, command.room)
        channel = client.channels.get(command.room)
        try:
            if isinstance(command, Join):
                return await self._join(client, command)
            channel = self._joined(client, command)
            check(command, role, channel.policy, self._now_ms())
            return await self._carry_out(client, command, channel, role)
        finally:
            if client.gone and channel is not None:
                # It left while this was done, which kept the room.
                self._give_back(channel)

    async def _carry_out(self, client: Client, command: Command, channel: Channel, role: Role) -> Answer:
        identity, me = client.identity, channel.member(client.identity)
        match command:
            case Post():
                return await self._post(client, channel, command, role)
            case Upload():
                return self.attachments.upload(client, command)
            case Download():
                return await self.attachments.download(command)
            case Cancel():
                return await self._cancel(channel, identity, command, role)
            case Edit():
                return await self._changes.edit(channel, me, command)
            case Redact():
                return await self._changes.redact(channel, me, command, identity, role)
            case Pin():
                return await self._changes.pin(channel, me, command, identity, role)
            case React():
                return await self._changes.react(channel, identity, command)
            case Regenerate() | ResumeReply():
                return await self._again.ask(channel, identity, command, role)
            case Explain():
                return await self._changes.explain(channel, command, role)
            case SetPolicy():
                answer = await self._changes.set_policy(channel, me, command, identity)
                return replace(answer, policy=self._named(answer.policy))
            case Who():
                return await self._changes.who(channel, command, identity)
            case Typing():
                channel.type(client, command.on)
            case History():
                return await self._history(channel, command)
            case Search():
                return await self._searches.search(channel.room, channel.log.position.seq, command)
            case Rooms():
                return await self._rooms(client, command)
            case Leave():
                self._leave(client, channel)
        return None

    def role_of(self, identity: Identity, room: str) -> Role:
        """Give what somebody is in a room. Raises Refusal where it does not exist for them, whether or not it does."""
        role = self._role(identity, room)
        if role is None:
            raise Refusal(Code.NOT_FOUND, "There is no such room for you. Check its name, or ask who runs the course.")
        return role

    def _role(self, identity: Identity, room: str) -> Role | None:
        return part_of(self._roles, identity, room)

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
        self.role_of(client.identity, command.room)
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
        policy = self._named(replace(channel.policy, prompt=""))
        joined = channel.join(client, command, policy, self._status)
        self._measures.joins["new" if command.resume is None else joined.mode] += 1
        return joined

    async def _post(self, client: Client, channel: Channel, command: Post, role: Role) -> PostAnswer:
        room, user, pace = channel.room, client.identity.user, f"post {command.cid}"
        key = f"post {channel.key_of(client.identity)} {command.cid}"
        # Without the lock: posts change nothing that others decide by, and the backplane keeps their order.
        with channel.busy():
            if command.reply_to is not None:
                await self._changes.check_reply_to(channel, command.reply_to, key)
            await self._changes.meet(channel, client.identity)
            # Something else may hold since it came.
            check(command, role, channel.policy, self._now_ms())
            counted = self._pace.knows(room, user, pace)
            asks = self._paced(channel, client.identity, command, role)
            try:
                return await self._say(client, channel, command, key, asks)
            except Refusal:
                if not counted:
                    self._pace.take_back(room, user, pace)
                raise

    def _paced(self, channel: Channel, identity: Identity, command: Post, role: Role) -> tuple[str, ...]:
        """Give whom a post asks, once its author's pace allows it. Raises Refusal where it does not."""
        room, user, policy, pace = channel.room, identity.user, channel.policy, f"post {command.cid}"
        addressed = mentions(command.text, self._agent_name)
        asks = may_be_answered(identity.kind) and (
            (policy.agent != "off" and addressed) or (policy.agent == "on" and identity.kind == "human")
        )
        if role != "instructor":
            self._pace.post(room, user, pace, policy)
            wait = self._pace.ask(room, user, pace, policy) if asks and channel.seated else 0.0
            if wait and addressed:
                self._pace.take_back(room, user, pace)
                raise asked_too_often(policy, wait)
            asks = asks and not wait
        return tuple(channel.member(seated).id for seated in channel.seated) if asks else ()

    async def _say(
        self, client: Client, channel: Channel, command: Post, key: str, asks: tuple[str, ...]
    ) -> PostAnswer:
        me = channel.member(client.identity)
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
        files = {uploaded.attachment.id: uploaded.data for uploaded in uploads}
        appended = await self._backplane.append(channel.room, posted, key, files)
        self.attachments.posted(client, command)
        if not appended.duplicate:
            self._measures.posts[me.kind] += 1
        return PostAnswer(appended.entry.eid, appended.entry.seq, appended.duplicate)

    async def _cancel(self, channel: Channel, identity: Identity, command: Cancel, role: Role) -> CancelAnswer:
        if channel.policy.stop != "anyone":
            message, asked = await self._changes.asked(channel, command.id)
            mine = is_mine(message, asked, channel.ids_of(identity))
            check_own("stop a reply", channel.policy.stop, mine=mine, role=role)
        await self._changes.meet(channel, identity)
        reply = await self._reply_meant(channel, command.id)
        closed = await self._replies.close(channel, identity, reply, "stopped", None)
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

    async def _history(self, channel: Channel, command: History) -> HistoryAnswer:
        before = min(command.before, channel.log.position.seq + 1)
        entries, more = await self._backplane.read(channel.room, before, command.limit)
        return HistoryAnswer(tuple(public(entry) for entry in entries), more)

    async def _rooms(self, client: Client, command: Rooms) -> RoomsAnswer:
        """Name the rooms that there are for somebody: on a plain server there is none that they may not join."""
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
            channel = self._channels[room] = Channel(room, self._encode, None, self._roles, self._default)
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

    def _joined(self, client: Client, command: Command) -> Channel:
        channel = client.channels.get(command.room)
        if channel is None:
            raise Refusal(Code.NOT_JOINED, f"This connection is not in the room {command.room!r}. Join it first.")
        return channel

    def _named(self, policy: RoomPolicy) -> RoomPolicy:
        """Give a policy with what the agent is addressed as now, nothing where none sits here."""
        return replace(policy, mention=f"@{self._agent_name}" if self._seats else "")
