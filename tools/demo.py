"""Starts JupyterLab with the quickstart notebook and the real model, and prints the addresses to open."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def free_port(first: int = 8888) -> int:
    """Give the first port from `first` on that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise SystemExit(f"No port from {first} to {first + 99} is free. End another server and try again.")


def main() -> int:
    """Run the server until it is interrupted."""
    port, token = free_port(), secrets.token_hex(16)
    base = f"http://127.0.0.1:{port}"
    print(
        f"""
Two people, one room, one llama. Open these in two browsers (or one of them in a private window):

  the notebook    {base}/lab/tree/01_quickstart.ipynb?token={token}
  the room alone  {base}/nbgroupchat/rooms/lobby?token={token}

Run the notebook's cells, say hello, and ask with @llama. Ctrl+C ends the server.
""",
        flush=True,
    )
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={NOTEBOOKS}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        return subprocess.run([*command, *sys.argv[1:]], env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
