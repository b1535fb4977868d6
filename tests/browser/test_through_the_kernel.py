"""Specification of the panel in a page that cannot reach the hub: it speaks through its kernel."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.notebook import PATIENCE_MS, Notebook
from tests.jupyter import JupyterServer

OpenNotebook = Callable[[JupyterServer, str], Notebook]

# What a proxy or a sleeping machine does to the kernel's socket, without a word to either end.
CUT = """
import gc
from tornado.websocket import WebSocketClientConnection
from nbgroupchat.connection import Connection

def cut():
    for found in gc.get_objects():
        if isinstance(found, WebSocketClientConnection) and found.protocol is not None:
            found.protocol.stream.close()

Connection.shared().call(cut)
"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def gates(tmp_path: Path) -> dict[str, Path]:
    """Places where the script holds until it is let go on, and one for the cell."""
    found = {name: tmp_path / name for name in ("first", "second", "third", "cell")}
    for path in found.values():
        os.mkfifo(path)
    return found


@pytest.fixture
def server(tmp_path: Path, gates: dict[str, Path]) -> Iterator[JupyterServer]:
    """JupyterLab with a scripted agent; it sends what a page says to a kernel in the way every front end can.

    With its own extension of that (`commsOverSubshells`) a message of a page would not wait for a running cell.
    """
    held = [{"gate": str(gates[name])} for name in ("first", "second", "third")]
    script = [["One reply", held[0], " in four", held[1], " pieces", held[2], "."]]
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    settings = tmp_path / "settings"
    settings.mkdir()
    overrides = {"@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"}}
    (settings / "overrides.json").write_text(json.dumps(overrides))
    arguments = (
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.app_settings_dir={settings}",
        "--NbGroupChat.engine=script",
        f"--NbGroupChat.script_path={path}",
    )
    with JupyterServer(tmp_path / "server", *arguments, app="lab") as running:
        yield running


@pytest.fixture
def blocked(chromium: Browser) -> Iterator[Page]:
    """A browser that nothing of the chat's server reaches."""
    page = chromium.new_context(viewport={"width": 1100, "height": 820}).new_page()
    page.route("**/nbgroupchat/**", lambda route: route.abort())
    page.route_web_socket("**/nbgroupchat/**", lambda socket: socket.close())
    yield page
    page.context.close()


def test_the_chat_goes_on_while_a_cell_runs(
    server: JupyterServer, gates: dict[str, Path], blocked: Page, open_notebook: OpenNotebook
) -> None:
    """Posts are the kernel's; a reply grows while a cell runs; what is typed meanwhile waits for its end, visibly."""
    ana, ben = Notebook(server, blocked, "ana"), open_notebook(server, "ben")
    expect(ana.root).to_have_attribute("data-relay", "open")
    expect(ana.root.locator(".nbgc-through")).to_contain_text("marked as the kernel's")
    expect(ben.root).to_have_attribute("data-relay", "none")
    ana.say("hello from the kernel")
    seen = ben.message("hello from the kernel")
    expect(seen).to_have_attribute("data-kind", "kernel")
    expect(seen.locator(".nbgc-author")).to_have_text("ana")

    ana.start_below(f"open({str(gates['cell'])!r}).read()")
    ana.record_growth()
    ben.say("@llama tell us")
    text = ana.reply().locator(".nbgc-text")
    expect(text).to_have_text("One reply", timeout=PATIENCE_MS)
    ana.say("typed while the cell runs")
    waiting = ana.root.locator("article[data-pending=waiting]")
    expect(waiting).to_contain_text("Waits for the running cell")
    expect(ana.root.locator(".nbgc-relay")).to_contain_text("The kernel is busy")
    for gate, so_far in (("first", "One reply in four"), ("second", "One reply in four pieces")):
        gates[gate].write_text("go\n")
        expect(text).to_have_text(so_far)
    gates["third"].write_text("go\n")
    ana.wait_for_reply(1, "complete")
    assert ana.reply_text() == "One reply in four pieces."
    assert len(ana.growth()) >= 3, ana.growth()
    expect(waiting).to_have_count(1)
    expect(ben.message("typed while the cell runs")).to_have_count(0)

    gates["cell"].write_text("go\n")
    expect(ben.message("typed while the cell runs")).to_have_attribute("data-kind", "kernel")
    expect(waiting).to_have_count(0)
    expect(ana.root.locator(".nbgc-relay")).to_have_count(0)


def test_a_cut_loses_nothing(server: JupyterServer, blocked: Page, open_notebook: OpenNotebook) -> None:
    """When the kernel's socket to the hub is cut, the panel comes back through the kernel, with what it missed."""
    ana, ben = Notebook(server, blocked, "ana"), open_notebook(server, "ben")
    ana.say("before the cut")
    expect(ben.message("before the cut")).to_be_visible()
    ana.record_states()
    ana.run_below(CUT)
    ana.wait_until_seen("reconnecting")
    ben.say("missed")
    ana.say("written meanwhile")
    ana.wait_until_live()
    for panel in (ana, ben):
        for text in ("before the cut", "missed", "written meanwhile"):
            expect(panel.message(text)).to_have_count(1)
            expect(panel.root.locator("article").filter(has_text=text)).to_have_count(1)


def test_a_front_end_with_subshells_need_not_wait(tmp_path: Path, gates: dict[str, Path], blocked: Page) -> None:
    """Where the front end sends its messages past the running cell, a post arrives while it runs."""
    arguments = ("--LabApp.expose_app_in_browser=True", "--NbGroupChat.engine=off")
    with JupyterServer(tmp_path / "plain", *arguments, app="lab") as server:
        ana = Notebook(server, blocked, "ana")
        ana.start_below(f"open({str(gates['cell'])!r}).read()")
        ana.say("typed while the cell runs")
        expect(ana.message("typed while the cell runs")).to_have_attribute("data-kind", "kernel")
        gates["cell"].write_text("go\n")
