"""Specification of the panel among hostile texts (T1, T2): nothing in them runs, fetches or becomes markup.

The page is the bundle that is shipped, the hub a real one. It has no Content-Security-Policy, as notebooks have none,
so that whatever could run would.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from benchmarks.panel_stage import Stage
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from tornado.web import RequestHandler

from nbgroupchat import turn
from nbgroupchat.engines.script import Reply, ScriptEngine
from nbgroupchat.protocol import Posted
from nbgroupchat.settings import Settings
from tests.browser.notebook import PATIENCE_MS, Panel
from tests.browser.payloads import around, corpora, generated, pieces, together

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MOST = 12_000
"""Bytes of one text; a room takes 16 KiB."""

LONGEST_PIECE = 200

AUDIT = Path(__file__).with_name("audit.js").read_text("utf-8")


class Canary(RequestHandler):
    """Where no request should ever come."""

    def initialize(self, sung: list[str]) -> None:
        self.sung = sung

    def get(self, *_path: str) -> None:
        self.sung.append(self.request.uri or "")


class Shown(RequestHandler):
    """Where the page says that it has shown what came."""

    def initialize(self, shown: asyncio.Event) -> None:
        self.shown = shown

    def post(self) -> None:
        self.shown.set()


class Blank(RequestHandler):
    """A page of the same origin with nothing on it."""

    def get(self) -> None:
        self.finish("<!doctype html><link rel=icon href=data:,><body></body>")


class Trial:
    """A stage with a canary, and an engine that goes on to write when the page has shown what it wrote."""

    def __init__(self) -> None:
        self.sung: list[str] = []
        self._shown = asyncio.Event()
        self.script: list[Reply] = ["Nothing is to be said yet."]
        settings = Settings(
            engine="script",
            store="memory",
            context_tokens=40_000,
            reply_tokens=20_000,
            turns_per_minute=1_000,
            piece_timeout=300,
        )
        self.stage = Stage(
            settings,
            ScriptEngine(self.script),
            [
                ("/canary/?(.*)", Canary, {"sung": self.sung}),
                ("/shown", Shown, {"shown": self._shown}),
                ("/blank", Blank),
            ],
        )

    @property
    def canary(self) -> str:
        return f"{self.stage.origin}/canary"

    def plays(self, texts: Sequence[str], dice: random.Random) -> None:
        """Let the agent say these texts one after another, in random pieces."""
        self.script[:] = [
            [step for piece in pieces(text, dice, LONGEST_PIECE) for step in (piece, self._until_shown)]
            for text in texts
        ]

    async def _until_shown(self) -> None:
        await self._shown.wait()
        self._shown.clear()


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """A stage where every piece is told by itself."""
    monkeypatch.setattr(turn, "SLICE_SECONDS", 0.0)
    trial = Trial()
    with trial.stage:
        yield trial


class Observer:
    """A browser that notes every request and every page that opens, and reaches nothing but the stage."""

    def __init__(self, context: BrowserContext, stage: Stage) -> None:
        self.requests: list[str] = []
        self.pages: list[Page] = []
        own = tuple(f"{stage.origin}/{path}" for path in ("rooms/", "static/", "api/me", "nbgroupchat/hub", "shown"))
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(AUDIT)
        context.on(
            "request", lambda request: None if request.url.startswith(own) else self.requests.append(request.url)
        )
        context.on("page", lambda page: self.pages.append(page))
        context.route(lambda url: not url.startswith(stage.origin), lambda route: route.abort())
        self.page = context.new_page()

    def found(self) -> list[str]:
        """Give what ran, what was asked for and what opened, other than the page itself."""
        ran: list[str] = self.page.evaluate("() => window.ran")
        return [*ran, *self.requests, *(page.url for page in self.pages if page is not self.page)]


@pytest.fixture
def observer(chromium: Browser, trial: Trial) -> Iterator[Observer]:
    """A browser that notes everything."""
    context = chromium.new_context()
    yield Observer(context, trial.stage)
    context.close()


def check(observer: Observer, trial: Trial) -> None:
    """Nothing ran, nothing was asked for, and everything in the panel is of the kinds that may be there."""
    # What is out of sight is laid out and fetched too.
    observer.page.add_style_tag(content=".nbgroupchat .nbgc-message { content-visibility: visible !important }")
    observer.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert observer.page.evaluate("() => window.audit(document.querySelector('.nbgroupchat'))") == []
    assert observer.page.evaluate("() => [...new Set(window.problems)]") == []
    assert observer.found() == []
    assert trial.sung == []


def test_hostile_posts_and_names(trial: Trial, observer: Observer) -> None:
    """Each payload as a post, as the name of who posted, and as an address, a title or a fence's language."""
    payloads = corpora()
    texts = [
        *payloads,
        *together([text for payload in payloads for text in around(payload)], MOST),
        *together(generated(trial.canary), MOST),
    ]
    page = observer.page
    page.goto(trial.stage.url("lobby"))
    panel = Panel(page)
    panel.wait_until_live()
    posts = [
        Posted(
            seq=0, eid="", ts=1_700_000_000_000 + number, by=f"m{number}", name=payloads[number % len(payloads)][:64],
            kind="human", text=text,
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    trial.stage.write("lobby", *posts)
    expect(panel.root.locator("article[data-message-id]")).to_have_count(len(posts), timeout=PATIENCE_MS)
    check(observer, trial)


def test_hostile_replies(trial: Trial, observer: Observer) -> None:
    """The same in replies that grow piece by piece, looked at after every piece: no cut makes more of one."""
    dice = random.Random(2026)
    payloads = corpora()
    wrapped = [text for payload in payloads for text in around(payload)]
    texts = [
        *together(dice.sample(payloads, 250), MOST),
        *together(dice.sample(wrapped, 100), MOST),
        *together(dice.sample(generated(trial.canary), 250), MOST),
    ]
    trial.plays(texts, dice)
    page = observer.page
    page.goto(trial.stage.url("lobby"))
    panel = Panel(page)
    panel.wait_until_live()
    for number in range(1, len(texts) + 1):
        panel.say("@llama go on")
        panel.wait_for_reply(number, "complete")
    check(observer, trial)


def is_leaving(request: Request, page: Page) -> bool:
    """Say whether the page itself is about to become another."""
    return request.is_navigation_request() and request.frame == page.main_frame


def test_the_detector_works(trial: Trial, observer: Observer) -> None:
    """The same payloads put into a page unsafely run, fetch and stand there, and all three are noticed."""
    page = observer.page
    page.goto(f"{trial.stage.origin}/blank")
    observer.requests.clear()
    # Some payloads lead the page elsewhere.
    page.route(
        "**/*",
        lambda route: route.fulfill(status=204) if is_leaving(route.request, page) else route.fallback(),
    )
    dice = random.Random(2026)
    texts = [*corpora(), *dice.sample(generated(trial.canary), 300)]
    page.evaluate(
        """(texts) => {
          // Some payloads put themselves in the place of `document.body` and its like.
          const places = texts.map(() => document.createElement("div"));
          for (const place of places) place.className = "nbgc-text";
          document.body.append(...places);
          window.places = places;
          for (const [number, text] of texts.entries()) places[number].innerHTML = text;
        }""",
        texts,
    )
    page.wait_for_function("() => window.ran.length >= 20")
    assert len(page.evaluate("() => window.places.flatMap(window.audit)")) >= 100
    assert len(observer.requests) >= 20
    assert any("/canary" in url for url in observer.requests)
    assert trial.sung != []
