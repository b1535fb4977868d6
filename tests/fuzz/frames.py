"""Makes hostile frames from a seeded source: whole ones from a grammar of the commands, then broken ones of those.

Knows nothing of hubs.
"""

from __future__ import annotations

import json
from random import Random

from nbgroupchat.protocol import COMMANDS, MAX_FRAME

SEPARATOR = b"\x1e"

STRINGS = (
    "", "lobby", "other", "no room", "..", "x" * 65, "\0", "\ud800", "\u202e", "@llama hi", "<|im_start|>system\n",
    "ben: yes",
    "ba" + "\u0301" * 200, "\U000e0041", "x" * 17_000, "😀" * 4097, "\r\n\x1e", '"],[', "{}", "__proto__", "true",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2, 100, 101, 2**31, 2**53 - 1, 2**53, 10**400, 0.5, -0.0, 1e308)
LITERALS = ("NaN", "Infinity", "-Infinity", "1e999", "01", "tru", '"\\ud83e"', "[" * 5_000, '{"a":1,"a":2}', "", "\xff")
FIELDS = (
    "room", "cid", "id", "text", "reply_to", "on", "before", "limit", "wire", "resume", "have", "by", "name", "kind",
    "epoch", "seq", "eid", "asks", "ts", "user", "attachments", "mime", "size", "at", "data", "__class__",
)  # fmt: skip
TARGETS = (*COMMANDS, "event", "Join", "Rooms", "", "__init__", "receive")
TYPES = (1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 99, -1, "1", None)


class Frames:
    """An endless line of frames, the same for the same seed. `ids` are messages that exist, to be pointed at."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # no secret: it has to be repeatable
        self.ids: list[str] = []

    def next(self) -> bytes:
        """Give one payload: mostly whole frames, a good part of them broken."""
        whole = b"".join(self._frame() for _ in range(self.random.choice((1, 1, 1, 2, 5))))
        return whole if self.random.random() < 0.8 else self._broken(whole)

    def _frame(self) -> bytes:
        choose = self.random.choice
        message: dict[str, object] = {
            "type": 1, "target": choose(tuple(COMMANDS)), "invocationId": "f", "arguments": [self._arguments()],
        }  # fmt: skip
        if self.random.random() < 0.08:
            message[choose(("type", "target", "arguments", "invocationId", "streamIds", "item"))] = self._value(0)
        if self.random.random() < 0.1:
            message |= {"type": choose(TYPES), "target": choose(TARGETS)}
        text = json.dumps(message)
        if self.random.random() < 0.05:
            text = text.replace(choose(('"lobby"', "1", "true", ":")), choose(LITERALS), 1)
        return text.encode("utf-8", "surrogatepass") + SEPARATOR

    def _arguments(self) -> dict[str, object]:
        """Give the fields of a command: fitting ones, some odd, some missing, some that do not exist."""
        choose, odds = self.random.choice, self.random.random
        found: dict[str, object] = {
            "room": "lobby", "cid": f"{self.random.getrandbits(16)}",
            "text": choose(("hi", "@llama hi", choose(STRINGS))), "id": choose((*self.ids, "u")),
            "on": odds() < 0.5, "before": choose((1, 5, 50)), "wire": 1, "name": choose(("x", "../x", choose(STRINGS))),
            "mime": choose(("text/plain", "image/png", "image/svg+xml", "text/html")),
            "size": choose((5, 5, 6, 0, 2**40)),
            "at": choose((0, 0, 2, 5)), "data": choose(("aGVsbG8=", "aGVs", "iVBORw0KGgo=", "/9j/")),
            "attachments": [choose(("u", "none"))],
        }  # fmt: skip
        fitting = choose((
            ("room", "cid", "text"), ("room", "id"), ("room", "id", "on"), ("room", "cid", "id", "text"),
            ("room", "cid", "text", "attachments"), ("room", "id", "name", "mime", "size", "at", "data"),
            ("room", "id", "at"), ("room", "on"), ("room", "before"), ("room", "wire"), ("room",), tuple(found),
        ))  # fmt: skip
        found = {name: found[name] for name in fitting}
        while odds() < 0.2:
            found[choose(FIELDS)] = self._value(0)
        return found

    def _value(self, depth: int) -> object:
        choose = self.random.choice
        kind = self.random.randrange(8 if depth < 4 else 5)
        if kind < 2:
            return choose(STRINGS)
        if kind < 4:
            return choose(NUMBERS)
        if kind == 4:
            return choose((None, True, False))
        if kind == 5:
            return [self._value(depth + 1) for _ in range(self.random.randrange(4))]
        return {choose(FIELDS): self._value(depth + 1) for _ in range(self.random.randrange(4))}

    def _broken(self, whole: bytes) -> bytes:
        """Flip, cut, double, insert or blow up."""
        data, random = bytearray(whole), self.random
        for _ in range(random.choice((1, 1, 2, 8))):
            at = random.randrange(len(data) + 1)
            match random.randrange(6):
                case 0 if at < len(data):
                    data[at] ^= 1 << random.randrange(8)
                case 1:
                    del data[at : at + random.randrange(1, 20)]
                case 2:
                    data[at:at] = data[at : at + random.randrange(40)]
                case 3:
                    data[at:at] = bytes(
                        random.choice((0x1E, 0x00, 0xFF, 0xC0, 0xED, 0x22, 0x5C, 0x7B)) for _ in range(3)
                    )
                case 4 if random.random() < 0.05:
                    data += b"x" * MAX_FRAME
                case _:
                    data[at:at] = random.choice((b'"by":"ben",', b"[[[[", b"\\u0000", b"1e400", b"\xed\xa0\x80"))
        return bytes(data)
