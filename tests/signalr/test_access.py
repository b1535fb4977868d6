from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from nbgroupchat.signalr import Endpoint
from tests.exchange import KINDS, Exchange

from .conftest import Dial
from .fakes import FakeApplication, Hub, web_application

REFUSED_ORIGINS = [
    "https://evil.example",
    "null",
    "",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1:{port}0",
    "http://127.0.0.1:{port}.evil.example",
    "http://evil127.0.0.1:{port}",
    "http://evil.example/127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@evil.example",
    "http://user@127.0.0.1:{port}",
    "https://127.0.0.1:{port}",
    "ws://127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}",
    "http://localhost:{port}",
    "127.0.0.1:{port}",
    "http://127.0.0.1:{port}, http://127.0.0.1:{port}",
    "*",
]


async def negotiate(hub: Hub, **headers: str) -> HTTPResponse:
    sent = {"X-User": "ana"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await AsyncHTTPClient().fetch(
        hub.http + "/negotiate", method="POST", body="", headers=sent, raise_error=False
    )


async def status_of_dial(hub: Hub, dial: Dial, query: str = "", user: str | None = "ana", **headers: str) -> int:
    with pytest.raises(HTTPClientError) as refused:
        await dial(hub, query, user, **headers)
    return refused.value.code


@pytest.mark.parametrize("origin", REFUSED_ORIGINS)
@pytest.mark.parametrize("site", ["", "same-origin", "none"])
async def test_other_origins_are_refused_at_both_doors(hub: Hub, dial: Dial, origin: str, site: str) -> None:
    """Foreign, null, suffix, prefix, port, scheme and case tricks get 403, whatever Sec-Fetch-Site claims."""
    headers = {"Origin": origin.format(port=hub.port)} | ({"Sec_Fetch_Site": site} if site else {})
    assert await status_of_dial(hub, dial, **headers) == 403
    assert (await negotiate(hub, **headers)).code == 403
    assert hub.application.sessions == []


async def test_the_servers_own_origin_is_let_in(hub: Hub, dial: Dial) -> None:
    """Scheme, host and port of the request itself are accepted."""
    origin = f"http://127.0.0.1:{hub.port}"
    await dial(hub, Origin=origin, X_Origin_Required="yes")
    assert (await negotiate(hub, Origin=origin, X_Origin_Required="yes")).code == 200


async def test_a_schemes_own_port_may_stand_in_host(hub: Hub) -> None:
    """`Host: example.org:80` from a proxy matches the browser's `http://example.org`, another port does not."""
    assert (await negotiate(hub, Origin="http://example.org", Host="example.org:80")).code == 200
    assert (await negotiate(hub, Origin="http://example.org", Host="example.org:443")).code == 403


async def test_a_missing_origin_is_for_the_hook_to_decide(hub: Hub, dial: Dial) -> None:
    """Without an Origin the request passes only where the server says that it may."""
    await dial(hub)
    assert await status_of_dial(hub, dial, X_Origin_Required="yes") == 403
    assert (await negotiate(hub, X_Origin_Required="yes")).code == 403


async def test_without_a_user_there_is_no_upgrade(hub: Hub, dial: Dial) -> None:
    """Unauthenticated requests get 403 at both doors, before anything about tokens is said."""
    assert await status_of_dial(hub, dial, "?id=unknown", user=None) == 403
    response = await AsyncHTTPClient().fetch(hub.http + "/negotiate", method="POST", body="", raise_error=False)
    assert response.code == 403
    assert response.body == b"sign in first\n"


@pytest.fixture
async def logging_hub() -> AsyncIterator[Hub]:
    """A server with Tornado's own request log."""
    application = FakeApplication()
    endpoint = Endpoint(application)
    listener, port = bind_unused_port()
    server = HTTPServer(web_application(endpoint))
    server.add_socket(listener)
    yield Hub(application, endpoint, port)
    server.stop()
    await server.close_all_connections()


async def test_tokens_stay_out_of_logs(logging_hub: Hub, dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    """Neither an accepted nor a refused token is in any log line, in any spelling of the query."""
    caplog.set_level(logging.DEBUG)
    ticket = logging_hub.endpoint.negotiate("ana")
    socket = await dial(logging_hub, f"?id={ticket.token}")
    for query in ("?id=canary", "?x=1&id=canary&id=canary", "?%69d=canary", "?id=%63anary"):
        assert await status_of_dial(logging_hub, dial, query) == 404
    socket.raw.close()
    await logging_hub.application.sessions[0].was_closed.wait()
    for kind in KINDS:
        ticket = logging_hub.endpoint.negotiate("ana")
        exchange = Exchange(logging_hub.http, {"X-User": "ana"}, kind, ticket.token)
        await exchange.open()
        await exchange.request("DELETE")
        await exchange.rest()
        assert [(await exchange.request(method)).code for method in ("GET", "POST", "DELETE")] == [404] * 3
        assert ticket.token not in caplog.text
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tornado")]
    for method in ("GET", "POST", "DELETE"):
        assert any(f"404 {method} /hub?id=[secret]" in line for line in lines)
    assert ticket.token not in caplog.text
    assert "anary" not in caplog.text
