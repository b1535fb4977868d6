"""One room as a hub serves it: the newest part of its log, its drafts, and the clients that read along.

Everything arrives here through the backplane, also what this hub's own members say. It decides nothing: rules are the
policy's, commands the hub's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from msgspec.structs import replace

from nbgroupchat import protocol
from nbgroupchat.backplanes.base import Opened
from nbgroupchat.log import Gap, Log, public
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity, member_of, part_of
from nbgroupchat.protocol import (
    Delta,
    DurableEvent,
    Event,
    Join,
    Joined,
    Kind,
    Live,
    Member,
    Posted,
    Presence,
    Queue,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    Role,
    RoomChanged,
    RoomPolicy,
    Status,
    TypingChanged,
)
from nbgroupchat.roles import PlainRoles, Roles
from nbgroupchat.room import Draft

Encode: TypeAlias = Callable[[bytes], bytes]
"""Makes the frame that clients are sent from the JSON arguments of an `event`."""

BATCH_BYTES = 64 * 1024
"""About how large a frame of older entries becomes."""

CROWD = 32
"""Readers above which each change of who is here is no longer told by itself: telling all of it to all of them is work
that grows with the cube of how many come.
"""

CROWD_SECONDS = 0.25
"""How long a change waits for others then."""

Later: TypeAlias = Callable[[float, Callable[[], None]], object]
"""Calls something in so many seconds."""


class Client:
    """One connection of somebody: who it is, and what it is still to be sent. It may be in several rooms."""

    def __init__(self, identity: Identity, outbox: Outbox) -> None:
        self.identity = identity
        self.outbox = outbox
        self.channels: dict[str, Channel] = {}
        self.gone = False
        """Whether its connection has ended."""


class Channel:
    """A room's readers and what they are told. The source of their outboxes. `later` is the event loop's by default.

    `default` is what the room allows until somebody decides otherwise.
    """

    def __init__(
        self,
        room: str,
        encode: Encode,
        later: Later | None = None,
        roles: Roles | None = None,
        default: RoomPolicy = RoomPolicy(),  # noqa: B008  # frozen
    ) -> None:
        self.room = room
        self.key = b""
        self.log = Log("")
        self.drafts: dict[str, Draft] = {}
        self.pinned: tuple[str, ...] = ()
        """The ids of the messages that are pinned now."""
        self.lock = asyncio.Lock()
        """Held around writes that depend on what was told before, so that a stop is stored with all pieces before it.
        """
        self.decided: RoomPolicy | None = None
        """What somebody has decided that the room allows."""
        self.seated: tuple[Identity, ...] = ()
        self._roles = roles or PlainRoles()
        self._default = default
        self._busy = 0
        self._encode = encode
        self._later = later
        self._telling = False
        """Whether who is here will be told soon."""
        self._readers: dict[Client, Member] = {}
        self._typing: set[str] = set()
        self._queue = Queue(())
        self._frames: dict[object, tuple[bytes, int]] = {}

    def opened(self, opened: Opened) -> None:
        """Take over what the log held before this hub opened the room."""
        self.key = opened.key
        self.log = Log(opened.epoch, [public(entry) for entry in opened.entries], base=opened.base)
        for entry in (*opened.earlier, *opened.entries):
            self._fold(entry)
        for delta in opened.drafts:
            self._fold(delta)

    def member(self, identity: Identity) -> Member:
        """Give the member that somebody is in this room."""
        return member_of(self.key, identity, anonymous=self.policy.anonymous and self.is_masked(identity))

    def key_of(self, identity: Identity) -> str:
        """Give what somebody's posts are told apart by, also while names are hidden: a retry may come after that."""
        return member_of(self.key, identity).id

    def ids_of(self, identity: Identity) -> frozenset[str]:
        """Give the ids of one user here, in person and from kernels: what either said is theirs."""
        kinds: tuple[Kind, ...] = (identity.kind, "human", "kernel")
        return frozenset(self.member(replace(identity, kind=kind)).id for kind in kinds)

    def is_masked(self, identity: Identity) -> bool:
        """Say whether somebody has a pseudonym where peers are anonymous: everybody but instructors and the agent."""
        return identity.kind in ("human", "kernel") and self.role(identity) != "instructor"

    def role(self, identity: Identity) -> Role | None:
        """Say what part somebody has in this room."""
        return part_of(self._roles, identity, self.room)

    def identity_of(self, id_: str) -> Identity | None:
        """Say who a member is that is here; None for others."""
        return next((reader.identity for reader, member in self._readers.items() if member.id == id_), None)

    @property
    def policy(self) -> RoomPolicy:
        """What the room allows now."""
        return self.decided or self._default

    def rule(self, policy: RoomPolicy | None) -> None:
        """Allow what this policy allows, from now on."""
        self.decided = policy

    def join(self, client: Client, command: Join, policy: RoomPolicy, status: Status) -> Joined:
        """Let a client read along, from where it was or from a snapshot, without a gap before what follows."""
        me = self.member(client.identity)
        position = self.log.position
        tail = command.resume if self._can_resume(command) else None
        base, have = (tail.seq, command.have) if tail else (self.log.snapshot()[0], {})
        self._readers[client] = me
        client.channels[self.room] = self
        client.outbox.follow(self, base, position.seq, {reply: have.get(reply, 0) for reply in self.drafts})
        client.outbox.put_newest(self, "status", self._frame(status))
        if self._queue.waiting:
            client.outbox.put_newest(self, "queue", self._frame(self._queue))
        self._presence_changed()
        return Joined(
            you=me,
            policy=policy,
            limits=protocol.Limits(),
            position=position,
            base=base,
            mode="tail" if tail else "snapshot",
            pinned=self.pinned,
            role=self.role(client.identity) or "observer",
        )

    @property
    def present(self) -> int:
        """How many members are here."""
        return len({member.id for member in self._readers.values()})

    def has_room(self, identity: Identity, members: int) -> bool:
        """Say whether somebody may come in where that many may be here; who is here already may with another tab."""
        here = {member.id for member in self._readers.values()}
        return len(here) < members or self.member(identity).id in here

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the room while something is being stored in it without the lock."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def is_empty(self) -> bool:
        """Say whether nobody is here and nothing was ever said."""
        return not (self._readers or self.log.position.seq or self.lock.locked() or self._busy)

    def leave(self, client: Client) -> None:
        """Let a client hear no more."""
        client.outbox.leave(self)
        client.channels.pop(self.room, None)
        me = self._readers.pop(client, None)
        if me is not None:
            if all(me.id != other.id for other in self._readers.values()):
                self._typing.discard(me.id)
            self._presence_changed()

    def type(self, client: Client, on: bool) -> None:
        """Tell the others that somebody began or ended writing."""
        me = self._readers[client]
        if not on and me.id not in self._typing:
            return
        (self._typing.add if on else self._typing.discard)(me.id)
        frame = self._frame(TypingChanged(me.id, on))
        for reader in self._readers:
            if reader is not client:
                reader.outbox.put_newest(self, f"typing {me.id}", frame)

    def announce(self, status: Status) -> None:
        """Tell everybody how the model is."""
        self._tell_newest("status", status)

    def show_queue(self, queue: Queue) -> None:
        """Tell everybody which questions wait, now and when they join."""
        if queue != self._queue:
            self._queue = queue
            self._tell_newest("queue", queue)

    def trim(self, base: int) -> None:
        """Show entries up to `base` to nobody any more who did not have them."""
        self.log.trim(base)
        self._frames.clear()

    def deliver(self, events: Sequence[Event]) -> None:
        """Fold in what the backplane says has happened, and let every reader know."""
        for event in events:
            if not isinstance(event, (Delta, DurableEvent)):
                continue
            if not isinstance(event, Delta):
                self.log.append(public(event))
            self._fold(event)
            self._frames.clear()
            for reader in tuple(self._readers):
                if isinstance(event, ReplyOpened):
                    reader.outbox.follow_reply(self, event.eid)
                elif isinstance(event, ReplyClosed):
                    reader.outbox.drop_reply(self, event.id)
                reader.outbox.wake(self)

    # What an outbox asks of its source.

    def entries_after(self, seq: int) -> tuple[bytes, int] | None:
        """See `Source.entries_after`."""
        if seq == self.log.position.seq:
            return None
        if seq not in self._frames:
            self._frames[seq] = self._batch(seq)
        return self._frames[seq]

    def pieces_after(self, reply: str, pieces: int) -> tuple[bytes, int] | None:
        """See `Source.pieces_after`."""
        draft = self.drafts.get(reply)
        if draft is None or draft.pieces == pieces:
            return None
        key = (reply, pieces)
        if key not in self._frames:
            delta = draft.since(reply, pieces)
            if delta is None:
                return None
            self._frames[key] = self._frame(delta), delta.end
        return self._frames[key]

    def live(self, seq: int) -> bytes:
        """See `Source.live`."""
        return self._frame(Live(seq))

    def _batch(self, seq: int) -> tuple[bytes, int]:
        entries = self.log.after(seq)
        if entries is None:
            raise Gap(f"entries after {seq} are no longer held")
        encoded: list[bytes] = []
        size = 0
        for entry in entries:
            encoded.append(protocol.encode(entry))
            size += len(encoded[-1])
            if size >= BATCH_BYTES:
                break
        return self._frame_of(b",".join(encoded)), entries[len(encoded) - 1].seq

    def _frame(self, event: Event) -> bytes:
        return self._frame_of(protocol.encode(event))

    def _frame_of(self, events: bytes) -> bytes:
        return self._encode(b'["%s",[%s]]' % (self.room.encode(), events))

    def _fold(self, event: DurableEvent | Delta) -> None:
        match event:
            case ReplyOpened():
                self.drafts[event.eid] = Draft()
            case ReplyClosed():
                self.drafts.pop(event.id, None)
            case Delta():
                self.drafts[event.id].extend(event)
            case Posted():
                self._typing.discard(event.by)
            case RoomChanged():
                self.pinned = event.pinned
                self.decided = event.policy or self.decided
                self._call_anew()
            case Redacted():
                self.pinned = tuple(message for message in self.pinned if message != event.id)

    def _can_resume(self, command: Join) -> bool:
        resume = command.resume
        if resume is None or self.log.tail(resume) is None:
            return False
        return all(draft.knows(command.have.get(reply, 0)) for reply, draft in self.drafts.items())

    def _call_anew(self) -> None:
        """Call everybody what they are called now, where that has changed."""
        readers = {client: self.member(client.identity) for client in self._readers}
        if readers != self._readers:
            self._readers = readers
            self._typing.clear()
            self._tell_presence()

    def _presence_changed(self) -> None:
        if len(self._readers) <= CROWD:
            self._tell_presence()
        elif not self._telling:
            self._telling = True
            later = self._later or asyncio.get_running_loop().call_later
            later(CROWD_SECONDS, self._tell_presence)

    def _tell_presence(self) -> None:
        self._telling = False
        members = {member.id: member for member in (self.member(identity) for identity in self.seated)}
        members.update((member.id, member) for member in self._readers.values())
        here = list(members.values())
        if self.policy.anonymous:
            # The order in which they came would tell who had which name before.
            here.sort(key=lambda member: member.id)
        self._tell_newest("presence", Presence(tuple(here)))

    def _tell_newest(self, key: str, event: Event) -> None:
        frame = self._frame(event)
        for reader in tuple(self._readers):
            reader.outbox.put_newest(self, key, frame)
