"""What a person does in a notebook and in the panel, and what they see there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.jupyter import JupyterServer

PATIENCE_MS = 60_000
"""How long the slowest thing may take: a kernel's start, or a reply on a busy machine."""

_IDLE = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext?.session;
  return session?.kernel?.connectionStatus === "connected" && session.kernel.status === "idle";
}"""

_BUSY = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"

# Records every length that the newest reply's text has while it is open, as a reader would see it grow.
_RECORD = """() => {
  const lengths = new Set();
  const look = () => {
    const replies = document.querySelectorAll('.nbgroupchat article[data-kind="agent"]');
    const reply = replies[replies.length - 1];
    if (reply?.dataset.status === "open") {
      const text = reply.querySelector(".nbgc-text")?.textContent ?? "";
      if (text.length > 0) lengths.add(text.length);
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  window.nbgcLengths = lengths;
}"""

_STATES = """root => {
  window.nbgcStates = new Set();
  const observer = new MutationObserver(() => window.nbgcStates.add(root.dataset.state));
  observer.observe(root, {attributes: true, attributeFilter: ["data-state"]});
}"""


class Panel:
    """The panel in a page, whichever page it is."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".nbgroupchat").last

    def wait_until_live(self) -> None:
        """Wait until the panel is connected and in its room."""
        expect(self.root).to_have_attribute("data-state", "live", timeout=PATIENCE_MS)

    def say(self, text: str) -> None:
        """Type a message and send it with Enter."""
        box = self.root.locator("textarea.nbgc-input")
        box.fill(text)
        box.press("Enter")
        expect(box).to_have_value("")

    def call_oneself(self, name: str) -> None:
        """Set the name one is shown under."""
        self.root.locator(".nbgc-name button").first.click()
        box = self.root.locator("input.nbgc-name-input")
        box.fill(name)
        box.press("Enter")
        expect(self.root.locator(".nbgc-members")).to_contain_text(name, timeout=PATIENCE_MS)

    def message(self, text: str) -> Locator:
        """Give the message of a person that says this."""
        return self.root.locator("article:not([data-kind=agent])").filter(has_text=text).last

    def reply(self) -> Locator:
        """Give the newest reply."""
        return self.root.locator('article[data-kind="agent"]').last

    def reply_text(self) -> str:
        """Give the newest reply's text."""
        return self.reply().locator(".nbgc-text").text_content() or ""

    def wait_for_reply(self, number: int, status: str | re.Pattern[str]) -> None:
        """Wait until there are so many replies and the last of them has this status."""
        replies = self.root.locator('article[data-kind="agent"]')
        expect(replies).to_have_count(number, timeout=PATIENCE_MS)
        expect(replies.last).to_have_attribute("data-status", status, timeout=PATIENCE_MS)

    def record_growth(self) -> None:
        """Begin to record how long the newest reply is while it is written."""
        self.page.evaluate(_RECORD)

    def record_states(self) -> None:
        """Begin to record which states the panel goes through, for one may pass between two looks."""
        self.root.evaluate(_STATES)

    def wait_until_seen(self, state: str) -> None:
        """Wait until the panel has been in a state since `record_states`."""
        self.page.wait_for_function("state => window.nbgcStates.has(state)", arg=state, timeout=PATIENCE_MS)

    def growth(self) -> list[int]:
        """Give the different lengths recorded."""
        lengths: list[int] = self.page.evaluate("() => [...window.nbgcLengths]")
        return lengths


class Notebook(Panel):
    """A notebook of one's own in JupyterLab, with its own kernel, that shows the panel."""

    def __init__(self, server: JupyterServer, page: Page, person: str) -> None:
        super().__init__(page)
        page.set_default_timeout(PATIENCE_MS)
        self.person = person
        write_notebook(server.folder / "work" / f"{person}.ipynb", "%load_ext nbgroupchat", "%chat")
        page.goto(f"{server.url}lab/workspaces/{person}/tree/{person}.ipynb?reset&token={server.token}")
        page.wait_for_function(_IDLE, timeout=PATIENCE_MS)
        self.run_all()
        self.wait_until_live()

    def run_all(self) -> None:
        """Run every cell."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def run_below(self, code: str) -> None:
        """Write a new cell at the notebook's end, and run it to its end."""
        self._run_below(code, waits=True)

    def start_below(self, code: str) -> None:
        """Write a new cell at the notebook's end, and wait until it runs."""
        self._run_below(code, waits=False)
        self.page.wait_for_function(_BUSY, timeout=PATIENCE_MS)

    def _run_below(self, code: str, waits: bool) -> None:
        self.page.evaluate(
            """async ({code, waits}) => {
              const {commands, shell} = window.jupyterapp;
              const notebook = shell.currentWidget.content;
              notebook.activeCellIndex = notebook.widgets.length - 1;
              await commands.execute("notebook:insert-cell-below");
              notebook.activeCell.model.sharedModel.setSource(code);
              const ended = commands.execute("notebook:run-cell");
              if (waits) await ended;
            }""",
            {"code": code, "waits": waits},
        )

    def use_theme(self, theme: str) -> None:
        """Choose one of JupyterLab's themes."""
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        light = str(theme == "JupyterLab Light").lower()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook of code cells."""
    found = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": cell,
            }
            for number, cell in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(found))
