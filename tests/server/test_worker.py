"""Specification of what the loss of the model costs: one reply."""

from __future__ import annotations

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


MOST_QUESTIONS = 20
"""However short the model's replies are, one of so many is cut off in its middle."""


async def ask(member: SocketClient, number: int, text: str) -> str:
    """Ask, wait until the reply is open and says something, or has ended, and give its id."""
    asked = (await member.invoke("post", room="lobby", cid=str(number), text=text))["id"]
    await member.until(lambda: any(m.to == asked and (m.text or m.status != "open") for m in member.messages()))
    return next(message.id for message in member.messages() if message.to == asked)


async def ended(member: SocketClient, reply: str) -> Message:
    """Wait for a reply's end."""
    await member.until(lambda: member.rooms["lobby"].messages[reply].status != "open")
    return member.rooms["lobby"].messages[reply]


@pytest.mark.model
@pytest.mark.timeout(300)
async def test_a_killed_worker_costs_one_reply(tmp_path: Path) -> None:
    """Killed in the middle of a reply, it leaves the text so far; the server lives and answers the next one."""
    with JupyterServer(tmp_path, "--NbGroupChat.turns_per_minute=100") as server:
        answer = await AsyncHTTPClient().fetch(
            server.url + "api/kernels", method="POST", body="{}", headers=server.login
        )
        kernel = json.loads(answer.body)["id"]
        ana = await SocketClient.connect(server.hub, server.login)
        await ana.join()
        question = "@llama tell us a long story about a llama in the mountains, with many details."
        for number in range(MOST_QUESTIONS):
            reply = await ask(ana, number, question)
            before = ana.rooms["lobby"].messages[reply].text
            os.kill(worker_of(server), signal.SIGKILL)
            lost = await ended(ana, reply)
            assert lost.text.startswith(before)
            # What was written to its end before the blow is a whole reply.
            assert lost.status in ("interrupted", "complete", "length")
            answered = await ended(ana, await ask(ana, MOST_QUESTIONS + number, "@llama say hello"))
            assert answered.status in ("complete", "length")
            if lost.status == "interrupted" and before:
                break
        else:
            pytest.fail(f"none of {MOST_QUESTIONS} replies was cut off in its middle")
        assert await kernel_state(server, kernel) in ("starting", "idle")
        assert server.process.poll() is None
        await ana.connection.close()


async def kernel_state(server: JupyterServer, kernel: str) -> str:
    """Give what the server says of a kernel."""
    answer = await AsyncHTTPClient().fetch(f"{server.url}api/kernels/{kernel}", headers=server.login)
    return str(json.loads(answer.body)["execution_state"])
