"""Specification of the service as a process: what it needs, where it listens, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.testing import bind_unused_port

from nbgroupchat.roles import Roles
from nbgroupchat.service.__main__ import Checking, place_of
from nbgroupchat.service.users import Hub
from nbgroupchat.settings import SettingsError, read_environment

DOCS = Path(__file__).parents[2] / "docs" / "jupyterhub.md"

GIVEN = {
    "JUPYTERHUB_SERVICE_NAME": "nbgroupchat",
    "JUPYTERHUB_API_TOKEN": "t",
    "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
    "JUPYTERHUB_SERVICE_PREFIX": "/services/nbgroupchat/",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10101",
}


def test_what_a_hub_gives_says_where_it_is() -> None:
    """Address, prefix and Hub come from the variables of JupyterHub alone."""
    place = place_of(GIVEN)
    assert (place.host, place.port, place.prefix) == ("127.0.0.1", 10101, "/services/nbgroupchat/")
    assert place.hub == Hub("http://127.0.0.1:8081/hub/api", "nbgroupchat", "t")


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_missing_is_named(name: str) -> None:
    """Without one of the variables the service says which, and starts nothing."""
    with pytest.raises(SettingsError, match=name):
        place_of({key: value for key, value in GIVEN.items() if key != name})


@pytest.mark.parametrize("url", ["127.0.0.1", "https://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:port"])
def test_where_to_listen_is_an_address(url: str) -> None:
    """An address without a port, or one that needs a certificate, is refused with what it takes."""
    with pytest.raises(SettingsError, match="takes an address"):
        place_of(GIVEN | {"JUPYTERHUB_SERVICE_URL": url})


def test_checks_are_within_the_promise() -> None:
    """Answers may be used for less time than by default, and not for more."""
    assert read_environment({"NBGROUPCHAT_CHECK_SECONDS": "2.5"}, Checking).check_seconds == 2.5
    with pytest.raises(SettingsError, match="check_seconds"):
        Checking(check_seconds=31.0)


def test_every_variable_is_documented() -> None:
    """Each rule for rooms, and the time of checks, has its entry with its default."""
    text = DOCS.read_text("utf-8")
    for kind in (Roles, Checking):
        for name, default in zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True):
            shown = f"{default:g}" if isinstance(default, float) else default
            assert f"| `NBGROUPCHAT_{name.upper()}` | `{shown}` |" in text


async def test_it_listens_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """It answers before the Hub does, says that the Hub is away, and SIGTERM ends it in order, with 0."""
    listener, port = bind_unused_port()
    listener.close()
    away, hub_port = bind_unused_port()
    away.close()
    environment = GIVEN | {
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_port}/hub/api",
        "NBGROUPCHAT_ENGINE": "off",
        "NBGROUPCHAT_STORE": str(tmp_path / "rooms.sqlite"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nbgroupchat.service",
        env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    log = b""
    while b"the rooms of a Hub" not in log:
        line = await process.stderr.readline()
        assert line, log.decode()
        log += line
    url = f"http://127.0.0.1:{port}/services/nbgroupchat/"
    assert (await AsyncHTTPClient().fetch(url)).code == 200
    health = await AsyncHTTPClient().fetch(url + "health", raise_error=False)
    assert (health.code, health.body) == (503, b'{"status": "the Hub does not answer"}')
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert b"Traceback" not in log + await process.stderr.read()


async def test_without_a_hub_it_says_what_to_do() -> None:
    """Started by hand it ends with 1 and a sentence, not with a traceback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nbgroupchat.service", env=kept, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.startswith(b"nbgroupchat's service cannot run: JUPYTERHUB_SERVICE_NAME")
