"""Specification of the packages: built from a clean copy, installed without Node, working in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATIC = {f"nbgroupchat/static/{name}" for name in ("widget.js", "page.js", "panel.css")}

pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist built from a copy of what is, or would be, tracked: no bundle, no node_modules."""
    copy = tmp_path_factory.mktemp("clean")
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--sdist", "--outdir", copy / "dist", copy)
    (found,) = (copy / "dist").glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def fresh(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment in which the sdist was installed, where Node would have failed."""
    folder = tmp_path_factory.mktemp("fresh")
    trap = folder / "trap"
    trap.mkdir()
    for name in ("node", "npm"):
        (trap / name).write_text("#!/bin/sh\nexit 86\n")
        (trap / name).chmod(0o755)
    run(sys.executable, "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    run(
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", sdist, "jupyter-server",
        PATH=f"{trap}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    return python


def test_the_sdist_carries_the_bundle(sdist: Path) -> None:
    """What Node built is inside, with the sources, and nothing that was installed or generated elsewhere."""
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {f"src/{name}" for name in STATIC} <= names
    assert {"LICENSE", "README.md", "pyproject.toml", "js/package-lock.json"} <= names
    assert not [name for name in names if "node_modules" in name or ".venv" in name]


def test_the_wheel_is_whole_and_light(sdist: Path, tmp_path: Path) -> None:
    """A wheel has the bundle, the types' marker and the file that enables the extension, and no tests."""
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, sdist)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert STATIC | {"nbgroupchat/py.typed"} <= names
    assert any(name.endswith("etc/jupyter/jupyter_server_config.d/nbgroupchat.json") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "js/"))]
    assert wheel.stat().st_size < 1024 * 1024


def test_it_works_in_a_fresh_environment(fresh: Path, tmp_path: Path) -> None:
    """It imports, joins a room of its own, and is an enabled and valid extension of the server, without the extras."""
    code = "import nbgroupchat as n; r = n.connect('lobby'); r.post('hi'); print(r.messages, n.ChatPanel())"
    assert "ChatPanel(room='lobby')" in run(fresh, "-c", code, NBGROUPCHAT_ENGINE="echo")
    listing = run(
        fresh, "-m", "jupyter", "server", "extension", "list",
        PATH=f"{fresh.parent}{os.pathsep}{os.environ['PATH']}", JUPYTER_CONFIG_DIR=str(tmp_path),
    )  # fmt: skip
    plain = re.sub(r"\x1b\[\d+m", "", listing)
    assert re.search(r"nbgroupchat enabled\s+- Validating nbgroupchat...\s+nbgroupchat \S+ OK", plain), plain


def test_without_the_extras_it_says_what_is_missing(fresh: Path) -> None:
    """Asking without llama-cpp-python is answered with how to install it."""
    code = (
        "import nbgroupchat as n\nr = n.connect('lobby')\n"
        "try: r.ask('hi')\nexcept Exception as error: print(type(error).__name__, error)"
    )
    said = run(fresh, "-c", code)
    assert "ChatError" in said
    assert 'pip install "nbgroupchat[llama]"' in said
