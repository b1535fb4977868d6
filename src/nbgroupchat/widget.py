"""The panel as a Jupyter widget.

The page connects straight to the hub: the kernel is not in the path of a message, so the chat goes on while a cell
runs. Where the page cannot, the panel speaks through this widget's custom messages, which `relay` carries. Nothing
secret or personal is in the synced traits, since they are saved into notebooks; beside the panel a notebook keeps the
newest messages as they were when its cell was run, for readers without a server. The only module that knows anywidget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbgroupchat.relay import Relay
from nbgroupchat.room import Message
from nbgroupchat.transcript import as_html, as_line

STATIC = Path(__file__).parent / "static"


class ChatPanel(anywidget.AnyWidget):
    """The panel of a room: `ChatPanel(room="lobby", height=420)`, the height in CSS pixels.

    `transcript` is how many of the room's newest messages are kept in the notebook beside it; 0 keeps none.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "panel.css"

    room = traitlets.Unicode("lobby", help="The room's name.").tag(sync=True)
    height = traitlets.Int(420, min=160, help="The panel's height in CSS pixels.").tag(sync=True)
    transcript = traitlets.Int(20, min=0, max=100, help="How many messages are kept in the notebook beside the panel.")

    def __init__(self, room: str = "lobby", **traits: Any) -> None:
        # Before anything can fail: a widget that was refused is closed as well.
        self._relay = Relay(self.send)
        self._forget_cells: Callable[[], None] | None = None
        super().__init__(room=room, **traits)
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        """Give the panel's room, the same in every run."""
        return f"ChatPanel(room={self.room!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the panel and, for whoever has no front end for it, what was said last, as text and as static HTML."""
        shown: Any = super()._repr_mimebundle_(**kwargs)
        messages = _newest(self.room, self.transcript) if shown and self.transcript else ()
        if messages:
            data = shown[0]
            said = "\n".join(f"{message.name}: {as_line(message)}" for message in messages)
            data |= {"text/plain": f"{self!r}\n{said}", "text/html": as_html(self.room, messages)}
        return shown

    def close(self) -> None:
        """Take the panel away, with the connections it has through this kernel."""
        self._relay.close()
        if self._forget_cells is not None:
            self._forget_cells()
        super().close()

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        if self._forget_cells is None:
            # Here and not above: most panels never speak through the kernel.
            from nbgroupchat.magics import watch_cells

            self._forget_cells = watch_cells(self._relay.cell_began, self._relay.cell_ended)
        self._relay.hear(content)


def _newest(room: str, most: int) -> Sequence[Message]:
    """Give the newest messages of a room; none where that would start a model, or where they cannot be had."""
    from nbgroupchat.client import glance

    return glance(room)[-most:]
