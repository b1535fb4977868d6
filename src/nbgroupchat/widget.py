"""The panel as a Jupyter widget.

The page connects straight to the hub: the kernel is not in the path of a message, so the chat goes on while a cell
runs. Nothing secret or personal is in the synced traits, since they are saved into notebooks. The only module that
knows anywidget.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

STATIC = Path(__file__).parent / "static"


class ChatPanel(anywidget.AnyWidget):
    """The panel of a room: `ChatPanel(room="lobby", height=420)`, the height in CSS pixels."""

    _esm = STATIC / "widget.js"
    _css = STATIC / "panel.css"

    room = traitlets.Unicode("lobby", help="The room's name.").tag(sync=True)
    height = traitlets.Int(420, min=160, help="The panel's height in CSS pixels.").tag(sync=True)

    def __init__(self, room: str = "lobby", **traits: Any) -> None:
        super().__init__(room=room, **traits)

    def __repr__(self) -> str:
        """Give the panel's room, the same in every run."""
        return f"ChatPanel(room={self.room!r})"
