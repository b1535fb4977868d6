"""Specification of what a server gives of attachments: the bytes, to nobody who may not see the room, as no page."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from urllib.parse import quote

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse

from nbgroupchat import protocol
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.jupyter import JupyterServer
from tests.pictures import png

PAGE = b"<!doctype html><script>document.title = 'ran'</script>"


async def attach(server: JupyterServer, data: bytes, mime: str, room: str, over: Transport = "WebSockets") -> str:
    """Attach something in a room, and give its id."""
    client = await SocketClient.connect(server.hub, server.login, over)
    await client.join(room)
    for at in range(0, len(data), 32768):
        part = b64encode(data[at : at + 32768]).decode()
        fields = {"id": "u", "name": "x", "mime": mime, "size": len(data), "at": at, "data": part}
        assert "held" in await client.invoke("upload", room=room, **fields)
    assert "seq" in await client.invoke("post", room=room, cid="c", text="", attachments=["u"])
    await client.until(lambda: bool(client.messages(room)))
    await client.connection.close()
    return client.messages(room)[-1].attachments[0].id


async def get(server: JupyterServer, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
    request = HTTPRequest(f"{server.url}nbgroupchat/attachments/{path}", headers=headers or server.login)
    return await AsyncHTTPClient().fetch(request, raise_error=False)


@pytest.mark.parametrize("over", TRANSPORTS)
async def test_the_bytes_come_back_over_every_transport(server: JupyterServer, over: Transport) -> None:
    """A file of several parts, sent over any transport, is served as it was sent."""
    data = bytes(range(32, 127)) * 1_000
    id_ = await attach(server, data, "text/plain", f"bytes-{over}", over)
    assert id_ == hashlib.sha256(data).hexdigest()
    answer = await get(server, f"bytes-{over}/{id_}")
    assert (answer.code, answer.body) == (200, data)


@pytest.mark.parametrize(
    ("data", "mime", "served"), [(png(), "image/png", "image/png"), (PAGE, "text/plain", "text/plain")]
)
async def test_nothing_that_is_served_can_run(server: JupyterServer, data: bytes, mime: str, served: str) -> None:
    """A picture is a picture, all else is text; no browser guesses, frames or runs it, or shows it as a page."""
    room = f"headers-{mime.partition('/')[0]}"
    answer = await get(server, f"{room}/{await attach(server, data, mime, room)}")
    assert answer.headers["Content-Type"].partition(";")[0] == served
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "private" in answer.headers["Cache-Control"]


async def test_what_one_may_not_see_is_like_what_is_not_there(server: JupyterServer) -> None:
    """Another room, no room, another id and tricks with paths get the same 404; strangers get 403."""
    id_ = await attach(server, b"secret", "text/plain", "mine")
    assert (await get(server, f"mine/{id_}")).code == 200
    assert (await get(server, f"mine/{id_}", {"Authorization": "token wrong"})).code == 403
    paths = [
        f"other/{id_}", f"no-such-room/{id_}", f"mine/{'0' * 64}", f"mine/{id_.upper()}", f"mine/{id_}%00", "mine/u",
        f"{quote('../mine', safe='')}/{id_}", f"mine/{quote('../../static/page.js', safe='')}", f"%/{id_}",
        f"mine/{quote(chr(39) + ' OR 1=1 --', safe='')}",
    ]  # fmt: skip
    answers = [await get(server, path) for path in paths]
    assert {answer.code for answer in answers} <= {404, 400}
    bodies = {answer.body for answer in answers if answer.code == 404}
    assert len(bodies) == 1, bodies
    assert b"secret" not in b"".join(answer.body for answer in answers)


async def test_what_was_removed_is_gone_for_caches_too(server: JupyterServer) -> None:
    """Whoever has a copy asks again each time: it is unchanged, and after the message was removed it is not there."""
    client = await SocketClient.connect(server.hub, server.login)
    await client.join("gone")
    part = {"id": "u", "name": "x", "mime": "text/plain", "size": 2, "at": 0, "data": "aGk="}
    await client.invoke("upload", room="gone", **part)
    posted = await client.invoke("post", room="gone", cid="c", text="", attachments=["u"])
    id_ = hashlib.sha256(b"hi").hexdigest()
    answer = await get(server, f"gone/{id_}")
    again = await get(server, f"gone/{id_}", server.login | {"If-None-Match": answer.headers["Etag"]})
    assert (answer.code, again.code) == (200, 304)
    assert "error" not in await client.invoke("redact", room="gone", id=posted["id"])
    assert (await get(server, f"gone/{id_}", server.login | {"If-None-Match": answer.headers["Etag"]})).code == 404
    await client.connection.close()


async def test_a_lie_is_refused_and_nothing_is_posted(server: JupyterServer) -> None:
    """Bytes that are no picture, a type that browsers run, and a file over 4 MiB do not get into a room."""
    client = await SocketClient.connect(server.hub, server.login)
    await client.join("lies")
    svg = b64encode(b"<svg onload='alert(1)'/>").decode()
    for fields, code in (
        ({"mime": "image/png", "size": 24, "data": svg}, "invalid"),
        ({"mime": "image/svg+xml", "size": 24, "data": svg}, "invalid"),
        ({"mime": "text/html", "size": 24, "data": svg}, "invalid"),
        ({"mime": "text/plain", "size": 4 * 1024 * 1024 + 1, "data": svg}, "too_long"),
        ({"mime": "text/plain", "size": 3, "data": svg}, "invalid"),
    ):
        answer = await client.invoke("upload", room="lies", id="u", name="x", at=0, **fields)
        assert answer["error"]["code"] == code
        answer = await client.invoke("post", room="lies", cid="c", text="", attachments=["u"])
        assert answer["error"]["code"] == "not_found"
    assert len(svg) < protocol.MAX_FRAME
    assert client.messages("lies") == []
    await client.connection.close()
