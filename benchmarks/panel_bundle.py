"""How large the bundle is, and what each library adds to it."""

from __future__ import annotations

import gzip
import json
import subprocess

from benchmarks.panel_stage import STATIC

_JS = STATIC.parent.parent.parent / "js"


def kib(name: str) -> float:
    """Give the size of a file of the bundle as it travels, gzipped, in KiB."""
    return len(gzip.compress((STATIC / name).read_bytes(), 9)) / 1024


def libraries() -> str:
    """Say by how many KiB the bundle would be smaller without each of its libraries."""
    found = subprocess.run(["node", "build.mjs", "--sizes"], cwd=_JS, capture_output=True, text=True, check=True)
    sizes: dict[str, int] = json.loads(found.stdout)
    ordered = sorted(sizes.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {size / 1024:.1f}" for name, size in ordered)
