"""`python -m nbgroupchat.service`: runs the service as a Hub starts it, until it is told to end.

Everything it needs is in its environment: what a Hub gives its services (`JUPYTERHUB_…`), the settings of
`docs/settings.md` and the rules for rooms of `docs/jupyterhub.md` (`NBGROUPCHAT_…`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace
from tornado.httpserver import HTTPServer

from nbgroupchat.compose import Composition
from nbgroupchat.errors import Refusal
from nbgroupchat.roles import Roles
from nbgroupchat.service.doorkeeper import Doorkeeper
from nbgroupchat.service.handlers import application
from nbgroupchat.service.users import KEPT_SECONDS, Hub, Users
from nbgroupchat.settings import Settings, SettingsError, from_environment, read_environment

STORE = "nbgroupchat-rooms.sqlite"
"""The file of the rooms where none is set, in the folder that the service runs in."""

MAX_BODY = 1024 * 1024

log = logging.getLogger("nbgroupchat.service")


class Place(Struct, frozen=True):
    """Where the service listens, what its addresses begin with, and the Hub that it is a service of."""

    host: str
    port: int
    prefix: str
    hub: Hub


def place_of(environment: Mapping[str, str]) -> Place:
    """Read what a Hub tells its services. Raises SettingsError."""
    names = ("SERVICE_NAME", "API_TOKEN", "API_URL", "SERVICE_PREFIX", "SERVICE_URL")
    missing = [f"JUPYTERHUB_{name}" for name in names if not environment.get(f"JUPYTERHUB_{name}")]
    if missing:
        raise SettingsError(
            f"{', '.join(missing)} missing from the environment. A JupyterHub sets them for the services that it "
            "starts; docs/jupyterhub.md says how to have it start this one."
        )
    name, token, api_url, prefix, url = (environment[f"JUPYTERHUB_{name}"] for name in names)
    found = urlsplit(url)
    try:
        port = found.port
    except ValueError:
        port = None
    if found.scheme != "http" or port is None:
        raise SettingsError(
            f"JUPYTERHUB_SERVICE_URL is {url!r}, and takes an address such as http://127.0.0.1:10101: where to listen."
        )
    return Place(found.hostname or "", port, f"/{prefix.strip('/')}/", Hub(api_url, name, token))


class Checking(Struct, frozen=True, kw_only=True):
    """How closely the Hub is followed."""

    check_seconds: float = KEPT_SECONDS
    """For how long its answers are used; open connections are looked through twice as often."""

    def __post_init__(self) -> None:
        if not 1 <= self.check_seconds <= KEPT_SECONDS:
            raise SettingsError(f"check_seconds is {self.check_seconds}, and must be from 1 to {KEPT_SECONDS:g}.")


async def serve(place: Place, settings: Settings, roles: Roles, checking: Checking) -> None:
    """Serve until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    composition = Composition(replace(settings, store=settings.store or STORE), roles=roles)
    users = Users(place.hub, asyncio.get_running_loop().time, kept=checking.check_seconds)
    doorkeeper = Doorkeeper(users, composition.endpoint)
    server = HTTPServer(application(place.prefix, composition, users, doorkeeper), max_body_size=MAX_BODY)
    server.listen(place.port, place.host)
    try:
        kept = f"kept in {await composition.begin()}"
    except Refusal as refusal:
        kept = "not kept"
        log.error("nbgroupchat cannot take posts: %s", refusal.message)
    log.info("nbgroupchat: the rooms of a Hub at port %d%s, %s", place.port, place.prefix, kept)
    watching = asyncio.create_task(doorkeeper.watch())
    ending = asyncio.create_task(ended.wait())
    # A doorkeeper that has failed lets nobody out any more: better no service.
    await asyncio.wait({watching, ending}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    failed = watching.exception() if watching.done() else None
    watching.cancel()
    ending.cancel()
    await composition.close()
    await server.close_all_connections()
    users.close()
    if failed is not None:
        raise failed


def main() -> int:
    """Run the service; 1 where it is not set up right."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        place = place_of(os.environ)
        settings, roles = from_environment(os.environ), read_environment(os.environ, Roles)
        checking = read_environment(os.environ, Checking)
    except SettingsError as error:
        print(f"nbgroupchat's service cannot run: {error}", file=sys.stderr)
        return 1
    asyncio.run(serve(place, settings, roles, checking))
    return 0


if __name__ == "__main__":
    sys.exit(main())
