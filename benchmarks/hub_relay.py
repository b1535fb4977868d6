"""A single-user server's relay for measurements, without Jupyter: our `Uplink` behind our WebSocket handler.

`python -m benchmarks.hub_relay PORT NAME` passes everybody on to the server at that port, as the user NAME; it prints
its own port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from nbgroupchat.policy import Identity
from nbgroupchat.protocol import MAX_FRAME
from nbgroupchat.server.uplink import Service, Uplink
from nbgroupchat.signalr import SocketHandler


class Socket(SocketHandler):
    """The owner's door."""

    owner = ""

    def signalr_user(self) -> Identity:
        """Take everybody for the owner."""
        return Identity(self.owner, self.owner)

    def signalr_user_key(self) -> str:
        """Take everybody for the owner."""
        return self.owner

    def signalr_origin_optional(self) -> bool:
        """Let programs in."""
        return True


async def serve(port: int, owner: str) -> None:
    """Serve until standard input ends."""
    Socket.owner = owner
    uplink = Uplink(Service(f"http://127.0.0.1:{port}/hub?user={owner}", owner, "none is asked for"), MAX_FRAME)
    [listening] = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/hub", Socket, {"endpoint": uplink})], log_function=lambda _handler: None))
    server.add_sockets([listening])
    print(listening.getsockname()[1], flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.stop()
    uplink.close_all()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
