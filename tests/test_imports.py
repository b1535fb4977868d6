"""Specification of the direction of imports: the table of `docs/design.md`, held by walking them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "nbgroupchat"

ROWS = (
    (
        "protocol",
        "decoding",
        "emoji",
        "attachment",
        "picture",
        "prompt",
        "errors",
        "characters",
        "settings",
        "measures",
        "logbook",
        "connection_file",
    ),
    (
        "log",
        "room",
        "window",
        "policy",
        "roles",
        "rights",
        "pace",
        "pseudonym",
        "rates",
        "mention",
        "guard",
        "turns",
        "explain",
        "transcript",
        "roster",
        "uploads",
    ),
    (
        "outbox",
        "channel",
        "changes",
        "again",
        "search",
        "replies",
        "seat",
        "attachments",
        "hub",
        "slices",
        "turn",
        "agent",
        "engines",
        "backplanes",
    ),
    ("signalr",),
    (
        "compose",
        "metrics",
        "server",
        "service",
    ),
    (
        "link",
        "pipe",
        "line",
        "connection",
        "relay",
        "attaching",
        "client",
        "magics",
        "widget",
    ),
    (
        "cli",
        "custodian",
        "doctor",
        "__main__",
    ),
)
"""Each module imports from its own row and those above it. `__init__` only points at them."""

HOMES = {
    "llama_cpp": "engines.llama_worker",
    "jinja2": "engines.chat_template",
    "openai": "engines.openai_server",
    "httpx2": "engines.openai_server",
    "jupyter_server": "server",
    "jupyter_core": "server",
    "prometheus_client": "metrics",
    "anywidget": "widget",
    "IPython": "magics",
    "ipykernel": "link",
}
"""The one place of each third party."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name != "__init__":
            yield name, path


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Give each imported module, and whether that is done at once: neither for types nor inside a call."""
    tree = ast.parse(path.read_text("utf-8"))
    late = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef))
        or (isinstance(outer, ast.If) and "TYPE_CHECKING" in ast.unparse(outer.test))
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in late
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = PACKAGE.parent / Path(*(node.module or "").split("."))
                is_module = (inner / alias.name).is_dir() or (inner / f"{alias.name}.py").is_file()
                yield (f"{node.module}.{alias.name}" if is_module else node.module or ""), node not in late


def row(module: str) -> int:
    top = module.split(".")[0]
    found = [number for number, names in enumerate(ROWS) if top in names]
    assert found, f"{top} is in no row of the table"
    return found[0]


OURS = list(modules())


@pytest.mark.parametrize(("module", "path"), OURS, ids=[module for module, _ in OURS])
def test_imports_go_upwards(module: str, path: Path) -> None:
    """Imports go to the own row and those above; only the kernel's side may make a hub, and only when it must."""
    for imported, at_once in imports(path):
        if not imported.startswith("nbgroupchat."):
            continue
        target = imported.removeprefix("nbgroupchat.")
        assert row(target) <= row(module), f"{module} imports {target}"
        if module in (*ROWS[-2], "cli") and target.split(".")[0] in (*ROWS[2], "compose"):
            assert not at_once, f"{module} loads {target} although a kernel with a server needs no hub"


def test_the_hub_and_the_agent_do_not_know_each_other() -> None:
    """They meet in `compose` alone."""
    for module, path in OURS:
        targets = {imported for imported, _ in imports(path)}
        if module in ("hub", "channel", "outbox", "replies", "seat", "again", "search"):
            assert "nbgroupchat.agent" not in targets
        if module in ("agent", "turn"):
            assert not targets & {"nbgroupchat.hub", "nbgroupchat.channel", "nbgroupchat.replies", "nbgroupchat.seat"}


def test_signalr_is_usable_alone() -> None:
    """The wire imports nothing else of the package."""
    for module, path in OURS:
        if module.split(".")[0] == "signalr":
            for imported, _ in imports(path):
                assert not imported.startswith("nbgroupchat.") or imported.startswith("nbgroupchat.signalr")


def test_each_third_party_has_one_home() -> None:
    """Whoever looks for llama.cpp, Jupyter or IPython looks in one place."""
    for module, path in OURS:
        for imported, _ in imports(path):
            home = HOMES.get(imported.split(".")[0])
            assert home is None or module == home or module.startswith(f"{home}."), f"{module} imports {imported}"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import nbgroupchat", {*HOMES, "tornado", "msgspec"}),
        (
            "import nbgroupchat.client",
            {"llama_cpp", "jinja2", "openai", "httpx2", "jupyter_server", "anywidget", "IPython", "nbgroupchat.hub"},
        ),
        (
            "import nbgroupchat.compose",
            {"llama_cpp", "jinja2", "openai", "httpx2", "jupyter_server", "anywidget", "IPython"},
        ),
        (
            "import nbgroupchat.service.__main__",
            {"llama_cpp", "jinja2", "openai", "httpx2", "jupyter_server", "jupyterhub", "anywidget", "IPython"},
        ),
        ("import nbgroupchat.server", {"llama_cpp", "openai", "httpx2", "anywidget", "ipykernel"}),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(statement: str, absent: set[str]) -> None:
    """Importing the package loads no third party, and each part only what is its own."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)
