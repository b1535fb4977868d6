"""A Chromium, and JupyterLab as people open it in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.notebook import PATIENCE_MS, Notebook
from tests.jupyter import JupyterServer

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


# The library's own five seconds are few on a busy machine.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests, with a context of its own for each person."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium on the PATH; `make browser` installs one, or set CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(chromium: Browser) -> Iterator[Callable[[JupyterServer, str], Notebook]]:
    """Open a notebook as somebody with a browser of their own; at the end every browser is closed."""
    opened: list[Page] = []

    def open_(server: JupyterServer, person: str) -> Notebook:
        page = chromium.new_context(viewport={"width": 1100, "height": 820}).new_page()
        opened.append(page)
        return Notebook(server, page, person)

    yield open_
    for page in opened:
        page.context.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: a folder of the test's, or the one that NBGROUPCHAT_PICTURES names."""
    folder = Path(os.environ.get("NBGROUPCHAT_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
