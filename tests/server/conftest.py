"""One server for all tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jupyter import JupyterServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server whose agent echoes."""
    with JupyterServer(tmp_path_factory.mktemp("server"), "--NbGroupChat.engine=echo") as running:
        yield running
