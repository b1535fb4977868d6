"""Specification of attachments as people see them: on the room's page, in a notebook, and through a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.notebook import PATIENCE_MS, Notebook, Panel
from tests.jupyter import JupyterServer
from tests.pictures import png

OpenNotebook = Callable[[JupyterServer, str], Notebook]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EVIL = "<img src=x onerror=alert(1)>.png"
SCRIPT = "<script>document.title = 'ran'</script>\n![x](http://evil.example/y.png)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JupyterServer]:
    """JupyterLab with an agent that writes code."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps(["Try this:\n\n```python\nprint('inserted')\n```\n"]))
    arguments = (
        "--LabApp.expose_app_in_browser=True",
        "--NbGroupChat.engine=script",
        f"--NbGroupChat.script_path={path}",
    )
    with JupyterServer(tmp_path / "server", *arguments, app="lab") as running:
        yield running


@pytest.fixture
def pages(chromium: Browser, server: JupyterServer) -> Iterator[tuple[Panel, Panel]]:
    """The room's page, as two people see it."""
    contexts = [chromium.new_context(), chromium.new_context()]
    panels = []
    for context in contexts:
        page = context.new_page()
        page.goto(f"{server.url}nbgroupchat/rooms/lobby?token={server.token}")
        panels.append(Panel(page))
        panels[-1].wait_until_live()
    yield panels[0], panels[1]
    for context in contexts:
        context.close()


def choose(panel: Panel, *files: FilePayload) -> None:
    """Choose files as the browser's dialog does."""
    panel.root.locator("input.nbgc-picker").set_input_files(list(files))
    expect(panel.root.locator(".nbgc-chosen li")).to_have_count(len(files))


def picture(width: int = 40, height: int = 20, name: str = EVIL) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": png(width, height)}


def expect_picture(panel: Panel, width: int) -> None:
    """Wait until the picture is really painted, not only there."""
    shown = panel.root.locator(".nbgc-picture img").last
    shown.scroll_into_view_if_needed(timeout=PATIENCE_MS)
    panel.page.wait_for_function(
        "width => [...document.querySelectorAll('.nbgc-picture img')].at(-1)?.naturalWidth === width", arg=width
    )


def test_a_picture_and_a_script_are_seen_and_nothing_of_them_acts(pages: tuple[Panel, Panel], pictures: Path) -> None:
    """Ben sees Ana's picture and, unfolded, the script's source; nothing runs, no request leaves the server."""
    ana, ben = pages
    asked: list[str] = []
    for panel in pages:
        panel.page.on("request", lambda request: asked.append(request.url))
    script: FilePayload = {"name": "page.html", "mimeType": "text/html", "buffer": SCRIPT.encode()}
    choose(ana, picture(), script)
    expect(ana.root.locator(".nbgc-chosen img")).to_have_js_property("naturalWidth", 40)
    ana.page.screenshot(path=pictures / "attaching.png")
    ana.root.locator("button.nbgc-send").click()
    for panel in (ana, ben):
        expect_picture(panel, 40)
        expect(panel.root.locator(".nbgc-picture bdi")).to_have_text(EVIL)
        panel.root.locator(".nbgc-file summary").click()
        expect(panel.root.locator(".nbgc-file code")).to_have_text(SCRIPT)
        assert panel.page.title() != "ran"
    assert not [url for url in asked if "evil.example" in url or url.endswith("/x")]
    ben.page.screenshot(path=pictures / "attached.png")
    with ben.page.expect_download() as download:
        ben.root.locator("button.nbgc-save").last.click()
    assert Path(download.value.path()).read_bytes() == SCRIPT.encode()
    assert download.value.suggested_filename == "page.html"
    message = ana.root.locator("article").last
    message.hover()
    message.locator("[data-tool=remove]").click()
    ana.root.locator("button.nbgc-remove").click()
    expect(ben.root.locator("[data-attachment]")).to_have_count(0, timeout=PATIENCE_MS)


def test_a_cell_is_attached_with_its_output(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """Cells that were run are offered; the chosen one goes with its source and what it printed."""
    ana = open_notebook(server, "ana")
    ana.run_below("answer = 6 * 7\nprint(answer)")
    ana.root.locator("button.nbgc-attach-cell").click()
    ana.root.locator(".nbgc-cells button", has_text="answer = 6 * 7").click()
    expect(ana.root.locator(".nbgc-chosen bdi")).to_have_text(["cell 3.py", "output 3.txt"])
    ana.say("look")
    files = ana.message("look").locator("details.nbgc-file")
    expect(files).to_have_count(2, timeout=PATIENCE_MS)
    files.nth(1).locator("summary").click()
    expect(files.nth(1).locator("code")).to_have_text("42")


def test_code_goes_into_a_new_cell_and_is_not_run(server: JupyterServer, open_notebook: OpenNotebook) -> None:
    """A block of a reply is put below the panel's own cell, which others follow; nothing runs by itself."""
    ana = open_notebook(server, "ana")
    ana.run_below("last = 1")
    ana.say("@llama code?")
    ana.wait_for_reply(1, "complete")
    ana.reply().locator("[data-code-action=insert]").click()
    expect(ana.root.locator(".nbgc-remark")).to_contain_text("was not run")
    cells = ana.page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells].map(
          (cell) => [cell.getSource(), cell.execution_count, cell.getOutputs().length])"""
    )
    assert [source for source, _, _ in cells] == ["%load_ext nbgroupchat", "%chat", "print('inserted')", "last = 1"]
    assert cells[2][1:] == [None, 0]


@pytest.fixture
def blocked(chromium: Browser) -> Iterator[Page]:
    """A browser that nothing of the chat's server reaches."""
    page = chromium.new_context(viewport={"width": 1100, "height": 820}).new_page()
    page.route("**/nbgroupchat/**", lambda route: route.abort())
    page.route_web_socket("**/nbgroupchat/**", lambda socket: socket.close())
    yield page
    page.context.close()


def test_it_goes_through_the_kernel_too(server: JupyterServer, blocked: Page, open_notebook: OpenNotebook) -> None:
    """A page that does not reach the server sends a picture of several parts through its kernel, and sees it."""
    ana = Notebook(server, blocked, "ana")
    expect(ana.root).to_have_attribute("data-relay", "open")
    noise = b"x" * 100_000
    choose(ana, {"name": "plot.png", "mimeType": "image/png", "buffer": png(30, 10) + noise})
    ana.say("from the kernel")
    expect_picture(ana, 30)
    source = ana.root.locator(".nbgc-picture img").last.get_attribute("src") or ""
    assert source.startswith("blob:")
