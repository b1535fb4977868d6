"""The engine with the real SmolLM2, against llama.cpp's bare loop and llama-cpp-python's chat completion in one run."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Sequence

from benchmarks.figures import Profile, Target
from benchmarks.peers import BareLoop, ChatCompletion
from nbgroupchat import protocol
from nbgroupchat.channel import Client
from nbgroupchat.compose import Composition
from nbgroupchat.engines.base import Finish, Piece, Sampling
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.llama_process import default_threads
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.protocol import Cancel, Delta, Event, Join, Post, ReplyClosed, ReplyOpened
from nbgroupchat.settings import Settings
from nbgroupchat.signalr import messages
from nbgroupchat.window import cue, opening, said

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
SETTINGS = Settings(context_tokens=CONTEXT, reply_tokens=256)
LINE = "the {0} group has finished step {0} of the exercise and will look at the plots of run {0} next"
LINE_TOKENS = 24
"""About how long such a line is, in tokens."""
READING_SPEED = 60
"""Tokens/s that are allowed for listening; a person types about one."""
QUESTION = "@llama what should we look at now?"

Figures = dict[str, float]


def measure(profile: Profile) -> tuple[Figures, dict[str, str]]:
    """Take every figure, and notes for some of them."""
    return asyncio.run(_measure(profile))


async def _measure(profile: Profile) -> tuple[Figures, dict[str, str]]:
    path, threads = str(find_model("")), default_threads()
    figures: Figures = {}
    notes: dict[str, str] = {}
    engine = LlamaEngine(SETTINGS)
    try:
        await _speed(engine, BareLoop(path, CONTEXT, threads), profile, figures, notes)
        await _first_tokens(engine, ChatCompletion(path, CONTEXT, threads), profile, figures, notes)
    finally:
        await engine.close()
    await _hub(profile, figures)
    return {key: figures[key] for key in TARGETS}, notes


class Room:
    """A conversation that grows, as the window of a room would give it."""

    def __init__(self, engine: LlamaEngine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.segments: list[Segment] = list(opening("llama", name, ""))
        self._number = 0

    def post(self, text: str, by: str = "Ana") -> None:
        """Say something, and let the engine listen."""
        self._number += 1
        self.segments.append(Segment("user", said(by, text), f"{self.name}-{self._number}"))
        self._engine.listen(self.name, Prompt(tuple(self.segments)))

    def talk(self, lines: int) -> None:
        """Let people talk for so many lines."""
        for number in range(lines):
            self.post(LINE.format(self._number + number), ("Ana", "Ben", "Cleo")[number % 3])

    def question(self) -> Prompt:
        """Give the prompt that answers the newest post."""
        return Prompt((*self.segments, Segment("user", cue("llama", "Ana"))))

    async def ask(self, tokens: int) -> tuple[float, float, Finish]:
        """Ask; gives the time to the first piece and from there to the last, in seconds, and the end."""
        prompt = self.question()
        start = time.perf_counter()
        first = last = 0.0
        text = ""
        finish = Finish(reason="complete")
        async for item in self._engine.stream(self.name, prompt, Sampling(tokens, 0.0)):
            if isinstance(item, Piece):
                last = time.perf_counter()
                first = first or last
                text += item.text
            elif isinstance(item, Finish):
                finish = item
        self.segments = [*prompt.segments, Segment("assistant", text, f"{self.name}-r{self._number}")]
        return first - start, last - first, finish


async def _settle(lines: int) -> None:
    """Give the engine more time than it needs to read so many lines, and far less than people need to type them."""
    await asyncio.sleep(0.5 + lines * LINE_TOKENS / READING_SPEED)


async def _speed(
    engine: LlamaEngine, bare: BareLoop, profile: Profile, figures: Figures, notes: dict[str, str]
) -> None:
    """`single` and `batched`; each peer takes turns with ours."""
    tokens = 32 if profile.name == "smoke" else 128
    question = "@llama please explain in many long sentences how to cook a soup, step by step"
    ours: list[float] = []
    theirs: list[float] = []
    together: list[float] = []
    apart: list[float] = []
    for number in range(profile.rounds):
        room = Room(engine, f"single-{number}")
        room.post(question)
        _, seconds, finish = await room.ask(tokens)
        ours.append((finish.written - 1) / seconds)
        theirs.append(bare.tokens_per_second("\n".join(segment.text for segment in room.segments[:-1]), tokens))
        for rates, at_once in ((apart, False), (together, True)):
            # The same four replies, each of them asked for by a room that has been listened to.
            rooms = [Room(engine, f"batch-{number}-{at_once}-{place}") for place in range(4)]
            for room in rooms:
                room.post(question)
            await _settle(4 * len(rooms[0].segments))
            rates.append(await _rate(rooms, tokens, at_once=at_once))
    figures["single"] = statistics.median(ours) / statistics.median(theirs)
    figures["batched"] = statistics.median(together) / statistics.median(apart)
    notes["single"] = f"{statistics.median(ours):.0f} against {statistics.median(theirs):.0f} tokens/s"
    notes["batched"] = f"{statistics.median(together):.0f} against {statistics.median(apart):.0f} tokens/s"


async def _rate(rooms: Sequence[Room], tokens: int, *, at_once: bool) -> float:
    """Give the tokens/s of a reply in each room, from the first question to the last answer's end."""
    start = time.perf_counter()
    if at_once:
        found = await asyncio.gather(*(room.ask(tokens) for room in rooms))
    else:
        found = [await room.ask(tokens) for room in rooms]
    return sum(finish.written for _, _, finish in found) / (time.perf_counter() - start)


async def _first_tokens(
    engine: LlamaEngine, peer: ChatCompletion, profile: Profile, figures: Figures, notes: dict[str, str]
) -> None:
    """`ttft_listening`, `ttft_return`, `ttft_flat` and `evaluated`. Nobody asks before the peer has had its turn."""
    history = 300 if profile.name == "smoke" else 1_500
    other = Room(engine, "other")
    other.talk(200 // LINE_TOKENS)
    ours, theirs, returned, their_returned, beyond = [], [], [], [], []
    for number in range(profile.rounds):
        room = Room(engine, f"talk-{number}")
        room.talk(history // LINE_TOKENS)
        await _settle(len(room.segments) + len(other.segments))
        peer.first_token_seconds(room.question().segments)
        room.talk(20)
        await _settle(20)
        room.post(QUESTION)
        prompt = room.question()
        first, _, before = await room.ask(8)
        ours.append(first)
        theirs.append(peer.first_token_seconds(prompt.segments))
        other.post(QUESTION)
        elsewhere = other.question()
        await other.ask(8)
        room.post(QUESTION)
        prompt = room.question()
        first, _, finish = await room.ask(8)
        returned.append(first)
        beyond.append(finish.evaluated - (finish.prompt - before.prompt - before.written))
        peer.first_token_seconds(elsewhere.segments)
        their_returned.append(peer.first_token_seconds(prompt.segments))
    figures["ttft_listening"] = statistics.median(theirs) / statistics.median(ours)
    figures["ttft_return"] = statistics.median(their_returned) / statistics.median(returned)
    figures["evaluated"] = float(max(0, *beyond))
    notes["ttft_listening"] = f"{statistics.median(theirs) * 1000:.0f} against {statistics.median(ours) * 1000:.0f} ms"
    notes["ttft_return"] = (
        f"{statistics.median(their_returned) * 1000:.0f} against {statistics.median(returned) * 1000:.0f} ms"
    )
    await _flat(engine, profile, figures, notes)


async def _flat(engine: LlamaEngine, profile: Profile, figures: Figures, notes: dict[str, str]) -> None:
    sizes = (200, 600) if profile.name == "smoke" else (200, 2_000)
    found: dict[int, list[float]] = {size: [] for size in sizes}
    rooms = {size: Room(engine, f"flat-{size}") for size in sizes}
    for size, room in rooms.items():
        room.talk(size // LINE_TOKENS)
        await _settle(len(room.segments))
    for _ in range(max(3, profile.rounds)):
        for size, room in rooms.items():
            room.post(QUESTION)
            found[size].append((await room.ask(4))[0])
    small, large = (statistics.median(found[size]) for size in sizes)
    figures["ttft_flat"] = large / small
    notes["ttft_flat"] = f"{large * 1000:.0f} against {small * 1000:.0f} ms"


class Reader:
    """A client of a hub in this process that notes when pieces reach it."""

    def __init__(self, composition: Composition, name: str, room: str) -> None:
        self._composition = composition
        self.room = room
        self.client = Client(Identity(name, name), Outbox(self._write, lambda: None))
        self.opened: asyncio.Queue[str] = asyncio.Queue()
        self.pieces: asyncio.Queue[float] = asyncio.Queue()
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.last = 0.0

    async def send(self, command: protocol.Command) -> None:
        """Send a command."""
        with self.client.outbox.corked():
            await self._composition.hub.receive(self.client, command)

    async def ask(self, text: str) -> str:
        """Ask, and give the reply's id when it has begun to be written."""
        await self.send(Post(room=self.room, cid=secrets.token_hex(8), text=text))
        reply = await self.opened.get()
        while not self.pieces.empty():
            self.pieces.get_nowait()
        await self.pieces.get()
        return reply

    def _write(self, frame: bytes) -> bool:
        for message in messages.parse(frame):
            if isinstance(message, messages.Invocation):
                for event in protocol.decode_events(bytes(message.arguments))[1]:
                    self._hear(event)
        return True

    def _hear(self, event: Event) -> None:
        if isinstance(event, ReplyOpened):
            self.opened.put_nowait(event.eid)
        elif isinstance(event, Delta):
            self.last = time.perf_counter()
            self.pieces.put_nowait(self.last)
        elif isinstance(event, ReplyClosed):
            self.closed.put_nowait(event.status)


async def _hub(profile: Profile, figures: Figures) -> None:
    """`stop_ms` and `loop_delay_ms`, through a whole hub with the real model."""
    settings = Settings(context_tokens=CONTEXT, reply_tokens=512, turns_per_minute=10_000)
    composition = Composition(settings)
    readers = [Reader(composition, f"reader{number}", f"room{number}") for number in range(4)]
    try:
        for reader in readers:
            await reader.send(Join(room=reader.room, wire=protocol.WIRE))
        figures["stop_ms"] = await _stops(readers[0], 4 if profile.name == "smoke" else 20 * profile.rounds)
        figures["loop_delay_ms"] = await _loop_delay(readers, 2.0 if profile.name == "smoke" else 10.0)
    finally:
        await composition.close()


async def _stops(reader: Reader, count: int) -> float:
    late = []
    for number in range(count):
        reply = await reader.ask(f"@llama write a very long story, number {number}, with many details")
        start = time.perf_counter()
        await reader.send(Cancel(room=reader.room, id=reply))
        await reader.closed.get()
        # Whatever would still come comes while the next question is asked.
        late.append(max(0.0, reader.last - start) * 1000)
    return _percentile(late, 95)


async def _loop_delay(readers: Sequence[Reader], seconds: float) -> float:
    """Keep four rooms writing, and give how late the loop wakes somebody who sleeps 5 ms, in milliseconds."""
    asking = [asyncio.create_task(_keep_asking(reader)) for reader in readers]
    delays: list[float] = []
    end = time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(0.005)
        delays.append((time.perf_counter() - now - 0.005) * 1000)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return _percentile(delays, 99)


async def _keep_asking(reader: Reader) -> None:
    while True:
        await reader.ask("@llama tell a long story about a mountain and a river")
        await reader.closed.get()


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
