"""Specification of the widget: what is synced and saved, and how it reads without a front end."""

from __future__ import annotations

import html
from collections.abc import Iterator

import nbclient
import nbformat
import pytest
import traitlets
from nbconvert import HTMLExporter, MarkdownExporter

from nbgroupchat.client import ChatRoom, connect, glance
from nbgroupchat.connection import Connection
from nbgroupchat.link import LocalLink
from nbgroupchat.widget import ChatPanel
from tests.signalr.fakes import until
from tests.test_connection import Hub, blocking, hub, point_to
from tests.wire import Peer

__all__ = ["hub"]

HOSTILE = "<script>alert('said')</script> ![x](http://evil.example/x.png)\n</pre><img src=http://evil.example/y.png>"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatRoom]:
    """A room in this process, without a model."""
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "off")
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(Connection, "_shared", None)
    yield connect("lobby")
    Connection.shared().close()


def test_it_reads_the_same_in_every_run() -> None:
    """Executed notebooks are compared by this text."""
    assert repr(ChatPanel("data-team")) == "ChatPanel(room='data-team')"


def test_nothing_secret_or_personal_is_synced() -> None:
    """What is saved into notebooks is the room's name, the height and the bundle."""
    own = {name for name in ChatPanel().keys if not name.startswith("_")} - {"layout", "tabbable", "tooltip"}
    assert own == {"room", "height"}


def test_the_bundle_is_there() -> None:
    """The widget carries the built panel."""
    panel = ChatPanel()
    assert "nbgroupchat" in str(panel._esm)
    assert ".nbgroupchat" in str(panel._css)


def test_a_height_too_small_to_use_is_refused() -> None:
    """A panel has room for its text field."""
    with pytest.raises(traitlets.TraitError, match="height"):
        ChatPanel(height=10)


def test_what_was_said_stands_beside_the_panel(room: ChatRoom) -> None:
    """A notebook keeps the newest messages as text and as HTML that is nothing but text, or none of them."""
    for number in range(25):
        room.post(f"message {number}")
    room.post(HOSTILE, attach={"<i>n": "a file"})
    data, _ = ChatPanel()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", VIEW}
    assert data["text/plain"].splitlines()[0] == "ChatPanel(room='lobby')"
    assert "message 5\n" not in data["text/plain"]
    assert "message 6\n" in data["text/plain"]
    assert html.escape(HOSTILE) in data["text/html"]
    assert "[file &lt;i&gt;n.txt, 6 bytes]" in data["text/html"]
    assert not any(tag in data["text/html"] for tag in ("<script", "<img", "<i>", "<a", "<link", "<style", "url("))
    data, _ = ChatPanel(transcript=0)._repr_mimebundle_()
    assert data["text/plain"] == "ChatPanel(room='lobby')"
    assert set(data) == {"text/plain", VIEW}


def test_a_room_that_nobody_joined_is_not_joined_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Showing a panel starts no hub and no model in a process without a server."""
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(Connection, "_shared", None)
    data, _ = ChatPanel()._repr_mimebundle_()
    assert set(data) == {"text/plain", VIEW}
    assert (LocalLink._composition, Connection._shared) == (None, None)


async def test_of_a_server_it_is_fetched_in_passing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that is not in the room looks into it and is gone again; one that is stays."""
    ana = await Peer(hub.composition, "ana", name="Ana").shake_hands()
    await ana.join()
    await ana.invoke("post", room="lobby", cid="c", text="hello")
    point_to(monkeypatch, hub.port, "s3cret")
    monkeypatch.setattr(Connection, "_shared", None)
    said = await blocking(glance, "lobby")
    assert [message.text for message in said] == ["hello"]
    assert Connection._shared is not None
    assert Connection._shared.reader("lobby") is None
    # Ana and the agent have seen it come, and go again.
    await until(lambda: [member.kind for member in ana.rooms["lobby"].members] == ["agent", "human"])
    await blocking(Connection._shared.close)


EXECUTED = f"""
import nbgroupchat
room = nbgroupchat.connect("lobby")
room.post({HOSTILE!r})
nbgroupchat.ChatPanel()
"""


def test_nbconvert_shows_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An executed notebook is exported with its transcript, as HTML and as Markdown, and nothing of it acts."""
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "off")
    cell = nbformat.v4.new_code_cell(EXECUTED)  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    nbclient.NotebookClient(notebook, store_widget_state=False, timeout=120).execute()
    page, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    assert "&lt;script&gt;alert('said')&lt;/script&gt; ![x](http://evil.example/x.png)\n&lt;/pre&gt;&lt;img" in page
    assert "<img src=http://evil.example" not in page
    assert "<script>alert('said')" not in page
    text, _ = MarkdownExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    assert html.escape(HOSTILE) in text
