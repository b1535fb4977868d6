"""SignalR for Tornado: a server endpoint and a small client, speaking the JSON hub protocol.

Usable alone: it needs Tornado and msgspec and knows nothing of chat, rooms or Jupyter. An `Application` returns a
`Session` for each `Connection`; `NegotiateHandler`, `SocketHandler` (WebSocket) and `HttpHandler` (Server-Sent Events
and long polling) serve an `Endpoint`, and the server around them says who the user is:

    Application([
        ("/hub/negotiate", Negotiate, {"endpoint": endpoint}),
        (SocketPath("/hub"), Socket, {"endpoint": endpoint}),
        ("/hub", Http, {"endpoint": endpoint}),
    ])

The client speaks WebSocket alone. Streaming, MessagePack and stateful reconnect are not offered. The parts:

    messages     bytes to values and back, no I/O
    keepalive    when to ping, when to give up
    application  the interfaces to build on
    connection   one connection, whatever the transport
    endpoint     all connections of a hub, and their tokens
    access       who is let in
    websocket    writing to a WebSocket
    backlog      what waits for a request to take it
    eventstream  Server-Sent Events
    longpolling  one answer to each request
    handlers     negotiation and WebSocket as requests
    http         the other transports as requests
    client       the other end
"""

from nbgroupchat.signalr.application import Application, Reply, Session, Transport
from nbgroupchat.signalr.client import Client, ConnectFailed, ConnectionClosed, SignalRError, connect
from nbgroupchat.signalr.connection import Connection
from nbgroupchat.signalr.endpoint import Endpoint, Refused
from nbgroupchat.signalr.handlers import NegotiateHandler, SocketHandler
from nbgroupchat.signalr.http import HttpHandler, SocketPath
from nbgroupchat.signalr.messages import Invocation, ProtocolError, encode_invocation

__all__ = [
    "Application",
    "Client",
    "ConnectFailed",
    "Connection",
    "ConnectionClosed",
    "Endpoint",
    "HttpHandler",
    "Invocation",
    "NegotiateHandler",
    "ProtocolError",
    "Refused",
    "Reply",
    "Session",
    "SignalRError",
    "SocketHandler",
    "SocketPath",
    "Transport",
    "connect",
    "encode_invocation",
]
