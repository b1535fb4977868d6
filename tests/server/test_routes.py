"""Specification of every address: what it asks of whom, for each method and each credential."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.web import RequestHandler

from nbgroupchat.connection_file import ConnectionFile, path_for, write
from nbgroupchat.server import handlers
from nbgroupchat.server.extension import NbGroupChat
from nbgroupchat.server.routes import ROUTES, Route
from nbgroupchat.signalr.client import ConnectFailed
from tests.clients import SocketClient
from tests.jupyter import JupyterServer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EXAMPLES = {
    "?": "",
    "rooms/?": "rooms/",
    "rooms/([^/]+)": "rooms/lobby",
    "attachments/([^/]+)/([^/]+)": f"attachments/lobby/{'0' * 64}",
    "static/([a-z.]+)": "static/page.js",
}
"""An address that fits each pattern."""

IDS = [f"{route.path}{' upgrade' if route.upgrade else ''}" for route in ROUTES]


def upgrade() -> dict[str, str]:
    version = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    return {"Upgrade": "websocket", "Connection": "Upgrade", **version}


async def ask(server: JupyterServer, route: Route, method: str, headers: dict[str, str]) -> HTTPResponse:
    sent = headers | (upgrade() if route.upgrade or route.credential == "kernel secret" else {})
    body = b"" if method in ("POST", "PUT", "PATCH") else None
    address = f"{server.url}nbgroupchat/{EXAMPLES.get(route.path, route.path)}"
    request = HTTPRequest(address, method, sent, body=body, follow_redirects=False, request_timeout=20)
    return await AsyncHTTPClient().fetch(request, raise_error=False)


def strangers(server: JupyterServer) -> dict[str, dict[str, str]]:
    """Give what somebody may show who may not come in anywhere, or not where kernels do."""
    secret = json.loads((server.runtime / f"nbgroupchat-{server.process.pid}.json").read_text())["secret"]
    return {
        "nothing": {},
        "a wrong token": {"Authorization": "token wrong"},
        "a forged cookie": {"Cookie": f"username-127-0-0-1-{server.port}=forged; _xsrf=1", "X-XSRFToken": "1"},
        "a wrong secret": {"Authorization": "nbgroupchat wrong"},
        "the secret as a token": {"Authorization": f"token {secret}"},
        "the token as a secret": {"Authorization": f"nbgroupchat {server.token}"},
    }


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
async def test_who_is_nobody_gets_nothing(server: JupyterServer, route: Route) -> None:
    """No method of any address does anything for a stranger: 401, 403, 404, 405, or for pages the way to the login."""
    for credential, headers in strangers(server).items():
        for method in METHODS:
            answer = await ask(server, route, method, headers)
            login = answer.code == 302 and "login" in answer.headers["Location"]
            allowed = answer.code in (401, 403, 404, 405) or (login and route.credential == "page login")
            assert allowed, (credential, method, answer.code)


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
async def test_only_the_tables_methods_do_something(server: JupyterServer, route: Route) -> None:
    """For somebody who is signed in, a method that the table does not have is 405, or 404 where that would read."""
    for method in METHODS:
        if method not in route.methods:
            assert (await ask(server, route, method, server.login)).code in (403, 404, 405), method


@pytest.mark.parametrize("route", [route for route in ROUTES if route.credential == "kernel secret"])
async def test_a_login_opens_no_kernels_door(server: JupyterServer, route: Route) -> None:
    """People are not taken for kernels, and the kernels' secret opens no door of people."""
    assert (await ask(server, route, "GET", server.login)).code == 403
    secret = strangers(server)["the secret as a token"]["Authorization"].removeprefix("token ")
    for other in ROUTES:
        if other is not route:
            answer = await ask(server, other, next(iter(other.methods)), {"Authorization": f"nbgroupchat {secret}"})
            assert answer.code in (302, 403), other.path


def test_every_handler_is_in_the_table() -> None:
    """A handler that no route has, or a method that the table does not name, is a door that nobody looks at."""
    ours = {
        value for value in vars(handlers).values()
        if inspect.isclass(value) and issubclass(value, RequestHandler) and value.__module__ == handlers.__name__
    }  # fmt: skip
    assert {handler for handler in ours if not handler.__name__.startswith("_")} == {route.handler for route in ROUTES}
    for route in ROUTES:
        for method in METHODS:
            implemented = getattr(route.handler, method.lower()) is not getattr(RequestHandler, method.lower())
            assert implemented == (method in route.methods), (route.path, method)


ADDRESSES = """
import json
from jupyter_server.serverapp import ServerApp
from tornado.routing import PathMatches

app = ServerApp(jpserver_extensions={"nbgroupchat": True})
app.initialize(["--NbGroupChat.engine=off", "--allow-root"], find_extensions=False, new_httpserver=False)
rules = [rule for host in app.web_app.default_router.rules for rule in getattr(host.target, "rules", [])]
found = [(rule.matcher.regex.pattern, rule.target) for rule in rules if isinstance(rule.matcher, PathMatches)]
print(json.dumps([(pattern, f"{handler.__module__}.{handler.__name__}") for pattern, handler in found]))
"""
"""Says, in a process of its own, for it changes every logger, what a server with the extension answers at."""


def test_a_running_server_has_the_tables_routes_and_no_other(tmp_path: Path) -> None:
    """Whatever the server answers with a handler of ours, or at an address of ours, is an entry of the table."""
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    said = subprocess.run(
        [sys.executable, "-c", ADDRESSES], env=os.environ | folders, capture_output=True, text=True, check=True
    )
    found = [
        (pattern.removeprefix("/nbgroupchat/").removesuffix("$"), handler)
        for pattern, handler in json.loads(said.stdout.splitlines()[-1])
        if "nbgroupchat" in pattern or handler.startswith("nbgroupchat.")
    ]
    assert found == [(route.path, f"{handlers.__name__}.{route.handler.__name__}") for route in ROUTES]


def test_the_extension_adds_no_route_by_another_way() -> None:
    """Jupyter's own ways to add handlers and static folders are not used, so that the table is the only one."""
    assert NbGroupChat.handlers.default_value in (None, [], ()) or not NbGroupChat().handlers
    assert not NbGroupChat().static_paths


READERS = """
from jupyter_server.auth import Authorizer

class Readers(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return not (resource == "nbgroupchat" and action == {denied!r})

c.ServerApp.authorizer_class = Readers
"""


@pytest.mark.parametrize("denied", ["read", "write"])
async def test_jupyters_authorizer_is_asked(tmp_path: Path, denied: str) -> None:
    """What an authorizer denies of the resource is 403 on every route that asks for it, and the rest goes on."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text(READERS.format(denied=denied))
    with JupyterServer(tmp_path, "--NbGroupChat.engine=off") as server:
        for route in ROUTES:
            for method, action in route.methods.items():
                # An upgrade that is let in is no answer: it goes on.
                if action and not (route.upgrade and denied == "read"):
                    code = (await ask(server, route, method, server.login)).code
                    # A body for no connection is turned away before anybody is asked who may write.
                    refused = (400, 403) if (route.path, method) == ("hub", "POST") else (403,)
                    assert code in refused if action == denied else code != 403, (route.path, method, code)
        if denied == "read":
            await (await SocketClient.connect(server.hub, server.login)).connection.close()


async def test_a_stale_or_foreign_secret_opens_nothing(tmp_path: Path) -> None:
    """A secret of a server that has ended, or of another one that runs, is as good as none; each has its own."""
    secrets: list[str] = []
    for name in ("one", "two"):
        with JupyterServer(tmp_path / name, "--NbGroupChat.engine=off") as server:
            path = path_for(server.runtime, server.process.pid)
            found = ConnectionFile(**json.loads(path.read_text()))
            for foreign in secrets:
                # Also where its file claims to be this server's.
                write(tmp_path / "forged", ConnectionFile(found.pid, found.url, foreign))
                with pytest.raises(ConnectFailed) as failed:
                    await SocketClient.connect(found.url, {"Authorization": f"nbgroupchat {foreign}"})
                assert failed.value.status == 403
            kernel = await SocketClient.connect(found.url, {"Authorization": f"nbgroupchat {found.secret}"})
            assert (await kernel.join()).you.kind == "kernel"
            await kernel.connection.close()
            secrets.append(found.secret)
    assert len(set(secrets)) == 2
