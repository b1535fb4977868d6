"""`%chat` in a notebook, and a reply that grows in the cell that asked for it.

The only module that knows IPython.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import DisplayHandle, display

from nbgroupchat.client import connect
from nbgroupchat.errors import ChatError, Refusal
from nbgroupchat.room import Message
from nbgroupchat.settings import SettingsError

USAGE = """%chat                     show the panel of the room 'lobby'
%chat some text           post to it
%chat --room data         show the panel of another room
%chat --room data hello   post to another room
%chat --attach df look    post it with a variable, or with a file of that name
%%chat [--room data]      post the cell's text"""


@magics_class
class ChatMagics(Magics):
    """The magic `%chat`."""

    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> Any:
        """Show the panel of a room, or post to it; `%chat --help` says how."""
        try:
            room, names, text = _parse(line)
        except ValueError as error:
            print(f"{error}\n\n{USAGE}")
            return None
        if cell is not None:
            text = f"{text}\n{cell}".strip() if text else cell.strip()
        if not text and not names:
            from nbgroupchat.widget import ChatPanel

            return ChatPanel(room=room)
        try:
            connect(room).post(text, attach={name: self._value(name) for name in names})
        except (ChatError, Refusal, SettingsError) as error:
            print(f"Not posted: {error}")
        return None

    def _value(self, name: str) -> object:
        variables = self.shell.user_ns if self.shell is not None else {}
        if name in variables:
            return variables[name]
        if Path(name).is_file():
            return Path(name)
        raise ChatError(f"There is no variable {name!r}, and no file of that name either.")


def shown(value: object, types: Sequence[str]) -> Mapping[str, Any]:
    """Give what a cell would show of a variable, by media type; nothing outside IPython."""
    shell = get_ipython()
    if shell is None or shell.display_formatter is None:
        return {}
    found, _ = shell.display_formatter.format(value, include=set(types))  # type: ignore[no-untyped-call]
    return dict(found)


def offer_cell(code: str) -> None:
    """Put code into a new cell below the one that runs. Raises ChatError outside IPython."""
    shell = get_ipython()
    if shell is None:
        raise ChatError("There is no notebook to put the code into.")
    shell.set_next_input(code)


def watch_cells(began: Callable[[], None], ended: Callable[[], None]) -> Callable[[], None]:
    """Call these whenever a cell begins and ends, until what is returned is called. Outside IPython there are none."""
    shell = get_ipython()
    if shell is None:
        return lambda: None
    watched = {"pre_run_cell": lambda _info: began(), "post_run_cell": lambda _result: ended()}
    for event, callback in watched.items():
        shell.events.register(event, callback)

    def forget() -> None:
        while watched:
            shell.events.unregister(*watched.popitem())

    return forget


def _parse(line: str) -> tuple[str, list[str], str]:
    """Split a magic's line into the room, the names to be attached and the text, which is kept as it was typed."""
    line = line.strip()
    if line in ("--help", "-h"):
        raise ValueError("Talk in a room, with the model and with everybody on this server.")
    room, names = "lobby", list[str]()
    while re.match(r"--?[A-Za-z]", line):
        option = re.match(r"--(room|attach)(?=[= ]|$)[= ]*", line)
        if option is None:
            raise ValueError(f"There is no option {line.split()[0]!r}.")
        value, _, line = line[option.end() :].partition(" ")
        if not value:
            takes = {"room": "the name of a room", "attach": "the name of a variable or a file"}
            raise ValueError(f"'--{option[1]}' takes {takes[option[1]]}.")
        line = line.strip()
        if option[1] == "room":
            room = value
        else:
            names.append(value)
    return room, names, line


class ReplyDisplay:
    """Shows one reply in the running cell: while it is written or, where no front end may listen, once at its end."""

    def __init__(self, streams: bool, cell: int) -> None:
        self._streams = streams
        self._cell = cell
        self._handle: DisplayHandle | None = None

    @classmethod
    def of_running_cell(cls, streams: bool) -> ReplyDisplay | None:
        """Give a display for the cell that runs, or None outside IPython."""
        shell = get_ipython()
        return None if shell is None else cls(streams, shell.execution_count)

    def is_of_this_cell(self) -> bool:
        """Say whether the cell that showed the reply is the one that runs."""
        shell = get_ipython()
        return shell is not None and shell.execution_count == self._cell

    def update(self, reply: Message) -> None:
        """Show the text so far."""
        if self._streams:
            self._show(reply)

    def finish(self, reply: Message) -> None:
        """Show the whole text."""
        self._show(reply)

    def _show(self, reply: Message) -> None:
        open_ = reply.status == "open"
        text = reply.text + ("▌" if open_ else "")
        note = "" if reply.status in ("open", "complete") else f" [{reply.status}]"
        style = "white-space: pre-wrap; overflow-wrap: anywhere"
        bundle = {
            "text/plain": f"{reply.name}: {text}{note}",
            "text/html": f'<div style="{style}"><b>{html.escape(reply.name)}</b>{html.escape(note)}: '
            f"{html.escape(text)}</div>",
        }
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]
