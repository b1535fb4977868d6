"""Specification of what the loss of the model costs: one reply."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from nbgroupchat.room import Message
from tests.clients import SocketClient
from tests.jupyter import JupyterServer


def worker_of(server: JupyterServer) -> int:
    """Give the pid of the model's worker, a child of the server."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    found = [pid for pid in children if b"llama_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(found) == 1
    return int(found[0])


@pytest.mark.model
async def test_a_killed_worker_costs_one_reply(tmp_path: Path) -> None:
    """Killed in the middle of a reply, it leaves the text so far; the server lives and answers the next one."""
    with JupyterServer(tmp_path) as server:
        answer = await AsyncHTTPClient().fetch(
            server.url + "api/kernels", method="POST", body="{}", headers=server.login
        )
        kernel = json.loads(answer.body)["id"]
        ana = await SocketClient.connect(server.hub, server.login)
        await ana.join()
        async with asyncio.timeout(300):
            before, lost = await killed_in_a_reply(server, ana)
            assert lost.status == "interrupted"
            assert lost.text.startswith(before)
            answered = await ask(ana, "@llama say hello")
            await ended(ana, answered)
        assert ana.messages()[answered].status == "complete"
        assert ana.messages()[answered].text
        assert await kernel_state(server, kernel) in ("starting", "idle")
        assert server.process.poll() is None
        await ana.connection.close()


async def killed_in_a_reply(server: JupyterServer, ana: SocketClient) -> tuple[str, Message]:
    """Kill the worker until that meets a reply, which may be a short one; gives what was seen before, and after."""
    while True:
        place = await ask(ana, "@llama tell us a long story about a llama in the mountains, with many details.")
        before = ana.messages()[place].text
        os.kill(worker_of(server), signal.SIGKILL)
        await ended(ana, place)
        if ana.messages()[place].status != "complete":
            return before, ana.messages()[place]


async def ended(ana: SocketClient, place: int) -> None:
    """Wait for a reply's end."""
    await ana.until(lambda: ana.messages()[place].status != "open")


async def ask(ana: SocketClient, text: str) -> int:
    """Ask, and wait for the reply's first text; gives its place among the messages."""
    place = len(ana.messages()) + 1
    await ana.invoke("post", room="lobby", cid=str(place), text=text)
    await ana.until(lambda: len(ana.messages()) > place and bool(ana.messages()[place].text))
    return place


async def kernel_state(server: JupyterServer, kernel: str) -> str:
    """Give what the server says of a kernel."""
    answer = await AsyncHTTPClient().fetch(f"{server.url}api/kernels/{kernel}", headers=server.login)
    return str(json.loads(answer.body)["execution_state"])
