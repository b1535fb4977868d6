"""`python -m tests.fuzz --count 100000`: as the test does, for longer."""

from __future__ import annotations

import argparse
import asyncio

from tests.fuzz.hub import attack

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many payloads")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=2_000, help="after how many to begin a new hub")
    given = parser.parse_args()
    total = asyncio.run(attack(given.seed, 0))
    for seed in range(given.seed, given.seed + max(1, given.count // given.batch)):
        total += asyncio.run(attack(seed, min(given.count, given.batch)))
    for answer, times in total.most_common():
        print(f"{times:9d}  {answer}")
