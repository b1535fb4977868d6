"""Where Jupyter keeps its data, and so the file of the rooms by default."""

from __future__ import annotations

from pathlib import Path

from jupyter_core.paths import jupyter_data_dir


def default_store() -> Path:
    """Give the file that is used where none is set."""
    return Path(jupyter_data_dir()) / "nbgroupchat" / "rooms.sqlite"
