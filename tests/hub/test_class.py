"""Specification of a class, as an instructor and two students see it in their own JupyterLabs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from benchmarks.chromium import chromium as started_chromium
from playwright.sync_api import Browser, Page, expect

from tests.browser.notebook import PATIENCE_MS, Notebook, Panel, write_notebook
from tests.hub.classroom import WORKER, Classroom

pytestmark = [pytest.mark.hub, pytest.mark.timeout(300)]

ENDED = re.compile("complete|length")
"""How a reply ends, whatever the model says."""

PEOPLE = ("teacher", "ana", "ben")


class Desk(Notebook):
    """Somebody in a browser of their own, signed in to the Hub, with a notebook on a server of their own."""

    def __init__(self, classroom: Classroom, page: Page, person: str) -> None:
        Panel.__init__(self, page)
        self.person = person
        write_notebook(classroom.home(person) / f"{person}.ipynb", "%load_ext nbgroupchat", "%chat --room course-101")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{classroom.url}hub/login?next=/user/{person}/lab/workspaces/{person}/tree/{person}.ipynb?reset")
        page.locator("#username_input").fill(person)
        page.locator("#password_input").fill("any")
        page.locator("#login_submit").click()
        self.begin()

    def transcript(self) -> list[tuple[str, str, str]]:
        """Give who said what, and as which kind of member."""
        return [
            (
                message.locator(".nbgc-author").text_content() or "",
                message.get_attribute("data-kind") or "",
                (message.locator(".nbgc-text").text_content() or "").strip(),
            )
            for message in self.root.locator("article.nbgc-message").all()
        ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium for this module, for the tests of others have a loop of their own."""
    with started_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def desks(classroom: Classroom, chromium: Browser) -> Iterator[dict[str, Desk]]:
    """The instructor and both students, each in the panel of their own notebook."""
    for person in PEOPLE:
        classroom.start_server(person)
    yield {
        person: Desk(classroom, chromium.new_context(viewport={"width": 1100, "height": 820}).new_page(), person)
        for person in PEOPLE
    }
    for context in chromium.contexts:
        context.close()


def test_a_class_has_one_room_and_one_model(classroom: Classroom, desks: dict[str, Desk]) -> None:
    """What each says in a panel or a cell, and what the model answers, is in one transcript under the Hub's names."""
    desks["teacher"].say("Welcome to lab 1.")
    for desk in desks.values():
        expect(desk.message("Welcome to lab 1.").locator(".nbgc-author")).to_have_text("teacher")
    desks["ana"].say("@llama what is a mean?")
    for desk in desks.values():
        expect(desk.reply()).to_have_attribute("data-status", ENDED, timeout=PATIENCE_MS)
    desks["ben"].run_below("import nbgroupchat; nbgroupchat.connect('course-101').post('From a cell of mine.')")
    for desk in desks.values():
        said = desk.message("From a cell of mine.")
        expect(said.locator(".nbgc-author")).to_have_text("ben")
        expect(said).to_have_attribute("data-kind", "kernel")
    transcripts = [desk.transcript() for desk in desks.values()]
    assert transcripts[0] == transcripts[1] == transcripts[2]
    assert [(name, kind) for name, kind, _ in transcripts[0]] == [
        ("teacher", "human"), ("ana", "human"), ("llama", "agent"), ("ben", "kernel")
    ]  # fmt: skip

    # The page of the room is signed in like the notebook.
    page = desks["ben"].page.context.new_page()
    page.goto(f"{classroom.url}user/ben/nbgroupchat/rooms/course-101")
    Panel(page).wait_until_live()
    expect(Panel(page).message("Welcome to lab 1.")).to_be_visible(timeout=PATIENCE_MS)
    page.close()

    servers, (service,) = classroom.processes("jupyterhub.singleuser"), classroom.processes("nbgroupchat.service")
    assert len(servers) == len(PEOPLE)
    (worker,) = classroom.processes(WORKER)
    assert worker.ppid() == service.pid


def test_a_service_that_is_away_loses_nothing(classroom: Classroom, desks: dict[str, Desk]) -> None:
    """While the service is away posts wait in their panels; the Hub starts it again, and everything is there."""
    before = desks["ana"].transcript()
    (service,) = classroom.processes("nbgroupchat.service")
    service.terminate()
    service.wait(30)
    for desk in desks.values():
        expect(desk.root).not_to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
    desks["ana"].say("Is anybody there?")
    desks["ben"].say("I wait as well.")
    for desk in desks.values():
        expect(desk.root).to_have_attribute("data-state", "live", timeout=90_000)
        for text in ("Is anybody there?", "I wait as well."):
            expect(desk.message(text)).to_be_visible(timeout=PATIENCE_MS)
    transcripts = [desk.transcript() for desk in desks.values()]
    assert transcripts[0] == transcripts[1] == transcripts[2]
    assert transcripts[0][: len(before)] == before
    assert sorted(transcripts[0][len(before) :]) == [
        ("ana", "human", "Is anybody there?"), ("ben", "human", "I wait as well.")
    ]  # fmt: skip
    (again,) = classroom.processes("nbgroupchat.service")
    assert again.pid != service.pid


def test_who_is_removed_is_out(classroom: Classroom, desks: dict[str, Desk]) -> None:
    """A student who is removed at the Hub is in the room no more; the others are."""
    classroom.api("DELETE", "users/ben")
    expect(desks["ben"].root).not_to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
    expect(desks["ana"].root.locator(".nbgc-members")).not_to_contain_text("ben", timeout=PATIENCE_MS)
    desks["ana"].say("ben has left us.")
    expect(desks["teacher"].message("ben has left us.")).to_be_visible()
