"""What can go wrong with an OpenAI-compatible server, told apart, and what to do about each. No I/O.

Servers agree on little but the status codes: the codes and texts known here are those of OpenAI, llama-server, vLLM,
Ollama and llama-cpp-python.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "key",
    "model",
    "path",
    "full",
    "failing",
    "unreachable",
    "too_long",
    "refused",
    "silent",
    "broken",
    "garbage",
    "filtered",
]

RETRIED: frozenset[Kind] = frozenset({"full", "failing", "unreachable", "broken"})
"""What may have passed a moment later."""

LASTING: frozenset[Kind] = frozenset({"key", "model", "path", "unreachable"})
"""What concerns every room, and stays until somebody does something about it."""

_QUOTED = 200
_FULL = (429, 503, 529)
_TOO_LONG_CODES = ("context_length_exceeded", "exceed_context_size_error")
_TOO_LONG = re.compile(
    r"context (length|size|window)|maximum (model )?(context )?length|max_model_len|prompt is too long", re.IGNORECASE
)
_NO_MODEL = re.compile(r"model\b.{0,200}\b(not found|does not exist|not exist|unknown)", re.IGNORECASE | re.DOTALL)


class Refused(Exception):
    """A request that came to nothing: `detail` is what the server said of it, `after` for how many seconds to wait."""

    def __init__(self, kind: Kind, detail: str = "", *, param: str = "", after: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.param = param
        self.after = after


def judge(status: int, codes: Collection[object], text: str) -> Kind:
    """Tell what a refusal means, from its HTTP status (0 where it has none), its codes and its text."""
    if status in (401, 403):
        return "key"
    if "insufficient_quota" in codes:
        return "refused"  # A 429 that no waiting ends.
    if status in _FULL:
        return "full"
    if any(code in _TOO_LONG_CODES for code in codes) or (status < 500 and _TOO_LONG.search(text)):
        return "too_long"
    if "model_not_found" in codes or (status in (400, 404) and _NO_MODEL.search(text)):
        return "model"
    if status in (404, 405):
        return "path"
    return "failing" if status >= 500 or status in (0, 408) else "refused"


def explain(refused: Refused, server: str, model: str) -> str:
    """Say what was attempted, what was found and what to do next. Only some of it quotes the server."""
    said = f" It said: {refused.detail}" if refused.detail else ""
    again = " for some time" if refused.after is None else f" for another {refused.after:.0f} s"
    texts: dict[Kind, str] = {
        "key": f"The model's server {server} does not accept the key. Set the environment variable OPENAI_API_KEY of "
        "the Jupyter server to one that may use this model, and restart it.",
        "model": f"The model's server {server} has no model {model!r}. Set c.NbGroupChat.openai_model to one it has.",
        "path": f"The server {server} answers, but has nothing at this address. Set "
        "c.NbGroupChat.openai_base_url to the address of an OpenAI-compatible server, which often ends with '/v1'.",
        "full": f"The model's server {server} is full{again}. Ask again later.{said}",
        "failing": f"The model's server {server} fails. Ask again, or look into that server's log.{said}",
        "unreachable": f"The model's server {server} cannot be reached. Start it, or set c.NbGroupChat.openai_base_url "
        "to where it is, such as 'http://127.0.0.1:8080/v1'.",
        "too_long": f"The question is longer than the server {server} lets the model read. Ask a shorter one, and set "
        "c.NbGroupChat.context_tokens to what that server was started with.",
        "refused": f"The model's server {server} refused to answer.{said}",
        "silent": f"The model's server {server} wrote nothing for {refused.detail} s. Ask again; "
        "c.NbGroupChat.piece_timeout gives it more time in a reply, c.NbGroupChat.load_timeout before one.",
        "broken": f"The connection to the model's server {server} broke before the end of the reply. Ask again. "
        "Some servers do so when c.NbGroupChat.context_tokens is more than they were started with.",
        "garbage": f"The model's server {server} sent {refused.detail}, which is no part of a reply. Look whether "
        "c.NbGroupChat.openai_base_url is the address of an OpenAI-compatible server.",
        "filtered": f"The model's server {server} ended the reply by its content filter.",
    }
    return texts[refused.kind]


def quote(text: str, secret: str = "") -> str:
    """Give a server's words as one short line of printable text, without `secret`."""
    shown = text.replace(secret, "(key)") if secret else text
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in shown).split())
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read for how many seconds the server wants to be left alone; None where it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
