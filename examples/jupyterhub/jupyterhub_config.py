"""A class on one machine, for trying out: `make classroom`, then sign in as teacher, ana or ben, with any password.

Everybody gets a JupyterLab of their own, as a process of this user, so nobody is protected from anybody here: use an
authenticator and a spawner of a real deployment (docs/jupyterhub.md) for people you do not know.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  # JupyterHub gives it

HERE = Path(__file__).parent
STATE = Path(os.environ.get("CLASSROOM_STATE", HERE / "state"))
"""Everything that this hub writes, and the people's folders."""

STATE.mkdir(parents=True, exist_ok=True)
PORT = int(os.environ.get("CLASSROOM_PORT", "8000"))
HUB_PORT, PROXY_PORT, SERVICE_PORT = PORT + 1, PORT + 2, PORT + 3
SERVICE_URL = f"http://127.0.0.1:{SERVICE_PORT}"

# The hub and its proxy, on this machine alone.
c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{HUB_PORT}"
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PROXY_PORT}"
c.ConfigurableHTTPProxy.command = [str(HERE / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")

# Anybody may be one of these three.
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {"teacher", "ana", "ben"}
c.JupyterHub.load_groups = {
    "course-101": {"users": ["ana", "ben"]},
    "course-101-instructors": {"users": ["teacher"]},
}

# Everybody's own server, which passes its chat on to the service.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if os.getuid() == 0 else []
c.Spawner.default_url = "/lab"
c.Spawner.environment = {"NBGROUPCHAT_SERVICE": f"{SERVICE_URL}/services/nbgroupchat/"}

# The one service with the rooms and the model.
c.JupyterHub.services = [
    {
        "name": "nbgroupchat",
        "url": SERVICE_URL,
        "command": [sys.executable, "-m", "nbgroupchat.service"],
        "environment": {"NBGROUPCHAT_STORE": str(STATE / "rooms.sqlite")},
        "display": False,  # its address is for servers, not for people
    }
]
MAY_CHAT = "access:services!service=nbgroupchat"
c.JupyterHub.load_roles = [
    {"name": "nbgroupchat", "services": ["nbgroupchat"], "scopes": ["read:users:name", "read:users:groups"]},
    {"name": "user", "scopes": ["self", MAY_CHAT]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", MAY_CHAT]},
]
