"""The longest task of a page's main thread, out of what Chromium traced."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

CATEGORIES = ("toplevel", "__metadata")
"""What has to be traced for it."""

_TASK = "ThreadControllerImpl::RunTask"
_MAIN = "CrRendererMain"


def longest_task(trace: bytes) -> tuple[float, float]:
    """Give how long it took, and for how long of that it was on a processor, in milliseconds.

    Of several pages the busiest is meant. Raises ValueError where no task was traced.
    """
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"].get("name") == _MAIN
    }
    tasks: defaultdict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        thread = (event["pid"], event["tid"])
        if event["name"] == _TASK and event["ph"] == "X" and thread in mains:
            tasks[thread].append((event["dur"] / 1000, event.get("tdur", 0) / 1000))
    if not tasks:
        raise ValueError(f"Chromium traced no {_TASK} of a {_MAIN}.")
    busiest = max(tasks.values(), key=lambda found: sum(duration for duration, _ in found))
    return max(busiest)
