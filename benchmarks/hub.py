"""The hub under load: a scripted engine, real sockets, the server and its readers each in a process of its own."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from msgspec import Struct

from benchmarks.figures import Profile, Target
from benchmarks.hub_processes import Site, site
from benchmarks.hub_readers import PIECE
from benchmarks.hub_server import WORDS

TARGETS = {
    "fanout": Target("deliveries/s to 200 readers, divided by a bare write_message's with the same frames", at_least=1),
    "lag_ms_50": Target("a piece from the engine to 50 readers, 99th percentile", at_most=75),
    "lag_ms_200": Target("the same with 200 readers", at_most=75),
    "lag_ms_500": Target("the same with 500 readers", at_most=100),
    "slow_reader": Target("the lag of 80 readers while 20 others stall, divided by that while none does", at_most=1.2),
    "idle_kib": Target("the server's memory for each idle connection that has joined, slope over 2,000", at_most=40),
    "bytes_ratio": Target("bytes to a reader of a 2,000-piece reply, divided by those of its text", at_most=13),
    "posts": Target("acknowledged durable posts/s, 50 clients in 10 rooms", at_least=1_000),
    "relay_join": Target("200 joins through 40 relays, divided by as many at the server itself", at_most=3),
    "relay_lag_ms": Target("what the relays add to the lag of these 200, 99th percentile of a piece", at_most=75),
    "relay_kib": Target("a relay's memory for each connection that it passes on", at_most=200),
    "join_storm_s": Target("300 joins into a room of 5,000 events while a reply streams, until all live", at_most=5),
}

RATE = 60
"""Pieces a second of a paced reply."""

SMALL = 8_192
"""Bytes of a socket's buffers, on both sides, that a stalled reader soon has filled."""


class Size(Struct, frozen=True):
    """How much of everything: pieces of replies, readers, seconds, entries."""

    fanout: int = 600
    readers: int = 200
    lag: int = 600
    lag_readers: tuple[int, ...] = (50, 200, 500)
    slow: int = 300
    slow_readers: int = 100
    stalled: int = 20
    floods: int = 24
    idle: int = 2_000
    long_reply: int = 2_000
    posts: float = 5.0
    storm: int = 300
    relays: int = 40
    relayed: int = 200
    history: int = 5_000


SIZES = {
    "long": Size(lag=900),
    "quick": Size(fanout=300, lag=360, slow=180, posts=3.0),
    "smoke": Size(
        fanout=50,
        readers=10,
        lag=30,
        lag_readers=(2, 3, 4),
        slow=30,
        slow_readers=5,
        stalled=1,
        idle=80,
        long_reply=60,
        posts=0.3,
        storm=10,
        relays=2,
        relayed=4,
        history=500,
    ),
}

Figures = dict[str, float]
Notes = dict[str, str]


def measure(profile: Profile) -> tuple[Figures, Notes]:
    """Take every figure, and notes for some of them."""
    size = SIZES[profile.name]
    figures: Figures = {}
    notes: Notes = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _fanout(size, profile.rounds, figures, notes)
        with site("--store", str(place / "lag.sqlite")) as run:
            _lags(run, size, figures, notes)
            _bytes_ratio(run, size, figures, notes)
            _join_storm(run, size, profile.rounds, figures, notes)
        with site("--store", str(place / "slow.sqlite"), "--send-buffer", str(SMALL)) as run:
            _slow_reader(run, size, max(4, profile.rounds) if profile.rounds > 1 else 1, figures, notes)
        with site("--store", str(place / "posts.sqlite")) as run:
            _posts(run, size, profile.rounds, figures, notes)
        with site("--store", str(place / "relays.sqlite")) as run:
            _relays(run, size, figures, notes)
        with site("--store", str(place / "idle.sqlite")) as run:
            _idle(run, size, figures, notes)
    return {key: figures[key] for key in TARGETS}, notes


def _fanout(size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`fanout`: every piece is a frame of its own, kept in memory, and the bare handler sends the same frames."""
    ours: list[float] = []
    theirs: list[float] = []
    frames: list[tuple[int, int]] = []
    with site("--slice", "0") as run:
        run.tell("open", group="ours", count=size.readers, rooms=["fanout"])
        run.tell("open", group="bare", count=size.readers, rooms=[], path="/bare")
        for _ in range(2 * rounds):
            found = run.tell("ask", group="ours", room="fanout", text=f"@llama play words {size.fanout} at 0")
            text = run.tell("first_text", group="ours")
            ours.append(found["frames"] / found["seconds"])
            run.begin("hear", group="bare")
            run.post("/bare/stream", text)
            bare = run.answer()
            theirs.append(bare["frames"] / bare["seconds"])
            frames.append((found["frames"], bare["frames"]))
    one, other = statistics.median(ours), statistics.median(theirs)
    figures["fanout"] = one / other
    sent = " and ".join(f"{statistics.median(counts):.0f}" for counts in zip(*frames, strict=True))
    notes["fanout"] = f"{one:.0f} against {other:.0f} frames/s, {sent} frames"


def _lags(run: Site, size: Size, figures: Figures, notes: Notes) -> None:
    for key, count in zip(("lag_ms_50", "lag_ms_200", "lag_ms_500"), size.lag_readers, strict=True):
        run.tell("open", group=key, count=count, rooms=[key])
        used = run.seconds()
        found = run.tell("ask", group=key, room=key, text=f"@llama play stamps {size.lag} at {RATE}")
        share = (run.seconds() - used) / found["since_start"]
        figures[key] = run.tell("lags", group=key)["lag_ms"]
        median = run.tell("lags", group=key, percent=50)["lag_ms"]
        notes[key] = f"median {median:.0f} ms, the server used {100 * share:.0f}% of a core"
        run.tell("close", group=key)


def _bytes_ratio(run: Site, size: Size, figures: Figures, notes: Notes) -> None:
    run.tell("open", group="bytes", count=1, rooms=["bytes"])
    found = run.tell("ask", group="bytes", room="bytes", text=f"@llama play words {size.long_reply} at {RATE}")
    text = sum(len(WORDS[number % len(WORDS)]) for number in range(size.long_reply))
    figures["bytes_ratio"] = found["bytes"] / text
    notes["bytes_ratio"] = f"{found['bytes']:,} against {text:,} bytes in {found['frames']} frames"


def _slow_reader(run: Site, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`slow_reader`: those who stall are so far behind before it that nothing fits into their buffers any more."""
    run.tell("open", group="slow", count=size.slow_readers, rooms=["slow"], receive_buffer=SMALL)
    ratios: list[float] = []
    missed = 0
    asked = f"@llama play stamps {size.slow} at {RATE}"
    for number in range(rounds):
        found: dict[bool, float] = {}
        for stalled in (True, False) if number % 2 else (False, True):
            if stalled:
                run.tell("stall", group="slow", count=size.stalled)
            run.tell("flood", group="slow", room="slow", count=size.floods, text="x" * 15_000)
            heard = run.tell("ask", group="slow", room="slow", text=asked)
            found[stalled] = run.tell("lags", group="slow")["lag_ms"]
            if stalled:
                missed = run.tell("resume", group="slow")["frames"]
                notes["slow_reader"] = f"{heard['frames'] // (size.slow_readers - size.stalled)} frames"
        ratios.append(found[True] / found[False])
    figures["slow_reader"] = statistics.median(ratios)
    span = f"{min(ratios):.2f} to {max(ratios):.2f}"
    notes["slow_reader"] = f"{span}; {notes['slow_reader']} to each of the others, {missed} to a stalled one afterwards"


def _idle(run: Site, size: Size, figures: Figures, notes: Notes) -> None:
    """`idle_kib`, in rooms of 50."""
    rooms = [f"idle{number}" for number in range(max(1, size.idle // 50))]
    run.tell("open", group="idle", count=size.idle // 5, rooms=rooms)
    counts, memory = [size.idle // 5], [run.memory()]
    for _ in range(4):
        run.tell("open", group="idle", count=size.idle // 5, rooms=rooms)
        counts.append(counts[-1] + size.idle // 5)
        memory.append(run.memory())
    figures["idle_kib"] = statistics.linear_regression(counts, memory).slope / 1024
    notes["idle_kib"] = f"{memory[-1] / 2**20:.0f} MiB with {counts[-1]} connections"


def _posts(run: Site, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`posts`: each client has one post under way, and in each room the others read it."""
    rooms = [f"posts{number}" for number in range(10)]
    run.tell("open", group="posts", count=50, rooms=rooms)
    rates: list[float] = []
    for _ in range(rounds):
        found = run.tell("posts", group="posts", rooms=rooms, seconds=size.posts)
        rates.append(found["posts"] / found["seconds"])
    figures["posts"] = statistics.median(rates)
    notes["posts"] = f"{min(rates):.0f} to {max(rates):.0f}, each also told to 5"


def _relays(run: Site, size: Size, figures: Figures, notes: Notes) -> None:
    """`relay_…`: each relay is a process of its own, as a single-user server is."""
    joined: list[float] = []
    late: list[float] = []
    with run.relays(size.relays) as relays:
        before = sum(relay.memory() for relay in relays)
        for group, ports in (("near", []), ("relayed", [relay.port for relay in relays])):
            run.tell("open", group=group, count=size.relayed, rooms=[], join=False, ports=ports)
            joined.append(run.tell("join", group=group, room=group)["since_start"])
            run.tell("ask", group=group, room=group, text=f"@llama play stamps {size.lag} at {RATE}")
            late.append(run.tell("lags", group=group)["lag_ms"])
            after = sum(relay.memory() for relay in relays)
            run.tell("close", group=group)
    figures["relay_join"] = joined[1] / joined[0]
    notes["relay_join"] = f"{joined[1]:.2f} against {joined[0]:.2f} s"
    figures["relay_lag_ms"] = late[1] - late[0]
    notes["relay_lag_ms"] = f"{late[1]:.0f} against {late[0]:.0f} ms, all on this machine"
    figures["relay_kib"] = (after - before) / size.relayed / 1024
    notes["relay_kib"] = f"{after / size.relays / 2**20:.0f} MiB a process, of which the relay's part is that"


def _join_storm(run: Site, size: Size, rounds: int, figures: Figures, notes: Notes) -> None:
    """`join_storm_s`: each time the connections are new and stand ready."""
    run.tell("open", group="host", count=1, rooms=["storm"])
    run.post(f"/seed?room=storm&events={size.history}")
    times: list[float] = []
    for number in range(rounds):
        group = f"storm{number}"
        run.tell("open", group=group, count=size.storm, rooms=[], join=False)
        run.tell("ask", group="host", room="storm", text="@llama play words 1800 at 60", until=PIECE)
        found = run.tell("join", group=group, room="storm")
        times.append(found["since_start"])
        run.tell("close", group=group)
        run.tell("cancel", group="host", room="storm")
    figures["join_storm_s"] = statistics.median(times)
    notes["join_storm_s"] = f"{min(times):.2f} to {max(times):.2f} s, {found['bytes'] / size.storm / 1024:.0f} KiB each"
