"""Specification of who somebody is and what they may change, over every transport and from a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from nbgroupchat import connection_file, protocol
from nbgroupchat.protocol import DurableEvent
from nbgroupchat.rates import CROWD
from tests.clients import TRANSPORTS, SocketClient
from tests.jupyter import JupyterServer

from .test_handlers import cookies_of, fetch

WAYS = (*TRANSPORTS, "kernel")


async def mallory_by(server: JupyterServer, way: str) -> SocketClient:
    """Come in by one way."""
    for transport in TRANSPORTS:
        if way == transport:
            return await SocketClient.connect(server.hub, server.login, transport)
    path = connection_file.path_for(server.runtime, server.process.pid)
    found = json.loads(path.read_text())
    return await SocketClient.connect(found["url"], {"Authorization": f"nbgroupchat {found['secret']}"})


def log_of(client: SocketClient) -> list[bytes]:
    """Give the entries that somebody was told, as they are on the wire."""
    return [protocol.encode(event) for event in client.heard if isinstance(event, DurableEvent)]


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_speaks_as_somebody_else(server: JupyterServer, way: str) -> None:
    """A frame that says who is speaking is refused, whatever field says so; what is posted is its sender's."""
    room = f"author-{way}"
    ana = await SocketClient.connect(server.hub, server.login)
    mallory = await mallory_by(server, way)
    me = (await ana.join(room)).you
    own = (await mallory.join(room)).you
    assert own.kind == ("kernel" if way == "kernel" else "human")
    said = {"room": room, "cid": "1", "text": "spoofed"}
    for forged in (
        {"by": me.id}, {"name": me.name}, {"kind": "agent"}, {"kind": "human"}, {"user": "ana"}, {"author": me.id},
        {"asks": [me.id]}, {"seq": 1}, {"eid": "e"}, {"ts": 1}, {"type": "posted"}, {"you": msgspec.to_builtins(me)},
    ):  # fmt: skip
        assert (await mallory.invoke("post", **said, **forged))["error"]["code"] == "invalid", forged
    # Two arguments, the second of which speaks for Ana; and the server's own method.
    raw = json.dumps([said, {"by": me.id}]).encode()
    assert json.loads(await mallory.connection.invoke("post", raw))["error"]["code"] == "invalid"
    event = json.dumps([room, [{"type": "posted", "by": me.id, "text": "spoofed"}]]).encode()
    assert json.loads(await mallory.connection.invoke("event", event))["error"]["code"] == "unknown_method"
    assert (await mallory.invoke("post", **said | {"text": f"{me.name}: yes"}))["seq"] == 1
    await ana.until(lambda: bool(ana.messages(room)))
    [message] = ana.messages(room)
    assert (message.by, message.kind) == (own.id, own.kind)
    assert own.id != me.id
    for client in (ana, mallory):
        await client.connection.close()


@pytest.mark.parametrize("way", WAYS)
async def test_what_others_wrote_stays(server: JupyterServer, way: str) -> None:
    """Editing or redacting somebody else's post or reply is refused, also with the author's own `cid`, and the log is
    what it was, entry by entry.
    """
    room = f"foreign-{way}"
    ana = await SocketClient.connect(server.hub, server.login)
    mallory = await mallory_by(server, way)
    await ana.join(room)
    await mallory.join(room)
    asked = (await ana.invoke("post", room=room, cid="1", text="@llama mine"))["id"]
    await ana.until(lambda: [message.status for message in ana.messages(room)] == ["posted", "complete"])
    reply = ana.messages(room)[1].id
    before = log_of(ana)
    for id_ in (asked, reply):
        for cid in ("1", "2"):
            answer = await mallory.invoke("edit", room=room, cid=cid, id=id_, text="yours")
            assert answer["error"]["code"] == "forbidden"
        assert (await mallory.invoke("redact", room=room, id=id_))["error"]["code"] == "forbidden"
    # A retry under Ana's `cid` is Mallory's own post and not an answer meant for Ana.
    own = await mallory.invoke("post", room=room, cid="1", text="mine")
    assert not own["duplicate"]
    await ana.until(lambda: len(ana.messages(room)) == 3)
    assert log_of(ana)[:-1] == before
    assert ana.texts(room)[:2] == ["@llama mine", ana.messages(room)[1].text]
    for client in (ana, mallory):
        await client.connection.close()


async def test_a_tokens_holders_are_many_and_have_limits_together(tmp_path: Path) -> None:
    """Whoever shows the token and keeps no cookie is somebody new with each connection, and has no new limit with it;
    somebody with a cookie, also one who shows the token as well, has a limit of their own.
    """
    with JupyterServer(tmp_path, "--NbGroupChat.engine=off", "--NbGroupChat.posts_per_minute=1") as server:

        async def codes(headers: dict[str, str], count: int) -> list[str]:
            found = []
            for number in range(count):
                client = await SocketClient.connect(server.hub, headers)
                await client.join()
                answer = await client.invoke("post", room="lobby", cid=str(number), text="hi")
                found.append(answer["error"]["code"] if "error" in answer else "said")
                await client.connection.close()
            return found

        assert await codes(server.login, CROWD + 3) == ["said"] * CROWD + ["too_fast"] * 3
        page = await fetch(server, "nbgroupchat/rooms/lobby", server.login)
        kept = {"Cookie": cookies_of(page)} | server.login
        assert await codes(kept, 2) == ["said", "too_fast"]
        assert await codes(server.login | {"Cookie": f"username-127-0-0-1-{server.port}=forged"}, 1) == ["too_fast"]


COMMANDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("post", {"cid": "1", "text": "x"}),
    ("cancel", {"id": "i"}),
    ("edit", {"cid": "1", "id": "i", "text": "x"}),
    ("redact", {"id": "i"}),
    ("pin", {"id": "i", "on": True}),
    ("react", {"id": "i", "emoji": "👍", "on": True}),
    ("regenerate", {"cid": "1", "id": "i"}),
    ("resume_reply", {"cid": "1", "id": "i"}),
    ("explain", {"id": "i"}),
    ("typing", {"on": True}),
    ("history", {"before": 9}),
    ("search", {"text": "secret"}),
    ("set_policy", {"cid": "1", "locked": True}),
    ("who", {"id": "i"}),
    ("rooms", {}),
    ("upload", {"id": "u", "name": "x", "mime": "text/plain", "size": 1, "at": 0, "data": "eA=="}),
    ("download", {"id": "i"}),
    ("leave", {}),
)


@pytest.mark.parametrize("way", WAYS)
async def test_a_room_that_was_not_joined_is_like_none(server: JupyterServer, way: str) -> None:
    """Each command about a room that exists and one that does not, with ids that exist and some that do not, is
    refused alike; nothing of the room is told.
    """
    assert {name for name, _ in COMMANDS} == set(protocol.COMMANDS) - {"join"}
    room = f"closed-{way}"
    ana = await SocketClient.connect(server.hub, server.login)
    mallory = await mallory_by(server, way)
    await ana.join(room)
    id_ = (await ana.invoke("post", room=room, cid="1", text="secret"))["id"]
    for target, fields in COMMANDS:
        answers = set()
        for asked in (room, "no-such-room"):
            for about in ("i", id_):
                given = {name: about if name == "id" else value for name, value in fields.items()}
                answer = json.dumps(await mallory.invoke(target, room=asked, **given))
                answers.add(answer.replace(asked, "ROOM"))
        [answer] = answers
        assert json.loads(answer)["error"]["code"] == "not_joined"
    assert mallory.heard == []
    for client in (ana, mallory):
        await client.connection.close()
