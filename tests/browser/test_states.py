"""Specification of the states that people meet on the page of a room; each leaves its picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.notebook import PATIENCE_MS, Panel
from tests.browser.visit import between, enter, person, photograph, visit
from tests.jupyter import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

REPLY = (
    "Overfitting is when a model learns the noise of its training data together with the signal: it does well on what "
    "it has seen, and badly on what it has not. Hold some data back, and watch both curves."
)


UPWARDS = """async transcript => {
  const frame = () => new Promise(requestAnimationFrame);
  transcript.scrollTop = 900;
  await frame();
  await frame();
  transcript.scrollTop = 300;
  const {top} = transcript.getBoundingClientRect();
  window.seen = [...transcript.querySelectorAll("article")].find(one => one.getBoundingClientRect().top > top + 20);
  return window.seen.getBoundingClientRect().top;
}"""
STAYED = "() => window.seen.getBoundingClientRect().top"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A Jupyter server whose agent has one answer."""
    folder = tmp_path_factory.mktemp("states")
    (folder / "script.json").write_text(json.dumps([REPLY]))
    settings = (
        "engine=script",
        f"script_path={folder / 'script.json'}",
        "posts_per_minute=0",
        "room_posts_per_minute=0",
    )
    with JupyterServer(folder / "server", *(f"--NbGroupChat.{setting}" for setting in settings)) as server:
        yield server


@pytest.fixture
def people(chromium: Browser) -> Iterator[list[BrowserContext]]:
    """Whoever came with a browser of their own; they go at the end."""
    found: list[BrowserContext] = []
    yield found
    for context in found:
        context.close()


@pytest.fixture
def ana(chromium: Browser, people: list[BrowserContext]) -> BrowserContext:
    """Ana's browser."""
    people.append(person(chromium))
    return people[-1]


@pytest.fixture
def ben(chromium: Browser, people: list[BrowserContext]) -> BrowserContext:
    """Ben's browser: a small window on a dark desktop."""
    people.append(person(chromium, 320, 640, color_scheme="dark"))
    return people[-1]


def converse(one: Panel, other: Panel) -> None:
    """Say what is said in the pictures."""
    one.say("Good morning! Who else has the training loss still falling while validation goes up?")
    expect(other.message("Good morning")).to_be_visible()
    other.say("Me, since yesterday.")
    expect(one.message("since yesterday")).to_be_visible()
    one.say("@llama what is overfitting?")
    for panel in (one, other):
        panel.wait_for_reply(1, "complete")


def test_a_room_from_its_first_word(
    server: JupyterServer,
    chromium: Browser,
    people: list[BrowserContext],
    ana: BrowserContext,
    ben: BrowserContext,
    pictures: Path,
) -> None:
    """An empty room says what to do, names are completed, and it can be read from 320 pixels to a projector."""
    hers, his = enter(ana, server, "Ana Sánchez"), enter(ben, server, "Ben")
    expect(hers.root.locator(".nbgc-empty")).to_contain_text("Nobody has said anything in lobby yet")
    photograph(hers.page, pictures, "state-empty")
    converse(hers, his)

    field = his.root.locator("textarea.nbgc-input")
    field.press_sequentially("Thanks, @")
    expect(his.root.locator("[role=option]")).to_have_count(2)
    photograph(his.page, pictures, "state-mention")
    field.press_sequentially("sán")
    expect(his.root.locator("[role=option]")).to_have_text(re.compile("Ana Sánchez"))
    field.press("Enter")
    expect(field).to_have_value("Thanks, @Ana Sánchez ")
    field.press("Enter")
    expect(hers.message("Thanks, @Ana Sánchez")).to_be_visible()

    photograph(hers.page, pictures, "state-light")
    photograph(his.page, pictures, "state-narrow")
    wide = his.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide == 320
    for name, width, height, likes in (
        ("state-dark", 760, 520, {"color_scheme": "dark"}),
        ("state-german", 760, 520, {"locale": "de-DE"}),
        ("state-projector", 1920, 1080, {}),
    ):
        people.append(person(chromium, width, height, **likes))
        panel = visit(people[-1], server)
        panel.wait_until_live()
        expect(panel.message("Thanks")).to_be_visible()
        photograph(panel.page, pictures, name)
    expect(panel.root.locator(".nbgc-send")).to_be_visible()


def test_another_room_is_gone_to_by_its_name(server: JupyterServer, ana: BrowserContext, pictures: Path) -> None:
    """The room's name opens those there are; no room can have every name, and a new one makes a room."""
    panel = enter(ana, server, "Ana", "week-2")
    panel.say("This is the room of week 2.")
    expect(panel.message("room of week 2")).to_have_count(1)
    panel.root.locator(".nbgc-switch").click()
    field = panel.root.locator(".nbgc-room-name")
    expect(field).to_be_focused()
    expect(panel.root.locator('[data-to-room="week-2"]')).to_have_attribute("aria-current", "true")
    photograph(panel.page, pictures, "state-rooms")
    field.fill("week three")
    field.press("Enter")
    expect(panel.root.locator(".nbgc-rooms [role=alert]")).to_contain_text("1 to 64 letters")
    field.fill("week-3")
    field.press("Enter")
    panel.page.wait_for_url("**/rooms/week-3")
    panel.wait_until_live()
    expect(panel.root.locator(".nbgc-empty")).to_contain_text("in week-3 yet")
    panel.root.locator(".nbgc-switch").click()
    panel.root.locator('[data-to-room="week-2"]').click()
    expect(panel.message("room of week 2")).to_have_count(1)


def test_what_came_meanwhile_and_what_is_linked_is_found(
    server: JupyterServer, ana: BrowserContext, ben: BrowserContext, pictures: Path
) -> None:
    """Who comes back finds a line above what is new; scrolling up brings what is older; a link leads there."""
    hers, his = enter(ana, server, "Ana", "long"), enter(ben, server, "Ben", "long")
    hers.say("The very first message.")
    expect(his.message("very first")).to_be_visible()
    his.page.close()
    for number in range(130):
        hers.say(f"note {number}")
    expect(hers.message("note 129")).to_have_count(1)
    expect(hers.root.locator("article[data-pending]")).to_have_count(0, timeout=PATIENCE_MS)

    his = visit(ben, server, "long")
    his.wait_until_live()
    expect(his.root.locator(".nbgc-unread")).to_have_text("New")
    expect(his.root.locator(".nbgc-unread")).to_be_in_viewport()
    photograph(his.page, pictures, "state-unread")

    # Who scrolls up gets what is older above, and what is in sight stays there.
    transcript = his.root.locator(".nbgc-transcript")
    before = transcript.evaluate(UPWARDS)
    expect(his.message("very first")).to_have_count(1)
    assert abs(transcript.evaluate(STAYED) - before) < 12
    expect(his.message("very first")).not_to_be_in_viewport()

    message = hers.message("note 129")
    message.hover()
    message.locator('[data-tool="link"]').click()
    expect(hers.root.locator(".nbgc-remark")).to_be_visible()
    oldest = his.message("very first").get_attribute("data-message-id")
    linked = visit(ana, server, "long", f"#message-{oldest}")
    linked.wait_until_live()
    expect(linked.root.locator("article[data-shown]", has_text="very first")).to_be_in_viewport()
    photograph(linked.page, pictures, "state-linked")
    linked.page.goto(f"{server.url}nbgroupchat/rooms/long#message-nowhere")
    expect(linked.root.locator(".nbgc-remark")).to_contain_text("is not in this room")


def test_what_was_written_survives_a_reload(server: JupyterServer, ana: BrowserContext, ben: BrowserContext) -> None:
    """A draft, and a post that the server never got, are there after a reload; the post is said exactly once."""
    lost: list[str] = []

    def up(frame: str) -> str | None:
        if '"target":"post"' in frame and "not yet" in frame and not lost:
            lost.append(frame)
            return None
        return frame

    between(ana, up, lambda frame: frame)
    hers, his = enter(ana, server, "Ana", "reload"), enter(ben, server, "Ben", "reload")
    hers.say("not yet there")
    expect(hers.root.locator("article[data-pending=waiting]")).to_have_count(1)
    hers.root.locator("textarea.nbgc-input").fill("half a thou")
    hers.page.reload()
    hers.wait_until_live()
    expect(his.message("not yet there")).to_have_count(1)
    expect(hers.message("not yet there")).to_have_count(1)
    expect(hers.root.locator("article[data-pending]")).to_have_count(0)
    expect(hers.root.locator("textarea.nbgc-input")).to_have_value("half a thou")
    assert len(lost) == 1
    hers.root.locator("textarea.nbgc-input").press("Enter")
    expect(his.message("half a thou")).to_have_count(1)
    hers.page.reload()
    hers.wait_until_live()
    expect(hers.root.locator("textarea.nbgc-input")).to_have_value("")


def test_what_stands_in_the_way_is_said(
    tmp_path: Path, chromium: Browser, people: list[BrowserContext], ana: BrowserContext, pictures: Path
) -> None:
    """No model, too fast, too long, not accepted, a full room: each says why, and what happens next or what to do."""
    settings = ("engine=off", "posts_per_minute=2", "members_per_room=1")
    with JupyterServer(tmp_path, *(f"--NbGroupChat.{setting}" for setting in settings)) as strict:
        panel = enter(ana, strict, "Ana")
        expect(panel.root.locator(".nbgc-empty")).to_contain_text("NbGroupChat.engine")
        photograph(panel.page, pictures, "state-no-model")

        field = panel.root.locator("textarea.nbgc-input")
        field.fill("word " * 3_400)
        expect(panel.root.locator(".nbgc-size")).to_contain_text("Too long")
        expect(panel.root.locator(".nbgc-send")).to_be_disabled()
        photograph(panel.page, pictures, "state-too-long")

        panel.say("\u200b")
        expect(panel.root.locator("article[data-pending=failed]")).to_contain_text("Not sent: The message is empty.")
        for text in ("One.", "Two.", "Three at once."):
            panel.say(text)
        expect(panel.root.locator("article[data-pending=waiting]").last).to_contain_text("It is sent again at")
        photograph(panel.page, pictures, "state-refused")

        people.append(person(chromium))
        outside = visit(people[-1], strict)
        expect(outside.root.locator("[data-wait=door]")).to_contain_text("The panel goes on by itself at")
        photograph(outside.page, pictures, "state-full")


def test_how_the_connection_and_the_model_are_is_said(
    tmp_path: Path, chromium: Browser, people: list[BrowserContext], pictures: Path
) -> None:
    """A model that loads, an older panel, a server that goes: each is said, and what waits is counted."""
    loading, older, plain = (person(chromium) for _ in range(3))
    people += [loading, older, plain]
    between(loading, lambda frame: frame, as_loading)
    between(older, lambda frame: frame.replace('"wire":1', '"wire":999'), lambda frame: frame)
    with JupyterServer(tmp_path, "--NbGroupChat.engine=script") as server:
        panel = visit(loading, server)
        expect(panel.root.locator(".nbgc-percent")).to_have_text("42 %")
        photograph(panel.page, pictures, "state-loading")

        panel = visit(older, server)
        expect(panel.root.locator('.nbgc-notice[data-problem="version"]')).to_be_visible()
        expect(panel.root.locator(".nbgc-act")).to_have_text("Reload")
        photograph(panel.page, pictures, "state-version")

        panel = enter(plain, server, "Ana")
        panel.say("Anybody here?")
        expect(panel.message("Anybody")).to_have_attribute("data-status", "posted")
        server.stop()
        expect(panel.root).to_have_attribute("data-state", "reconnecting")
        panel.say("I go on writing.")
        expect(panel.root.locator("article[data-pending=waiting]")).to_contain_text("Waiting for the connection")
        expect(panel.root.locator(".nbgc-link")).to_contain_text("1 message waiting")
        photograph(panel.page, pictures, "state-offline")
        expect(panel.root.locator("[data-wait=server]")).to_be_visible(timeout=PATIENCE_MS)
        photograph(panel.page, pictures, "state-gone")


def as_loading(frame: str) -> str:
    """Tell of a model that still loads."""
    return frame.replace('"state":"ready"', '"state":"loading"').replace('"progress":null', '"progress":0.42')
