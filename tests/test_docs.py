"""Specification of the documentation: what is not written down fails here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from IPython.core.interactiveshell import InteractiveShell

import nbgroupchat
from nbgroupchat import protocol
from nbgroupchat.errors import Code
from nbgroupchat.magics import USAGE, ChatMagics
from nbgroupchat.server.extension import NbGroupChat
from nbgroupchat.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = {path.name: path.read_text("utf-8") for path in (*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"))}


def entries(page: str) -> set[str]:
    """Give what begins a row of a page's tables."""
    return set(re.findall(r"^\| `(\w+)` \|", DOCS[page], re.MULTILINE))


def test_every_setting_has_an_entry_with_its_default() -> None:
    """The table of settings is complete and true."""
    for name, default in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True):
        shown = f'"{default}"' if isinstance(default, str) else str(default)
        assert f"| `{name}` | `{shown}` |" in DOCS["settings.md"], name
    own = set(NbGroupChat.class_own_traits(config=True))
    assert own == entries("settings.md")


def test_every_command_event_and_code_has_an_entry() -> None:
    """The page of the wire names each command, event, status and refusal, and none that does not exist."""
    events = {kind.__struct_config__.tag for kind in get_args(protocol.Event)}
    assert entries("protocol.md") == set(protocol.COMMANDS) | events | set(Code)
    for word in (*get_args(protocol.ReplyStatus), *get_args(protocol.Kind), *get_args(protocol.AgentState)):
        assert f"`{word}`" in DOCS["protocol.md"], word


def test_every_field_of_a_command_or_event_is_named() -> None:
    """Each field on the wire stands in the row of its command or event."""
    kinds = {**protocol.COMMANDS, **{str(kind.__struct_config__.tag): kind for kind in get_args(protocol.Event)}}
    common = {"room", *protocol.Entry.__struct_fields__}
    for name, kind in kinds.items():
        (row,) = [line for line in DOCS["protocol.md"].splitlines() if line.startswith(f"| `{name}` |")][:1]
        for field in set(kind.__struct_encode_fields__) - common:
            assert f"`{field}`" in row, f"{name}: {field}"


def test_every_public_name_and_magic_is_in_the_readme() -> None:
    """The README shows what a user can call."""
    for name in set(nbgroupchat.__all__) - {"__version__", "load_ipython_extension"}:
        assert name in DOCS["README.md"]
    for magic in ChatMagics(InteractiveShell.instance()).magics["line"]:
        assert f"%{magic}" in DOCS["README.md"]
        assert f"%{magic}" in USAGE
    InteractiveShell.clear_instance()


def test_every_module_is_in_the_design() -> None:
    """The table of modules names each file or folder of the package."""
    package = ROOT / "src" / "nbgroupchat"
    modules = {path.stem for path in package.glob("*.py")} | {path.name for path in package.iterdir() if path.is_dir()}
    for module in modules - {"__init__", "__pycache__", "static"}:
        assert f"`{module}`" in DOCS["design.md"] or f"`{module}/`" in DOCS["design.md"], module


@pytest.mark.parametrize("page", sorted(DOCS))
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link and picture of a page is a file of the repository."""
    folder = ROOT if (ROOT / page).exists() else ROOT / "docs"
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", DOCS[page]):
        assert (folder / target).exists(), target


def test_every_threat_is_shown_by_tests_that_exist() -> None:
    """The page of threats has a row for each from T1 to T19, and each test that a row names is there."""
    rows = re.findall(r"^\| (T\d+) \|.*$", DOCS["threats.md"], re.MULTILINE)
    assert rows == [f"T{number}" for number in range(1, 20)]
    for row in DOCS["threats.md"].splitlines():
        if row.startswith("| T"):
            named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
            assert named, row[:60]
            for file, test in named:
                assert re.search(rf"^(?:async )?def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), test
