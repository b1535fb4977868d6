"""The panel in a real Chromium: the shipped bundle, fed by a real hub whose engine writes Markdown at a steady pace.

Main-thread time is processor time of the page's main thread in tasks of any kind (Chromium's `TaskDuration`): reading
frames, the panel's own code, style, layout and paint.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import Struct
from playwright.sync_api import Browser, CDPSession, Page

from benchmarks import panel_markdown, panel_peer
from benchmarks.chromium import chromium
from benchmarks.figures import Profile, Target
from benchmarks.panel_bundle import kib, libraries
from benchmarks.panel_stage import Stage
from benchmarks.panel_trace import CATEGORIES, longest_task
from nbgroupchat import log, turn
from nbgroupchat.engines.base import Finish, Part, Piece, Reading, Sampling
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.prompt import Prompt
from nbgroupchat.protocol import Posted
from nbgroupchat.settings import Settings

TARGETS = {
    "token_cost_growth": Target("main-thread time for a token at 8,000 tokens, divided by that at 500", at_most=1.3),
    "against_rerender": Target(
        "main-thread time of rendering 4,000 tokens anew with each (marked and DOMPurify), divided by ours", at_least=12
    ),
    "open_300": Target("opening a room of 300 messages, divided by the same without `content-visibility`", at_most=0.5),
    "longest_task_ms": Target("longest task of the main thread while 100 tokens/s stream for a minute", at_most=50),
    "bundle_kib": Target("the widget's bundle, gzipped", at_most=200),
}

RATE = 100
"""Tokens a second."""

SPAN = len(panel_markdown.PERIOD)
"""What is measured around a length: two whole periods, the same Markdown but for what stands before it."""

PATIENCE_MS = 120_000

Figures = dict[str, float]
Notes = dict[str, str]


class Size(Struct, frozen=True):
    """How much of everything, in tokens, messages and rounds."""

    near: int = 500
    far: int = 8_000
    rerender: int = 4_000
    minute: int = 60 * RATE
    messages: int = 300
    openings: int = 5
    rounds: int = 1

    @property
    def tokens(self) -> int:
        """How long our reply is."""
        return self.far + SPAN


SIZES = {
    "long": Size(rounds=3, openings=9),
    "quick": Size(),
    "smoke": Size(near=SPAN, far=SPAN + 10, rerender=100, minute=300, messages=40, openings=1),
}


class PacedEngine(ScriptEngine):
    """Writes `count` pieces of Markdown, RATE a second, and says when it comes to some of them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._reached: dict[int, threading.Event] = {}

    def when(self, number: int) -> threading.Event:
        """Give what is set once so many pieces are written."""
        return self._reached.setdefault(number, threading.Event())

    def again(self) -> None:
        """Forget what was written."""
        for reached in self._reached.values():
            reached.clear()

    async def stream(self, _room: str, _prompt: Prompt, _sampling: Sampling) -> AsyncGenerator[Part, None]:
        """Write, never ahead of its pace."""
        yield Reading(prompt=1, evaluated=1)
        start = time.monotonic()
        for number in range(self._count):
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
            if (reached := self._reached.get(number)) is not None:
                reached.set()
            yield Piece(panel_markdown.piece(number))
        yield Finish(reason="complete", prompt=1, evaluated=1, written=self._count)


class MainThread:
    """The processor time that a page's main thread has used in tasks."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds(self) -> float:
        """Give it up to now."""
        found = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))


def measure(profile: Profile) -> tuple[Figures, Notes]:
    """Take every figure, and notes for some of them."""
    size = SIZES[profile.name]
    figures: Figures = {}
    notes: Notes = {}
    # Replies are cut at 16 KiB, which is less than 8,000 tokens, and a room is opened with its last 100 messages.
    vars(turn)["MAX_TEXT"] = 64 * 1024
    log.Log.snapshot.__defaults__ = (size.messages,)
    engine = PacedEngine(size.tokens)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            engine="script",
            store=f"{folder}/rooms.sqlite",
            context_tokens=40_000,
            reply_tokens=20_000,
            turns_per_minute=1_000,
        )
        with chromium() as browser, Stage(settings, engine, panel_peer.routes()) as stage:
            _streams(browser, stage, engine, size, figures, notes)
            _open_300(browser, stage, size, figures, notes)
    figures["bundle_kib"] = kib("widget.js")
    notes["bundle_kib"] = f"{libraries()}; the style sheet {kib('panel.css'):.1f}"
    return {key: figures[key] for key in TARGETS}, notes


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        yield page
    finally:
        context.close()


def _streams(browser: Browser, stage: Stage, engine: PacedEngine, size: Size, figures: Figures, notes: Notes) -> None:
    """`token_cost_growth`, `longest_task_ms` and `against_rerender`, from the same replies."""
    growths: list[float] = []
    longest: list[tuple[float, float]] = []
    ratios: list[float] = []
    merged: list[float] = []
    for number in range(size.rounds):
        ours = _reply(browser, stage, engine, f"stream{number}", size)
        growths.append(ours.far / ours.near)
        longest.append(ours.longest)
        theirs = _rerender(browser, stage, size.rerender, 0.0)
        ratios.append(theirs / ours.rerender)
        merged.append(_rerender(browser, stage, size.rerender, turn.SLICE_SECONDS) / ours.rerender)
    figures["token_cost_growth"] = statistics.median(growths)
    notes["token_cost_growth"] = f"{1000 * ours.far:.2f} against {1000 * ours.near:.2f} ms"
    figures["against_rerender"] = statistics.median(ratios)
    notes["against_rerender"] = (
        f"{theirs:.1f} against {ours.rerender:.2f} s; {statistics.median(merged):.1f} where the peer is given slices "
        f"of {1000 * turn.SLICE_SECONDS:.0f} ms, as our hub gives them"
    )
    figures["longest_task_ms"] = max(wall for wall, _ in longest)
    notes["longest_task_ms"] = f"{max(cpu for _, cpu in longest):.0f} ms of them on the processor"


class Reply(Struct, frozen=True):
    """One reply in our panel: seconds a token at two lengths, and up to the length that the peer renders."""

    near: float
    far: float
    rerender: float
    longest: tuple[float, float]


def _reply(browser: Browser, stage: Stage, engine: PacedEngine, room: str, size: Size) -> Reply:
    marks = [size.near - SPAN, size.near + SPAN, size.rerender, size.minute, size.far - SPAN, size.tokens - 1]
    engine.again()
    for mark in marks:
        engine.when(mark)
    with _page(browser) as page:
        page.goto(stage.url(room))
        page.locator('.nbgroupchat[data-state="live"]').wait_for()
        main = MainThread(page)
        begin = main.seconds()
        browser.start_tracing(page=page, categories=list(CATEGORIES))
        box = page.locator("textarea.nbgc-input")
        box.fill("@llama why does ice float?")
        box.press("Enter")
        used: dict[int, float] = {}
        longest = (0.0, 0.0)
        for mark in sorted(marks):
            if not engine.when(mark).wait(PATIENCE_MS / 1000 + size.tokens / RATE):
                raise RuntimeError(f"The engine was not asked to write piece {mark}.")
            used[mark] = main.seconds()
            if mark == size.minute:
                longest = longest_task(browser.stop_tracing())
        page.locator('article[data-status="complete"]').wait_for()
    near = (used[size.near + SPAN] - used[size.near - SPAN]) / (2 * SPAN)
    far = (used[size.tokens - 1] - used[size.far - SPAN]) / (2 * SPAN)
    return Reply(near=near, far=far, rerender=used[size.rerender] - begin, longest=longest)


def _rerender(browser: Browser, stage: Stage, tokens: int, seconds: float) -> float:
    """Give the peer's main-thread time for a reply whose pieces come one by one, or in slices of so many seconds."""
    with _page(browser) as page:
        page.goto(f"{stage.origin}/peer?count={tokens}&rate={RATE}&slice={seconds}")
        page.wait_for_function("() => window.ready")
        main = MainThread(page)
        before = main.seconds()
        shown = page.evaluate("() => window.stream()")
        if shown != len(panel_markdown.text(tokens)):
            raise RuntimeError("The peer has not shown all of it.")
        return main.seconds() - before


_OPENED = """(count) => new Promise((resolve) => {
  const look = () => {
    if (document.querySelectorAll(".nbgroupchat article").length < count) requestAnimationFrame(look);
    // After the frame in which they are painted.
    else requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
  };
  look();
})"""

_WITHOUT = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = ".nbgroupchat .nbgc-message { content-visibility: visible !important }";
  document.head.append(style);
})"""


def _open_300(browser: Browser, stage: Stage, size: Size, figures: Figures, notes: Notes) -> None:
    """`open_300`: from the navigation to the frame in which all messages are there."""
    room = "history"
    long = panel_markdown.text(SPAN)
    said = partial(Posted, seq=0, eid="", kind="human")
    posts = [
        said(ts=1_700_000_000_000 + 90_000 * number, by=name.lower(), name=name, text=f"{number}. {long}")
        for number in range(size.messages)
        for name in [("Ana", "Ben")[number // 3 % 2]]
    ]
    with _page(browser) as page:
        # A room that nobody is in has no log to write to.
        page.goto(stage.url(room))
        page.locator('.nbgroupchat[data-state="live"]').wait_for()
        stage.write(room, *posts)
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * size.openings):
        without = number % 2 == 1
        with _page(browser) as page:
            if without:
                page.add_init_script(_WITHOUT)
            page.goto(stage.url(room), wait_until="commit")
            times[without].append(page.evaluate(_OPENED, size.messages))
    ours, theirs = statistics.median(times[False]), statistics.median(times[True])
    figures["open_300"] = ours / theirs
    notes["open_300"] = f"{ours:.0f} against {theirs:.0f} ms, each message of {len(long.encode())} bytes of Markdown"
