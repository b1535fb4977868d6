"""Builds the panel's bundle (`js/` to `src/nbgroupchat/static/`) before a wheel, an editable install or an sdist is
made.

An sdist carries the bundle, so that installing one needs no Node: the bundle is built only where `js/` is newer.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
BUNDLE = [ROOT / "src/nbgroupchat/static" / name for name in ("widget.js", "page.js", "panel.css")]


def is_current() -> bool:
    """Say whether the bundle exists and is no older than any of its sources."""
    if not all(path.is_file() for path in BUNDLE):
        return False
    if (ROOT / "PKG-INFO").is_file():  # an unpacked sdist: its bundle is the one that was released
        return True
    sources = [*(ROOT / "js/src").rglob("*"), ROOT / "js/package-lock.json", ROOT / "js/build.mjs"]
    return min(path.stat().st_mtime for path in BUNDLE) >= max(path.stat().st_mtime for path in sources)


class BundleHook(BuildHookInterface[Any]):
    """hatchling's build hook; the class is found by its base."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Build the bundle unless it is current."""
        if is_current():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "Building nbgroupchat's panel needs Node.js 20 or newer with npm, and found no 'npm' on the PATH. "
                "Install Node.js, or install a released sdist or wheel, which carries the built panel."
            )
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT / "js", check=True)
        subprocess.run([npm, "run", "--silent", "build"], cwd=ROOT / "js", check=True)
