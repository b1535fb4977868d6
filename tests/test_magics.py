"""Specification of `%chat` and of a reply in a cell, in a real IPython with a hub of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.testing.globalipapp import start_ipython

from nbgroupchat.client import connect
from nbgroupchat.connection import Connection
from nbgroupchat.errors import ChatError
from nbgroupchat.link import LocalLink
from nbgroupchat.magics import watch_cells
from nbgroupchat.widget import ChatPanel


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """IPython with the extension loaded, in a process without a server."""
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "script")
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(Connection, "_shared", None)
    start_ipython()  # type: ignore[no-untyped-call]
    shell: Any = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbgroupchat")
    yield shell
    shell.run_line_magic("unload_ext", "nbgroupchat")
    if Connection._shared is not None:
        Connection._shared.close()


def test_loading_prints_nothing(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A notebook that loads the extension shows nothing that could vary."""
    shell.run_line_magic("reload_ext", "nbgroupchat")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("line", "room"), [("", "lobby"), ("--room data", "data"), ("--room=data", "data")])
def test_alone_it_shows_the_panel(shell: Any, line: str, room: str) -> None:
    """Without a text the magic gives the panel of the room."""
    panel = shell.run_line_magic("chat", line)
    assert isinstance(panel, ChatPanel)
    assert panel.room == room


def test_a_text_is_posted_as_it_was_typed(shell: Any) -> None:
    """Quotes, braces and spaces inside the text stay."""
    shell.run_line_magic("chat", 'it\'s  "fine" $x {y}')
    shell.run_cell_magic("chat", "--room data", "two\nlines")
    assert [message.text for message in connect("lobby").messages] == ['it\'s  "fine" $x {y}']
    assert [message.text for message in connect("data").messages] == ["two\nlines"]


@pytest.mark.parametrize("line", ["- a list", "-1 is a number", "-- so it goes"])
def test_a_text_may_begin_with_a_dash(shell: Any, line: str) -> None:
    """A dash that begins no option is text."""
    shell.run_line_magic("chat", line)
    assert [message.text for message in connect("lobby").messages] == [line]


def test_a_variable_and_a_file_are_attached_by_their_names(shell: Any, tmp_path: Path) -> None:
    """Names of variables go first, then files; the text may be left out."""
    (tmp_path / "notes.txt").write_text("from a file")
    shell.user_ns["df"] = "a variable"
    shell.run_line_magic("chat", f"--attach df --attach={tmp_path / 'notes.txt'} look  at -- these")
    shell.run_line_magic("chat", "--room data --attach df")
    (message,) = connect("lobby").messages
    assert message.text == "look  at -- these"
    assert [one.text for one in message.attachments] == ["a variable", "from a file"]
    assert [one.name for one in connect("data").messages[0].attachments] == ["df.txt"]


def test_what_cannot_be_attached_is_a_sentence(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is nothing posts nothing."""
    shell.run_line_magic("chat", "--attach nothing_of_that_name look")
    assert "There is no variable 'nothing_of_that_name'" in capsys.readouterr().out
    assert not connect("lobby").messages


@pytest.mark.parametrize("line", ["--help", "--attach", "--room", "--roomy x", "-r data hi", "--rooom data hi"])
def test_a_line_that_does_not_fit_gets_the_usage(shell: Any, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """What cannot be understood is answered with how it is used, and posts nothing."""
    assert shell.run_line_magic("chat", line) is None
    assert "%chat some text" in capsys.readouterr().out


def test_a_refused_post_is_a_sentence_and_no_traceback(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What the room does not take is said in one line."""
    shell.run_line_magic("chat", "--room a/b hello")
    assert capsys.readouterr().out.startswith(
        "Not posted: There is no room of that name. A room's name has 1 to 64 letters"
    )


def test_a_reply_is_shown_once_in_its_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell that asks shows the reply once, also where it is the cell's last line; a later cell shows it again."""
    shell.run_cell("import nbgroupchat\nreply = nbgroupchat.connect().ask('hi')\nreply", store_history=True)
    assert capsys.readouterr().out.count("I am the script engine") == 1
    shell.run_cell("reply", store_history=True)
    assert capsys.readouterr().out.count("I am the script engine") == 1


def test_code_of_a_reply_goes_into_the_next_cell(shell: Any) -> None:
    """The last block is put into a new cell and not run; a reply without code says so."""
    reply = connect("lobby").ask("hi")
    with pytest.raises(ChatError, match="no block of code"):
        reply.to_next_cell()
    reply.text = "Try\n```python\nprint('one')\n```\nor\n```\nran = True\n```"
    reply.to_next_cell()
    assert shell.rl_next_input == "ran = True"
    assert "ran" not in shell.user_ns


def test_cells_can_be_watched(shell: Any) -> None:
    """Whoever watches hears of each cell's begin and end, also of one that fails, until they stop."""
    heard: list[str] = []
    forget = watch_cells(lambda: heard.append("began"), lambda: heard.append("ended"))
    shell.run_cell("1")
    shell.run_cell("1 / 0")
    forget()
    shell.run_cell("2")
    assert heard == ["began", "ended"] * 2


def test_joining_again_gives_the_same_room(shell: Any) -> None:
    """Two cells that connect share the room, and after closing it a new one is joined."""
    first = connect("lobby")
    assert connect("lobby") is first
    first.close()
    with pytest.raises(ChatError, match=r"closed\. Join it again"):
        first.post("hello?")
    assert connect("lobby") is not first
