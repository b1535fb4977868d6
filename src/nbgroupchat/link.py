"""A Python program's way to a hub: over a socket to its Jupyter server's, or straight to one in the own process.

Both carry the same frames. Nothing here connects again or knows what the frames are about: that is the client's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.errors import ChatError, Refusal
from nbgroupchat.policy import Identity
from nbgroupchat.settings import from_environment
from nbgroupchat.signalr import client as signalr
from nbgroupchat.signalr import messages

if TYPE_CHECKING:
    from nbgroupchat.compose import Composition

_log = logging.getLogger(__name__)

OnEvents: TypeAlias = Callable[[bytes], None]
"""Hears the JSON arguments of each `event` frame, on the event loop."""

OnClosed: TypeAlias = Callable[[], None]
"""Hears the end of a link, once."""


class LinkClosed(Exception):
    """The link ended before the answer came, or none could be made; the message says why."""


class Link(Protocol):
    """One connection to a hub."""

    async def invoke(self, target: str, arguments: bytes) -> bytes:
        """Carry out a command and give its answer or refusal as JSON. Raises LinkClosed, or ChatError for a bug."""

    async def close(self) -> None:
        """End it."""


class SocketLink:
    """A connection to the hub of the server that started this kernel."""

    def __init__(self, client: signalr.Client) -> None:
        self._client = client

    @classmethod
    async def open(cls, found: ConnectionFile, on_events: OnEvents, on_closed: OnClosed) -> SocketLink:
        """Connect with the kernel's secret. Raises LinkClosed."""
        try:
            client = await signalr.connect(
                found.url,
                kernel_headers(found),
                lambda _target, arguments: on_events(arguments),
                lambda _error, _again: on_closed(),
            )
        except signalr.ConnectionClosed as error:
            raise LinkClosed(str(error)) from error
        return cls(client)

    async def invoke(self, target: str, arguments: bytes) -> bytes:
        """See `Link.invoke`."""
        try:
            return await self._client.invoke(target, arguments)
        except signalr.ConnectionClosed as error:
            raise LinkClosed(str(error)) from error
        except signalr.SignalRError as error:
            # A bug of the server, which trying again would only meet again.
            raise ChatError(f"The server failed to carry out {target!r}: {error}. Its log says more.") from error

    async def close(self) -> None:
        """See `Link.close`."""
        await self._client.close()


class LocalLink:
    """A connection to a hub in the own process, for notebooks and scripts without a server."""

    _composition: Composition | None = None
    """The hub of this process, shared by everything in it."""
    _beginning: tuple[Composition, asyncio.Task[None]] | None = None

    def __init__(self, on_events: OnEvents) -> None:
        from nbgroupchat.channel import Client
        from nbgroupchat.outbox import Outbox

        self.composition()
        self._on_events = on_events
        self._client = Client(local_identity(), Outbox(self._write, lambda: None))

    @classmethod
    def composition(cls) -> Composition:
        """Give the hub of this process, made on the running loop when it is first needed."""
        # Here and not above: with a server the kernel needs neither hub nor engine.
        from nbgroupchat.compose import Composition

        if LocalLink._composition is None:
            LocalLink._composition = Composition(from_environment(os.environ))
        return LocalLink._composition

    @classmethod
    async def begin(cls) -> None:
        """Have the hub of this process ready: its store is open, and what has become old is forgotten."""
        composition = cls.composition()
        if LocalLink._beginning is None or LocalLink._beginning[0] is not composition:
            LocalLink._beginning = (composition, asyncio.get_running_loop().create_task(_begin(composition)))
        # Others may wait for the same; one that is cancelled must not cancel theirs.
        await asyncio.shield(LocalLink._beginning[1])

    @classmethod
    def forget(cls) -> None:
        """Take part in the old hub no more: the next link makes another one."""
        cls._composition = None
        cls._beginning = None

    async def invoke(self, target: str, arguments: bytes) -> bytes:
        """See `Link.invoke`."""

        assert self._composition is not None  # noqa: S101  # made by the constructor
        with self._client.outbox.corked():
            return await self._composition.answer(self._client, target, arguments)

    async def close(self) -> None:
        """See `Link.close`."""
        if self._composition is not None:
            self._composition.hub.leave(self._client)

    def _write(self, frame: bytes) -> bool:
        asyncio.get_running_loop().call_soon(self._hear, frame)
        return True

    def _hear(self, frame: bytes) -> None:
        for message in messages.parse(frame):
            if isinstance(message, messages.Invocation):
                self._on_events(bytes(message.arguments))


async def _begin(composition: Composition) -> None:
    try:
        await composition.begin()
    except Refusal as refusal:
        _log.warning("nbgroupchat cannot take posts: %s", refusal.message)


def kernel_headers(found: ConnectionFile) -> dict[str, str]:
    """Give what a kernel shows its server: the secret, and which kernel it is."""
    return {"Authorization": f"nbgroupchat {found.secret}", "X-Kernel-Id": kernel_id()}


def local_identity() -> Identity:
    """Give who this process is in the rooms of its own hub."""
    return Identity("local", own_name(), "kernel")


def kernel_id() -> str:
    """Give the id under which the server knows this kernel, or "" outside a kernel."""
    if "ipykernel" not in sys.modules:
        return ""
    from ipykernel.connect import get_connection_file

    try:
        return Path(get_connection_file()).stem.removeprefix("kernel-")
    except RuntimeError:  # ipykernel is loaded, and this is not its process
        return ""


def own_name() -> str:
    """Give the notebook's or the script's name."""
    session = os.environ.get("JPY_SESSION_NAME", "")
    script = "" if "ipykernel" in sys.modules else sys.argv[0]
    return PurePosixPath(session).stem or Path(script).stem.lstrip("-") or "notebook"
