"""The example of `examples/jupyterhub` in a process of its own, with folders and ports of its own, for tests."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil  # type: ignore[import-untyped]  # it has no types

EXAMPLE = Path(__file__).parents[2] / "examples" / "jupyterhub"
SERVICE = "services/nbgroupchat/"
WORKER = "nbgroupchat.engines.llama_worker"

_SETTINGS = """
load_subconfig({example!r})
c.Spawner.args = [*c.Spawner.args, "--LabApp.expose_app_in_browser=True"]
c.JupyterHub.services[0]["environment"].update({environment!r})
c.JupyterHub.services = [*c.JupyterHub.services, {{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    *c.JupyterHub.load_roles,
    {{
        "name": "test",
        "services": ["test"],
        "scopes": [
            "admin:users", "admin:servers", "access:servers", "tokens", "admin:groups", "read:metrics",
            "access:services",
        ],
    }},
]
"""

_LISTENS = re.compile(r"JupyterHub is now running at|exited with status|Failed to start")


class Classroom:
    """Started on entering, ended by its pid on leaving. `environment` is the service's, beside the example's."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.port = free_ports(4)
        self.lines: list[str] = []
        self.tokens: list[str] = []
        """All that people were given by `token_for`."""
        self._environment = environment
        self._running = threading.Event()

    def __enter__(self) -> Classroom:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "config.py"
        example = str(EXAMPLE / "jupyterhub_config.py")
        config.write_text(_SETTINGS.format(example=example, environment=self._environment, token=self.token))
        for person in ("teacher", "ana", "ben"):
            # The news would be asked for over the network, and their dialog would lie over the notebook.
            page = self.home(person) / ".jupyter" / "labconfig" / "page_config.json"
            page.parent.mkdir(parents=True)
            page.write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "NBGROUPCHAT"))}
        self.process = subprocess.Popen(
            (sys.executable, "-m", "jupyterhub", "--config", str(config)),
            env=kept | {"CLASSROOM_STATE": str(self.folder / "state"), "CLASSROOM_PORT": str(self.port)},
            cwd=self.folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._running.wait(60) or self.process.poll() is not None:
            self.stop()
            raise RuntimeError("JupyterHub did not start:\n" + self.log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the hub, which ends its proxy, its service and everybody's server, and whatever it has left."""
        family = self.family()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            for left in family:
                if left.is_running():
                    left.kill()
            self.process.wait(10)
            self._reader.join(5)
            if self.process.stdout is not None:
                self.process.stdout.close()

    @property
    def url(self) -> str:
        """Where people go, with a slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def service(self) -> str:
        """The WebSocket of the service, through the proxy."""
        return f"ws://127.0.0.1:{self.port}/{SERVICE}hub"

    @property
    def log(self) -> str:
        """Everything the hub, its proxy, its service and the servers have printed."""
        return "\n".join(self.lines)

    def home(self, person: str) -> Path:
        """Give somebody's folder."""
        return self.folder / "state" / person

    def family(self) -> list[psutil.Process]:
        """Give every process of the class."""
        try:
            found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
            return found
        except psutil.NoSuchProcess:
            return []

    def processes(self, module: str) -> list[psutil.Process]:
        """Give the processes of the class that run a module."""
        found = []
        for process in self.family():
            try:
                if module in process.cmdline():
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask the Hub as its administrator, and give the answer."""
        headers = {"Authorization": f"token {self.token}"}
        code, answer = self.ask(f"hub/api/{path}", method, headers, None if body is None else json.dumps(body))
        assert code < 400, (method, path, code, answer)
        return json.loads(answer) if answer else None

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> tuple[int, str]:
        """Make a request through the proxy, and give the status and the text of its answer."""
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.url + path, data, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def start_server(self, person: str) -> None:
        """Start somebody's server, unless it runs, and wait for the end of the Hub's stream of progress."""
        if self.api("GET", f"users/{person}")["server"]:
            return
        self.api("POST", f"users/{person}/server")
        told = self.ask(f"hub/api/users/{person}/server/progress", headers={"Authorization": f"token {self.token}"})[1]
        assert '"ready": true' in told, told + self.log

    def token_for(self, person: str) -> dict[str, str]:
        """Give the header of a new token of somebody's, as they make one themselves."""
        found = self.api("POST", f"users/{person}/tokens", {"note": "a test's"})
        self.tokens.append(found["token"])
        return {"Authorization": f"token {found['token']}"}

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if _LISTENS.search(line):
                self._running.set()
        self._running.set()


def free_ports(number: int) -> int:
    """Give the first of some ports in a row that nobody listens at."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
        try:
            for following in range(port, port + number):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", following))
        except (OSError, OverflowError):
            continue
        return port
