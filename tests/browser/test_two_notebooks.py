"""Specification of the whole: two people, two notebooks, one room, one llama."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.notebook import PATIENCE_MS, Notebook, Panel
from tests.clients import SocketClient
from tests.jupyter import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WHOLE = re.compile("complete|length")
"""How a reply ends by itself; which of both is up to the model."""
MOST_REPLIES = 6

LAB = ("--LabApp.expose_app_in_browser=True",)

OpenNotebook = Callable[[JupyterServer, str], Notebook]


@pytest.fixture
def gates(tmp_path: Path) -> dict[str, Path]:
    """Two places where the script holds until it is let go on."""
    found = {name: tmp_path / name for name in ("first", "second")}
    for path in found.values():
        os.mkfifo(path)
    return found


@pytest.fixture
def scripted(tmp_path: Path, gates: dict[str, Path]) -> Iterator[JupyterServer]:
    """JupyterLab with an agent that plays a script and holds in the middle of its replies."""
    script = [
        ["One reply", " in pieces,", {"gate": str(gates["first"])}, " held and", " let go."],
        ["This one", " is stopped", {"gate": str(gates["second"])}, " and never says this."],
        "The end.",
    ]
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    settings = ("--NbGroupChat.engine=script", f"--NbGroupChat.script_path={path}")
    with JupyterServer(tmp_path / "server", *LAB, *settings, app="lab") as server:
        yield server


@pytest.mark.model
def test_two_people_ask_one_llama(tmp_path: Path, pictures: Path, open_notebook: OpenNotebook) -> None:
    """Ana says something, Ben asks the real model about it, and both see the answer grow to the same end."""
    with JupyterServer(tmp_path, *LAB, app="lab") as server:
        ana, ben = open_notebook(server, "ana"), open_notebook(server, "ben")
        ana.call_oneself("Ana")
        ben.call_oneself("Ben")

        ana.say("Good morning! The demo is on Friday at 14:00 in room 5.")
        seen = ben.message("The demo is on Friday")
        expect(seen.locator(".nbgc-author")).to_have_text("Ana")
        expect(ben.root.locator(".nbgc-model")).to_have_attribute("data-model-state", "ready", timeout=PATIENCE_MS)

        ben.say("@llama when is the demo, and in which room?")
        for panel in (ana, ben):
            panel.wait_for_reply(1, WHOLE)
        assert ana.reply_text() == ben.reply_text() != ""

        ana.record_growth()
        ben.record_growth()
        for number in range(2, MOST_REPLIES + 1):
            ana.say("@llama please explain to Ben in several long sentences what overfitting is.")
            for panel in (ana, ben):
                panel.wait_for_reply(number, WHOLE)
            assert ana.reply_text() == ben.reply_text()
            # A reply may be a word, and that is seen at once.
            if min(len(ana.growth()), len(ben.growth())) >= 5:
                break
        else:
            pytest.fail(f"no reply was seen to grow: {ana.growth()}, {ben.growth()}")

        # Playwright's own loop runs in this thread.
        with ThreadPoolExecutor() as thread:
            thread.submit(asyncio.run, check_context(server)).result()
        ana.say("Thank you, llama!")
        expect(ben.message("Thank you, llama!")).to_be_visible()
        take_pictures(ana, ben, pictures)


async def check_context(server: JupyterServer) -> None:
    """What the model read for its reply reaches up to Ben's question, and so covers what Ana had said before it."""
    reader = await SocketClient.connect(server.hub, server.login)
    await reader.join()
    said, asked, reply = reader.messages()[:3]
    assert (said.name, asked.name, reply.kind) == ("Ana", "Ben", "agent")
    assert reply.to == asked.id
    assert reply.context is not None
    assert said.seq < asked.seq <= reply.context
    await reader.connection.close()


def take_pictures(light: Notebook, dark: Notebook, pictures: Path) -> None:
    """Take the pictures of the README, each theme in one person's notebook."""
    dark.use_theme("JupyterLab Dark")
    for notebook, name in ((light, "light"), (dark, "dark")):
        notebook.page.mouse.move(0, 0)
        notebook.page.screenshot(path=pictures / f"lab-{name}.png")
        notebook.root.screenshot(path=pictures / f"panel-{name}.png")


def test_a_page_that_opens_in_the_middle_sees_the_rest(
    scripted: JupyterServer, gates: dict[str, Path], chromium: Browser, open_notebook: OpenNotebook
) -> None:
    """A reply that is being written is joined in its middle; a stop in one panel ends it in all, for good."""
    ana, ben = open_notebook(scripted, "ana"), open_notebook(scripted, "ben")
    ben.say("@llama tell us")
    for panel in (ana, ben):
        expect(panel.reply().locator(".nbgc-text")).to_have_text("One reply in pieces,", timeout=PATIENCE_MS)

    late = Panel(chromium.new_context().new_page())
    everybody: tuple[Panel, ...] = (ana, ben, late)
    late.page.goto(f"{scripted.url}nbgroupchat/rooms/lobby?token={scripted.token}")
    late.wait_until_live()
    expect(late.reply()).to_have_attribute("data-status", "open")
    expect(late.reply().locator(".nbgc-text")).to_have_text("One reply in pieces,")
    gates["first"].write_text("go\n")
    for each in everybody:
        each.wait_for_reply(1, "complete")
        assert each.reply_text() == "One reply in pieces, held and let go."

    ana.say("@llama once more")
    for each in everybody:
        expect(each.reply().locator(".nbgc-text")).to_have_text("This one is stopped", timeout=PATIENCE_MS)
    ben.reply().locator(".nbgc-stop").click()
    for each in everybody:
        each.wait_for_reply(2, "stopped")
    open_if_held(gates["second"])
    ana.say("@llama and now?")
    for each in everybody:
        each.wait_for_reply(3, "complete")
        assert each.reply_text() == "The end."
        stopped = each.root.locator('article[data-kind="agent"]').nth(1).locator(".nbgc-text")
        assert stopped.text_content() == "This one is stopped"
    late.page.context.close()


def open_if_held(gate: Path) -> None:
    """Let a script go on that may not wait at its gate any more."""
    try:
        descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        assert error.errno == errno.ENXIO  # noqa: PT017  # nobody holds there: the stop has reached the script
    else:
        os.write(descriptor, b"go\n")
        os.close(descriptor)


def test_a_panel_survives_running_its_cell_again(scripted: JupyterServer, open_notebook: OpenNotebook) -> None:
    """After every cell has been run again there is one panel, live, with what was said, and a cell can post."""
    ana = open_notebook(scripted, "ana")
    ana.say("before")
    expect(ana.message("before")).to_be_visible()
    ana.run_all()
    ana.wait_until_live()
    expect(ana.page.locator(".nbgroupchat")).to_have_count(1)
    expect(ana.message("before")).to_be_visible()
    ana.say("after")
    expect(ana.message("after")).to_have_count(1)

    ana.run_below("%chat hello from a cell")
    posted = ana.message("hello from a cell")
    expect(posted).to_have_attribute("data-kind", "kernel", timeout=PATIENCE_MS)
    expect(posted.locator(".nbgc-author")).to_have_text("ana")


def test_keys_in_the_composer_stay_there(scripted: JupyterServer, open_notebook: OpenNotebook) -> None:
    """Shift+Enter is a new line and runs no cell; letters that are the notebook's commands are letters."""
    ana = open_notebook(scripted, "ana")
    box = ana.root.locator("textarea.nbgc-input")
    cells = ana.page.locator(".jp-Notebook .jp-Cell").count()
    box.focus()
    for key in ("a", "b", "d", "d", "Shift+Enter", "x"):
        box.press(key)
    expect(box).to_have_value("abdd\nx")
    assert ana.page.locator(".jp-Notebook .jp-Cell").count() == cells
    box.press("Enter")
    expect(ana.message("abdd")).to_be_visible()


def test_keys_at_a_message_stay_in_the_panel(scripted: JupyterServer, open_notebook: OpenNotebook) -> None:
    """Keys reach the notebook, where `d d` deletes, neither while one edits a message nor after one has removed it."""
    ana = open_notebook(scripted, "ana")
    cells = ana.page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()
    ana.say("hello")
    message = ana.message("hello")
    expect(message.locator("[data-tool=edit]")).to_have_count(1)
    keyboard = ana.page.keyboard
    keyboard.press("ArrowUp")
    for key in ("d", "d", "Shift+Enter", "b"):
        keyboard.press(key)
    expect(message.locator(".nbgc-editor-input")).to_have_value("hellodd\nb")
    keyboard.press("Enter")
    expect(message.locator(".nbgc-text")).to_have_text("hellodd\nb")

    message.locator("[data-tool=remove]").focus()
    for key in ("Enter", "Shift+Tab", "Enter"):
        keyboard.press(key)
    removed = ana.root.locator("[data-redacted]")
    expect(removed).to_be_visible()
    for key in ("d", "d", "Shift+Enter", "a"):
        keyboard.press(key)
    assert cells.count() == count
    assert ana.root.evaluate("root => root.contains(document.activeElement)")


def test_text_is_never_markup(scripted: JupyterServer, open_notebook: OpenNotebook) -> None:
    """A name and a message that spell HTML are shown as they were typed, and nothing in them runs."""
    ana = open_notebook(scripted, "ana")
    hostile = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"
    ana.call_oneself("<b onclick=1>Ana</b>")
    ana.say(hostile)
    message = ana.message("onerror")
    expect(message.locator(".nbgc-text")).to_have_text(hostile)
    expect(message.locator(".nbgc-author")).to_have_text("<b onclick=1>Ana</b>")
    assert ana.page.evaluate("() => window.ran") is None
    assert ana.root.locator("img[src='x'], script").count() == 0
