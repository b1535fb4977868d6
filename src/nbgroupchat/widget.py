"""The panel as a Jupyter widget.

The page connects straight to the hub: the kernel is not in the path of a message, so the chat goes on while a cell
runs. Where the page cannot, the panel speaks through this widget's custom messages, which `relay` carries. Nothing
secret or personal is in the synced traits, since they are saved into notebooks. The only module that knows anywidget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbgroupchat.relay import Relay

STATIC = Path(__file__).parent / "static"


class ChatPanel(anywidget.AnyWidget):
    """The panel of a room: `ChatPanel(room="lobby", height=420)`, the height in CSS pixels."""

    _esm = STATIC / "widget.js"
    _css = STATIC / "panel.css"

    room = traitlets.Unicode("lobby", help="The room's name.").tag(sync=True)
    height = traitlets.Int(420, min=160, help="The panel's height in CSS pixels.").tag(sync=True)

    def __init__(self, room: str = "lobby", **traits: Any) -> None:
        # Before anything can fail: a widget that was refused is closed as well.
        self._relay = Relay(self.send)
        self._forget_cells: Callable[[], None] | None = None
        super().__init__(room=room, **traits)
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        """Give the panel's room, the same in every run."""
        return f"ChatPanel(room={self.room!r})"

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
