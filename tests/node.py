"""Runs the panel's parts, and the client of others that it is made with, on Node."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

JS = Path(__file__).parents[1] / "js"
SIGNALR = JS / "node_modules" / "@microsoft" / "signalr"


async def run_node(script: Path, *arguments: str) -> Any:
    """Run a script and give what it prints, as JSON."""
    node = shutil.which("node")
    assert node is not None, "Node 20 is needed"
    assert SIGNALR.is_dir(), f"{SIGNALR} is missing; run `npm ci` in js/, or `make test`, which does"
    process = await asyncio.create_subprocess_exec(
        node, str(script), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)
