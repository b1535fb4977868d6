"""Specification of what people behind a proxy without WebSockets see: the same room."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.notebook import PATIENCE_MS, Panel
from tests.jupyter import JupyterServer
from tests.proxy import Held, Proxy, ProxyThread

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Where the script holds in the middle of its reply."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def scripted(tmp_path: Path, gate: Path) -> Iterator[JupyterServer]:
    """A Jupyter server whose agent holds in the middle of its reply."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps([["One reply", " in pieces,", {"gate": str(gate)}, " held and", " let go."]]))
    settings = ("--NbGroupChat.engine=script", f"--NbGroupChat.script_path={path}")
    with JupyterServer(tmp_path / "server", *settings) as server:
        yield server


@pytest.mark.parametrize(
    "holds", [pytest.param("", id="no upgrades"), pytest.param("all", id="no upgrades, streams held back")]
)
def test_a_room_without_a_websocket(scripted: JupyterServer, gate: Path, chromium: Browser, holds: Held) -> None:
    """Behind such a proxy a page joins, sees what is posted and a reply grow, and what it posts is seen elsewhere."""
    context = chromium.new_context()
    with ProxyThread(Proxy(scripted.port, upgrades=False, holds=holds)) as proxy:
        asked: list[str] = []

        def ask(request: Request) -> None:
            if request.method == "GET" and "/nbgroupchat/hub?" in request.url:
                # SignalR's client numbers its polls, so that nothing answers from a cache.
                asked.append("poll" if "&_=" in request.url else "stream")

        near, far = Panel(context.new_page()), Panel(context.new_page())
        far.page.on("request", ask)
        near.page.goto(f"{scripted.url}nbgroupchat/rooms/lobby?token={scripted.token}")
        far.page.goto(f"http://127.0.0.1:{proxy.port}/nbgroupchat/rooms/lobby?token={scripted.token}")
        for panel in (near, far):
            panel.wait_until_live()
        near.say("hello from near")
        expect(far.message("hello from near")).to_be_visible()
        far.say("@llama tell us")
        expect(near.message("tell us")).to_be_visible()
        for panel in (near, far):
            expect(panel.reply().locator(".nbgc-text")).to_have_text("One reply in pieces,", timeout=PATIENCE_MS)
            expect(panel.reply()).to_have_attribute("data-status", "open")
        gate.write_text("go\n")
        for panel in (near, far):
            panel.wait_for_reply(1, "complete")
            assert panel.reply_text() == "One reply in pieces, held and let go."
        assert proxy.refused > 0
        assert asked[0] == "stream"
        assert asked[-1] == ("poll" if holds else "stream")
        assert (proxy.held > 0) is bool(holds)
        context.close()
