"""The way of a server's messages into a WebSocket: frames, and how far behind the reader is.

Tornado's `write_message` makes a task for each message, and its stream a future for each write: most of the cost when
one stream has many readers. So frames are made here (RFC 6455 section 5.2: text, final, not masked, not compressed) and
offered to the operating system at once. What it does not take waits in the stream, whose future tells when that has
left. This module knows nothing of SignalR.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from functools import lru_cache, partial

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketHandler

HIGH_WATER = 256 * 1024
"""Bytes not yet taken by the operating system above which the reader is behind."""

LOW_WATER = 64 * 1024
"""Bytes at which it has caught up."""

_TEXT = 0x81
_MAX_REASON = 123  # RFC 6455 section 5.5: a control frame carries 125 bytes, two of them the code


class WebSocketTransport:
    """Writes to the opened WebSocket of a handler.

    `drained` is called when a reader that was behind has caught up, `lost` when the socket is closed, which a handler
    that is busy with a message, and so not reading, would not notice.
    """

    __slots__ = ("_backlog", "_behind", "_drained", "_handler", "_stream")

    def __init__(self, handler: WebSocketHandler, drained: Callable[[], None], lost: Callable[[], None]) -> None:
        protocol = handler.ws_connection
        if protocol is None or protocol.stream is None:
            raise RuntimeError("the WebSocket is not open")
        self._handler = handler
        self._stream: IOStream = protocol.stream
        self._drained = drained
        self._backlog = 0  # bytes of frames that have not left, each counted whole until its last byte has
        self._behind = False
        self._stream.set_close_callback(lost)

    def write(self, payload: bytes) -> bool:
        """Send one text frame; False when the reader is behind or gone."""
        protocol = self._handler.ws_connection
        if protocol is None or protocol.is_closing():
            return False
        frame = encode_frame(payload)
        taken = self._offer(frame)
        if taken < len(frame):
            rest = memoryview(frame)[taken:] if taken else frame
            try:
                written = self._stream.write(rest)
            except StreamClosedError:
                return False
            if not written.done():
                self._backlog += len(rest)
                self._behind = self._behind or self._backlog > HIGH_WATER
                written.add_done_callback(partial(self._left, len(rest)))
        return not self._behind

    def _offer(self, frame: bytes) -> int:
        """Give the operating system what it takes of a frame now, in bytes; nothing where others wait before it."""
        if self._stream.closed() or self._stream.writing():
            return 0
        try:
            return self._stream.write_to_fd(memoryview(frame))
        except OSError:
            # The stream meets it again, and knows what it means.
            return 0

    def close(self, code: int, reason: str) -> None:
        """Send the close frame; Tornado closes the socket when it was answered, or after five seconds."""
        self._handler.close(code, reason.encode()[:_MAX_REASON].decode(errors="ignore"))

    def _left(self, size: int, _written: asyncio.Future[None]) -> None:
        self._backlog -= size
        if self._behind and self._backlog <= LOW_WATER and not self._stream.closed():
            self._behind = False
            self._drained()


@lru_cache(maxsize=4)
def encode_frame(payload: bytes) -> bytes:
    """Return `payload` as one text frame of a server; the newest are kept, for most go to many."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _TEXT, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload
