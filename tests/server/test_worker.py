"""Specification of what the loss of the model costs: one reply."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

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
        question = "@llama tell us a long story about a llama in the mountains, with many details."
        await ana.invoke("post", room="lobby", cid="1", text=question)
        async with asyncio.timeout(60):
            await ana.until(lambda: len(ana.messages()) == 2 and len(ana.messages()[1].text) > 20)
            before = ana.messages()[1].text
            os.kill(worker_of(server), signal.SIGKILL)
            await ana.until(lambda: ana.messages()[1].status != "open")
            lost = ana.messages()[1]
            assert lost.status == "interrupted"
            assert lost.text.startswith(before)
            await ana.invoke("post", room="lobby", cid="2", text="@llama say hello")
            await ana.until(lambda: len(ana.messages()) == 4 and ana.messages()[3].status != "open")
        assert ana.messages()[3].status == "complete"
        assert ana.messages()[3].text
        assert await kernel_state(server, kernel) in ("starting", "idle")
        assert server.process.poll() is None
        await ana.connection.close()


async def kernel_state(server: JupyterServer, kernel: str) -> str:
    """Give what the server says of a kernel."""
    answer = await AsyncHTTPClient().fetch(f"{server.url}api/kernels/{kernel}", headers=server.login)
    return str(json.loads(answer.body)["execution_state"])
