"""Starts JupyterLab with the quickstart notebook and the real model, and prints the addresses to open."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "notebooks" / "01_quickstart.ipynb"
FOLDER = ROOT / "demo"
"""Where people work in the demo: copies, so that the notebook of the repository stays as it is."""

PEOPLE = ("ana", "ben")


def free_port(first: int = 8888) -> int:
    """Give the first port from `first` on that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise SystemExit(f"No port from {first} to {first + 99} is free. End another server and try again.")


def main() -> None:
    """Become the server."""
    FOLDER.mkdir(exist_ok=True)
    for person in PEOPLE:
        if not (FOLDER / f"{person}.ipynb").exists():
            shutil.copyfile(QUICKSTART, FOLDER / f"{person}.ipynb")
    port, token = free_port(), secrets.token_hex(16)
    base = f"http://127.0.0.1:{port}"
    ana, ben = (f"{base}/lab/workspaces/{person}/tree/{person}.ipynb?token={token}" for person in PEOPLE)
    print(
        f"""
Two people, one room, one llama. Open one address here, the other in a second browser or a private window:

  Ana's notebook  {ana}
  Ben's notebook  {ben}
  the room alone  {base}/nbgroupchat/rooms/lobby?token={token}

The server is up when its log says where the rooms are. Run the cells, set your name below the chat, say
hello, and ask with @llama. Ctrl+C here ends the server; the notebooks and the room stay in {FOLDER.name}/.
""",
        flush=True,
    )
    # It ends at once on Ctrl+C, and in order: it asks nothing, and nobody kills it.
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "-y"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={FOLDER}"]
    command.append(f"--NbGroupChat.store={FOLDER / '.rooms' / 'rooms.sqlite'}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # Not on the command line, which everybody on the machine can read.
        "JUPYTER_TOKEN": token,
    }
    os.execvpe(command[0], [*command, *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
