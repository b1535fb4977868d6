"""Specification of where tokens, secrets, names and texts are after a server was used: where they must be."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import get_args

from nbgroupchat import connection_file
from nbgroupchat.logbook import What
from tests.clients import TRANSPORTS, SocketClient
from tests.jupyter import JupyterServer

TEXT, NAME, ROOM = "canary-text-4711", "Canary Person 4712", "canary-room"
DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


async def test_nothing_secret_lies_about(tmp_path: Path) -> None:
    """People over each transport and a kernel talk, ask, are refused and leave. Then the login's token is in the files
    that Jupyter keeps for its owner alone, the kernels' secret in its own file alone, what was said in the rooms' file
    alone, nobody's name or token in the log, and each documented line of the log is there.
    """
    with JupyterServer(tmp_path, "--NbGroupChat.engine=echo") as server:
        path = connection_file.path_for(server.runtime, server.process.pid)
        secret = json.loads(path.read_text())["secret"]
        clients = [await SocketClient.connect(server.hub, server.login, over) for over in TRANSPORTS]
        kernel = await SocketClient.connect(
            server.hub.removesuffix("hub") + "kernel", {"Authorization": f"nbgroupchat {secret}", "X-Kernel-Id": NAME}
        )
        for number, client in enumerate([*clients, kernel]):
            await client.join(ROOM)
            await client.invoke("post", room=ROOM, cid=str(number), text=f"@llama {TEXT}")
            await client.invoke("nonsense", text=TEXT)
            await client.invoke("edit", room=ROOM, cid="e", id=TEXT, text=TEXT)
        await clients[0].until(lambda: sum(m.status == "complete" for m in clients[0].messages(ROOM)) == 4)
        events = repr(clients[0].heard)
        for client in (*clients, kernel):
            await client.invoke("leave", room=ROOM)
            await client.connection.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found = {
            wanted: {
                file.name for file in tmp_path.rglob("*") if file.is_file() and wanted.encode() in file.read_bytes()
            }
            for wanted in (server.token, secret, TEXT)
        }
        assert server.stop() == 0
    assert all(name.startswith("jpserver-") for name in found[server.token])
    assert found[secret] == {path.name}
    assert found[TEXT] <= {"rooms.sqlite", "rooms.sqlite-wal"}
    assert found[TEXT]
    for wanted in (server.token, secret):
        assert wanted not in events
    for wanted in (server.token, secret, TEXT, NAME, "Anonymous"):
        assert wanted not in server.log
    lines = re.findall(r"(?m)\] (\w+) ((?:\w+=\S* ?)+)$", server.log)
    assert {what for what, _ in lines} == set(get_args(What))
    documented = dict(re.findall(r"(?m)^\| `(\w+)` \| (.+) \|$", DOCS.read_text("utf-8").split("## Log lines")[1]))
    for what, fields in lines:
        for field in re.findall(r"(\w+)=", fields):
            assert f"`{field}`" in documented[what], (what, field)
