"""The Jupyter server extension: one hub in the server's process, shared by every kernel and browser on it."""

from nbgroupchat.server.extension import NbGroupChat

__all__ = ["NbGroupChat"]
