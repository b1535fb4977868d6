"""One server for all tests that leave it as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from tests.clients import SocketClient
from tests.jupyter import JupyterServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server whose agent echoes."""
    with JupyterServer(tmp_path_factory.mktemp("server"), "--NbGroupChat.engine=echo") as running:
        yield running


@pytest.fixture(autouse=True)
async def _no_socket_is_left() -> AsyncIterator[None]:
    """Close what a test left open: found later, it would be another test's fault."""
    yield
    for client in SocketClient.connected:
        if not client.closed.done():
            with suppress(OSError, TimeoutError):
                await client.connection.close()
    SocketClient.connected.clear()
