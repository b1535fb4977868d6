"""What a person does on the page of a room, and who stands between that page and its server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute

from tests.browser.notebook import PATIENCE_MS, Panel
from tests.jupyter import JupyterServer

Change = Callable[[str], str | None]
"""Gives a frame as it goes on, or None where it is kept back."""


def person(chromium: Browser, width: int = 760, height: int = 520, **likes: Any) -> BrowserContext:
    """Give somebody with a browser of their own, who likes no motion in pictures."""
    context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **likes)
    context.set_default_timeout(PATIENCE_MS)
    return context


def visit(context: BrowserContext, server: JupyterServer, room: str = "lobby", behind: str = "") -> Panel:
    """Open the page of a room; `behind` is what stands behind its address."""
    page = context.new_page()
    page.goto(f"{server.url}nbgroupchat/rooms/{room}?token={server.token}{behind}")
    return Panel(page)


def enter(context: BrowserContext, server: JupyterServer, name: str, room: str = "lobby") -> Panel:
    """Open the page of a room, and take a name."""
    panel = visit(context, server, room)
    panel.wait_until_live()
    panel.call_oneself(name)
    return panel


def between(context: BrowserContext, up: Change, down: Change) -> None:
    """Stand between the pages of somebody and the hub, as a proxy does, and change what goes by."""

    def stand(page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(lambda frame: pass_on(server, up(str(frame))))
        server.on_message(lambda frame: pass_on(page, down(str(frame))))

    def pass_on(to: WebSocketRoute, frame: str | None) -> None:
        if frame is not None:
            to.send(frame)

    context.route_web_socket("**/nbgroupchat/hub**", stand)


def photograph(page: Page, folder: Path, name: str) -> None:
    """Take a picture for the docs, with the mouse out of the way."""
    page.mouse.move(0, 0)
    page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")
