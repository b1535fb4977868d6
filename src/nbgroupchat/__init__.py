"""Group chat in Jupyter notebooks with one local language model as a member of the room.

`%load_ext nbgroupchat` gives a notebook the magic `%chat`; `connect` joins a room from Python, and `ChatPanel` is the
panel as a widget. On a Jupyter server the package is also a server extension that hosts the rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbgroupchat.client import connect as connect
    from nbgroupchat.widget import ChatPanel as ChatPanel

__version__ = "0.1.0"
__all__ = ["ChatPanel", "__version__", "connect", "load_ipython_extension"]


def __getattr__(name: str) -> Any:
    # Lazily, so that neither a kernel nor a server loads what only the other needs.
    if name == "connect":
        from nbgroupchat.client import connect

        return connect
    if name == "ChatPanel":
        from nbgroupchat.widget import ChatPanel

        return ChatPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give a notebook the magic `%chat`; called by `%load_ext nbgroupchat`."""
    from nbgroupchat.magics import ChatMagics

    shell.register_magics(ChatMagics)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from nbgroupchat.server import NbGroupChat

    return [{"module": "nbgroupchat.server", "app": NbGroupChat}]
