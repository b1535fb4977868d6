"""Specification of who gets in, who they are, and what a hostile frame costs the others: nothing."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from pysignalr.client import SignalRClient
from pysignalr.messages import CompletionMessage
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect

from nbgroupchat import protocol
from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.signalr.client import ConnectFailed
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.exchange import KINDS, Exchange, ExchangeClient
from tests.frames import load
from tests.jupyter import JupyterServer

OVER_EACH = pytest.mark.parametrize("over", TRANSPORTS)


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


async def fetch(server: JupyterServer, path: str, headers: Mapping[str, str], method: str = "GET") -> HTTPResponse:
    request = HTTPRequest(
        server.url + path, method, dict(headers), body=b"" if method == "POST" else None, follow_redirects=False
    )
    return await AsyncHTTPClient().fetch(request, raise_error=False)


def cookies_of(page: HTTPResponse) -> str:
    """Give the cookies that a page sets, as a browser sends them back."""
    return "; ".join(cookie.split(";")[0] for cookie in page.headers.get_list("Set-Cookie"))


def xsrf(cookies: str) -> dict[str, str]:
    """Give the header that a page of the server's own sends with what changes something."""
    return {"X-XSRFToken": cookies.split("_xsrf=")[1].split(";")[0]}


def connection_file(server: JupyterServer) -> ConnectionFile:
    found = json.loads((server.runtime / f"nbgroupchat-{server.process.pid}.json").read_text())
    return ConnectionFile(**found)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "token wrong"}, id="a wrong token"),
        pytest.param({"Cookie": "username-127-0-0-1=forged"}, id="a forged cookie"),
    ],
)
async def test_who_is_not_signed_in_gets_403(server: JupyterServer, headers: dict[str, str]) -> None:
    """Neither negotiation nor a WebSocket is open to strangers."""
    assert (await fetch(server, "nbgroupchat/hub/negotiate?negotiateVersion=1", headers, "POST")).code == 403
    with pytest.raises(ConnectFailed) as failed:
        await SocketClient.connect(server.hub, headers)
    assert failed.value.status == 403


async def test_pages_send_strangers_to_the_login(server: JupyterServer) -> None:
    """A person who opens a room's address without being signed in may sign in first; files are not given."""
    for path in ("nbgroupchat/rooms/lobby", "nbgroupchat/static/page.js", "nbgroupchat/static/panel.css"):
        answer = await fetch(server, path, {})
        assert (answer.code, "login" in answer.headers.get("Location", "")) == (302, True)
        assert (await fetch(server, path, server.login)).code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1", "https://x127.0.0.1"],
)
async def test_a_page_of_another_origin_gets_403(server: JupyterServer, origin: str) -> None:
    """A foreign page cannot connect, even with the right token."""
    headers = server.login | {"Origin": origin}
    assert (await fetch(server, "nbgroupchat/hub/negotiate?negotiateVersion=1", headers, "POST")).code == 403
    with pytest.raises(ConnectFailed) as failed:
        await SocketClient.connect(server.hub, headers)
    assert failed.value.status == 403
    for kind in KINDS:
        ana = Exchange(server.url + "nbgroupchat/hub", server.login, kind)
        await ana.open()
        for method in ("GET", "POST", "DELETE"):
            assert (await ana.request(method, Origin=origin)).code == 403
        assert await ana.send('{"type":6}\x1e') == 200
        await ana.cut()


@OVER_EACH
async def test_the_servers_own_page_may_connect(server: JupyterServer, over: Transport) -> None:
    """The Origin of the server itself is let in."""
    client = await SocketClient.connect(server.hub, server.login | {"Origin": server.url.rstrip("/")}, over)
    await client.join()
    await client.connection.close()


async def test_a_token_is_its_users_own(server: JupyterServer) -> None:
    """A connection token that was negotiated by one user is unknown to another."""
    answer = await fetch(server, "nbgroupchat/hub/negotiate?negotiateVersion=1", server.login, "POST")
    token = json.loads(answer.body)["connectionToken"]
    page = await fetch(server, "nbgroupchat/rooms/lobby", server.login)
    cookies = cookies_of(page)
    browser = {"Cookie": cookies, "Origin": server.url.rstrip("/")}
    with pytest.raises(ConnectFailed) as failed:
        await SocketClient.connect(f"{server.hub}?id={token}", browser)
    assert failed.value.status == 404
    for kind in KINDS:
        theirs = Exchange(server.url + "nbgroupchat/hub", browser | xsrf(cookies), kind, token)
        with pytest.raises(ConnectFailed) as failed:
            await theirs.open()
        assert failed.value.status == 404
        for method in ("POST", "DELETE"):
            assert (await theirs.request(method)).code == 404
    mine = await SocketClient.connect(f"{server.hub}?id={token}", server.login)
    await mine.connection.close()
    assert token not in server.log


@OVER_EACH
async def test_frames_that_do_not_fit_are_refused_and_nobody_notices(server: JupyterServer, over: Transport) -> None:
    """Another author, unknown methods, broken arguments: the documented refusal, the connection lives, no event."""
    room = f"frames-{over}"
    ana, mallory = [await SocketClient.connect(server.hub, server.login, over) for _ in range(2)]
    await ana.join(room)
    await mallory.join(room)
    for frame in load("refused"):
        if not is_json(frame["arguments"]):
            continue  # such a frame ends its connection, as the next test shows
        answer = json.loads(await mallory.connection.invoke(frame["target"], frame["arguments"].encode()))
        assert answer["error"]["code"] == frame["code"], frame["name"]
    assert (await mallory.invoke("post", room=room, cid="c", text="still here"))["seq"] == 1
    await ana.until(lambda: bool(ana.messages(room)))
    assert ana.texts(room) == ["still here"]
    for client in (ana, mallory):
        await client.connection.close()


@OVER_EACH
@pytest.mark.parametrize(
    ("payload", "says"),
    [
        pytest.param(b"x" * (protocol.MAX_FRAME + 1), None, id="an oversized frame"),
        pytest.param(b'{"type":1,"target":"leave","arguments":[{\x1e', "protocol error", id="broken JSON"),
        pytest.param(b"\xff\xfe\x1e", "protocol error", id="no UTF-8"),
        pytest.param(
            b'{"type":1,"target":"leave","arguments":["\\ud83e"]}\x1e', "protocol error", id="half a character"
        ),
        pytest.param(b'{"type":1,"target":"leave","arguments":[NaN]}\x1e', "protocol error", id="not a number"),
        pytest.param(b'{"type":1}', "protocol error", id="no end of the message"),
    ],
)
async def test_a_broken_frame_ends_its_own_connection_alone(
    server: JupyterServer, payload: bytes, says: str | None, over: Transport
) -> None:
    """Who breaks the protocol is told and closed; a bystander in the same room goes on."""
    ana, mallory = [await SocketClient.connect(server.hub, server.login, over) for _ in range(2)]
    await ana.join("broken")
    await mallory.join("broken")
    if isinstance(mallory.connection, ExchangeClient):
        # With the body unread, the server's 413 may be lost in a reset.
        assert await mallory.connection.exchange.send(payload) in ((200,) if says else (413, 0))
        assert (await mallory.closed or "").startswith(says or "a message was too long")
    else:
        socket = mallory.connection._socket
        assert socket is not None
        await socket.write_message(payload, binary=True)
        error = await mallory.closed
        assert (error or "").startswith(says or "the connection was lost")
        # Tornado closes with bytes unread, so the code may arrive as 1006, "closed abnormally".
        assert says or socket.close_code in (1009, 1006, None)
    assert "seq" in await ana.invoke("post", room="broken", cid=f"{over} {payload[:9].hex()}", text="fine")
    await ana.connection.close()


@OVER_EACH
async def test_two_people_talk_and_one_asks(server: JupyterServer, over: Transport) -> None:
    """A post reaches the other, and a mention is answered to both, whichever transport each of them has."""
    room = f"talk-{over}"
    ana = await SocketClient.connect(server.hub, server.login)
    ben = await SocketClient.connect(server.hub, server.login, over)
    me = (await ana.join(room)).you
    await ben.join(room)
    assert me.name.startswith("Anonymous ")
    await ana.invoke("post", room=room, cid="1", text="hello")
    await ben.invoke("post", room=room, cid="1", text="@llama repeat")
    for client in (ana, ben):
        await client.until(lambda c=client: [m.status for m in c.messages(room)] == ["posted", "posted", "complete"])  # type: ignore[misc]
        assert client.messages(room)[2].text == "@llama repeat"
        assert client.messages(room)[0].by == me.id
        await client.connection.close()


async def test_pysignalr_joins_and_posts(server: JupyterServer) -> None:
    """A script with a stock SignalR client takes part."""
    listener = await SocketClient.connect(server.hub, server.login)
    await listener.join("stock")
    heard: asyncio.Queue[list[Any]] = asyncio.Queue()
    answers: asyncio.Queue[CompletionMessage] = asyncio.Queue()
    url = server.url + "nbgroupchat/hub"
    client = SignalRClient(url, headers=server.login)

    async def opened() -> None:
        await client.send("join", [{"room": "stock", "wire": 1}], answers.put)  # type: ignore[arg-type]

    client.on("event", heard.put)
    client.on_open(opened)
    running = asyncio.create_task(client.run())
    try:
        joined = (await answers.get()).result or {}
        assert joined["mode"] == "snapshot"
        assert (await heard.get())[0] == "stock"
        await client.send("post", [{"room": "stock", "cid": "1", "text": "from a script"}], answers.put)  # type: ignore[arg-type]
        assert ((await answers.get()).result or {})["seq"] == 1
        await listener.until(lambda: listener.texts("stock") == ["from a script"])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await listener.connection.close()


async def test_a_kernel_shows_the_servers_secret(server: JupyterServer) -> None:
    """With the secret of the connection file a kernel posts as a kernel; with another one, or a login, it gets 403."""
    found = connection_file(server)
    kernel = await SocketClient.connect(found.url, {"Authorization": f"nbgroupchat {found.secret}"})
    assert (await kernel.join("kernels")).you.kind == "kernel"
    await kernel.connection.close()
    for headers in ({}, {"Authorization": "nbgroupchat wrong"}, server.login, {"Authorization": "nbgroupchat "}):
        with pytest.raises(ConnectFailed) as failed:
            await SocketClient.connect(found.url, headers)
        assert failed.value.status == 403
    page = {"Authorization": f"nbgroupchat {found.secret}", "Origin": server.url.rstrip("/")}
    with pytest.raises(ConnectFailed):
        await SocketClient.connect(found.url, page)
    assert found.secret not in server.log


def test_the_connection_file_is_its_owners(server: JupyterServer) -> None:
    """Nobody else on the machine can read the kernels' secret."""
    path = server.runtime / f"nbgroupchat-{server.process.pid}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_page_is_safe_and_knows_where_it_is(server: JupyterServer) -> None:
    """The page of a room names the room and the server, and runs nothing but its own script."""
    answer = await fetch(server, "nbgroupchat/rooms/data-team", server.login)
    body = answer.body.decode()
    assert 'data-room="data-team"' in body
    assert '{"baseUrl": "/"}' in body
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    missing = await fetch(server, "nbgroupchat/rooms/Data%20Team", server.login)
    assert (missing.code, "1 to 64 letters" in missing.body.decode()) == (404, True)
    for path in ("nbgroupchat", "nbgroupchat/", "nbgroupchat/rooms", "nbgroupchat/rooms/"):
        answer = await fetch(server, path, server.login)
        assert (answer.code, answer.headers["Location"]) == (302, "/nbgroupchat/rooms/lobby")


@pytest.mark.parametrize(
    "path", ["nbgroupchat/static/..%2Fhub.py", "nbgroupchat/static/../hub.py", "nbgroupchat/static/nothing.js"]
)
async def test_only_the_bundle_is_served(server: JupyterServer, path: str) -> None:
    """No other file of the package comes out."""
    assert (await fetch(server, path, server.login)).code == 404


async def test_compression_is_not_negotiated(server: JupyterServer) -> None:
    """An offer to compress is not taken, so there is nothing to blow up."""
    request = HTTPRequest(server.hub, headers=server.login)
    socket = await websocket_connect(request, compression_options={})
    assert "Sec-WebSocket-Extensions" not in (socket.headers or {})
    socket.close()


async def test_a_stranger_learns_nothing_from_an_unknown_token(server: JupyterServer) -> None:
    """Without a login, a known and an unknown connection token are answered alike."""
    answer = await fetch(server, "nbgroupchat/hub/negotiate?negotiateVersion=1", server.login, "POST")
    for token in (json.loads(answer.body)["connectionToken"], "unknown"):
        with pytest.raises(HTTPClientError) as error:
            await websocket_connect(f"{server.hub}?id={token}")
        assert error.value.code == 403
