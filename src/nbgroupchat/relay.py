"""The hub's connection of a panel whose page cannot reach the hub: its frames go through the kernel, unread.

The panel's own SignalR client speaks; this carries. Everything happens on the thread of `connection`: the kernel's own
loop hears nothing while a cell runs, and what is sent to a front end from another thread arrives at once.
`docs/protocol.md` has the messages. It knows nothing of rooms, of widgets or of IPython.

This module touches trust. It covers: the hub sees this kernel, with its secret, so whatever a panel says over it is
marked as the kernel's; the secret never goes to the page; what comes from the page is bounded, and checked for its
shape. It does not cover who drives it: every front end of a kernel may run code there anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from nbgroupchat.connection import Connection
from nbgroupchat.errors import ChatError
from nbgroupchat.line import TRY_LATER, UP_FRAMES, Line
from nbgroupchat.pipe import LOST
from nbgroupchat.settings import SettingsError

MAX_LINES = 32
"""How many connections the views of one widget may have."""

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class _Said(Struct, frozen=True, forbid_unknown_fields=True, tag_field="relay"):
    connection: Id


class Open(_Said, frozen=True, tag="open"):
    """A panel wants a connection, under an id that it has made up."""


class Frames(_Said, frozen=True, tag="frames"):
    """A panel's next frames for the hub, and the number of the last frame it has heard."""

    frames: Annotated[list[str], Meta(max_length=UP_FRAMES)]
    heard: Annotated[int, Meta(ge=0)]


class Close(_Said, frozen=True, tag="close"):
    """A panel ends its connection."""


Said: TypeAlias = Open | Frames | Close

Tell: TypeAlias = Callable[[dict[str, Any]], None]
"""Sends a message to every front end that shows the widget."""


class Relay:
    """The connections of one widget's views, in however many front ends. `tell` may be called from any thread."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lines: dict[str, Line] = {}
        self._cells = 0
        self._connection: Connection | None = None

    def hear(self, content: object) -> None:
        """Take a message of a front end; what is none of these is for somebody else."""
        try:
            said: Said = msgspec.convert(content, Said)
        except msgspec.ValidationError:
            return
        try:
            self._connection = connection = Connection.shared()
        except (ChatError, SettingsError) as error:
            self._say("taken", said.connection)
            self._say("closed", said.connection, code=TRY_LATER, reason=str(error))
            return
        connection.call(self._handle, connection, said)

    def cell_began(self) -> None:
        """Hear that a cell runs: from now on a front end's messages may wait."""
        self._count(1)

    def cell_ended(self) -> None:
        """Hear that it has ended."""
        self._count(-1)

    def close(self) -> None:
        """End every connection."""
        if self._connection is not None:
            self._connection.call(self._end_all)

    def _handle(self, connection: Connection, said: Said) -> None:
        line = self._lines.get(said.connection)
        if isinstance(said, Close):
            if line is not None:
                line.end(1000, "")
            return
        self._say("taken", said.connection)
        if isinstance(said, Frames):
            if line is None:
                self._say("closed", said.connection, code=LOST, reason="the kernel has no such connection any more")
            else:
                line.heard(said.frames, said.heard)
        elif line is None and len(self._lines) >= MAX_LINES:
            self._say("closed", said.connection, code=TRY_LATER, reason=f"this panel has its {MAX_LINES} connections")
        elif line is None:
            line = self._lines[said.connection] = Line(partial(self._say, connection=said.connection))
            line.pause(self._cells > 0)
            connection.begin(self._carry(connection, said.connection, line))

    async def _carry(self, connection: Connection, id_: str, line: Line) -> None:
        try:
            await line.run(connection.found)
        finally:
            del self._lines[id_]

    def _count(self, change: int) -> None:
        # A cell that was running when counting began ends without having begun.
        self._cells = max(0, self._cells + change)
        if self._connection is not None:
            self._connection.call(self._pause)

    def _pause(self) -> None:
        for line in self._lines.values():
            line.pause(self._cells > 0)

    def _end_all(self) -> None:
        for line in self._lines.values():
            line.end(1000, "")

    def _say(self, what: str, connection: str, **fields: object) -> None:
        self._tell({"relay": what, "connection": connection, **fields})
