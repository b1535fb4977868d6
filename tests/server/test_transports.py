"""Specification of the transports that are no WebSocket, behind Jupyter: who may use them, and that nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbgroupchat.protocol import Delta, Entry
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.exchange import HANDSHAKE, KINDS, Exchange, ExchangeClient, Kind
from tests.jupyter import JupyterServer
from tests.node import SIGNALR, run_node

from .test_handlers import cookies_of, fetch, xsrf

PING = '{"type":6}\x1e'


def exchange(server: JupyterServer, headers: dict[str, str], kind: Kind, token: str = "") -> Exchange:
    return Exchange(server.url + "nbgroupchat/hub", headers, kind, token)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_browser_shows_its_xsrf_token_with_what_changes_something(server: JupyterServer, kind: Kind) -> None:
    """With a cookie alone, POST and DELETE are 403, also with the right connection token; a GET needs no more."""
    cookies = cookies_of(await fetch(server, "nbgroupchat/rooms/lobby", server.login))
    page = {"Cookie": cookies, "Origin": server.url.rstrip("/")}
    ana = exchange(server, page | xsrf(cookies), kind)
    await ana.negotiate()
    bare = exchange(server, page, kind, ana.token)
    await bare.open(handshake=False)
    for method in ("POST", "DELETE"):
        assert (await bare.request(method, body=HANDSHAKE)).code == 403
        assert (await bare.request(method, body=HANDSHAKE, X_XSRFToken="wrong")).code == 403
    assert await ana.send(HANDSHAKE) == 200
    assert await bare.next() == {}
    assert (await ana.request("DELETE")).code == 202
    assert await bare.next() is None


@pytest.mark.parametrize("number", [0, 1, 2, 4], ids=["automatic choice", *TRANSPORTS])
async def test_the_microsoft_client_takes_part(server: JupyterServer, number: int) -> None:
    """A stock client joins, is refused another author's name, posts, and hears the reply to its end, once."""
    script = Path(__file__).with_name("node_member.mjs")
    seen = await run_node(
        script, server.url + "nbgroupchat/hub", str(SIGNALR), str(number), server.token, f"js-{number}"
    )
    assert seen["forged"]["error"]["code"] == "invalid"
    assert seen["posted"]["seq"] == 1
    assert [(event["type"], event["seq"]) for event in seen["heard"]] == [
        ("posted", 1),
        ("reply_opened", 2),
        ("reply_closed", 3),
    ]
    assert (seen["heard"][0]["by"], seen["heard"][0]["name"]) == (seen["you"]["id"], seen["you"]["name"])
    assert seen["heard"][2]["text"] == "@llama é😀"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_get_of_another_site_is_refused(server: JupyterServer, kind: Kind) -> None:
    """Without an Origin, a GET with this browser's cookie passes only where the browser says that the page is ours."""
    cookies = cookies_of(await fetch(server, "nbgroupchat/rooms/lobby", server.login))
    ana = exchange(server, {"Cookie": cookies, "Origin": server.url.rstrip("/")} | xsrf(cookies), kind)
    await ana.negotiate()
    for site in ("cross-site", "same-site", "none"):
        reading = exchange(server, {"Cookie": cookies, "Sec-Fetch-Site": site}, kind, ana.token)
        assert (await reading.request()).code == 403
    own = exchange(server, {"Cookie": cookies, "Sec-Fetch-Site": "same-origin"}, kind, ana.token)
    await own.open(handshake=False)
    await own.cut()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "token wrong"}, id="a wrong token"),
        pytest.param({"Cookie": "username-127-0-0-1=forged"}, id="a forged cookie"),
    ],
)
async def test_strangers_get_403_on_every_request(server: JupyterServer, headers: dict[str, str]) -> None:
    """Who is not signed in learns nothing from a known or unknown connection token, and disturbs nobody."""
    for kind in KINDS:
        ana = exchange(server, server.login, kind)
        await ana.open()
        for token in (ana.token, "unknown"):
            stranger = exchange(server, headers, kind, token)
            for method in ("GET", "POST", "DELETE"):
                assert (await stranger.request(method, body=PING)).code == 403
        assert await ana.send(PING) == 200
        await ana.cut()


async def test_tokens_stay_out_of_jupyters_log(tmp_path: Path) -> None:
    """At the most talkative log level no connection token is in any line, of requests that succeed, fail or wait."""
    with JupyterServer(tmp_path, "--NbGroupChat.engine=off", "--log-level=DEBUG") as server:
        tokens = []
        for kind in KINDS:
            ana = exchange(server, server.login, kind)
            await ana.open()
            await ana.request("DELETE")
            assert await ana.next() is None
            for method in ("GET", "POST", "DELETE"):
                assert (await ana.request(method, body=PING)).code == 404
            tokens.append(ana.token)
        server.stop()
        for line in ("404 GET", "404 POST", "404 DELETE", "200 GET", "200 POST", "202 DELETE"):
            assert f"{line} /nbgroupchat/hub?id=[secret]" in server.log
        assert not [token for token in tokens if token in server.log]


WAYS: tuple[Transport, ...] = ("LongPolling", "ServerSentEvents", "LongPolling", "WebSockets")
PIECES = ("Nothing", " is lost", " and nothing", " is doubled.")


@pytest.fixture
def gates(tmp_path: Path) -> list[Path]:
    """Where the script holds before each piece but the first."""
    found = [tmp_path / f"gate{number}" for number in range(1, len(PIECES))]
    for gate in found:
        os.mkfifo(gate)
    return found


@pytest.fixture
def scripted(tmp_path: Path, gates: list[Path]) -> Iterator[JupyterServer]:
    """A server whose agent says the pieces, held apart by the gates."""
    steps: list[object] = [PIECES[0]]
    for gate, piece in zip(gates, PIECES[1:], strict=True):
        steps += [{"gate": str(gate)}, piece]
    path = tmp_path / "script.json"
    path.write_text(json.dumps([steps]))
    settings = ("--NbGroupChat.engine=script", f"--NbGroupChat.script_path={path}")
    with JupyterServer(tmp_path / "server", *settings) as server:
        yield server


async def until_said(client: SocketClient, text: str) -> None:
    """Wait until the reply stands at `text`."""
    await client.until(lambda: len(client.messages()) > 1 and client.messages()[1].text == text)


async def cut(client: SocketClient) -> None:
    """End a connection as a network does, without a word."""
    assert isinstance(client.connection, ExchangeClient)
    await client.connection.cut()


async def test_a_reader_may_change_its_transport_in_the_middle_of_a_reply(
    scripted: JupyterServer, gates: list[Path]
) -> None:
    """Cut without a word and back by another way, three times, a reader has every entry and every piece once."""
    witness = await SocketClient.connect(scripted.hub, scripted.login)
    await witness.join()
    ana = await SocketClient.connect(scripted.hub, scripted.login, WAYS[0])
    await ana.join()
    await ana.invoke("post", room="lobby", cid="1", text="@llama go")
    heard = list(ana.heard)
    for number, (way, gate) in enumerate(zip(WAYS[1:], gates, strict=True), 1):
        await until_said(ana, "".join(PIECES[:number]))
        heard += ana.heard[len(heard) :] if number == 1 else ana.heard
        await cut(ana)
        gate.write_text("go\n")
        await until_said(witness, "".join(PIECES[: number + 1]))
        await witness.invoke("post", room="lobby", cid=str(number), text=f"meanwhile {number}")
        known = ana.rooms["lobby"]
        ana = await SocketClient.connect(scripted.hub, scripted.login, way)
        assert (await ana.join(known=known)).mode == "tail"
    for client in (ana, witness):
        await client.until(lambda c=client: c.messages()[1].status == "complete")  # type: ignore[misc]
    heard += ana.heard
    assert ana.texts() == ["@llama go", "".join(PIECES), "meanwhile 1", "meanwhile 2", "meanwhile 3"]
    assert ana.messages() == witness.messages()
    entries = [event.seq for event in heard if isinstance(event, Entry)]
    assert entries == [1, 2, 3, 4, 5, 6]
    pieces = [event for event in heard if isinstance(event, Delta)]
    assert len(pieces) >= len(WAYS) - 1
    assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
    assert "".join(PIECES).startswith("".join(piece.text for piece in pieces))
    for client in (ana, witness):
        await client.connection.close()
