"""Runs a benchmark: `python -m benchmarks NAME [--quick | --smoke] [--json FILE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import engine, hub, panel
from benchmarks.figures import PROFILES, report, table, write

BENCHMARKS = {"engine": engine, "hub": hub, "panel": panel}


def main() -> None:
    """Measure, print a table for people, and write JSON for scripts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    shorter = parser.add_mutually_exclusive_group()
    shorter.add_argument("--quick", action="store_const", const="quick", dest="profile", help="within four minutes")
    shorter.add_argument("--smoke", action="store_const", const="smoke", dest="profile", help="only that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    chosen = parser.parse_args()
    profile = PROFILES[chosen.profile or "long"]
    benchmark = BENCHMARKS[chosen.name]
    figures, notes = benchmark.measure(profile)
    print(table(figures, benchmark.TARGETS, notes))
    if chosen.json:
        write(chosen.json, report(chosen.name, figures, profile))


if __name__ == "__main__":
    main()
