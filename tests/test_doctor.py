"""Specification of the doctor: what it finds, what it says to do, and what it ends with."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nbgroupchat.backplanes.place import Place
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.doctor import examine
from nbgroupchat.settings import Settings
from tests.backplanes.contract import post
from tests.test_cli import run


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    backplane = SqliteBackplane(tmp_path / "rooms.sqlite")
    await backplane.open("lobby", lambda _events: None)
    await backplane.append("lobby", post())
    await backplane.close()
    return backplane.path


def found(settings: Settings, level: str) -> str:
    return "\n".join(finding.text for finding in examine(settings) if finding.level == level)


def test_a_sound_installation_is_well(path: Path) -> None:
    """Everything is listed, nothing is a problem, and the command ends with 0."""
    settings = Settings(engine="echo", store=str(path))
    assert found(settings, "problem") == ""
    assert f"{path}: 1 room," in found(settings, "ok")
    assert "not in use" in found(settings, "ok")
    done = run("doctor", "--store", path, NBGROUPCHAT_ENGINE="echo")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ok      {path}: 1 room," in done.stdout
    assert "The extension of Jupyter Server is enabled" in done.stdout


def test_a_file_in_use_is_told(path: Path) -> None:
    """Which files servers have now is said, also of those beside the first."""
    places = [Place.take(path), Place.take(path)]
    path.with_name("rooms-2.sqlite").write_bytes(path.read_bytes())
    assert found(Settings(engine="off", store=str(path)), "ok").count(", in use by a server") == 2
    for place in places:
        place.release()


def test_forged_entries_are_counted(path: Path) -> None:
    """Entries that are not shown make a problem, and so does the command's end."""
    db = sqlite3.connect(path)
    db.execute("UPDATE entries SET payload = 'forged'")
    db.commit()
    db.close()
    assert "1 entries are damaged" in found(Settings(engine="off", store=str(path)), "problem")
    assert run("doctor", "--store", path).returncode == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(model_path="/none.gguf"), "There is no model file at /none.gguf"),
        (Settings(engine="openai", openai_base_url="http://127.0.0.1:9/v1"), "127.0.0.1:9"),
    ],
)
def test_a_model_that_cannot_answer_is_named(settings: Settings, says: str) -> None:
    """A missing model file or a model's server that does not answer is a problem, with what to do."""
    assert says in found(settings, "problem")


def test_a_broken_file_is_a_problem(tmp_path: Path) -> None:
    """A file that is no database is named with what to do."""
    (tmp_path / "rooms.sqlite").write_bytes(b"no database" * 1000)
    assert "is no file of rooms, or is broken" in found(
        Settings(engine="off", store=str(tmp_path / "rooms.sqlite")), "problem"
    )


def test_memory_is_told() -> None:
    """Where nothing is kept, that is said, and is no problem."""
    settings = Settings(engine="off")
    assert "in memory alone" in found(settings, "note")
    assert found(settings, "problem") == ""
