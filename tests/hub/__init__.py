"""A class: a real JupyterHub behind its real proxy, everybody with a server of their own, and the one service."""
