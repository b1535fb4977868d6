"""SignalR for Tornado: a server endpoint and a small client, speaking the JSON hub protocol over WebSocket.

Usable alone: it needs Tornado and msgspec and knows nothing of chat, rooms or Jupyter. An `Application` returns a
`Session` for each `Connection`; `NegotiateHandler` and `SocketHandler` serve an `Endpoint`, and the server around them
says who the user is. Streaming, MessagePack and stateful reconnect are not offered. The parts:

    messages     bytes to values and back, no I/O
    keepalive    when to ping, when to give up
    application  the interfaces to build on
    connection   one connection, whatever the transport
    endpoint     all connections of a hub, and their tokens
    access       who is let in
    websocket    writing to a WebSocket
    handlers     the HTTP side
    client       the other end
"""

from nbgroupchat.signalr.application import Application, Reply, Session, Transport
from nbgroupchat.signalr.client import Client, ConnectFailed, ConnectionClosed, SignalRError, connect
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.endpoint import Endpoint, Refused
from nbgroupchat.signalr.handlers import NegotiateHandler, SocketHandler
from nbgroupchat.signalr.messages import Invocation, ProtocolError, encode_invocation

__all__ = [
    "Application",
    "Client",
    "ConnectFailed",
    "Connection",
    "ConnectionClosed",
    "Endpoint",
    "Invocation",
    "NegotiateHandler",
    "ProtocolError",
    "Refused",
    "Reply",
    "Session",
    "SignalRError",
    "SocketHandler",
    "Transport",
    "connect",
    "encode_invocation",
]
