"""The vocabulary of the wire: what members ask for (commands) and what happened (events), as frozen typed values.

Commands are imperative and go up, events are in the past tense and come down. The same frames are written down as JSON
under `tests/frames/` and read by the Python and the TypeScript tests. This module says what they look like: types,
ranges and lengths. What arrives is held to it by `decoding`; who may do what is `policy`'s, and how frames travel
`signalr`'s.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from nbgroupchat.attachment import MAX_ATTACHED, MAX_PART, Attachment
from nbgroupchat.emoji import MAX_EMOJI

WIRE: Final = 1
"""Version of these frames; a client that joins with another one is refused with `version`."""

MAX_FRAME: Final = 64 * 1024
"""Largest frame a client may send, in bytes."""

MAX_TEXT: Final = 16 * 1024
"""Longest text of a message, in bytes of UTF-8."""

MAX_PINNED: Final = 8
"""Most messages pinned in a room."""

MAX_REACTIONS: Final = 20
"""Most different emoji on one message."""

MAX_SAFE_INTEGER: Final = 2**53 - 1

RoomName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
ROOM_NAMES: Final = "1 to 64 letters from a to z, digits, '.', '_' and '-', beginning with a letter or a digit"
"""What a room may be called, in words."""

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
Kind: TypeAlias = Literal["human", "agent", "kernel", "system"]
ReplyStatus: TypeAlias = Literal["complete", "stopped", "interrupted", "failed", "length"]
AgentState: TypeAlias = Literal["off", "loading", "ready", "failed"]
Role: TypeAlias = Literal["instructor", "member", "observer"]
"""What part somebody has in a room."""

AgentMode: TypeAlias = Literal["off", "on", "mention", "hint"]
"""What the agent answers: nothing, all that people say, what addresses it, or that with an instructor's own prompt."""

Allowed: TypeAlias = Literal["anyone", "asker", "instructors"]
"""Who may: anyone, whose message it is (of a reply: who asked for it) and instructors, or instructors alone."""

Hours: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^(mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)\Z"),
]
"""A part of a week in which a room is open, such as "mon 09:00-10:30"."""

SlowSeconds: TypeAlias = Annotated[int, Meta(ge=0, le=3600)]
TurnsPerHour: TypeAlias = Annotated[int, Meta(ge=0, le=1000)]
ReplyTokens: TypeAlias = Annotated[int, Meta(ge=0, le=65_536)]
OpeningTimes: TypeAlias = Annotated[tuple[Hours, ...], Meta(max_length=50)]
Zone: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+\Z")]
InstructorPrompt: TypeAlias = Annotated[str, Meta(max_length=4000)]


class Position(Struct, frozen=True, forbid_unknown_fields=True):
    """A place in a room's log: the entry `seq` of `epoch`, recognised by its random `eid` ("" before the first)."""

    epoch: Id
    seq: Count
    eid: Annotated[str, Meta(max_length=64)]


class Member(Struct, frozen=True):
    """Someone in a room. `id` means nothing outside that room."""

    id: str
    name: str
    kind: Kind


# Commands: what a client asks for. Each names its room.


class Command(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every command has: the room it is about."""

    room: RoomName


class Join(Command, frozen=True):
    """Enter a room, from the start or from `resume`; `have` is the number of pieces held of each open reply.

    Where the answer's mode is `snapshot`, `have` was of no use and replies come from their first piece.
    """

    wire: int
    resume: Position | None = None
    have: Annotated[dict[Id, Count], Meta(max_length=64)] = field(default_factory=dict)


class Post(Command, frozen=True):
    """Say `text`. `cid` is the client's own id for it: a retry with the same one is answered, not said again.

    `attachments` are the ids of the same connection's uploads.
    """

    cid: Id
    text: str
    reply_to: Id | None = None
    attachments: Annotated[tuple[Id, ...], Meta(max_length=MAX_ATTACHED)] = ()


class Upload(Command, frozen=True):
    """Send a part of something to be attached: the bytes from `at` on. `id` is the client's own id for it."""

    id: Id
    name: Annotated[str, Meta(max_length=256)]
    mime: Annotated[str, Meta(max_length=128)]
    size: Count
    at: Count
    data: Annotated[bytes, Meta(min_length=1, max_length=MAX_PART)]


class Download(Command, frozen=True):
    """Ask for the bytes of the attachment `id` from `at` on."""

    id: Id
    at: Count = 0


class Cancel(Command, frozen=True):
    """Stop the open reply `id`."""

    id: Id


class Edit(Command, frozen=True):
    """Give the own message `id` another text. `cid` is the client's own id for the change, as in `post`."""

    cid: Id
    id: Id
    text: str


class Redact(Command, frozen=True):
    """Take back what the message `id` says, for good: the text is removed from the log too."""

    id: Id


class Pin(Command, frozen=True):
    """Keep the message `id` in everybody's sight, and in the model's, or no longer."""

    id: Id
    on: bool


class React(Command, frozen=True):
    """Put an emoji to the message `id`, or take one's own away."""

    id: Id
    emoji: str
    on: bool


class Regenerate(Command, frozen=True):
    """Ask for another reply to what the reply `id` answers. `cid` is the client's own id for that, as in `post`."""

    id: Id
    cid: Id


class ResumeReply(Command, frozen=True):
    """Ask the agent to go on with the reply `id`, which ended early. `cid` is as in `post`."""

    id: Id
    cid: Id


class Explain(Command, frozen=True):
    """Ask what the model saw when it wrote the reply `id`."""

    id: Id


class Typing(Command, frozen=True):
    """Begin or end writing. Readers forget it after a few seconds, so it is said again while it lasts."""

    on: bool


class History(Command, frozen=True):
    """Ask for up to `limit` messages before entry `before`."""

    before: Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class Search(Command, frozen=True):
    """Ask for up to `limit` messages that say all words of `text`, the newest before entry `before` first."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    before: Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)] | None = None


class SetPolicy(Command, frozen=True):
    """Change what the room allows, in the fields that are given; without any, ask what it allows. See `RoomPolicy`."""

    cid: Id
    stop: Allowed | UnsetType = UNSET
    pin: Allowed | UnsetType = UNSET
    redact: Allowed | UnsetType = UNSET
    agent: AgentMode | UnsetType = UNSET
    prompt: InstructorPrompt | UnsetType = UNSET
    slow_seconds: SlowSeconds | UnsetType = UNSET
    turns_per_hour: TurnsPerHour | UnsetType = UNSET
    reply_tokens: ReplyTokens | UnsetType = UNSET
    hours: OpeningTimes | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    anonymous: bool | UnsetType = UNSET


class Who(Command, frozen=True):
    """Ask who the member `id` is, in a room where peers are anonymous."""

    id: Id


class Rooms(Command, frozen=True):
    """Ask which rooms there are besides the one that one is in, up to `limit`, those with the newest entries first."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Leave(Command, frozen=True):
    """Hear no more of a room."""


COMMANDS: Final[dict[str, type[Command]]] = {
    "join": Join,
    "post": Post,
    "upload": Upload,
    "download": Download,
    "cancel": Cancel,
    "edit": Edit,
    "redact": Redact,
    "pin": Pin,
    "react": React,
    "regenerate": Regenerate,
    "resume_reply": ResumeReply,
    "explain": Explain,
    "typing": Typing,
    "history": History,
    "search": Search,
    "set_policy": SetPolicy,
    "who": Who,
    "rooms": Rooms,
    "leave": Leave,
}
"""The hub's methods, by the name that a client invokes."""


# Results: what a command answers.


class Limits(Struct, frozen=True):
    """Sizes in bytes that the server accepts."""

    frame: int = MAX_FRAME
    text: int = MAX_TEXT


class RoomPolicy(Struct, frozen=True):
    """What a room allows. `mention` is what to write to be answered; `prompt` is the instructors' own, told to nobody
    else. 0 is without limit, and for `reply_tokens` the server's own; no `hours` is always. `hours` are of the time
    zone `zone`. `locked` is read-only for members, and `anonymous` gives them pseudonyms.
    """

    mention: str = ""
    stop: Allowed = "anyone"
    pin: Allowed = "anyone"
    redact: Allowed = "asker"
    agent: AgentMode = "mention"
    prompt: InstructorPrompt = ""
    slow_seconds: SlowSeconds = 0
    turns_per_hour: TurnsPerHour = 0
    reply_tokens: ReplyTokens = 0
    hours: OpeningTimes = ()
    zone: Zone = "UTC"
    locked: bool = False
    anonymous: bool = False


class Joined(Struct, frozen=True):
    """Answer to `join`: who you are, the room's rules, its position, and what follows.

    In mode `tail` the entries after `resume` follow. In mode `snapshot` the client starts over: the entries after
    `base` follow. In both, the last of them is followed by `live`. `pinned` are the ids of the messages pinned at
    `position`.
    """

    you: Member
    policy: RoomPolicy
    limits: Limits
    position: Position
    base: int
    mode: Literal["tail", "snapshot"]
    pinned: tuple[str, ...] = ()
    role: Role = "member"


class PostAnswer(Struct, frozen=True):
    """Answer to `post`: the message's id and place; `duplicate` where this `cid` had been posted before."""

    id: str
    seq: int
    duplicate: bool


class UploadAnswer(Struct, frozen=True):
    """Answer to `upload`: how many bytes of it are held."""

    held: int


class DownloadAnswer(Struct, frozen=True):
    """Answer to `download`: some of the bytes, in base64, and how many there are of the whole attachment."""

    data: bytes
    size: int


class CancelAnswer(Struct, frozen=True):
    """Answer to `cancel`: the entry that closed the reply and how it had ended, by this command or before it."""

    seq: int
    status: ReplyStatus


class ChangeAnswer(Struct, frozen=True):
    """Answer to `edit`, `redact`, `pin` and `react`: the entry that made the change, by this command or before it."""

    seq: int


class TurnAnswer(Struct, frozen=True):
    """Answer to `regenerate` and `resume_reply`: the message `to` which there will be another reply."""

    to: str


class PolicyAnswer(Struct, frozen=True):
    """Answer to `set_policy`: what the room allows now, all of it, and the newest entry it rests on."""

    seq: int
    policy: RoomPolicy


class WhoAnswer(Struct, frozen=True):
    """Answer to `who`: the user's name, the name they are shown under elsewhere, and what kind of member it is."""

    user: str
    name: str
    kind: Kind


class Read(Struct, frozen=True):
    """A part of what the model read: the message `id` and what its speaker is called there, or the server's `text`."""

    id: str = ""
    speaker: str = ""
    text: str = ""


class Explanation(Struct, frozen=True):
    """Answer to `explain`: what the model read for a reply, in order, and how it was run. Counts are of tokens.

    `left_out` is the number of earlier messages that were not in it. `prompt` is `evaluated` (read for this reply) and
    `cached` (read before) together. `redacted` are messages it read that are gone since.
    """

    id: str
    to: str
    context: int
    read: tuple[Read, ...]
    left_out: int
    redacted: tuple[str, ...]
    prompt: int
    evaluated: int
    cached: int
    written: int
    model: str
    sha256: str
    max_tokens: int
    temperature: float
    seed: int


class HistoryAnswer(Struct, frozen=True):
    """Answer to `history`: entries in order, contiguous up to `before`, and whether there are older ones."""

    events: tuple[DurableEvent, ...]
    more: bool


class Hit(Struct, frozen=True):
    """A message that was found: its author's name, and the part of its text around the first word."""

    id: str
    seq: int
    ts: int
    name: str
    snippet: str


class SearchAnswer(Struct, frozen=True):
    """Answer to `search`: hits, the newest first, and before which entry to go on, 0 where all was looked through."""

    hits: tuple[Hit, ...]
    before: int


class RoomListed(Struct, frozen=True):
    """A room as others see it: its newest entry `seq` of `epoch`, when that was made, and how many members are there.

    `ts` is 0 where nothing is kept of what was said, `seq` too where nothing ever was.
    """

    name: str
    epoch: str
    seq: int
    ts: int
    members: int


class RoomsAnswer(Struct, frozen=True):
    """Answer to `rooms`: the rooms, and whether there are more."""

    rooms: tuple[RoomListed, ...]
    more: bool


# Events: what happened. Durable ones have a place in the log.


class Entry(Struct, frozen=True, kw_only=True):
    """What every durable event has: its place `seq` (1, 2, 3, …), a random `eid`, the time `ts` in milliseconds since
    1970 (UTC), and the member it is from, all stamped by the server.
    """

    seq: Count
    eid: Id
    ts: Count
    by: str


class Posted(Entry, frozen=True, tag="posted"):
    """A member said something. The message's id is this event's `eid`.

    `name` and `kind` are the member's when this was said. `asks` names the members the server found addressed.
    """

    name: str
    kind: Kind
    text: str
    reply_to: str | None = None
    asks: tuple[str, ...] = ()
    attachments: Annotated[tuple[Attachment, ...], Meta(max_length=MAX_ATTACHED)] = ()


class ReplyOpened(Entry, frozen=True, tag="reply_opened"):
    """The agent begins to answer the message `to`, having read everything up to entry `context`.

    A later reply to the same message is another attempt or, where it `continues` a reply, goes on with that one.
    """

    name: str
    to: str
    context: Count
    continues: str | None = None


class ReplyClosed(Entry, frozen=True, tag="reply_closed"):
    """The reply `id` has ended, with its whole `text`. `error` says what to do where `status` is `failed`."""

    id: str
    text: str
    status: ReplyStatus
    error: str | None = None
    name: str = ""
    """Of who stopped it, then."""


class Edited(Entry, frozen=True, tag="edited"):
    """The message `id` says `text` from now on."""

    id: str
    text: str


class Redacted(Entry, frozen=True, tag="redacted"):
    """What the message `id` said is gone, in every entry that held it: their texts are empty."""

    id: str


class Reacted(Entry, frozen=True, tag="reacted"):
    """A member put an emoji to the message `id`, or took it away. A redacted message has none: `emoji` is empty.

    `name` is the member's when this was done.
    """

    name: str
    id: str
    emoji: Annotated[str, Meta(max_length=MAX_EMOJI)]
    on: bool


class RoomChanged(Entry, frozen=True, tag="room_changed"):
    """How the room is from now on: the ids of its pinned messages, and what it allows where somebody has decided."""

    pinned: tuple[str, ...] = ()
    policy: RoomPolicy | None = None


class Delta(Struct, frozen=True, tag="delta"):
    """Pieces `start` to `end` of the open reply `id`; applied by a reader that has exactly `start` pieces."""

    id: str
    start: Count = field(name="from")
    end: Count = field(name="to")
    text: str = ""


class TypingChanged(Struct, frozen=True, tag="typing"):
    """A member began or ended writing."""

    by: str
    on: bool


class Presence(Struct, frozen=True, tag="presence"):
    """Who is in the room now."""

    members: tuple[Member, ...]


class Waiting(Struct, frozen=True):
    """A question that waits for its turn: the message's id, and how many turns come before it."""

    id: str
    before: Count


class Queue(Struct, frozen=True, tag="queue"):
    """Which questions of this room wait to be answered; the turns before them may be other rooms'."""

    waiting: tuple[Waiting, ...]


class Status(Struct, frozen=True, tag="status"):
    """How the agent's model is: `progress` from 0 to 1 while it loads, `message` says what to do where it failed."""

    state: AgentState
    model: str = ""
    progress: float | None = None
    message: str | None = None


class Live(Struct, frozen=True, tag="live"):
    """The reader has everything up to entry `seq`; what follows happens now."""

    seq: Count


DurableEvent: TypeAlias = Posted | ReplyOpened | ReplyClosed | Edited | Redacted | Reacted | RoomChanged
EphemeralEvent: TypeAlias = Delta | TypingChanged | Presence | Queue | Status | Live
Event: TypeAlias = DurableEvent | EphemeralEvent

EVENT_TARGET: Final = "event"
"""The method that the server invokes on clients, with the room's name and a list of events."""


_encoder = msgspec.json.Encoder()
_events_decoder = msgspec.json.Decoder(tuple[str, list[Event]])


def encode(value: object) -> bytes:
    """Encode an event, an answer or a list of them as JSON."""
    return _encoder.encode(value)


def decode_events(raw: bytes | str) -> tuple[str, list[Event]]:
    """Decode the arguments of a server invocation of `event`: the room's name and its events.

    Raises msgspec.DecodeError for anything else.
    """
    return _events_decoder.decode(raw)


def encode_command(command: Command) -> tuple[str, bytes]:
    """Give a command's method name and its arguments as JSON, the opposite of `decoding.decode_command`."""
    target = next(name for name, kind in COMMANDS.items() if type(command) is kind)
    return target, b"[" + _encoder.encode(command) + b"]"


def fits_text(text: str) -> bool:
    """Say whether a message's text is within `MAX_TEXT` bytes."""
    return len(text.encode()) <= MAX_TEXT
