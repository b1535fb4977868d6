"""Who someone is in a room and what they may do there. Pure rules, no I/O.

This module touches trust. It covers: ids that mean nothing outside a room, and who may stop a reply on a plain server
(anyone: names there are labels). It does not cover authentication, which is the server's, or the rights of instructors,
which come with JupyterHub.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import force_setattr

from nbgroupchat.characters import label
from nbgroupchat.protocol import Kind, Member, RoomPolicy


class Identity(Struct, frozen=True):
    """Who is behind a connection, as authenticated by the server; `user` is unique among those of its `kind`.

    The name may be chosen by its owner, and anything may stand there: it is made a short line of text.
    """

    user: str
    name: str
    kind: Kind = "human"

    def __post_init__(self) -> None:
        """Keep what cannot be shown or encoded out of every frame and every log."""
        force_setattr(self, "name", label(self.name, self.user))


def member_of(room_key: bytes, identity: Identity) -> Member:
    """Give the member that somebody is in the room with that secret `room_key` (at most 64 bytes)."""
    name = f"{identity.kind}\0{identity.user}".encode("utf-8", "surrogatepass")
    return Member(blake2b(name, key=room_key, digest_size=9).hexdigest(), identity.name, identity.kind)


def may_be_answered(kind: Kind) -> bool:
    """Say whether the agent answers posts of such members: people and their kernels, never an agent or the system."""
    return kind in ("human", "kernel")


def plain_policy(agent_name: str) -> RoomPolicy:
    """Give the rules of a room on a plain server."""
    return RoomPolicy(mention=f"@{agent_name}")
