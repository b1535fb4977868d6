"""One class for all tests, with the real model; and people at their own desks in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from tests.clients import SocketClient
from tests.hub.classroom import Classroom


@pytest.fixture(scope="session")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """A running class whose service follows the Hub closely and writes short replies."""
    environment = {"NBGROUPCHAT_REPLY_TOKENS": "8", "NBGROUPCHAT_CHECK_SECONDS": "1"}
    with Classroom(tmp_path_factory.mktemp("classroom"), **environment) as running:
        yield running


@pytest.fixture
async def _no_socket_is_left() -> AsyncIterator[None]:
    """Close what a test left open: found later, it would be another test's fault."""
    yield
    for client in SocketClient.connected:
        if not client.closed.done():
            with suppress(OSError, TimeoutError):
                await client.connection.close()
    SocketClient.connected.clear()
