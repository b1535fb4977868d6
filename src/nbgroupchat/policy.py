"""Who someone is in a room and what they may do there. Pure rules, no I/O.

This module touches trust. It covers: ids that mean nothing outside a room, other ones where peers are anonymous so that
what somebody wrote under their name is not found to be theirs, and what can be done to a message at all: a post is
edited by its author alone. It does not cover authentication, which is the server's, or what the room's policy lets each
role do (`rights`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import force_setattr

from nbgroupchat.characters import label
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.protocol import MAX_PINNED, MAX_REACTIONS, Kind, Member, Role
from nbgroupchat.pseudonym import pseudonym
from nbgroupchat.roles import Roles
from nbgroupchat.room import Message

_MISSING = "There is no such message in this room. It may have been redacted."


class Identity(Struct, frozen=True):
    """Who is behind a connection, as authenticated by the server; `user` is unique among those of its `kind`.

    The name may be chosen by its owner, and anything may stand there: it is made a short line of text.
    """

    user: str
    name: str
    kind: Kind = "human"
    groups: tuple[str, ...] = ()
    """Where the server knows any: what `roles` go by."""
    crowd: str = ""
    """Those among whom one can be many at will, and who therefore have limits together."""

    def __post_init__(self) -> None:
        """Keep what cannot be shown or encoded out of every frame and every log."""
        force_setattr(self, "name", label(self.name, self.user))


def part_of(roles: Roles, identity: Identity, room: str) -> Role | None:
    """Say what part somebody has in a room; None where it does not exist for them.

    A kernel runs what others wrote, too, and is a member at most, whoever's it is.
    """
    role = roles.role(identity.user, identity.groups, room)
    return "member" if role == "instructor" and identity.kind == "kernel" else role


def member_of(room_key: bytes, identity: Identity, anonymous: bool = False) -> Member:
    """Give the member that somebody is in the room with that secret `room_key` (at most 64 bytes)."""
    name = f"{identity.kind}\0{identity.user}"
    if anonymous:
        name = f"anonymous\0{name}"
    id_ = blake2b(name.encode("utf-8", "surrogatepass"), key=room_key, digest_size=9).hexdigest()
    return Member(id_, pseudonym(room_key, identity.user) if anonymous else identity.name, identity.kind)


def may_be_answered(kind: Kind) -> bool:
    """Say whether the agent answers posts of such members: people and their kernels, never an agent or the system."""
    return kind in ("human", "kernel")


def check_edit(message: Message | None, me: Member) -> None:
    """Raise Refusal unless this member may edit this message: one of its own that is there."""
    if _present(message).by != me.id:
        raise Refusal(Code.FORBIDDEN, "Only its author can edit a message. Reply to it instead.")


def check_reply_to(message: Message | None) -> None:
    """Raise Refusal unless a post may answer this message: one that is there."""
    _present(message)


def is_mine(message: Message | None, asked: Message | None, ids: Collection[str]) -> bool:
    """Say whether a message is somebody's who has these ids here, or a reply to what they `asked`."""
    return any(found is not None and found.by in ids for found in (message, asked))


def check_redaction(message: Message | None) -> None:
    """Raise Refusal unless this message can be redacted, by whom it may.

    One that is redacted already is: saying so again changes nothing.
    """
    if message is None:
        raise Refusal(Code.NOT_FOUND, _MISSING)
    if message.status == "open":
        raise Refusal(Code.FORBIDDEN, "This reply is still being written. Stop it first, then redact it.")


def check_again(reply: Message | None, question: Message | None, open_: bool) -> None:
    """Raise Refusal unless there can be another reply to this question: one that is there, where none is `open_`."""
    if reply is None or question is None or question.redacted:
        raise Refusal(Code.NOT_FOUND, "There is no such reply in this room, or its question is gone. Ask anew.")
    if open_:
        raise Refusal(Code.FORBIDDEN, "The newest reply to this is still being written. Stop it first.")


def check_resume(reply: Message | None, newest: str) -> None:
    """Raise Refusal unless a reply can be gone on with: the newest one to its question, which ended early."""
    found = _present(reply)
    if found.id != newest:
        raise Refusal(Code.FORBIDDEN, "There is a newer reply to the same question, or this one is too old. Ask anew.")
    if found.status not in ("length", "stopped", "interrupted") or not found.text:
        raise Refusal(
            Code.FORBIDDEN, "There is nothing to go on with: the reply has ended, or says nothing. Ask again."
        )


def check_pin(message: Message | None, pinned: Sequence[str]) -> None:
    """Raise Refusal unless a message can be pinned beside those that are."""
    if _present(message).status == "open":
        raise Refusal(Code.FORBIDDEN, "This reply is still being written. Pin it when it has ended.")
    if len(pinned) >= MAX_PINNED:
        raise Refusal(Code.TOO_MANY, f"A room has at most {MAX_PINNED} pinned messages. Unpin another one first.")


def check_reaction(message: Message | None, emoji: str, on: bool, me: Member) -> bool:
    """Say whether a reaction changes anything. Raise Refusal unless the message is there and has room for it."""
    held = {reaction.emoji: reaction.by for reaction in _present(message).reactions}
    if on and emoji not in held and len(held) >= MAX_REACTIONS:
        raise Refusal(
            Code.TOO_MANY,
            f"A message has at most {MAX_REACTIONS} different reactions. Use one of those that are there.",
        )
    return any(who.id == me.id for who in held.get(emoji, ())) is not on


def _present(message: Message | None) -> Message:
    if message is None or message.redacted:
        raise Refusal(Code.NOT_FOUND, _MISSING)
    return message
