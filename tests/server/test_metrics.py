"""Specification of the metrics: what a hub counts is in Jupyter's own `/metrics`, and nothing that was said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from tests.clients import SocketClient
from tests.jupyter import JupyterServer

DOCS = Path(__file__).parent.parent.parent / "docs" / "operations.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server of these tests' own: connections that others left would go at any time."""
    with JupyterServer(tmp_path_factory.mktemp("measured"), "--NbGroupChat.engine=echo") as running:
        yield running


async def scrape(server: JupyterServer) -> dict[str, float]:
    """Give the chat's samples."""
    answer = await AsyncHTTPClient().fetch(server.url + "metrics", headers=server.login)
    lines = [line for line in answer.body.decode().splitlines() if line.startswith("nbgroupchat_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def test_what_happens_is_counted(server: JupyterServer) -> None:
    """Connections, posts, refusals, turns and tokens add up, for people and for kernels."""
    before = await scrape(server)
    ana = await SocketClient.connect(server.hub, server.login)
    await ana.join("measured")
    asked = await ana.invoke("post", room="measured", cid="1", text="@llama canary one two")
    await ana.invoke("post", room="measured", cid="1", text="@llama canary one two")
    await ana.until(lambda: any(message.status == "complete" for message in ana.messages("measured")))
    await ana.invoke("cancel", room="measured", id="nobody's")
    now = await scrape(server)
    grown = {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name, 0)}
    assert asked["seq"] == 1
    assert grown["nbgroupchat_connections"] == grown["nbgroupchat_members"] == grown["nbgroupchat_rooms"] == 1
    assert grown['nbgroupchat_posts_total{kind="human"}'] == 1
    assert grown['nbgroupchat_joins_total{mode="new"}'] == 1
    assert grown['nbgroupchat_refusals_total{code="not_found"}'] == 1
    assert grown['nbgroupchat_turns_total{status="complete"}'] == 1
    assert grown["nbgroupchat_first_token_seconds_count"] == 1
    assert grown['nbgroupchat_tokens_total{what="written"}'] > 1
    assert grown["nbgroupchat_deliveries_total"] > 4
    assert "canary" not in repr(now)
    assert "measured" not in repr(now)
    await ana.connection.close()
    await ana.closed
    assert (await scrape(server))["nbgroupchat_deliveries_total"] >= now["nbgroupchat_deliveries_total"]


async def test_every_metric_is_documented(server: JupyterServer) -> None:
    """The page for operators has a row for each metric, and none that does not exist."""
    answer = await AsyncHTTPClient().fetch(server.url + "metrics", headers=server.login)
    served = set(re.findall(r"^# TYPE (nbgroupchat_\w+?)(?:_total)? ", answer.body.decode(), re.MULTILINE))
    assert served == set(re.findall(r"^\| `(nbgroupchat_\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE))
