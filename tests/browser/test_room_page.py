"""Specification of the room's own page: what two people do to messages, and what each sees of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.notebook import PATIENCE_MS, Panel
from tests.jupyter import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JupyterServer]:
    """A Jupyter server whose agent says one sentence."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps(["On Monday, in room 5."]))
    settings = ("--NbGroupChat.engine=script", f"--NbGroupChat.script_path={path}")
    with JupyterServer(tmp_path / "server", *settings) as server:
        yield server


@pytest.fixture
def ana(chromium: Browser, server: JupyterServer) -> Iterator[Panel]:
    """The page of the room, as Ana sees it."""
    context = chromium.new_context()
    yield enter(context, server, "Ana")
    context.close()


@pytest.fixture
def ben(chromium: Browser, server: JupyterServer) -> Iterator[Panel]:
    """The page of the room in a narrow window, as Ben sees it."""
    context = chromium.new_context(viewport={"width": 320, "height": 640}, color_scheme="dark")
    yield enter(context, server, "Ben")
    context.close()


def enter(context: BrowserContext, server: JupyterServer, name: str) -> Panel:
    """Open the page and take a name."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{server.url}nbgroupchat/rooms/lobby?token={server.token}")
    panel = Panel(page)
    panel.wait_until_live()
    panel.call_oneself(name)
    return panel


def press(page: Page, *keys: str) -> None:
    """Press keys, wherever the focus is."""
    for key in keys:
        page.keyboard.press(key)


def test_an_edit_a_removal_and_a_pin_are_seen_by_the_other(ana: Panel, ben: Panel) -> None:
    """Ana edits and removes what she said, Ben pins it and the strip leads him there; each sees what the other did."""
    ana.say("The demo is on Fryday.")
    ana.say("This is for another room.")
    expect(ben.message("another room")).to_be_visible()
    hers = ben.message("The demo is on")
    expect(hers.locator("[data-tool=edit], [data-tool=remove]")).to_have_count(0)

    message = ana.message("The demo is on")
    message.hover()
    message.locator("[data-tool=edit]").click()
    field = message.locator(".nbgc-editor-input")
    field.press("End")
    for _ in "yday.":
        field.press("Backspace")
    field.press_sequentially("iday.")
    field.press("Enter")
    expect(hers.locator(".nbgc-text")).to_have_text("The demo is on Friday.")
    expect(hers.locator(".nbgc-text")).to_have_attribute("data-edited", "edited")

    message = ana.message("another room")
    message.hover()
    message.locator("[data-tool=remove]").click()
    message.locator(".nbgc-remove").click()
    for panel in (ana, ben):
        expect(panel.root.locator("[data-redacted] .nbgc-removed")).to_have_text("Removed")
        expect(panel.root.locator(".nbgc-messages")).not_to_contain_text("another room")

    hers.hover()
    hers.locator("[data-tool=pin]").click()
    pin = ana.root.locator(".nbgc-pins .nbgc-pin")
    expect(pin).to_contain_text("The demo is on Friday.")
    for number in range(20):
        ana.say(f"line {number}")
    expect(ben.message("line 19")).to_be_in_viewport()
    expect(hers).not_to_be_in_viewport()
    ben.root.locator(".nbgc-pin").click()
    expect(hers).to_be_in_viewport()
    expect(hers).to_be_focused()
    ana.root.locator(".nbgc-unpin").click()
    expect(ben.root.locator(".nbgc-pins")).to_have_count(0)


def test_what_the_model_saw_is_opened_by_keyboard(ana: Panel, ben: Panel) -> None:
    """Shift+Tab from the text field comes to the reply's actions; Enter explains it, and leads to what was read."""
    ana.say("The demo is on Monday, in room 5.")
    expect(ben.message("in room 5")).to_be_visible()
    ben.say("@llama when is the demo?")
    for panel in (ana, ben):
        panel.wait_for_reply(1, "complete")

    ana.root.locator("textarea.nbgc-input").focus()
    press(ana.page, "Shift+Tab")
    expect(ana.reply().locator("[data-tool=reply]")).to_be_focused()
    explain = ana.reply().locator("[data-tool=explain]")
    while not explain.evaluate("tool => tool === document.activeElement"):
        press(ana.page, "ArrowRight")
    expect(explain).to_have_accessible_name("What llama saw")
    press(ana.page, "Enter")
    sheet = ana.page.get_by_role("dialog", name="What llama saw")
    expect(sheet).to_be_visible()
    expect(sheet.locator(".nbgc-close")).to_be_focused()
    read = sheet.locator(".nbgc-read")
    expect(read).to_have_text(["Ana The demo is on Monday, in room 5.", "Ben @llama when is the demo?"])
    expect(sheet.locator(".nbgc-run")).to_contain_text("script")

    read.first.press("Enter")
    expect(ana.message("in room 5")).to_be_focused()
    sheet.locator(".nbgc-close").press("Escape")
    expect(sheet).to_have_count(0)
    expect(explain).to_be_focused()

    # In a narrow window the sheet lies over the messages, and gives way to the one it leads to.
    reply = ben.reply()
    reply.locator("[data-tool=explain]").focus()
    press(ben.page, "Enter")
    ben.root.locator(".nbgc-read").first.click()
    expect(ben.root.locator(".nbgc-sheet")).to_have_count(0)
    expect(ben.message("The demo is on Monday")).to_be_focused()

    reply.locator("[data-tool=explain]").focus()
    press(ben.page, "End", "Enter", "Shift+Tab", "Enter")
    expect(ana.reply().locator(".nbgc-removed")).to_have_text("Removed")


def test_up_edits_what_one_said_last(ana: Panel, ben: Panel) -> None:
    """Up in the empty text field edits one's newest message in its place, and one is back in the field afterwards."""
    ana.say("first")
    ana.say("secnd")
    expect(ana.message("secnd").locator("[data-tool=edit]")).to_have_count(1)
    press(ana.page, "ArrowUp", "ArrowLeft", "ArrowLeft", "o", "Enter")
    expect(ben.message("second")).to_be_visible()
    expect(ana.root.locator("textarea.nbgc-input")).to_be_focused()
    press(ana.page, "ArrowUp", "x", "Escape")
    expect(ana.root.locator("textarea.nbgc-input")).to_be_focused()
    expect(ana.message("second").locator(".nbgc-text")).to_have_text("second")
