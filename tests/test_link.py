"""Specification of the hub in a program's own process: how it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbgroupchat.backplanes.base import now_ms
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.compose import DAY_MS
from nbgroupchat.link import LocalLink
from tests.backplanes.contract import post
from tests.clients import FakeClient, plain


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no hub yet."""
    monkeypatch.setattr(LocalLink, "_composition", None)
    monkeypatch.setattr(LocalLink, "_beginning", None)
    monkeypatch.setenv("NBGROUPCHAT_ENGINE", "off")


async def test_without_a_server_too_what_is_too_old_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub of one's own that keeps rooms in a file begins without what is older than `keep_days`, and begins once."""
    path = tmp_path / "rooms.sqlite"
    clock = iter([now_ms() - 3 * DAY_MS, now_ms() - DAY_MS // 2])
    backplane = SqliteBackplane(path, now_ms=clock.__next__)
    await backplane.open("lobby", lambda _events: None)
    for text in ("old", "young"):
        await backplane.append("lobby", post(text))
    await backplane.close()
    monkeypatch.setenv("NBGROUPCHAT_STORE", str(path))
    monkeypatch.setenv("NBGROUPCHAT_KEEP_DAYS", "1")
    await LocalLink.begin()
    composition, trimming = LocalLink.composition(), LocalLink.composition()._trimming
    await LocalLink.begin()
    assert (LocalLink.composition(), composition._trimming) == (composition, trimming)
    composition.hub._encode = plain
    ana = FakeClient(composition.hub, "Ana")
    await ana.join()
    assert ana.texts() == ["young"]
    await composition.close()


async def test_a_store_that_cannot_be_used_is_said_and_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the log with what to do, and each command is answered for itself."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NBGROUPCHAT_STORE", str(tmp_path / "file" / "rooms.sqlite"))
    await LocalLink.begin()
    assert "nbgroupchat cannot take posts: The rooms cannot be kept in" in caplog.text
    await LocalLink.composition().close()
