"""The figures of one run: how they are shown to people and written for scripts."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from msgspec import Struct


class Target(Struct, frozen=True):
    """What a figure should be: `at_least` or `at_most`, and what it means."""

    meaning: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        """Say whether a value is as wanted."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    @property
    def wanted(self) -> str:
        """Give what is wanted, as words."""
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


class Profile(Struct, frozen=True):
    """How long a run takes: `rounds` of each measurement; a smoke run only shows that it runs."""

    name: str
    rounds: int


PROFILES = {
    "long": Profile("long", 7),
    "quick": Profile("quick", 3),
    "smoke": Profile("smoke", 1),
}


def table(figures: dict[str, float], targets: dict[str, Target], notes: dict[str, str]) -> str:
    """Give the figures as a Markdown table."""
    rows = ["| figure | found | wanted | |", "|---|---|---|---|"]
    for key, value in figures.items():
        target = targets[key]
        mark = "" if target.met(value) else " (missed)"
        note = f"; {notes[key]}" if key in notes else ""
        rows.append(f"| `{key}` | {value:.3g} | {target.wanted}{mark} | {target.meaning}{note} |")
    return "\n".join(rows)


def report(name: str, figures: dict[str, float], profile: Profile) -> dict[str, object]:
    """Give the run as what is written for scripts."""
    return {
        "name": name,
        "figures": figures,
        "profile": profile.name,
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "processor": platform.machine()},
        "commit": _commit(),
    }


def write(path: Path, found: dict[str, object]) -> None:
    """Write a run's report as JSON."""
    path.write_text(json.dumps(found, indent=2) + "\n")


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
