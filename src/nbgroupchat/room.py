"""A room as a fold over its events: messages, drafts, who is there, who types, how the model is.

Pure state, the twin of `js/src/room.ts`; `tests/frames/folds.json` holds both to the same results. It knows nothing of
connections, clocks or the model.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from nbgroupchat.attachment import Attachment
from nbgroupchat.log import Gap
from nbgroupchat.protocol import (
    Delta,
    DurableEvent,
    Edited,
    Event,
    Joined,
    Kind,
    Live,
    Member,
    Position,
    Posted,
    Presence,
    Queue,
    Reacted,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    ReplyStatus,
    RoomChanged,
    RoomPolicy,
    Status,
    TypingChanged,
)

MessageStatus: TypeAlias = Literal["posted", "open"] | ReplyStatus


class Draft:
    """The text so far of an open reply, and where its pieces ended."""

    def __init__(self) -> None:
        self.text = ""
        self.pieces = 0
        self._ends = {0: 0}

    def extend(self, delta: Delta) -> None:
        """Add the next pieces. Raises Gap for any others."""
        if delta.start != self.pieces or delta.end <= delta.start:
            raise Gap(f"pieces {delta.start} to {delta.end} came where {self.pieces} was due")
        self.text += delta.text
        self.pieces = delta.end
        self._ends[delta.end] = len(self.text)

    def knows(self, pieces: int) -> bool:
        """Say whether a slice can begin after that many pieces."""
        return pieces in self._ends

    def since(self, reply: str, pieces: int) -> Delta | None:
        """Give what a reader of `reply` that has that many pieces still misses, as one slice."""
        if pieces == self.pieces:
            return None
        return Delta(id=reply, start=pieces, end=self.pieces, text=self.text[self._ends[pieces] :])


class Reactor(Struct, frozen=True):
    """Who put an emoji, and what they were called then."""

    id: str
    name: str


class Reaction(Struct, frozen=True):
    """An emoji on a message, and whose it is, in the order in which they put it."""

    emoji: str
    by: tuple[Reactor, ...]


class Message(Struct, kw_only=True):
    """A post or a reply as it stands now. Posts have the status `posted`, replies being written `open`.

    `to`, `context` and `continues` are a reply's: the message it answers, the newest entry its prompt held, and the
    reply it goes on with. `stopped_by` is what they were called who stopped it.
    """

    id: str
    seq: int
    ts: int
    by: str
    name: str
    kind: Kind
    text: str
    status: MessageStatus
    reply_to: str | None = None
    asks: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    to: str | None = None
    context: int | None = None
    continues: str | None = None
    stopped_by: str | None = None
    error: str | None = None
    edited: bool = False
    redacted: bool = False
    reactions: tuple[Reaction, ...] = ()
    """In the order in which each emoji first came."""


class Room:
    """What one reader knows of one room. Start it with the answer to `join`, then apply every event in order."""

    def __init__(self, epoch: str = "", base: int = 0) -> None:
        self.position = Position(epoch, base, "")
        self.live = False
        self.messages: dict[str, Message] = {}
        self.drafts: dict[str, Draft] = {}
        self.pinned: tuple[str, ...] = ()
        self.policy = RoomPolicy()
        self.members: tuple[Member, ...] = ()
        self.typing: set[str] = set()
        self.status = Status(state="off")
        self.waiting: dict[str, int] = {}
        """How many turns come before each question that waits."""

    def joined(self, answer: Joined) -> None:
        """Begin a join: keep what is held where a tail follows, else start over. What is ephemeral is told anew."""
        if answer.mode == "snapshot":
            self.position = Position(answer.position.epoch, answer.base, "")
            self.messages.clear()
            self.drafts.clear()
            self.pinned = answer.pinned
        self.policy = answer.policy
        self.live = False
        self.members = ()
        self.typing.clear()
        self.waiting.clear()

    def apply(self, event: Event) -> None:
        """Fold in the next event. Raises Gap where one was missed; a delta that does not fit is left out, since the
        close of its reply repairs it.
        """
        match event:
            case Posted() | ReplyOpened() | ReplyClosed() | Edited() | Redacted() | Reacted() | RoomChanged():
                self._advance(event)
            case Delta():
                draft = self.drafts.get(event.id)
                if draft is not None and draft.pieces == event.start < event.end:
                    draft.extend(event)
                    self.messages[event.id].text = draft.text
            case Presence():
                self.members = event.members
                self.typing &= {member.id for member in event.members}
            case TypingChanged(on=True):
                self.typing.add(event.by)
            case TypingChanged():
                self.typing.discard(event.by)
            case Queue():
                self.waiting = {waiting.id: waiting.before for waiting in event.waiting}
            case Status():
                self.status = event
            case Live():
                self.live = True

    def _advance(self, event: DurableEvent) -> None:
        if event.seq != self.position.seq + 1:
            raise Gap(f"entry {event.seq} came where {self.position.seq + 1} was due")
        self.position = Position(self.position.epoch, event.seq, event.eid)
        self.fold(event)

    def fold(self, event: DurableEvent) -> None:
        """Let an entry change what is shown, wherever it stands: for readers of a part of the log."""
        match event:
            case Posted():
                self.typing.discard(event.by)
                self.messages[event.eid] = Message(
                    id=event.eid,
                    seq=event.seq,
                    ts=event.ts,
                    by=event.by,
                    name=event.name,
                    kind=event.kind,
                    text=event.text,
                    status="posted",
                    reply_to=event.reply_to,
                    asks=event.asks,
                    attachments=event.attachments,
                )
            case ReplyOpened():
                self.drafts[event.eid] = Draft()
                self.messages[event.eid] = Message(
                    id=event.eid,
                    seq=event.seq,
                    ts=event.ts,
                    by=event.by,
                    name=event.name,
                    kind="agent",
                    text="",
                    status="open",
                    to=event.to,
                    context=event.context,
                    continues=event.continues,
                )
            case ReplyClosed():
                self.drafts.pop(event.id, None)
                message = self.messages.get(event.id)
                if message is not None:  # opened before the oldest message held
                    message.text = event.text
                    message.status = event.status
                    message.error = event.error
                    message.stopped_by = (event.name or None) if event.status == "stopped" else None
            case Edited():
                if (message := self.messages.get(event.id)) is not None:
                    message.text, message.edited = event.text, True
            case Redacted():
                self.pinned = tuple(id_ for id_ in self.pinned if id_ != event.id)
                if (message := self.messages.get(event.id)) is not None:
                    message.text, message.attachments, message.redacted, message.reactions = "", (), True, ()
            case Reacted():
                if (message := self.messages.get(event.id)) is not None and event.emoji and not message.redacted:
                    message.reactions = reacted(message.reactions, event)
            case RoomChanged():
                self.pinned = event.pinned
                self.policy = event.policy or self.policy


def reacted(reactions: tuple[Reaction, ...], event: Reacted) -> tuple[Reaction, ...]:
    """Give a message's reactions after one was put or taken away; each member has an emoji once."""
    held = {reaction.emoji: reaction.by for reaction in reactions}
    others = tuple(who for who in held.get(event.emoji, ()) if who.id != event.by)
    held[event.emoji] = (*others, Reactor(event.by, event.name)) if event.on else others
    return tuple(Reaction(emoji, by) for emoji, by in held.items() if by)
