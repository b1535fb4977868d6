"""Specification of a room as a document: everything that is in the log, and nothing that acts."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from nbgroupchat.attachment import Attachment
from nbgroupchat.protocol import Delta, DurableEvent, Edited, Posted, Redacted, ReplyClosed, ReplyOpened, RoomChanged
from nbgroupchat.transcript import FORMATS, Format, transcript

NOON = 1_760_000_000_000
HOSTILE = "~~~\n<script>alert(1)</script> ![x](http://evil/x.png)\n~~~~~\n**llama** · later"

ENTRIES: list[DurableEvent] = [
    Posted(seq=1, eid="p1", ts=NOON, by="m1", name="Ana", kind="human", text="frist"),
    Edited(seq=2, eid="e2", ts=NOON, by="m1", id="p1", text="first"),
    Posted(seq=3, eid="p3", ts=NOON, by="m2", name="[Ben](http://evil)*", kind="kernel", text=HOSTILE, reply_to="p1"),
    Posted(seq=4, eid="p4", ts=NOON, by="m2", name="Ben", kind="human", text=""),
    Redacted(seq=5, eid="e5", ts=NOON, by="m2", id="p4"),
    ReplyOpened(seq=6, eid="r6", ts=NOON, by="m0", name="llama", to="p1", context=5),
    ReplyClosed(seq=7, eid="c7", ts=NOON, by="m0", id="r6", text="Hel", status="failed", error="Set *it*."),
    RoomChanged(seq=8, eid="e8", ts=NOON, by="m1", pinned=("p1",)),
    ReplyOpened(seq=9, eid="r9", ts=NOON, by="m0", name="llama", to="p3", context=8),
]
DRAFTS = [Delta("r9", 0, 2, "So far")]

MARKDOWN = r"""# lobby\-1

**Ana** · 2025-10-09 08:53:20 UTC · edited · pinned

~~~text
first
~~~

**\[Ben\]\(http\://evil\)\*** · 2025-10-09 08:53:20 UTC · to Ana · from a notebook

~~~~~~text
~~~
<script>alert(1)</script> ![x](http://evil/x.png)
~~~~~
**llama** · later
~~~~~~

**Ben** · 2025-10-09 08:53:20 UTC · *redacted*

**llama** · 2025-10-09 08:53:20 UTC · to Ana · *failed*

~~~text
Hel
~~~

Set \*it\*\.

**llama** · 2025-10-09 08:53:20 UTC · to \[Ben\]\(http\://evil\)\* · *being written*

~~~text
So far
~~~
"""


def made(form: Format) -> str:
    return transcript("lobby-1", ENTRIES, DRAFTS, form)


def test_markdown_shows_everything_and_renders_nothing_of_it() -> None:
    """Names, times, edits, pins, ends and errors are there; a text stands in a fence that it cannot close."""
    assert made("markdown") == MARKDOWN


def test_json_lines_have_every_field() -> None:
    """One object a line holds what is known of one message, as it stands now."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in made("jsonl").splitlines()]
    assert [(line["id"], line["text"], line["status"]) for line in lines] == [
        ("p1", "first", "posted"),
        ("p3", HOSTILE, "posted"),
        ("p4", "", "posted"),
        ("r6", "Hel", "failed"),
        ("r9", "So far", "open"),
    ]
    assert [line["redacted"] for line in lines] == [False, False, True, False, False]
    assert [line["pinned"] for line in lines] == [True, False, False, False, False]
    assert (lines[0]["edited"], lines[3]["error"], lines[3]["to"]) == (True, "Set *it*.", "p1")


def test_the_notebook_is_valid() -> None:
    """Jupyter's own check takes it, and each message is a cell with its fields."""
    notebook = nbformat.reads(made("ipynb"), as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown"] * 6
    assert notebook.cells[1].metadata.nbgroupchat.text == "first"
    assert "\n\n".join(cell.source for cell in notebook.cells) + "\n" == MARKDOWN


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_room_is_a_document_too(form: Format) -> None:
    """Where everything has become too old there is still a document."""
    assert "Ana" not in transcript("lobby", [], [], form)


def test_attachments_are_named_and_nothing_of_them_acts() -> None:
    """A picture is its name and size, a file its beginning, inside the message's fence; JSON has all fields."""
    plot = Attachment(id="0" * 64, name="![x](http://evil/p.png)", mime="image/png", size=9, width=6, height=4)
    notes = Attachment(id="1" * 64, name="n.txt", mime="text/plain", size=9, text="~~~~\n<script>alert(1)</script>")
    posted = Posted(seq=1, eid="p1", ts=NOON, by="m1", name="Ana", kind="human", text="", attachments=(plot, notes))
    shown = transcript("lobby", [posted], [], "markdown")
    assert "~~~~~text\n[picture ![x](http://evil/p.png), 6×4]\n[file n.txt, 9 bytes]\n~~~~\n<script>" in shown
    (line,) = transcript("lobby", [posted], [], "jsonl").splitlines()
    assert json.loads(line)["attachments"][1]["name"] == "n.txt"
