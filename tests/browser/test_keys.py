"""Specification of the panel inside notebooks, in JupyterLab and Notebook 7: whose keys are whose, what lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Response, expect

from tests.browser.notebook import PATIENCE_MS, Notebook
from tests.jupyter import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OpenNotebook = Callable[[JupyterServer, str], Notebook]

KEYS = ("a", "b", "d", "d", "x", "y", "m", "1", "ArrowDown", "Shift+Enter", "Control+Enter", "Alt+Enter", "Escape", "b")
"""Commands of notebooks, some of which end the editing of a cell so that the next ones are commands."""

_CELLS = """() => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  return notebook.widgets.map(({model}) => [model.type, model.sharedModel.getSource(), model.executionCount ?? null]);
}"""


@pytest.fixture(scope="module", params=["lab", "notebook"])
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[JupyterServer]:
    """JupyterLab, and Jupyter Notebook, with an agent that says one sentence."""
    exposed = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[request.param]
    arguments = (f"--{exposed}.expose_app_in_browser=True", "--NbGroupChat.engine=script")
    with JupyterServer(tmp_path_factory.mktemp("server"), *arguments, app=request.param) as server:
        yield server


def cells(notebook: Notebook) -> list[Any]:
    """Give the notebook's cells: their kinds, sources and how often they ran."""
    found: list[Any] = notebook.page.evaluate(_CELLS)
    return found


def is_saved(response: Response) -> bool:
    """Say whether the notebook is stored with this."""
    return response.ok and response.request.method == "PUT" and "/api/contents/" in response.url


def save(notebook: Notebook, place: Locator) -> None:
    """Press Ctrl+S somewhere, and wait until the notebook is stored."""
    place.focus()
    with notebook.page.expect_response(is_saved, timeout=PATIENCE_MS):
        notebook.page.keyboard.press("Control+s")


def press_all(place: Locator) -> None:
    """Press every key of KEYS at a place; it keeps the focus, or hands it to another one of the panel."""
    place.focus()
    for key in KEYS:
        place.page.keyboard.press(key)


def test_keys_never_reach_the_notebook(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """In the composer, on buttons, messages and fields, keys are no commands; Ctrl+S saves; elsewhere they are."""
    ana = open_notebook(server, "ana")
    ana.say("hello")
    expect(ana.message("hello").locator("[data-tool=edit]")).to_have_count(1)
    root, keyboard = ana.root, ana.page.keyboard
    before = cells(ana)
    box = root.locator("textarea.nbgc-input")
    save(ana, box)
    press_all(box)
    expect(ana.message("abddxym1")).to_be_visible()
    expect(box).to_have_value("b")
    send, ask = root.locator("button.nbgc-send"), root.locator("button.nbgc-ask")
    message = ana.message("hello")
    for place in (send, ask, root.locator(".nbgc-transcript"), message, message.locator("[data-tool=edit]")):
        press_all(place)
        assert root.evaluate("(root) => root.contains(document.activeElement)")
    root.locator(".nbgc-name button").first.press("Enter")
    press_all(root.locator("input.nbgc-name-input"))
    save(ana, root.locator(".nbgc-transcript"))
    assert cells(ana) == before

    # The same keys do something where the notebook has the focus.
    ana.page.locator(".jp-Cell").first.locator(".jp-InputPrompt").click()
    keyboard.press("b")
    ana.page.wait_for_function(f"(count) => ({_CELLS})().length > count", arg=len(before))


def test_two_panels_in_one_page(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """Two cells show the same room, a third one another; each is live, with its own draft, over one connection."""
    ben = open_notebook(server, "ben")
    sockets = []
    ben.page.on("websocket", lambda socket: sockets.append(socket.url))
    ben.run_below("%chat")
    ben.run_below("%chat --room another")
    panels = ben.page.locator(".nbgroupchat")
    expect(panels).to_have_count(3, timeout=PATIENCE_MS)
    for number in range(3):
        expect(panels.nth(number)).to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
    assert [url for url in sockets if "/nbgroupchat/" in url] == []

    def said(number: int, text: str) -> Locator:
        return panels.nth(number).locator("article[data-message-id]").filter(has_text=text)

    boxes = panels.locator("textarea.nbgc-input")
    boxes.nth(0).fill("a draft")
    boxes.nth(1).fill("hello from the second")
    boxes.nth(1).press("Enter")
    for number, count in enumerate((1, 1, 0)):
        expect(said(number, "hello from the second")).to_have_count(count)
    expect(boxes.nth(0)).to_have_value("a draft")
    boxes.nth(2).fill("hello, others")
    boxes.nth(2).press("Enter")
    for number, count in enumerate((0, 0, 1)):
        expect(said(number, "hello, others")).to_have_count(count)


def test_a_saved_notebook_is_opened_again(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """A saved notebook shows its panel again while its kernel runs; without one, once its cells have run again."""
    cleo = open_notebook(server, "cleo")
    cleo.say("before")
    expect(cleo.message("before")).to_be_visible()
    cleo.page.on("dialog", lambda dialog: dialog.accept())
    save(cleo, cleo.root.locator("textarea.nbgc-input"))
    cleo.page.goto("about:blank")
    cleo.open()
    cleo.wait_until_live()
    expect(cleo.page.locator(".nbgroupchat")).to_have_count(1)
    expect(cleo.message("before")).to_have_count(1)
    cleo.say("after")
    expect(cleo.message("after")).to_have_count(1)

    cleo.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    cleo.page.goto("about:blank")
    cleo.open()
    cleo.run_all()
    cleo.wait_until_live()
    expect(cleo.page.locator(".nbgroupchat")).to_have_count(1)
    expect(cleo.message("after")).to_have_count(1)


def test_running_the_cell_again_keeps_the_draft(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """There is one panel after its cell has run again, with the draft that was being written, and it can post."""
    dan = open_notebook(server, "dan")
    box = dan.root.locator("textarea.nbgc-input")
    box.fill("half a sen")
    dan.run_all()
    dan.wait_until_live()
    expect(dan.page.locator(".nbgroupchat")).to_have_count(1)
    expect(box).to_have_value("half a sen")
    box.press("Enter")
    expect(dan.message("half a sen")).to_have_count(1)
