"""Runs the faults: `python -m tests.chaos --seed N [--quick] [--json FILE]`; ends with 1 where something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figures import PROFILES, report, write

from tests.chaos.detectors import WRONG
from tests.chaos.run import LONG, QUICK, Run


def verdict(figures: Mapping[str, int]) -> str:
    """Give the line that says what is wrong."""
    return ", ".join(f"{figure.replace('_', ' ')} {figures[figure]}" for figure in WRONG)


def main() -> None:
    """Run, print the line and the counts, and write JSON for scripts."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of what is done and for how long")
    parser.add_argument("--quick", action="store_true", help="within two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), chosen.seed, QUICK if chosen.quick else LONG)
        figures = asyncio.run(run.whole())
    for figure, found in sorted(figures.items()):
        print(f"{figure}: {found}")
    print(f"seconds: {time.monotonic() - began:.0f}")
    print(verdict(figures))
    if chosen.json:
        profile = PROFILES["quick" if chosen.quick else "long"]
        write(chosen.json, report("faults", {key: float(found) for key, found in figures.items()}, profile))
    sys.exit(any(figures[figure] for figure in (*WRONG, "unsettled")))


if __name__ == "__main__":
    main()
