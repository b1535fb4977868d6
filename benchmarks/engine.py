"""The engine with the real SmolLM2, against llama.cpp's bare loop and llama-cpp-python's chat completion in one run."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.figures import Profile, Target
from benchmarks.hub_delays import delays
from benchmarks.peers import BareLoop, ChatCompletion
from benchmarks.rooms import LINE_TOKENS, Room, settle
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.llama_threads import cores
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.settings import Settings

TARGETS = {
    "single": Target("one reply's tokens/s, divided by a bare loop's", at_least=0.95),
    "batched": Target("tokens/s of 4 rooms at once, divided by one after another", at_least=1.25),
    "ttft_listening": Target("chat completion's time to first token, divided by ours", at_least=10),
    "ttft_flat": Target("our time to first token at 2,000 tokens of history, divided by that at 200", at_most=2.6),
    "ttft_return": Target("as ttft_listening, with a turn in another room in between", at_least=40),
    "evaluated": Target("prompt tokens evaluated beyond the new ones, most of any turn", at_most=32),
    "stop_ms": Target("a stop's arrival to the last token a reader got, 95th percentile", at_most=100),
    "loop_delay_ms": Target("the server's event loop while 4 rooms generate, 99th percentile", at_most=20),
}

CONTEXT = 4096
QUESTION = "@llama what should we look at now?"
LONG_ANSWERS = tuple(
    f"@llama please explain in many long sentences how a {thing} is built, step by step"
    for thing in ("bridge", "house", "tunnel", "tower")
)
"""Four whose answers become long: one that ends early leaves the others alone."""


class Size(Struct, frozen=True):
    """How much is said in one measurement: lengths in tokens, and the `lines` that are new before a question. With
    `threads` 0 there is one for each core.
    """

    reply: int = 128
    history: int = 1_500
    lines: int = 20
    short: int = 200
    long: int = 2_000
    threads: int = 0


SMOKE = Size(reply=16, history=100, lines=4, long=400, threads=1)
"""One thread needs no quiet machine to come to an end."""

Figures = dict[str, float]
Notes = dict[str, str]


def measure(profile: Profile) -> tuple[Figures, Notes]:
    """Take every figure, and notes for some of them."""
    return asyncio.run(_measure(profile))


async def _measure(profile: Profile) -> tuple[Figures, Notes]:
    size, rounds = SMOKE if profile.name == "smoke" else Size(), profile.rounds
    path, threads = str(find_model("")), size.threads or cores()
    figures: Figures = {}
    notes: Notes = {}
    engine = LlamaEngine(Settings(context_tokens=CONTEXT, reply_tokens=256, threads=size.threads))
    try:
        # Until the model is loaded.
        await Room(engine, "first").ask(QUESTION, 1)
        await _single(engine, BareLoop(path, CONTEXT, threads), size, rounds, figures, notes)
        await _batched(engine, size, rounds, figures, notes)
        await _first_tokens(engine, ChatCompletion(path, CONTEXT, threads), size, rounds, figures, notes)
        await _flat(engine, size, rounds, figures, notes)
    finally:
        await engine.close()
    figures |= await delays(profile, CONTEXT)
    return {key: figures[key] for key in TARGETS}, notes


async def _single(engine: LlamaEngine, bare: BareLoop, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`single`: the peer takes turns with ours."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(2 * rounds):
        room = Room(engine, f"single-{number}")
        _, seconds, finish = await room.ask(LONG_ANSWERS[0], size.reply)
        ours.append((finish.written - 1) / seconds)
        await settle(engine)
        theirs.append(bare.tokens_per_second("\n".join(segment.text for segment in room.segments[:-1]), size.reply))
    figures["single"] = statistics.median(ours) / statistics.median(theirs)
    notes["single"] = f"{statistics.median(ours):.0f} against {statistics.median(theirs):.0f} tokens/s"


async def _batched(engine: LlamaEngine, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`batched`: four replies at once and the same four one after another, in rooms that have been listened to."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    shortest = size.reply
    for number in range(rounds):
        for at_once in (True, False) if number % 2 else (False, True):
            rooms = [Room(engine, f"batch-{number}-{at_once}-{place}") for place in range(4)]
            for room in rooms:
                room.post("hello everybody")
            await settle(engine)
            rate, length = await _rate(rooms, size.reply, at_once=at_once)
            rates[at_once].append(rate)
            shortest = min(shortest, length)
    together, apart = (statistics.median(rates[at_once]) for at_once in (True, False))
    figures["batched"] = together / apart
    notes["batched"] = f"{together:.0f} against {apart:.0f} tokens/s, replies of {shortest} to {size.reply} tokens"


async def _rate(rooms: Sequence[Room], tokens: int, *, at_once: bool) -> tuple[float, int]:
    """Give the tokens/s of a reply in each room, from the first question to the last answer's end, and the shortest
    one's length.
    """
    asked = list(zip(rooms, LONG_ANSWERS, strict=True))
    start = time.perf_counter()
    if at_once:
        found = await asyncio.gather(*(room.ask(text, tokens) for room, text in asked))
    else:
        found = [await room.ask(text, tokens) for room, text in asked]
    elapsed = time.perf_counter() - start
    lengths = [finish.written for _, _, finish in found]
    return sum(lengths) / elapsed, min(lengths)


async def _first_tokens(
    engine: LlamaEngine, peer: ChatCompletion, size: Size, rounds: int, figures: Figures, notes: Notes
) -> None:
    """`ttft_listening`, `ttft_return` and `evaluated`. Neither reads while the other is timed."""
    other = Room(engine, "other")
    other.talk(size.short // LINE_TOKENS)
    ours, theirs, returned, their_returned, beyond = [], [], [], [], []
    for number in range(rounds):
        room = Room(engine, f"talk-{number}")
        room.talk(size.history // LINE_TOKENS)
        await settle(engine)
        peer.first_token_seconds(room.segments)
        room.talk(size.lines)
        await settle(engine)
        prompt = room.question(QUESTION)
        first, _, before = await room.answer(prompt, 8)
        ours.append(first)
        await settle(engine)
        theirs.append(peer.first_token_seconds(prompt.segments))
        elsewhere = other.question(QUESTION)
        await other.answer(elsewhere, 8)
        prompt = room.question(QUESTION)
        first, _, finish = await room.answer(prompt, 8)
        returned.append(first)
        beyond.append(finish.evaluated - (finish.prompt - before.prompt - before.written))
        await settle(engine)
        peer.first_token_seconds(elsewhere.segments)
        their_returned.append(peer.first_token_seconds(prompt.segments))
    for key, one, another in (("ttft_listening", theirs, ours), ("ttft_return", their_returned, returned)):
        figures[key] = statistics.median(one) / statistics.median(another)
        notes[key] = f"{statistics.median(one) * 1000:.0f} against {statistics.median(another) * 1000:.0f} ms"
    figures["evaluated"] = float(max(0, *beyond))


async def _flat(engine: LlamaEngine, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`ttft_flat`, in rooms that have been listened to."""
    found: dict[int, list[float]] = {size.short: [], size.long: []}
    rooms = {length: Room(engine, f"flat-{length}") for length in found}
    for length, room in rooms.items():
        room.talk(length // LINE_TOKENS)
    for _ in range(3 * rounds):
        for length, room in rooms.items():
            await settle(engine)
            found[length].append((await room.ask(QUESTION, 4))[0])
    short, long = (statistics.median(times) for times in found.values())
    figures["ttft_flat"] = long / short
    notes["ttft_flat"] = f"{long * 1000:.0f} against {short * 1000:.0f} ms"
