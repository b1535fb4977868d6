from __future__ import annotations

import asyncio
import gzip

import pytest

from nbgroupchat.signalr.client import ConnectFailed
from nbgroupchat.signalr.eventstream import EventStream
from nbgroupchat.signalr.longpolling import LongPolling
from tests.exchange import KINDS, Exchange, Kind

from .conftest import Dial, MakeHub, OpenExchange
from .fakes import HANDSHAKE, FakeClock, Hub, frame, until
from .test_access import REFUSED_ORIGINS

pytestmark = pytest.mark.parametrize("kind", KINDS)

ACCEPT = {"ServerSentEvents": "text/event-stream", "LongPolling": "*/*"}


async def refused(hub: Hub, open_exchange: OpenExchange, kind: Kind, token: str, user: str = "ana") -> int | None:
    with pytest.raises(ConnectFailed) as failed:
        await open_exchange(hub, kind, user, token)
    return failed.value.status


async def test_invocations_are_answered_in_order(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """What a client invokes is answered, before what it caused, in the order of the requests."""
    ana = await open_exchange(hub, kind)
    for number in range(20):
        payload = frame(type=1, target="echo", arguments=["é😀", number], invocationId=str(number))
        assert await ana.send(payload) == 200
    for number in range(20):
        assert await ana.next() == {"type": 3, "invocationId": str(number), "result": ["é😀", number]}
        assert await ana.next() == {"type": 1, "target": "echoed", "arguments": ["é😀", number]}


async def test_handshake_and_invocation_in_one_request(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """The first request may hold both."""
    ana = await open_exchange(hub, kind, handshake=False)
    assert await ana.send(HANDSHAKE + frame(type=1, target="echo", arguments=[1], invocationId="0")) == 200
    assert [await ana.next() for _ in range(2)] == [{}, {"type": 3, "invocationId": "0", "result": [1]}]


async def test_a_request_without_a_token_is_400(hub: Hub, kind: Kind) -> None:
    """These transports need a negotiation, and say so."""
    exchange = Exchange(hub.http, {"X-User": "ana"}, kind)
    for method in ("GET", "POST", "DELETE"):
        answer = await exchange.request(method, path="", Accept=ACCEPT[kind])
        assert (answer.code, b"negotiate first" in answer.body) == (400, True)
    assert (await exchange.request("PUT")).code == 405


async def test_a_token_is_its_users_own_on_every_request(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """Someone else's token is 404 like an unknown one, before and while it is used, and costs the owner nothing."""
    ticket = hub.endpoint.negotiate("ana")
    assert await refused(hub, open_exchange, kind, ticket.token, "ben") == 404
    assert await refused(hub, open_exchange, kind, "unknown") == 404
    assert await refused(hub, open_exchange, kind, ticket.id) == 404
    ana = await open_exchange(hub, kind, token=ticket.token)
    ben = Exchange(hub.http, {"X-User": "ben", "Accept": ACCEPT[kind]}, kind, ticket.token)
    for method in ("GET", "POST", "DELETE"):
        assert (await ben.request(method, body=frame(type=6))).code == 404
    assert await ana.send(frame(type=1, target="echo", arguments=[], invocationId="0")) == 200
    assert (await ana.next())["result"] == []


async def test_before_it_is_opened_nothing_can_be_sent(hub: Hub, kind: Kind) -> None:
    """POST and DELETE with a token that has opened nothing are 404 and do not use it up."""
    ticket = hub.endpoint.negotiate("ana")
    exchange = Exchange(hub.http, {"X-User": "ana"}, kind, ticket.token)
    for method in ("POST", "DELETE"):
        assert (await exchange.request(method)).code == 404
    await exchange.open()
    await exchange.cut()


async def test_a_second_transport_on_a_connection_is_409(
    hub: Hub, dial: Dial, open_exchange: OpenExchange, kind: Kind
) -> None:
    """Neither a WebSocket nor the other transport takes over an open connection, and nothing disturbs a WebSocket."""
    ana = await open_exchange(hub, kind)
    other: Kind = "LongPolling" if kind == "ServerSentEvents" else "ServerSentEvents"
    assert await refused(hub, open_exchange, other, ana.token) == 409
    assert await refused(hub, open_exchange, "ServerSentEvents", ana.token) == 409
    with pytest.raises(Exception, match="409"):
        await dial(hub, f"?id={ana.token}")
    assert await ana.send(frame(type=1, target="echo", arguments=[], invocationId="0")) == 200
    assert (await ana.next())["result"] == []
    ticket = hub.endpoint.negotiate("ana")
    await dial(hub, f"?id={ticket.token}")
    assert await refused(hub, open_exchange, kind, ticket.token) == 409
    exchange = Exchange(hub.http, {"X-User": "ana"}, kind, ticket.token)
    for method in ("POST", "DELETE"):
        assert (await exchange.request(method)).code == 409


async def test_a_second_message_at_the_same_time_is_409(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """While one request is carried out another is refused, and the first is not disturbed."""
    ana = await open_exchange(hub, kind)
    [session] = hub.application.sessions
    first = asyncio.create_task(ana.send(frame(type=1, target="hold", arguments=[], invocationId="0")))
    await session.holding.wait()
    assert await ana.send(frame(type=1, target="echo", arguments=[], invocationId="1")) == 409
    session.release.set()
    assert await first == 200
    assert await ana.next() == {"type": 3, "invocationId": "0", "result": "held"}
    assert await ana.send(frame(type=6)) == 200


async def test_a_request_that_is_left_does_not_let_the_next_in_early(
    hub: Hub, open_exchange: OpenExchange, kind: Kind
) -> None:
    """A client that gives a request up while it is carried out has to wait for its end."""
    ana = await open_exchange(hub, kind)
    [session] = hub.application.sessions
    exchange = Exchange(hub.http, ana.headers, kind, ana.token)
    task = asyncio.create_task(exchange.send(frame(type=1, target="hold", arguments=[])))
    await session.holding.wait()
    task.cancel()
    await exchange.cut()
    assert await ana.send(frame(type=1, target="echo", arguments=[])) == 409
    session.release.set()
    await until(lambda: "end hold" in session.heard)
    assert await ana.send(frame(type=1, target="echo", arguments=[])) == 200


async def test_broken_json_closes_with_a_reason(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """The sender gets a Close that says what was wrong, its connection is gone, a bystander goes on."""
    bystander, ana = await open_exchange(hub, kind), await open_exchange(hub, kind)
    assert await ana.send("{broken\x1e") == 200
    [close] = await ana.rest()
    assert "not JSON" in close["error"]
    assert await ana.send(frame(type=6)) == 404
    assert await bystander.send(frame(type=1, target="echo", arguments=[], invocationId="0")) == 200
    assert (await bystander.next())["result"] == []


async def test_an_oversized_body_is_not_read(make_hub: MakeHub, open_exchange: OpenExchange, kind: Kind) -> None:
    """A body that is too long by its own word is 413 before any of it came, and ends its connection alone."""
    hub = make_hub(max_frame=1000)
    bystander, ana = await open_exchange(hub, kind), await open_exchange(hub, kind)
    assert await ana.send(frame(type=1, target="echo", arguments=["x" * 900], invocationId="0")) == 200
    assert len((await ana.next())["result"][0]) == 900
    assert await ana.next()
    answer = await ana.request("POST", Content_Length="1001")
    assert (answer.code, answer.headers["Connection"]) == (413, "close")
    assert (await ana.rest())[-1] == {"type": 7, "error": "a message was too long"}
    assert await bystander.send(frame(type=1, target="echo", arguments=[], invocationId="0")) == 200
    assert (await bystander.next())["result"] == []


async def test_an_endless_body_is_cut_off(make_hub: MakeHub, open_exchange: OpenExchange, kind: Kind) -> None:
    """A body in pieces without a length is read up to the limit, and ends its connection there."""
    hub = make_hub(max_frame=1000)
    ana = await open_exchange(hub, kind)
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    head = f"POST /hub?id={ana.token} HTTP/1.1\r\nHost: x\r\nX-User: ana\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for _ in range(11):
        writer.write(b"64\r\n" + b"x" * 100 + b"\r\n")
    assert (await ana.rest())[-1]["error"] == "a message was cut off or too long"
    assert b" 200 " not in await reader.read()
    writer.close()
    assert hub.application.sessions[0].heard == []


async def begin_body(hub: Hub, exchange: Exchange) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request's head and one byte of its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    head = (f"POST /hub?id={exchange.token} HTTP/1.1", "Host: x", "X-User: ana", "Content-Length: 99")
    writer.write("\r\n".join((*head, "", "{")).encode())
    return reader, writer


async def test_a_body_that_is_cut_ends_its_connection(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """Nobody knows what a client whose request was cut takes for said, so it is told to begin again."""
    ana = await open_exchange(hub, kind)
    _, writer = await begin_body(hub, ana)
    transport = next(iter(hub.endpoint.connections)).transport
    assert isinstance(transport, EventStream | LongPolling)
    await until(lambda: transport.sender is not None)
    writer.transport.abort()
    close = (await ana.rest())[-1]
    assert (close["error"], close["allowReconnect"]) == ("a message was cut off or too long", True)


async def test_a_body_that_never_ends_is_given_up(make_hub: MakeHub, open_exchange: OpenExchange, kind: Kind) -> None:
    """A body that does not come within the client's time is cut off; other clocks stand still meanwhile."""
    hub = make_hub(clock=FakeClock())
    ana = await open_exchange(hub, kind)
    hub.endpoint.client_timeout = 0.1
    reader, writer = await begin_body(hub, ana)
    assert (await ana.rest())[-1]["error"] == "a message was cut off or too long"
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_encoded_bodies_are_refused(hub: Hub, open_exchange: OpenExchange, kind: Kind, encoding: str) -> None:
    """A body with an encoding is 415, so there is nothing to blow up, and the connection lives."""
    ana = await open_exchange(hub, kind)
    body = gzip.compress(frame(type=1, target="echo", arguments=["x" * 1_000_000]).encode())
    assert (await ana.request("POST", body=body, Content_Encoding=encoding)).code == 415
    assert hub.application.sessions[0].heard == []
    assert await ana.send(frame(type=6)) == 200


@pytest.mark.parametrize("origin", REFUSED_ORIGINS)
async def test_other_origins_are_refused_on_every_request(
    hub: Hub, open_exchange: OpenExchange, kind: Kind, origin: str
) -> None:
    """Foreign, null, suffix, prefix, port, scheme and case tricks get 403, also with the right token."""
    ana = await open_exchange(hub, kind)
    foreign = {"Origin": origin.format(port=hub.port)}
    for method in ("GET", "POST", "DELETE"):
        answer = await ana.request(method, body=frame(type=1, target="echo", arguments=[]), **foreign)
        assert answer.code == 403
    assert hub.application.sessions[0].heard == []
    assert await ana.send(frame(type=6)) == 200


async def test_only_a_plain_get_may_lack_its_origin(hub: Hub, open_exchange: OpenExchange, kind: Kind) -> None:
    """Browsers send none with a GET to their own server; one that another site asked for is refused all the same."""
    ticket = hub.endpoint.negotiate("ana")
    required = {"X_Origin_Required": "yes"}
    exchange = Exchange(hub.http, {"X-User": "ana"}, kind, ticket.token)
    for site in ("cross-site", "same-site", "none"):
        assert (await exchange.request(Sec_Fetch_Site=site, Accept=ACCEPT[kind], **required)).code == 403
    for method in ("POST", "DELETE"):
        assert (await exchange.request(method, Sec_Fetch_Site="same-origin", **required)).code == 403
    ana = await open_exchange(hub, kind, token=ticket.token, handshake=False, Sec_Fetch_Site="same-origin", **required)
    own = f"http://127.0.0.1:{hub.port}"
    assert (await ana.request("POST", body=HANDSHAKE, Origin=own, **required)).code == 200


async def test_without_a_user_nothing_is_said(hub: Hub, kind: Kind) -> None:
    """Unauthenticated requests get 403 whatever the token."""
    ticket = hub.endpoint.negotiate("ana")
    for token in (ticket.token, "unknown"):
        exchange = Exchange(hub.http, {}, kind, token)
        for method in ("GET", "POST", "DELETE"):
            answer = await exchange.request(method, Accept=ACCEPT[kind])
            assert (answer.code, answer.body) == (403, b"sign in first\n")


async def test_a_full_endpoint_counts_every_transport(
    make_hub: MakeHub, open_exchange: OpenExchange, kind: Kind
) -> None:
    """At the limit nobody may negotiate, and there is room again after a connection has ended."""
    hub = make_hub(max_connections=1)
    ana = await open_exchange(hub, kind)
    with pytest.raises(ConnectFailed, match="503"):
        await open_exchange(hub, kind)
    await ana.request("DELETE")
    await until(lambda: not hub.endpoint._used)
    await open_exchange(hub, kind)


async def test_a_cut_request_does_not_end_the_other_connections(
    hub: Hub, open_exchange: OpenExchange, kind: Kind
) -> None:
    """Whoever loses the network costs nobody else anything, and is forgotten."""
    ana, ben = await open_exchange(hub, kind), await open_exchange(hub, kind, "ben")
    await ana.cut()
    assert await ben.send(frame(type=1, target="echo", arguments=[], invocationId="0")) == 200
    assert (await ben.next())["result"] == []
