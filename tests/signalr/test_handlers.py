from __future__ import annotations

import asyncio
import json
import socket as sockets
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from .conftest import Dial, MakeHub
from .fakes import HANDSHAKE, Hub, frame, until


async def negotiate(hub: Hub, query: str = "?negotiateVersion=1", user: str = "ana", **headers: str) -> Any:
    response = await AsyncHTTPClient().fetch(
        hub.http + "/negotiate" + query,
        method="POST",
        body="",
        headers={"X-User": user} | headers,
        raise_error=False,
    )
    if response.code != 200:
        return response.code
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["Cache-Control"] == "no-store"
    return json.loads(response.body)


async def status_of_dial(hub: Hub, dial: Dial, query: str, user: str = "ana") -> int:
    with pytest.raises(HTTPClientError) as refused:
        await dial(hub, query, user)
    return refused.value.code


async def test_version_1_keeps_the_token_apart_from_the_id(hub: Hub, dial: Dial) -> None:
    """The answer is the specification's; the token opens the connection that has the id, the id opens none."""
    answer = await negotiate(hub)
    assert answer.keys() == {"negotiateVersion", "connectionId", "connectionToken", "availableTransports"}
    assert answer["negotiateVersion"] == 1
    assert answer["availableTransports"] == [
        {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
        {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
        {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
    ]
    assert await status_of_dial(hub, dial, f"?id={answer['connectionId']}") == 404
    await dial(hub, f"?id={answer['connectionToken']}")
    assert hub.application.sessions[0].connection.id == answer["connectionId"]


@pytest.mark.parametrize("query", ["", "?negotiateVersion=0"])
async def test_version_0_has_the_secret_as_its_id(hub: Hub, dial: Dial, query: str) -> None:
    """Asked for version 0 or none, the id is what opens the connection, and the public id is another."""
    answer = await negotiate(hub, query)
    assert answer["negotiateVersion"] == 0
    assert "connectionToken" not in answer
    await dial(hub, f"?id={answer['connectionId']}")
    assert hub.application.sessions[0].connection.id != answer["connectionId"]


async def test_later_versions_are_answered_with_the_latest_known(hub: Hub) -> None:
    """Version 7 gets 1; what is no number gets 400."""
    assert (await negotiate(hub, "?negotiateVersion=7"))["negotiateVersion"] == 1
    for nonsense in ("x", "-1", "1.0", "%D9%A1"):
        assert await negotiate(hub, f"?negotiateVersion={nonsense}") == 400


async def test_encoded_bodies_are_refused(hub: Hub) -> None:
    """A compressed body gets 400."""
    assert await negotiate(hub, **{"Content-Encoding": "gzip"}) == 400


async def test_a_token_is_bound_to_its_user(hub: Hub, dial: Dial) -> None:
    """Someone else's token is 404 like an unknown one, and still works for its owner."""
    token = (await negotiate(hub))["connectionToken"]
    assert await status_of_dial(hub, dial, f"?id={token}", user="ben") == 404
    assert await status_of_dial(hub, dial, "?id=unknown") == 404
    assert await status_of_dial(hub, dial, "?id=") == 404
    await dial(hub, f"?id={token}")


async def test_a_second_socket_on_a_connection_is_409(hub: Hub, dial: Dial) -> None:
    """409 while the first lives, 404 after it has ended."""
    token = (await negotiate(hub))["connectionToken"]
    first = await dial(hub, f"?id={token}")
    assert await status_of_dial(hub, dial, f"?id={token}") == 409
    first.raw.close()
    await hub.application.sessions[0].was_closed.wait()
    await until(lambda: not hub.endpoint._used)
    assert await status_of_dial(hub, dial, f"?id={token}") == 404


async def test_a_request_that_is_no_upgrade_gives_its_place_back(make_hub: MakeHub, dial: Dial) -> None:
    """A plain GET is 400, leaves nothing behind, and the application never hears of it."""
    hub = make_hub(max_connections=1)
    for _ in range(3):
        response = await AsyncHTTPClient().fetch(hub.http, headers={"X-User": "ana"}, raise_error=False)
        assert response.code == 400
    await dial(hub)
    assert len(hub.application.sessions) == 1


async def test_a_full_endpoint_says_so(make_hub: MakeHub, dial: Dial) -> None:
    """At the limit both doors answer 503, and there is room again after a connection has ended."""
    hub = make_hub(max_connections=1)
    first = await dial(hub)
    assert await negotiate(hub) == 503
    assert await status_of_dial(hub, dial, "") == 503
    first.raw.close()
    await hub.application.sessions[0].was_closed.wait()
    await until(lambda: not hub.endpoint._used)
    await dial(hub)


async def test_handshake_and_invocation_in_one_frame(hub: Hub, dial: Dial) -> None:
    """Over a real socket too, the first frame may hold both; binary frames are as good as text."""
    socket = await dial(hub, handshake=False)
    payload = HANDSHAKE + frame(type=1, target="echo", arguments=[1], invocationId="0")
    socket.raw.write_message(payload.encode(), binary=True)
    assert await socket.next() == {}
    assert await socket.next() == {"type": 3, "invocationId": "0", "result": [1]}
    assert await socket.next() == {"type": 1, "target": "echoed", "arguments": [1]}


async def test_invocations_sent_at_once_are_answered_in_order(hub: Hub, dial: Dial) -> None:
    """Fifty invocations in fifty frames are carried out in their order."""
    socket = await dial(hub)
    for number in range(50):
        socket.send(frame(type=1, target="echo", arguments=[number], invocationId=str(number)))
    answers = [await socket.next() for _ in range(100)]
    assert [answer["result"][0] for answer in answers if answer["type"] == 3] == list(range(50))


async def test_broken_json_closes_with_a_reason_and_harms_nobody_else(hub: Hub, dial: Dial) -> None:
    """The sender gets a Close that says what was wrong and code 1002; a bystander goes on."""
    bystander, socket = await dial(hub), await dial(hub)
    socket.send("{broken\x1e")
    [close] = await socket.rest()
    assert close["type"] == 7
    assert "not JSON" in close["error"]
    assert socket.raw.close_code == 1002
    bystander.send(frame(type=1, target="echo", arguments=[], invocationId="0"))
    assert (await bystander.next())["result"] == []


@pytest.mark.parametrize("fragments", [1, 3])
async def test_an_oversized_frame_closes_only_its_connection(make_hub: MakeHub, dial: Dial, fragments: int) -> None:
    """Above max_frame, whole or in fragments, the sender is cut off (1009); a bystander goes on."""
    hub = make_hub(max_frame=1000)
    bystander, socket = await dial(hub), await dial(hub)
    session = hub.application.sessions[1]
    protocol = socket.raw.protocol
    part = b"x" * (1200 // fragments)
    for number in range(fragments):
        protocol._write_frame(number == fragments - 1, 1 if number == 0 else 0, part)  # type: ignore[union-attr]
    assert await socket.rest() == []
    # The server closes with the rest unread, so the client may see a reset before it sees the close frame.
    assert socket.raw.close_code in (1009, None)
    await session.was_closed.wait()
    assert session.heard == []
    bystander.send(frame(type=1, target="echo", arguments=["x" * 900], invocationId="0"))
    assert (await bystander.next())["result"] == ["x" * 900]


async def test_an_endless_message_is_cut_off_as_silence(make_hub: MakeHub, dial: Dial) -> None:
    """Fragments and WebSocket pings that never make a message do not count as something said."""
    from .fakes import FakeClock

    clock = FakeClock()
    hub = make_hub(clock=clock)
    socket = await dial(hub)
    protocol = socket.raw.protocol
    for number in range(31):
        protocol._write_frame(False, 1 if number == 0 else 0, b"x")  # type: ignore[union-attr]
        socket.raw.ping()
        clock.advance(1)
    assert (await socket.rest())[-1]["allowReconnect"] is True


async def test_compression_is_not_negotiated(hub: Hub) -> None:
    """An offer of permessage-deflate is not taken up, and a frame that is compressed anyway ends the connection."""
    request = HTTPRequest(hub.ws, headers={"X-User": "ana"})
    socket = await websocket_connect(request, compression_options={})
    assert socket.headers is not None
    assert "Sec-WebSocket-Extensions" not in socket.headers
    socket.write_message(HANDSHAKE)
    assert await socket.read_message() == "{}\x1e"
    socket.protocol._write_frame(True, 1, b"\x00", flags=0x40)  # type: ignore[union-attr]
    assert await socket.read_message() is None
    socket.close()


async def test_a_client_that_leaves_without_a_word_is_noticed(hub: Hub) -> None:
    """A connection that is reset in the middle of the upgrade's life ends the session once."""
    with sockets.create_connection(("127.0.0.1", hub.port)) as raw:
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        request = (
            f"GET /hub HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\nX-User: ana\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await loop.sock_sendall(raw, request.encode())
        assert b"101" in await loop.sock_recv(raw, 4096)
        payload = HANDSHAKE.encode()
        await loop.sock_sendall(raw, bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        await loop.sock_recv(raw, 4096)
    session = hub.application.sessions[0]
    await session.was_closed.wait()
    assert session.closed_count == 1


async def test_a_stopping_server_says_goodbye(hub: Hub, dial: Dial) -> None:
    """`close_all` reaches the client as a Close that allows reconnecting, with code 1012."""
    socket = await dial(hub)
    hub.endpoint.close_all()
    [close] = await socket.rest()
    assert close == {"type": 7, "error": "the server is shutting down", "allowReconnect": True}
    assert socket.raw.close_code == 1012
