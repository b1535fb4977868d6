"""What goes into the next batch: a pure decision.

Every reply being written adds its last token. What is still to be read goes beside them in chunks, one a batch, so
that a running reply never waits for more than one; what somebody waits for goes before what is read ahead. Knows
nothing of models, rooms or texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from nbgroupchat.engines.llama_model import Part

CHUNK = 64
"""Most tokens read in one batch where nothing is being written, and so the longest a question waits for one."""

BESIDE = 16
"""Most tokens read beside replies that are being written. One thread of a 2-core machine, SmolLM2-135M: 16 took 0.13 s
and 64 took 0.55 s, the same speed of reading, and four times the pace for the replies.
"""

AHEAD_EVERY = 8
"""Beside replies only every so many batches read ahead: nobody waits for that, and each chunk costs the replies eight
tokens' time.
"""


class Job(Struct):
    """A sequence that has something to read: `held` ids are in its memory, `todo` follow."""

    sequence: int
    held: int
    todo: list[int]
    kind: Literal["writing", "asked", "ahead"]


def next_batch(jobs: Sequence[Job], count: int) -> list[Part]:
    """The parts of batch number `count`, of jobs in the order they came; empty where there is nothing to read."""
    parts = [Part(job.sequence, job.held, job.todo, True) for job in jobs if job.kind == "writing"]
    reading = _next_to_read(jobs, count)
    if reading is not None:
        chunk = reading.todo[: BESIDE if parts else CHUNK]
        parts.append(Part(reading.sequence, reading.held, chunk, reading.kind == "asked" and chunk == reading.todo))
    # llama.cpp splits a batch wherever the number of the sequence does not grow by one.
    return sorted(parts, key=lambda part: part.sequence)


def reads_ahead(jobs: Sequence[Job], count: int) -> bool:
    """Whether batch number `count` has a place for what nobody waits for, beside these jobs."""
    return all(job.kind == "writing" for job in jobs) and (not jobs or count % AHEAD_EVERY == 0)


def _next_to_read(jobs: Sequence[Job], count: int) -> Job | None:
    asked = [job for job in jobs if job.kind == "asked"]
    if asked:
        # In turns, so that neither a short question waits for a long one's history nor that one for ever.
        return asked[0] if count % 2 else min(asked, key=lambda job: len(job.todo))
    return next((job for job in jobs if job.kind == "ahead" and job.todo), None)
