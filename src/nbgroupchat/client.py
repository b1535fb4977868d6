"""A room from Python: post, ask, read. Used in notebook cells and in scripts.

It knows nothing of sockets and threads (`connection`), and of notebooks only that a reply may be shown while it is
written.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from nbgroupchat import attaching, connection_file, protocol
from nbgroupchat.attaching import Attach
from nbgroupchat.connection import Connection
from nbgroupchat.errors import ChatError, Refusal
from nbgroupchat.mention import code_blocks, mentions
from nbgroupchat.protocol import (
    Cancel,
    CancelAnswer,
    ChangeAnswer,
    Edit,
    Event,
    Join,
    Joined,
    Member,
    Post,
    Redact,
    RoomListed,
    Rooms,
    RoomsAnswer,
)
from nbgroupchat.room import Message, MessageStatus, Room
from nbgroupchat.settings import SettingsError
from nbgroupchat.transcript import as_line

if TYPE_CHECKING:
    from nbgroupchat.magics import ReplyDisplay

STOP_SECONDS = 5.0
"""How long an interrupted cell waits at most until its reply has stopped."""

GLANCE_SECONDS = 3.0
"""How long a cell that shows a panel waits at most for what was said."""

POLL_SECONDS = 0.5
"""How often a waiting cell looks up, so that it can be interrupted on every system."""


class Messages(tuple[Message, ...]):
    """The messages of a room, oldest first; shown as a transcript."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Give the transcript as text."""
        return "\n".join(f"{message.name}: {as_line(message)}" for message in self)


class Reply:
    """What the agent answered: its `text`, and how it ended: `status` is as in `docs/protocol.md`."""

    def __init__(self, message: Message, display: ReplyDisplay | None = None) -> None:
        self.id = message.id
        self.text = message.text
        self.status: MessageStatus = message.status
        self._display = display

    def to_next_cell(self) -> None:
        """Put the reply's last block of code into a new cell below the one that runs, where it is not run by itself.

        Raises ChatError where it has no code, or where there is no notebook.
        """
        blocks = code_blocks(self.text)
        if not blocks:
            raise ChatError("This reply has no block of code.")
        if "IPython" not in sys.modules:
            raise ChatError("There is no notebook to put the code into.")
        from nbgroupchat.magics import offer_cell

        offer_cell(blocks[-1])

    def __str__(self) -> str:
        """Give the text."""
        return self.text

    def __repr__(self) -> str:
        """Give the text, as a cell shows it."""
        return self.text

    def _ipython_display_(self) -> None:
        # The cell that asked has shown it already, while it was written.
        if self._display is None or not self._display.is_of_this_cell():
            print(self.text)


class ChatRoom:
    """A room that this process has joined. `with connect("lobby") as room:` leaves it at the end."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self._connection = connection
        self._room = Room()
        self._me: Joined | None = None
        self._lost = ""
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        """Give the room's name."""
        return f"ChatRoom({self.name!r})"

    def __enter__(self) -> ChatRoom:
        """Use the room inside a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it at the block's end."""
        self.close()

    @property
    def messages(self) -> Messages:
        """What was said, oldest first: the newest 100 messages when the room was joined, and all since then."""
        with self._changed:
            return Messages(copy(message) for message in self._room.messages.values())

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the room now."""
        with self._changed:
            return self._room.members

    def rooms(self) -> tuple[RoomListed, ...]:
        """Give the rooms of this room's hub, at most 100, those in which something was said last first.

        Raises Refusal where they are asked for too often, ChatError where no answer came.
        """
        self._check()
        return self._connection.run(self._connection.command(Rooms(room=self.name, limit=100), RoomsAnswer)).rooms

    def post(self, text: str = "", reply_to: str | None = None, attach: Attach = ()) -> str:
        """Say something, as this kernel, and give the message's id once it is stored.

        `text` is up to 16 KiB of UTF-8. `attach` are up to 8 variables, as Jupyter shows them, and `pathlib.Path`s of
        files, in a list, or in a dict with names; each up to 4 MiB. Raises Refusal where the room does not take it,
        ChatError where no answer came.
        """
        self._check()
        things = attaching.things(attach)
        command = Post(
            room=self.name,
            cid=secrets.token_hex(12),
            text=text,
            reply_to=reply_to,
            attachments=tuple(thing.id for thing in things),
        )
        return self._connection.run(attaching.post(self._connection, command, things)).id

    def attachment(self, id_: str) -> bytes:
        """Give the bytes of an attachment: `room.attachment(room.messages[-1].attachments[0].id)`.

        Raises Refusal where no message of the room has it, ChatError where no answer came.
        """
        self._check()
        return self._connection.run(attaching.fetch(self._connection, self.name, id_))

    def edit(self, message_id: str, text: str) -> None:
        """Give a message that this program posted another text.

        Raises Refusal where it is somebody else's or gone, ChatError where no answer came.
        """
        self._check()
        command = Edit(room=self.name, cid=secrets.token_hex(12), id=message_id, text=text)
        self._connection.run(self._connection.command(command, ChangeAnswer))

    def redact(self, message_id: str) -> None:
        """Take back what a message says, for everybody and for good: an own one, or a reply one asked for.

        Raises Refusal where it is somebody else's or still being written, ChatError where no answer came.
        """
        self._check()
        self._connection.run(self._connection.command(Redact(room=self.name, id=message_id), ChangeAnswer))

    def ask(self, text: str, timeout: float | None = None, attach: Attach = ()) -> Reply:
        """Ask the agent, everybody in the room reading along, and wait for its reply, which grows in the cell.

        The mention is added where `text` has none. Interrupting the cell stops the reply. `timeout` is in seconds;
        after it, or where the model fails, ChatError is raised. `attach` is as in `post`.
        """
        mention = self._answer.policy.mention
        if not mention:
            raise ChatError(
                "No model is a member of this room. Set NbGroupChat.engine (on a server) or NBGROUPCHAT_ENGINE "
                "(without one) to something else than 'off', and restart."
            )
        asked = self.post(text if mentions(text, mention.removeprefix("@")) else f"{mention} {text}", attach=attach)
        display = _display(streams=self._connection.found is not None)
        try:
            message = self._wait_for_reply(asked, timeout, display.update if display else _show_nothing)
        except BaseException:
            stopped = self._stop_reply(asked)
            if display and stopped:
                display.finish(stopped)
            raise
        if message.status == "failed":
            raise ChatError(message.error or "The model failed and did not say why. The server's log may.")
        if display:
            display.finish(message)
        return Reply(message, display)

    def wait_until_live(self, seconds: float) -> None:
        """Wait until everything is here that was said before; no longer than so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._room.live, seconds)

    def close(self) -> None:
        """Leave the room; `connect` joins it again."""
        self._lost = "it was closed. Join it again with nbgroupchat.connect()."
        self._connection.run(self._connection.leave(self))

    # What the connection asks of a reader, on its thread.

    def join(self) -> Join:
        """See `Reader.join`."""
        with self._changed:
            position = self._room.position
            have = {reply: draft.pieces for reply, draft in self._room.drafts.items()}
        return Join(room=self.name, wire=protocol.WIRE, resume=position if position.epoch else None, have=have)

    def joined(self, answer: Joined) -> None:
        """See `Reader.joined`."""
        with self._changed:
            self._me = answer
            self._room.joined(answer)

    def hear(self, events: Sequence[Event]) -> None:
        """See `Reader.hear`."""
        with self._changed:
            for event in events:
                self._room.apply(event)
            self._changed.notify_all()

    def lost(self, why: str) -> None:
        """See `Reader.lost`."""
        with self._changed:
            self._lost = why
            self._changed.notify_all()

    def _check(self) -> None:
        if self._lost:
            raise ChatError(f"The room {self.name!r} cannot be used any more: {self._lost}")

    @property
    def _answer(self) -> Joined:
        if self._me is None:
            raise ChatError(f"The room {self.name!r} has not been joined. Use nbgroupchat.connect({self.name!r}).")
        return self._me

    def _wait_for_reply(self, asked: str, timeout: float | None, show: Callable[[Message], None]) -> Message:
        deadline = None if timeout is None else time.monotonic() + timeout
        shown: Message | None = None
        while shown is None or shown.status == "open":
            left = POLL_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise ChatError(f"No whole reply came within {timeout} s. Ask again, or allow more time.")
            with self._changed:
                self._changed.wait_for(partial(self._differs, asked, shown), min(left, POLL_SECONDS))
                reply = self._reply_to(asked)
            self._check()
            if reply is not None and reply != shown:
                show(reply)
                shown = reply
        return shown

    def _differs(self, asked: str, shown: Message | None) -> bool:
        return self._reply_to(asked) != shown

    def _reply_to(self, asked: str) -> Message | None:
        found = (message for message in reversed(self._room.messages.values()) if message.to == asked)
        return copy(next(found, None))

    def _stop_reply(self, asked: str) -> Message | None:
        """Stop the reply to a question, or its waiting for a turn, and give what there is of it. Never raises."""
        with self._changed:
            reply = self._reply_to(asked)
        if reply is None or reply.status == "open":
            command = Cancel(room=self.name, id=reply.id if reply else asked)
            with suppress(ChatError, Refusal, TimeoutError):
                self._connection.run(self._connection.command(command, CancelAnswer), STOP_SECONDS)
            with self._changed:
                self._changed.wait_for(partial(self._has_ended, asked), STOP_SECONDS)
                reply = self._reply_to(asked)
        return reply

    def _has_ended(self, asked: str) -> bool:
        reply = self._reply_to(asked)
        return reply is not None and reply.status != "open"


def connect(room: str = "lobby") -> ChatRoom:
    """Join a room: of this notebook's server or, without one, of this process alone. Joining again gives the same
    object.

    Raises ChatError where the hub cannot be reached, Refusal where the room's name is none.
    """
    connection = Connection.shared()
    joined = connection.reader(room)
    if not isinstance(joined, ChatRoom):
        joined = ChatRoom(room, connection)
        connection.run(connection.join(joined))
    return joined


def glance(room: str) -> Messages:
    """Give what was said in a room without staying there; nothing where it cannot be had within a few seconds.

    Without a server only a room that was joined already is looked at: to join one would start its model.
    """
    try:
        if Connection.known() is None and connection_file.find(os.environ) is None:
            return Messages()
        connection = Connection.shared()
        reader = connection.reader(room)
        if isinstance(reader, ChatRoom):
            return reader.messages
        if connection.found is None:
            return Messages()
        passing = ChatRoom(room, connection)
        try:
            connection.run(connection.join(passing), GLANCE_SECONDS)
            passing.wait_until_live(GLANCE_SECONDS)
            return passing.messages
        finally:
            connection.run(connection.leave(passing), GLANCE_SECONDS)
    except (ChatError, Refusal, TimeoutError, SettingsError):
        return Messages()


def _display(streams: bool) -> ReplyDisplay | None:
    """Give what shows a reply in the running cell, if there is one. A front end is certain only behind a server."""
    if "IPython" not in sys.modules:
        return None
    from nbgroupchat.magics import ReplyDisplay

    return ReplyDisplay.of_running_cell(streams)


def _show_nothing(_reply: Message) -> None:
    pass
