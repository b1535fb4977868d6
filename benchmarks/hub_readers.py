"""Readers of a hub in a process of their own, on raw sockets: they count, take times, and understand next to nothing,
so that hundreds of them leave a core to the server.

`python -m benchmarks.hub_readers PORT` carries out the methods of `Readers` that it is told on its standard input, a
JSON array `[name, {arguments}]` a line, and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import re
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

SEPARATOR = b"\x1e"
LIVE = '"type":"live"'
PIECE = '"type":"delta"'
CLOSED = '"type":"reply_closed"'

_PING_ROUND = 10.0
"""Within how many seconds each reader says that it is there; the server wants to hear it within 30."""

_PING_TURNS = 100
_MOST = 120.0
_ANSWER = b'"type":3,"invocationId"'
_TAIL = len(_ANSWER) - 1
_REPLY = re.compile(rb'"type":"delta","id":"([^"]*)"')
_DELTA = re.compile(rb'"type":"delta"[^}]*?"text":"([^"]*)"')


class Reader:
    """One WebSocket that is read as bytes."""

    def __init__(self, port: int, path: str, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
            if not answer.startswith(b"HTTP/1.1 101"[: len(answer)]):
                raise ConnectionError(f"no WebSocket at {path}: {answer!r}")
        self.socket.setblocking(False)
        self.number = self.socket.fileno()
        self.tail = b""
        self.wanted = b""
        """What it waits for."""
        self.pings = path.startswith("/hub")
        self.stalled = False

    def say(self, message: object) -> None:
        """Send a SignalR message."""
        payload = json.dumps(message).encode() + SEPARATOR
        size = len(payload)
        # RFC 6455 section 5.2: text, final, masked with a key that changes nothing.
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        self.socket.sendall(head + bytes(4) + payload)

    def invoke(self, target: str, **fields: object) -> None:
        """Invoke a method of the hub."""
        self.say({"type": 1, "invocationId": "0", "target": target, "arguments": [fields]})


class Readers:
    """Groups of readers, by name; a method takes from all of them until what it waits for has come."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._groups: dict[str, list[Reader]] = {}
        self._readers: dict[int, Reader] = {}
        self._polling = select.epoll()
        self._taken: list[tuple[int, Reader, bytes]] = []
        self._ping_turn = 0
        self._next_ping = time.monotonic()

    def open(
        self,
        group: str,
        count: int,
        rooms: list[str],
        path: str = "/hub",
        join: bool = True,
        receive_buffer: int = 0,
        ports: list[int] | None = None,
    ) -> None:
        """Let so many more join, spread over the rooms and, where there are some, over relays; or only connect."""
        doors = ports or [self._port]
        readers = self._groups.setdefault(group, [])
        new = []
        for place in range(len(readers), len(readers) + count):
            reader = Reader(doors[place % len(doors)], f"{path}?user={group}{place}", receive_buffer)
            readers.append(reader)
            new.append(reader)
            self._readers[reader.number] = reader
            self._polling.register(reader.number, select.EPOLLIN)
            if path == "/hub":
                reader.say({"protocol": "json", "version": 1})
                if join:
                    reader.invoke("join", room=rooms[place % len(rooms)], wire=1)
                    reader.wanted = LIVE.encode()
            self._take(0)
        self._until_heard(new)

    def close(self, group: str) -> None:
        """Let a group go."""
        for reader in self._groups.pop(group):
            del self._readers[reader.number]
            reader.socket.close()

    def ask(self, group: str, room: str, text: str, until: str = CLOSED) -> dict[str, Any]:
        """Let the first of a group say something, and take until all of it have heard what is waited for."""
        return self._collect(self._groups[group], until, [lambda reader: _post(reader, room, text)])

    def join(self, group: str, room: str) -> dict[str, Any]:
        """Let all of a group join at once, and take until the last is live."""
        readers = self._groups[group]
        return self._collect(readers, LIVE, [lambda reader: reader.invoke("join", room=room, wire=1)] * len(readers))

    def hear(self, group: str, until: str = CLOSED) -> dict[str, Any]:
        """Take until all of a group have heard what is waited for."""
        return self._collect(self._groups[group], until, [])

    def flood(self, group: str, room: str, count: int, text: str) -> None:
        """Let the first of a group say so much, and take until the others of it have it."""
        readers = self._groups[group]
        for number in range(1, count + 1):
            found = f"flood {number} {time.monotonic_ns()}"
            self._collect(readers, found, [lambda reader, found=found: _post(reader, room, f"{text} {found}")])  # type: ignore[misc]

    def begin(self, group: str, room: str, text: str) -> None:
        """Let the first of a group say something, and wait for nothing."""
        _post(self._groups[group][0], room, text)

    def cancel(self, group: str, room: str) -> dict[str, Any]:
        """Let the first of a group stop the reply that it reads, and take until it is closed."""
        first = self._groups[group][0]
        self._collect([first], PIECE, [])
        taken = b"".join(data for _, reader, data in self._taken if reader is first)
        reply = _REPLY.findall(taken)[-1].decode()
        return self._collect([first], CLOSED, [lambda reader: reader.invoke("cancel", room=room, id=reply)])

    def first_text(self, group: str) -> str:
        """Give the messages that the first of a group took last."""
        first = self._groups[group][0]
        taken = b"".join(data for _, reader, data in self._taken if reader is first)
        return SEPARATOR.decode().join([*(text.decode() for text in _messages(taken)), ""])

    def lags(self, group: str, percent: int = 99) -> dict[str, float]:
        """Give how late the pieces came that a group took last, in milliseconds: the percentile over all readers."""
        carried: dict[Reader, bytes] = {}
        known: dict[bytes, list[int]] = {}
        late: list[int] = []
        wanted = {reader for reader in self._groups[group] if not reader.stalled}
        for now, reader, data in self._taken:
            if reader not in wanted:
                continue
            whole, separator, rest = (carried.pop(reader, b"") + data).rpartition(SEPARATOR)
            if rest:
                carried[reader] = rest
            if not separator:
                continue
            if whole not in known:
                known[whole] = [int(stamp) for text in _DELTA.findall(whole) for stamp in text.split()]
            late += [now - stamp for stamp in known[whole]]
        late.sort()
        return {"lag_ms": late[min(len(late) - 1, len(late) * percent // 100)] / 1e6, "pieces": len(late)}

    def stall(self, group: str, count: int) -> None:
        """Let the last of a group stop reading."""
        for reader in self._groups[group][-count:]:
            reader.stalled = True
            self._polling.unregister(reader.number)

    def resume(self, group: str) -> dict[str, int]:
        """Let those that had stopped read what they missed, until its end; gives how many frames it was."""
        stalled = [reader for reader in self._groups[group] if reader.stalled]
        for reader in stalled:
            reader.stalled = False
            self._polling.register(reader.number, select.EPOLLIN)
        found = self._collect(stalled, CLOSED, [])
        return {"frames": found["frames"] // len(stalled) if stalled else 0}

    def posts(self, group: str, rooms: list[str], seconds: float) -> dict[str, float]:
        """Let each of a group post again as soon as its post is acknowledged; gives acknowledged posts and seconds."""
        readers = self._groups[group]
        places = {reader: place for place, reader in enumerate(readers)}
        self._taken.clear()
        start = time.monotonic()
        number = acknowledged = 0
        for reader, place in places.items():
            number += 1
            _post(reader, rooms[place % len(rooms)], f"post {number}", number)
        waiting = len(readers)
        while waiting:
            ending = time.monotonic() - start > seconds
            for reader, seen in self._take(0.1):
                for _ in range(seen.count(_ANSWER)):
                    acknowledged += 1
                    if ending:
                        waiting -= 1
                    else:
                        number += 1
                        _post(reader, rooms[places[reader] % len(rooms)], f"post {number}", number)
        return {"posts": acknowledged, "seconds": time.monotonic() - start}

    def _collect(self, readers: list[Reader], until: str, saying: list[Callable[[Reader], None]]) -> dict[str, Any]:
        self._taken.clear()
        waiting = [reader for reader in readers if not reader.stalled]
        for reader in waiting:
            reader.tail, reader.wanted = b"", until.encode()
        start = time.monotonic_ns()
        for say, reader in zip(saying, readers, strict=False):
            say(reader)
        self._until_heard(waiting)
        mine = set(waiting)
        taken = [(now, data) for now, reader, data in self._taken if reader in mine]
        return {
            "frames": sum(data.count(SEPARATOR) for _, data in taken),
            "bytes": sum(len(data) for _, data in taken),
            "seconds": (taken[-1][0] - taken[0][0]) / 1e9 if taken else 0.0,
            "since_start": (taken[-1][0] - start) / 1e9 if taken else 0.0,
        }

    def _until_heard(self, readers: list[Reader]) -> None:
        """Take until each of the readers has heard what it waits for. Raises TimeoutError."""
        waiting = {reader for reader in readers if reader.wanted}
        end = time.monotonic() + _MOST
        while waiting:
            waiting.difference_update([reader for reader, _ in self._take(0.1) if not reader.wanted])
            if time.monotonic() > end:
                wanted = next(iter(waiting)).wanted
                raise TimeoutError(f"{len(waiting)} of {len(readers)} have not heard {wanted!r} in {_MOST:g} s")

    def _take(self, timeout: float) -> list[tuple[Reader, bytes]]:
        """Take what has come, and give it with the end of what each of them had taken before."""
        found = []
        for number, _ in self._polling.poll(timeout):
            reader = self._readers[number]
            data = reader.socket.recv(262_144)
            now = time.monotonic_ns()
            if not data:
                raise ConnectionError("the server has closed a connection")
            self._taken.append((now, reader, data))
            # What is looked for may come in two parts.
            seen = reader.tail + data
            reader.tail = seen[-_TAIL:]
            if reader.wanted and reader.wanted in seen:
                reader.wanted = b""
            found.append((reader, seen))
        self._ping()
        return found

    def _ping(self) -> None:
        """Let those speak whose turn it is: a few at a time, as the pages of many people do."""
        now = time.monotonic()
        while self._next_ping <= now:
            self._next_ping += _PING_ROUND / _PING_TURNS
            self._ping_turn = (self._ping_turn + 1) % _PING_TURNS
            for reader in self._readers.values():
                if reader.pings and reader.number % _PING_TURNS == self._ping_turn:
                    reader.say({"type": 6})


def _post(reader: Reader, room: str, text: str, number: int = 0) -> None:
    reader.invoke("post", room=room, cid=f"{reader.number}-{number or time.monotonic_ns()}", text=text)


def _messages(data: bytes) -> Iterator[bytes]:
    """Take the messages out of a server's frames."""
    while data:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10]), 10
        yield data[start : start + size].removesuffix(SEPARATOR)
        data = data[start + size :]


def main() -> None:
    """Do what is told, line by line."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    readers = Readers(int(sys.argv[1]))
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(getattr(readers, name)(**arguments)), flush=True)


if __name__ == "__main__":
    main()
