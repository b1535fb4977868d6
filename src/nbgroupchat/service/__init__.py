"""The one service of a JupyterHub: everybody's rooms and one model, for the single-user servers that pass people on.

It speaks to the Hub over HTTP alone and imports nothing of JupyterHub, so it runs wherever the Hub can be reached.
"""

KIND_HEADER = "X-NbGroupChat-Kind"
"""What a single-user server says with a kernel's connection, that it is one; sent by `server.uplink`."""
