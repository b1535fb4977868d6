"""A room as a document: Markdown for people, JSON lines for programs, a notebook for both, HTML for a cell. Pure.

This module touches trust: what members typed stands in it. What it covers: in Markdown and in notebooks a text is shown
as it is, inside a fence that it cannot close, and a name is plain, so that nothing of either becomes a picture, a link,
a script or another member's line; in HTML all of it is escaped, and nothing is fetched from anywhere. Edits are applied
and redacted texts are not there, for they are not in the log.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from nbgroupchat.attachment import beside
from nbgroupchat.protocol import Delta, DurableEvent
from nbgroupchat.room import Message, Room

Format: TypeAlias = Literal["markdown", "jsonl", "ipynb"]
FORMATS: tuple[str, ...] = get_args(Format)

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$:@])")


def transcript(room: str, entries: Sequence[DurableEvent], drafts: Sequence[Delta], form: Format) -> str:
    """Give a room's messages as a document, oldest first. Of an open reply there is what it says so far."""
    fold = Room()
    for entry in entries:
        fold.fold(entry)
    for draft in drafts:
        fold.apply(draft)
    messages = sorted(fold.messages.values(), key=lambda message: message.seq)
    match form:
        case "markdown":
            return "\n\n".join([f"# {plain(room)}", *(as_markdown(message, fold) for message in messages)]) + "\n"
        case "jsonl":
            return "".join(f"{json.dumps(as_json(message, fold), ensure_ascii=False)}\n" for message in messages)
        case "ipynb":
            return json.dumps(as_notebook(room, messages, fold), ensure_ascii=False, indent=1) + "\n"


def as_markdown(message: Message, room: Room) -> str:
    """Give one message: who said it and when, and what, in a fence."""
    head = [f"**{plain(message.name)}**", f"{datetime.fromtimestamp(message.ts / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"]
    answered = room.messages.get(message.to or message.reply_to or "")
    if answered is not None:
        head.append(f"to {plain(answered.name)}")
    if message.kind == "kernel":
        head.append("from a notebook")
    head += [word for word, holds in (("edited", message.edited), ("pinned", message.id in room.pinned)) if holds]
    if message.redacted:
        return " · ".join([*head, "*redacted*"])
    if message.status not in ("posted", "complete"):
        head.append(f"*{'being written' if message.status == 'open' else message.status}*")
    parts = [" · ".join(head)]
    if text := beside(message.text, message.attachments):
        fence = "~" * max(3, *(len(run) + 1 for run in re.findall(r"~+", text)), 3)
        parts.append(f"{fence}text\n{text}\n{fence}")
    if message.error:
        parts.append(plain(message.error))
    return "\n\n".join(parts)


def as_json(message: Message, room: Room) -> dict[str, Any]:
    """Give one message with all that is known of it; `docs/protocol.md` says what the fields are."""
    fields: dict[str, Any] = msgspec.to_builtins(message)
    return fields | {"pinned": message.id in room.pinned}


def as_notebook(room: str, messages: Sequence[Message], fold: Room) -> dict[str, Any]:
    """Give a notebook (nbformat 4.5) with a Markdown cell for each message, and its fields in the cell's metadata."""
    title = {"cell_type": "markdown", "id": "room", "metadata": {}, "source": f"# {plain(room)}"}
    cells = [
        {
            "cell_type": "markdown",
            "id": f"entry-{message.seq}",
            "metadata": {"nbgroupchat": as_json(message, fold)},
            "source": as_markdown(message, fold),
        }
        for message in messages
    ]
    return {"cells": [title, *cells], "metadata": {"nbgroupchat": {"room": room}}, "nbformat": 4, "nbformat_minor": 5}


def as_html(room: str, messages: Sequence[Message]) -> str:
    """Give messages as HTML that needs nothing else: neither styles, scripts nor pictures."""
    said = "".join(
        f"<p><b>{html.escape(message.name)}</b> · {_minute(message)} UTC</p>"
        f'<pre style="white-space: pre-wrap">{html.escape(as_line(message))}</pre>'
        for message in messages
    )
    return f"<div><p>The room <b>{html.escape(room)}</b> when this cell was run, its newest messages:</p>{said}</div>"


def _minute(message: Message) -> str:
    return f"{datetime.fromtimestamp(message.ts / 1000, UTC):%Y-%m-%d %H:%M}"


def as_line(message: Message) -> str:
    """Give what one message says, for a reader of text alone."""
    if message.redacted:
        return "(removed)"
    marks = [word for word, holds in (("edited", message.edited), ("being written", message.status == "open")) if holds]
    if message.status not in ("posted", "open", "complete"):
        marks.append(message.status)
    return beside(" ".join([message.text, *(f"({mark})" for mark in marks)]).lstrip(), message.attachments)


def plain(text: str) -> str:
    """Give a line that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
