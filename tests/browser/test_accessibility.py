"""Specification of the panel for those who see it badly or use no mouse: axe-core finds nothing, whatever is open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.notebook import PATIENCE_MS, Notebook, Panel
from tests.browser.test_room_page import enter
from tests.jupyter import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

AXE = Path(__file__).parent.parent.parent / "js" / "node_modules" / "axe-core" / "axe.min.js"

REPLY = (
    "## Ice\n\nIt *floats*, [see](https://example.org/ice):\n\n1. cold\n2. `wet`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
)
CODE = "```python\nfor one in range(3):\n    print(one)\n```\n\n> So be it.\n\nAnd $x^2$ too."

_RUN = """async (within) => {
  const {violations} = await axe.run(within ?? document, {resultTypes: ["violations"]});
  return violations.flatMap(({id, help, nodes}) => nodes.map(({html, any}) =>
    `${id} (${help}): ${html.slice(0, 300)} ${any.map(({message}) => message).join("; ")}`));
}"""


class Audit:
    """What axe-core finds in a page, state by state."""

    def __init__(self, page: Page, within: str | None = None) -> None:
        self.found: list[str] = []
        self._page = page
        self._within = within
        page.evaluate(AXE.read_text("utf-8"))

    def look(self, state: str) -> None:
        """Look at the page as it is now."""
        self.found += [f"{state}: {found}" for found in self._page.evaluate(_RUN, self._within)]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Where the script holds in the middle of its second reply."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def settings(tmp_path: Path, gate: Path) -> tuple[str, ...]:
    """An agent that says something of every kind, and then holds in the middle of it."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps([[REPLY, CODE], [REPLY, CODE[:20], {"gate": str(gate)}, CODE[20:]]]))
    return ("--NbGroupChat.engine=script", f"--NbGroupChat.script_path={path}")


@pytest.fixture
def server(tmp_path: Path, settings: tuple[str, ...]) -> Iterator[JupyterServer]:
    """A Jupyter server with that agent."""
    with JupyterServer(tmp_path / "server", *settings) as server:
        yield server


def use(panel: Panel, text: str, tool: str) -> None:
    """Do something with a message, by its button."""
    message = panel.root.locator("article").filter(has_text=text).last
    message.hover()
    message.locator(f"[data-tool={tool}]").click()


@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 320)])
def test_nothing_is_found_on_the_rooms_page(
    server: JupyterServer, gate: Path, chromium: Browser, theme: Literal["light", "dark"], width: int
) -> None:
    """On the room's own page: while it is empty, talks, streams, waits, and with each thing open that can be."""
    context = chromium.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
    near, far = enter(context, server, "Ana"), enter(chromium.new_context(), server, "Ben")
    page, root = near.page, near.root
    audit = Audit(page)
    audit.look("empty room")

    far.say("Why does ice float?")
    near.say("I ask llama.")
    near.say("@llama why?")
    near.wait_for_reply(1, "complete")
    page.mouse.move(0, 0)
    audit.look("after a reply")
    box = root.locator("textarea.nbgc-input")
    box.fill("@llama once more")
    audit.look("a question is being written")
    box.fill("x" * 17_000)
    audit.look("what is too long")
    box.fill("")
    use(near, "I ask llama.", "pin")
    expect(root.locator(".nbgc-pins .nbgc-pin")).to_be_visible()
    use(near, "@llama why?", "pin")
    root.locator("button.nbgc-pins-toggle").click()
    audit.look("pins")
    use(near, "I ask llama.", "edit")
    audit.look("an editor")
    root.locator(".nbgc-editor-input").fill("I ask the llama.")
    root.locator(".nbgc-editor-input").press("Enter")
    expect(root.locator(".nbgc-text[data-edited]")).to_be_visible()
    far.say("This is to go.")
    use(near, "@llama why?", "remove")
    audit.look("a removal")
    root.locator(".nbgc-removal button").last.press("Escape")
    use(far, "This is to go.", "remove")
    far.root.locator(".nbgc-remove").click()
    expect(root.locator(".nbgc-removed")).to_be_visible()
    audit.look("something removed")
    near.reply().locator("[data-tool=explain]").focus()
    page.keyboard.press("Enter")
    expect(root.locator(".nbgc-sheet .nbgc-run")).to_be_visible()
    audit.look("an explanation")
    page.keyboard.press("Escape")
    root.locator(".nbgc-name button").first.click()
    audit.look("a name being changed")
    root.locator("input.nbgc-name-input").press("Escape")

    near.say("@llama and now?")
    expect(near.reply().locator(".nbgc-text")).to_contain_text("Ice", timeout=PATIENCE_MS)
    expect(near.reply()).to_have_attribute("data-status", "open")
    far.say("@llama and then?")
    expect(root.locator(".nbgc-waiting")).to_be_visible()
    far.root.locator("textarea.nbgc-input").press_sequentially("typing")
    expect(root.locator(".nbgc-typing")).to_contain_text("is writing")
    audit.look("streaming")
    gate.write_text("go\n")
    near.wait_for_reply(2, "complete")
    server.stop()
    expect(root).to_have_attribute("data-state", "reconnecting", timeout=PATIENCE_MS)
    box.fill("said meanwhile")
    box.press("Enter")
    expect(root.locator("[data-pending]")).to_be_visible()
    audit.look("reconnecting")
    for panel in (near, far):
        panel.page.context.close()
    assert not audit.found, "\n".join(audit.found)


def test_nothing_is_found_in_a_notebook(
    tmp_path: Path, settings: tuple[str, ...], gate: Path, open_notebook: Callable[[JupyterServer, str], Notebook]
) -> None:
    """In JupyterLab's two themes, while a reply streams and after it."""
    arguments = ("--LabApp.expose_app_in_browser=True", *settings)
    with JupyterServer(tmp_path / "lab", *arguments, app="lab") as server:
        ana = open_notebook(server, "ana")
        audit = Audit(ana.page, ".nbgroupchat")
        ana.say("@llama why does ice float?")
        ana.wait_for_reply(1, "complete")
        ana.say("@llama and now?")
        expect(ana.reply().locator(".nbgc-text")).to_contain_text("Ice", timeout=PATIENCE_MS)
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            ana.use_theme(theme)
            ana.page.mouse.move(0, 0)
            audit.look(f"{theme}, streaming")
        gate.write_text("go\n")
        ana.wait_for_reply(2, "complete")
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            ana.use_theme(theme)
            audit.look(theme)
    assert not audit.found, "\n".join(audit.found)
