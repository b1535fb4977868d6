"""Specification of the limits: what one user may send, what it costs the others when somebody sends more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from nbgroupchat.compose import PAUSE_SECONDS, Composition
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Edit, Explain, History, Join, Leave, Pin, Post, Redact, Rooms, Typing, Upload
from nbgroupchat.rates import KERNELS, MINUTE, Rate, Rates
from nbgroupchat.settings import Settings
from tests.signalr.fakes import until
from tests.wire import Peer

ANA, BEN = Identity("ana", "Ana"), Identity("ben", "Ben")
WRITES = (
    Post(room="r", cid="c", text="x"),
    Edit(room="r", cid="c", id="i", text="x"),
    Redact(room="r", id="i"),
    Pin(room="r", id="i", on=True),
)
READS = (Join(room="r", wire=1), History(room="r", before=1), Explain(room="r", id="i"), Rooms(room="r"))


class Clock:
    """Time stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, **settings: int) -> Rates:
    return Rates(Settings(**settings), clock)  # type: ignore[arg-type]  # whole numbers all


def refused(rates: Rates, who: Identity, command: object) -> int:
    """Give `retry_ms`, or 0 where the command is let through."""
    try:
        rates.carry_out(who, command)  # type: ignore[arg-type]  # any command
    except Refusal as refusal:
        return (refusal.retry_ms or -1) if refusal.code is Code.TOO_FAST else -1
    return 0


def test_a_minutes_worth_passes_at_once_and_then_one_at_a_time() -> None:
    """A bucket holds as much as a minute brings, and fills evenly."""
    rate = Rate(60)
    for _ in range(60):
        assert rate.wait("a", 5.0) == 0
        rate.take("a", 5.0)
    assert rate.wait("a", 5.0) == pytest.approx(1)
    assert rate.wait("a", 5.5) == pytest.approx(0.5)
    assert rate.wait("a", 6.0) == 0
    assert rate.wait("b", 5.0) == 0


def test_zero_is_without_limit() -> None:
    """A limit of 0 takes everything and remembers nobody."""
    rate = Rate(0)
    for _ in range(10_000):
        rate.take("a", 0.0)
    assert (rate.wait("a", 0.0), len(rate)) == (0, 0)


def test_who_has_rested_is_forgotten() -> None:
    """However many users there were, those whose bucket is full again take no memory."""
    rate = Rate(60)
    for number in range(100_000):
        rate.take(str(number), number * 0.01)
    # Each is full again a second later, so a hundred are not.
    assert len(rate) <= 2048


@pytest.mark.parametrize("command", [*WRITES, *READS], ids=lambda command: type(command).__name__)
def test_what_writes_and_what_reads_is_limited_apart(command: object) -> None:
    """Each command has its bucket; one that is empty leaves the others' alone, and `retry_ms` is when it passes."""
    clock = Clock()
    rates = limits(clock, posts_per_minute=2, joins_per_minute=2)
    same, others = (WRITES, READS) if command in WRITES else (READS, WRITES)
    assert [refused(rates, ANA, command) for _ in range(2)] == [0, 0]
    wait = refused(rates, ANA, command)
    assert 30_000 <= wait <= 30_002
    assert all(refused(rates, ANA, other) for other in same)
    assert not any(refused(rates, ANA, other) for other in others[:2])
    assert not refused(rates, BEN, command)
    for free in (Leave(room="r"), Typing(room="r", on=True)):
        assert not refused(rates, ANA, free)
    clock.now += wait / 1000
    assert not refused(rates, ANA, command)


def test_a_refusal_costs_nothing() -> None:
    """Whoever goes on trying is let in no later than who waits."""
    clock = Clock()
    rates = limits(clock, posts_per_minute=1)
    assert not refused(rates, ANA, WRITES[0])
    for _ in range(1000):
        assert refused(rates, ANA, WRITES[0])
    clock.now += MINUTE
    assert not refused(rates, ANA, WRITES[0])


def test_a_room_has_a_limit_of_its_own() -> None:
    """All together cannot write more to a room than it takes; other rooms and readers do not notice."""
    rates = limits(Clock(), room_posts_per_minute=3)
    crowd = [Identity(str(number), "x") for number in range(5)]
    assert [bool(refused(rates, one, WRITES[0])) for one in crowd] == [False] * 3 + [True] * 2
    assert not refused(rates, ANA, Post(room="other", cid="c", text="x"))
    assert not refused(rates, ANA, READS[0])


def test_bytes_to_be_attached_have_a_limit_of_their_own() -> None:
    """A user sends so many bytes a minute; posts do not count, and a part over a minute's worth passes alone."""
    clock = Clock()
    rates = limits(clock, attachment_bytes_per_minute=1000)

    def part(size: int) -> Upload:
        return Upload(room="r", id="u", name="x", mime="text/plain", size=size, at=0, data=b"x" * size)

    assert [bool(refused(rates, ANA, part(size))) for size in (600, 600, 400, 1)] == [False, True, False, True]
    assert not refused(rates, ANA, WRITES[0])
    assert not refused(rates, BEN, part(1000))
    clock.now += MINUTE
    assert not refused(rates, ANA, part(5000))
    assert refused(rates, ANA, part(1))


def test_kernels_have_a_limit_together() -> None:
    """A program that makes up kernels gets ten times a user's limit with all of them, and people have their own."""
    rates = limits(Clock(), posts_per_minute=2)
    kernels = [Identity(str(number), "x", "kernel") for number in range(100)]
    assert sum(not refused(rates, one, WRITES[0]) for one in kernels) == 2 * KERNELS
    assert not refused(rates, Identity("0", "x"), WRITES[0])


def test_a_class_of_thirty_never_meets_the_defaults() -> None:
    """Thirty people who post each two seconds, type, and join ten rooms at once every two minutes are let through."""
    clock = Clock()
    rates = limits(clock)
    people = [Identity(str(number), "x") for number in range(30)]
    for second in range(0, 600, 2):
        clock.now += 2
        for person in people:
            rates.receive(person)
            rates.receive(person)
            rates.carry_out(person, WRITES[0])
            for _ in range(10 if second % 120 == 0 else 0):
                rates.carry_out(person, READS[0])


class Pauses:
    """Holds whoever is paused until it is released."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.held: list[asyncio.Future[None]] = []

    def __call__(self, seconds: float) -> asyncio.Future[None]:
        self.asked.append(seconds)
        self.held.append(asyncio.get_running_loop().create_future())
        return self.held[-1]


@pytest.fixture
async def hub() -> AsyncIterator[tuple[Composition, Clock, Pauses]]:
    clock, pauses = Clock(), Pauses()
    settings = Settings(engine="off", posts_per_minute=5, commands_per_minute=20, joins_per_minute=5)
    composition = Composition(settings, clock=clock, pause=pauses)
    yield composition, clock, pauses
    for one in pauses.held:
        if not one.done():
            one.set_result(None)
    await composition.close()


async def test_a_flood_at_line_rate_is_read_no_further(hub: tuple[Composition, Clock, Pauses]) -> None:
    """Of 10,000 posts in one breath five are said, the sixth is answered `too_fast`, and nothing more is read: another
    one's post is the very next entry, and the hub holds nothing for the rest.
    """
    composition, _, pauses = hub
    ana = await Peer(composition, "ana").shake_hands()
    mallory = await Peer(composition, "mallory").shake_hands()
    await ana.join()
    await mallory.join()
    posts = [mallory.frame("post", {"room": "lobby", "cid": str(number), "text": "spam"}) for number in range(10_000)]
    flood = asyncio.create_task(mallory.connection.receive(b"".join(posts)))
    await until(lambda: bool(pauses.asked))
    assert pauses.asked == [PAUSE_SECONDS]
    assert mallory.answers[-1]["error"]["code"] == "too_fast"
    assert mallory.answers[-1]["error"]["retry_ms"] > 0
    frames = ana.frames
    assert (await ana.invoke("post", room="lobby", cid="1", text="hello"))["seq"] == 6
    assert list(ana.texts()) == ["spam"] * 5 + ["hello"]
    assert ana.frames - frames <= 3
    assert not flood.done()
    # Each release is one more refusal and no more.
    for number in range(2, 20):
        pauses.held[-1].set_result(None)
        await until(lambda n=number: len(pauses.asked) >= n)  # type: ignore[misc]  # bound at once
    assert composition.measures.refusals["too_fast"] == len(pauses.asked)
    assert composition.measures.posts["human"] == 6
    flood.cancel()


async def test_garbage_is_limited_too(hub: tuple[Composition, Clock, Pauses]) -> None:
    """Commands that are not understood count like others, so that nobody is kept busy refusing them."""
    composition, clock, pauses = hub
    mallory = await Peer(composition, "mallory").shake_hands()
    for _ in range(20):
        assert (await mallory.invoke("nonsense"))["error"]["code"] == "unknown_method"
    refusing = asyncio.create_task(mallory.invoke("nonsense"))
    await until(lambda: bool(pauses.asked))
    assert mallory.answers[-1]["error"]["code"] == "too_fast"
    pauses.held[0].set_result(None)
    await refusing
    clock.now += mallory.answers[-1]["error"]["retry_ms"] / 1000
    assert (await mallory.invoke("nonsense"))["error"]["code"] == "unknown_method"


async def test_resuming_from_zero_is_bounded(hub: tuple[Composition, Clock, Pauses]) -> None:
    """Who joins again and again during a stream, from all its connections, is given five snapshots and no more; who
    reads along misses nothing.
    """
    composition, _, pauses = hub
    ana = await Peer(composition, "ana").shake_hands()
    await ana.join()
    await ana.invoke("post", room="lobby", cid="1", text="x" * 10_000)
    tabs = [await Peer(composition, "mallory").shake_hands() for _ in range(50)]
    joins = [asyncio.create_task(tab.join()) for tab in tabs]
    await until(lambda: len(pauses.asked) == 45)
    given = [tab for tab in tabs if tab.answers and "mode" in tab.answers[-1]]
    assert len(given) == 5
    assert sum(tab.size for tab in tabs if tab not in given) < 50 * 1000
    assert (await ana.invoke("post", room="lobby", cid="2", text="still here"))["seq"] == 2
    assert ana.texts()[-1] == "still here"
    for join in joins:
        join.cancel()


async def test_who_is_outside_uses_up_nothing_of_a_room() -> None:
    """Posts to a room that was not joined are refused and leave the members their whole limit."""
    composition = Composition(Settings(engine="off", room_posts_per_minute=2))
    ana, mallory = [await Peer(composition, user).shake_hands() for user in ("ana", "mallory")]
    await ana.join()
    for _ in range(10):
        refused = await mallory.invoke("post", room="lobby", cid="1", text="x")
        assert refused["error"]["code"] == "not_joined"
    assert [(await ana.invoke("post", room="lobby", cid=cid, text="x"))["seq"] for cid in "ab"] == [1, 2]
    await composition.close()


async def test_a_full_room_takes_no_more_members() -> None:
    """At the cap another one is refused and told when to try again; who is in may come with another tab; whoever
    leaves makes room.
    """
    composition = Composition(Settings(engine="off", members_per_room=2))
    ana, ben, eve, tab = [await Peer(composition, user).shake_hands() for user in ("ana", "ben", "eve", "ana")]
    for peer in (ana, ben, tab):
        await peer.join()
        assert "mode" in peer.answers[-1]
    refusal = (await eve.invoke("join", room="lobby", wire=1))["error"]
    assert (refusal["code"], refusal["retry_ms"]) == ("too_many", 10_000)
    ben.leave()
    assert "mode" in await eve.invoke("join", room="lobby", wire=1)
    await composition.close()
