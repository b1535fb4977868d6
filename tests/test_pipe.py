"""Specification of a pipe: a connection to a real hub, over a socket or in the own process; nobody reads its frames."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from nbgroupchat.compose import Composition
from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.link import LinkClosed, LocalLink
from nbgroupchat.pipe import HIGH_WATER, LocalPipe, open_pipe
from nbgroupchat.settings import Settings
from tests.signalr.fakes import HANDSHAKE, until
from tests.test_connection import Hub


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub that is reached over a socket and, as if it were this process' own, without one."""
    hub = Hub()
    monkeypatch.setattr(LocalLink, "_composition", hub.composition)
    yield hub
    await hub.close()


def file_of(hub: Hub, way: str, secret: str = "s3cret") -> ConnectionFile | None:
    return ConnectionFile(1, f"ws://127.0.0.1:{hub.port}/kernel", secret) if way == "socket" else None


@pytest.mark.parametrize("way", ["socket", "process"])
async def test_it_carries_frames_until_either_side_ends(way: str, hub: Hub) -> None:
    """Both ways to a hub carry the same frames, say how the hub ended them, and leave nothing behind."""
    pipe = await open_pipe(file_of(hub, way))
    await pipe.send(HANDSHAKE)
    assert await pipe.receive() == "{}\x1e"
    hub.cut()
    assert '"type":7' in (await pipe.receive() or "")
    assert await pipe.receive() is None
    assert pipe.ended[0] == 1012
    with pytest.raises(LinkClosed):
        await pipe.send(HANDSHAKE)
    pipe.leave()

    pipe = await open_pipe(file_of(hub, way))
    await pipe.send(HANDSHAKE)
    pipe.leave()
    await until(lambda: not hub.composition.endpoint.connections)


async def test_a_hub_that_refuses_is_a_closed_link(hub: Hub) -> None:
    """A wrong secret, and a hub that has all its connections, are errors that say what was found."""
    with pytest.raises(LinkClosed, match="403"):
        await open_pipe(file_of(hub, "socket", "wrong"))
    hub.composition.endpoint.max_connections = 0
    with pytest.raises(LinkClosed, match="has its 0 connections"):
        await open_pipe(None)


async def test_the_own_process_is_told_to_stop_and_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many frames wait and no more are asked for; when most of them were taken, the hub goes on."""
    composition = Composition(Settings(engine="off"))
    monkeypatch.setattr(LocalLink, "_composition", composition)
    pipe = LocalPipe()
    accepted = [pipe.write(b"{}\x1e") for _ in range(HIGH_WATER + 1)]
    assert accepted == [True] * (HIGH_WATER - 1) + [False] * 2
    for _ in range(HIGH_WATER):
        await pipe.receive()
    assert pipe.write(b"{}\x1e")
    pipe.leave()
    await composition.close()
