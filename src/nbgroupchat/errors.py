"""What can be refused, and how a refusal reads.

A refusal is part of the interface: a stable code for programs, a sentence for people (what was tried, what was found,
what to do next), and, where trying again helps, after how many milliseconds. This module knows nothing of rooms or
wires.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The stable codes of refusals; `docs/protocol.md` documents each."""

    VERSION = "version"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    UNKNOWN_METHOD = "unknown_method"
    NOT_JOINED = "not_joined"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    TOO_MANY = "too_many"
    TOO_FAST = "too_fast"
    NOT_NOW = "not_now"
    UNAVAILABLE = "unavailable"


class ChatError(Exception):
    """Something asked of a room did not come about; the message says why and what to do."""


class Refusal(Exception):
    """A command that is not carried out, with the reason the client is given.

    `retry_ms` is the time in milliseconds after which the same command may succeed, or None where it never will.
    """

    def __init__(self, code: Code, message: str, retry_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_ms = retry_ms
