"""Lines in the server's log about connections, rooms and replies: `what key=value …`, for people and for programs.

This module touches trust. It covers: values are ids, numbers and words of our own, cut short and without anything that
could begin a line or a field; nothing here takes a text, a name of a person or a token, and a test looks for those. The
name of a room stands in it. `docs/operations.md` has an entry for each line.
"""

from __future__ import annotations

import logging
import re
from typing import Final, Literal, TypeAlias

What: TypeAlias = Literal[
    "connection_opened", "connection_closed", "joined", "left", "refused", "reply_begun", "reply_ended"
]

_ODD: Final = re.compile(r"[^A-Za-z0-9._:-]")

_log = logging.getLogger(__name__)


def note(what: What, **fields: str | float) -> None:
    """Write a line."""
    if _log.isEnabledFor(logging.INFO):
        pairs = (f"{name}={_ODD.sub('?', str(value)[:64])}" for name, value in fields.items())
        _log.info("%s %s", what, " ".join(pairs))
