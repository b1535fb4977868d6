"""What proxies do, and that a client comes through all the same; `tests/proxy.py` is the proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from nbgroupchat.signalr.eventstream import EventStream
from nbgroupchat.signalr.longpolling import LongPolling
from nbgroupchat.signalr.websocket import WebSocketTransport
from tests.exchange import KINDS, Kind
from tests.node import JS, SIGNALR, run_node
from tests.proxy import Held, Proxy

from .conftest import Dial, MakeHub, OpenExchange
from .fakes import FakeClock, Hub, until
from .test_clients import NODE_CLIENT, leaving

NODE_DIAL = Path(__file__).with_name("node_dial.mjs")

Behind: TypeAlias = Callable[..., Coroutine[Any, Any, tuple[Hub, Proxy]]]


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    """Put a proxy before a hub; gives the hub as it is reached through it."""
    proxies: list[Proxy] = []

    async def put(hub: Hub, **options: Any) -> tuple[Hub, Proxy]:
        proxy = Proxy(hub.port, **options)
        proxies.append(proxy)
        await proxy.start()
        return replace(hub, port=proxy.port), proxy

    yield put
    for proxy in proxies:
        await proxy.stop()


def transports(hub: Hub) -> list[type]:
    return [type(session.connection.transport) for session in hub.application.sessions]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_quiet_exchange_is_not_cut_as_idle(
    make_hub: MakeHub, behind: Behind, open_exchange: OpenExchange, kind: Kind
) -> None:
    """Behind a proxy that cuts after 60 s without a byte, a quiet connection lives for ten minutes."""
    clock = FakeClock()
    hub, proxy = await behind(make_hub(clock=clock), idle=60, clock=clock)
    ana = await open_exchange(hub, kind)
    [connection] = hub.endpoint.connections
    for _ in range(40):
        await until(lambda: connection.transport._taking is not None)  # type: ignore[attr-defined]
        clock.advance(15)
        assert await ana.heard.get() == {"type": 6}
        assert await ana.send('{"type":6}\x1e') == 200
    assert (proxy.cut, connection.closed) == (0, False)


async def test_a_quiet_socket_is_not_cut_as_idle(make_hub: MakeHub, behind: Behind, dial: Dial) -> None:
    """The same over a WebSocket."""
    clock = FakeClock()
    hub, proxy = await behind(make_hub(clock=clock), idle=60, clock=clock)
    ana = await dial(hub)
    for _ in range(40):
        clock.advance(15)
        assert await ana.next() == {"type": 6}
        ana.send('{"type":6}\x1e')
        [connection] = hub.endpoint.connections
        keeper = connection._keeper
        assert keeper is not None
        await until(lambda keeper=keeper: keeper._heard == clock.time())  # type: ignore[misc]
    assert proxy.cut == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_the_idle_proxy_cuts_what_is_really_quiet(
    make_hub: MakeHub, behind: Behind, open_exchange: OpenExchange, kind: Kind
) -> None:
    """With a keep-alive above its limit the proxy of these tests does cut, and an event stream's end is noticed."""
    clock = FakeClock()
    hub, proxy = await behind(make_hub(clock=clock, keep_alive=100, client_timeout=300), idle=60, clock=clock)
    ana = await open_exchange(hub, kind)
    [connection] = hub.endpoint.connections
    await until(lambda: connection.transport._taking is not None)  # type: ignore[attr-defined]
    clock.advance(60)
    await ana.ended.wait()
    assert proxy.cut == 1
    await until(lambda: connection.transport._taking is None)  # type: ignore[attr-defined]
    assert connection.closed is (kind == "ServerSentEvents")


async def test_where_upgrades_are_refused_the_stock_client_takes_the_stream(hub: Hub, behind: Behind) -> None:
    """The automatic choice of `@microsoft/signalr` falls to Server-Sent Events, and all of it works there."""
    through, proxy = await behind(hub, upgrades=False)
    sessions = leaving(hub)
    seen = await run_node(NODE_CLIENT, through.http, str(SIGNALR), "0")
    assert seen["events"] == [["é😀", {"a": [1]}], [2], [3]]
    assert [type(session.connection.transport) for session in sessions] == [EventStream] * 2
    assert proxy.refused == 2


@pytest.mark.parametrize(
    # Patience is shortened where it has to run out, to what a busy machine still does in that time.
    ("options", "hurry", "transport", "failures"),
    [
        pytest.param({}, 1, WebSocketTransport, 0, id="nothing in the way"),
        pytest.param({"upgrades": False}, 1, EventStream, 0, id="no upgrades"),
        pytest.param({"upgrades": False, "holds": "body"}, 4, LongPolling, 0, id="no upgrades, events held back"),
        pytest.param({"upgrades": False, "holds": "all"}, 4, LongPolling, 0, id="no upgrades, streams held back"),
        pytest.param({"swallows": True}, 4, EventStream, 1, id="a socket that swallows"),
        pytest.param({"swallows": True, "holds": "body"}, 4, LongPolling, 1, id="a socket that swallows, held back"),
    ],
)
async def test_the_panel_finds_a_way_through(
    make_hub: MakeHub, behind: Behind, options: dict[str, bool | Held], hurry: int, transport: type, failures: int
) -> None:
    """The panel's own dialling ends on the first way that comes through, and speaks over it."""
    # Where the goodbye of a WebSocket is swallowed too, it is the server that ends it.
    hub = make_hub(handshake_timeout=3) if "swallows" in options else make_hub()
    through, _ = await behind(hub, **options)
    seen = await run_node(NODE_DIAL, through.http, str(JS), str(hurry))
    assert seen["result"] == seen["heard"] == ["é😀", {"a": [1]}]
    assert seen["failures"] == failures
    assert transports(hub)[-1] is transport
    await until(lambda: not [c for c in hub.endpoint.connections if c.id == hub.application.sessions[-1].connection.id])
