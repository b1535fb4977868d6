"""The frames of the wire, written down once; the TypeScript tests read the same files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(name: str) -> list[dict[str, Any]]:
    """Give the frames of one file."""
    frames: list[dict[str, Any]] = json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))
    return frames
