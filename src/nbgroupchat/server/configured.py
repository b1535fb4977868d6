"""What a server of this person would run with: Jupyter's folders and configuration files, for whoever is no server."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_core.paths import jupyter_config_path, jupyter_data_dir
from jupyter_server.serverapp import ServerApp
from msgspec.structs import replace

from nbgroupchat.settings import Settings


def default_store() -> Path:
    """Give the file that is used where none is set."""
    return Path(jupyter_data_dir()) / "nbgroupchat" / "rooms.sqlite"


def configured() -> Settings:
    """Read the configuration as a server does, without one. Raises SettingsError."""
    from nbgroupchat.server.extension import NbGroupChat

    server = ServerApp()
    server.load_config_file()
    extension = NbGroupChat(config=server.config)
    settings = Settings(**{name: getattr(extension, name) for name in Settings.__struct_fields__})
    return replace(settings, store=settings.store or str(default_store()))


def enabled() -> bool:
    """Say whether Jupyter's servers load the extension."""
    found: dict[str, bool] = {}
    for folder in reversed(jupyter_config_path()):  # nearer ones come first and win
        files = [Path(folder) / "jupyter_server_config.json"]
        files = [*sorted(Path(folder, "jupyter_server_config.d").glob("*.json")), *files]
        for file in files:
            try:
                read = json.loads(file.read_text("utf-8"))
                found.update(read.get("ServerApp", {}).get("jpserver_extensions", {}))
            except (OSError, ValueError, AttributeError):
                continue
    return found.get("nbgroupchat", False)
