"""A real Jupyter server in a process of its own, with folders of its own, for tests."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# Jupyter prints its address before it listens there; these lines of the extension come afterwards.
_LISTENS = re.compile(r"nbgroupchat: rooms such as http://127\.0\.0\.1:(\d+)/|nbgroupchat is not running")

_ROOT = Path(__file__).parent.parent


class JupyterServer:
    """Started on entering, with `arguments` after its own; ended by its pid on leaving.

    `app` is `server`, `lab` or `notebook`. With `imports_tests` it can load classes of these tests.
    """

    def __init__(self, folder: Path, *arguments: str, app: str = "server", imports_tests: bool = False) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.lines: list[str] = []
        self.app = app
        self._arguments = arguments
        self._imports_tests = imports_tests
        self._running = threading.Event()

    def __enter__(self) -> JupyterServer:
        for name in ("config", "data", "runtime", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if self.app != "server":
            # The news would be asked for over the network, and their dialog would lie over the notebook.
            page = self.folder / "config" / "labconfig" / "page_config.json"
            page.parent.mkdir()
            page.write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
        self.process = subprocess.Popen(
            self._command(), env=self._environment(), cwd=self.folder / "work", text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._running.wait(100):
            raise RuntimeError("the Jupyter server did not start:\n" + "\n".join(self.lines))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """End the server as a service manager does, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise RuntimeError("the Jupyter server did not end:\n" + "\n".join(self.lines)) from None
        finally:
            self._reader.join(60)
            if self.process.stdout is not None:
                self.process.stdout.close()

    @property
    def runtime(self) -> Path:
        """The folder of the server's connection files."""
        return self.folder / "runtime"

    @property
    def url(self) -> str:
        """Where the server is, with a slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def hub(self) -> str:
        """Where its hub's WebSocket is."""
        return f"ws://127.0.0.1:{self.port}/nbgroupchat/hub"

    @property
    def login(self) -> dict[str, str]:
        """The header that signs a program in."""
        return {"Authorization": f"token {self.token}"}

    @property
    def log(self) -> str:
        """Everything the server has printed."""
        return "\n".join(self.lines)

    def _command(self) -> Sequence[str]:
        return (
            sys.executable, "-m", "jupyter", self.app, "--allow-root", "--no-browser", "--ip=127.0.0.1", "--port=0",
            "--ServerApp.port_retries=0", *self._arguments,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "NBGROUPCHAT"))}
        if self._imports_tests:
            kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH"))))
        return kept | {
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_PLATFORM_DIRS": "1",
            "JUPYTER_TOKEN": self.token,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if not self._running.is_set() and (found := _LISTENS.search(line)):
                self.port = int(found[1] or 0)
                self._running.set()
