"""The models an OpenAI-compatible server offers, and which of them to ask for. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from nbgroupchat.engines.base import EngineError
from nbgroupchat.engines.openai_refusal import Refused, quote

MAX_LIST = 4 << 20
"""Bytes of a list of models; those that sell access to many take half a MiB."""

NAMED = 5
"""How many models a message names."""


class _Model(Struct):
    id: str


class _List(Struct):
    data: list[_Model] | None


class ModelList:
    """Takes the bytes of a server's answer to `GET models`, in whatever parts they come."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises Refused where they are too many."""
        self._body += data
        if len(self._body) > MAX_LIST:
            raise Refused("garbage", f"a list of models of more than {MAX_LIST >> 20} MiB")

    def choose(self, wanted: str, server: str) -> str:
        """Give the model to ask for: `wanted`, or the only one. Raises EngineError, whose message names some."""
        offered = self._names()
        # Ollama lists `llama3.2:latest` and takes `llama3.2`.
        if wanted and (wanted in offered or f"{wanted}:latest" in offered):
            return wanted
        if not offered:
            raise EngineError(f"The model's server {server} offers no model. Have it load one, then ask again.")
        if not wanted and len(offered) == 1:
            return offered[0]
        found = f"has no model {wanted!r}; it offers" if wanted else "offers several models:"
        raise EngineError(
            f"The model's server {server} {found} {_some(offered)}. Set c.NbGroupChat.openai_model to one of them."
        )

    def _names(self) -> list[str]:
        try:
            return [model.id for model in msgspec.json.decode(self._body, type=_List).data or ()]
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Refused("garbage", "a list of models that is not in its form") from None


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(quote(name)) for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
