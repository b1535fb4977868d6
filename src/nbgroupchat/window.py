"""The part of a room's log that the model reads, as segments of a prompt.

Pure state: a fold over durable events. The prompt only grows at its end, so that what the engine has read stays valid;
when it outgrows its budget, the oldest part goes in one block. This module touches trust. It covers: that only the
server writes a speaker's name at the start of a line. It does not cover control tokens: segments are plain text, which
engines tokenize as such.
"""

from __future__ import annotations

import unicodedata
from bisect import insort
from itertools import count

from msgspec import Struct

from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.protocol import DurableEvent, Posted, ReplyClosed, ReplyOpened

BYTES_PER_TOKEN = 3
"""A low guess for most languages; the engine, which can count, leaves out more where this was too many."""

MAX_SPEAKER = 40
"""Longest name the model is shown, in characters."""


EXAMPLE_SPEAKERS = ("Kim", "Lee")
"""Who speaks in the example that stands before every conversation."""

_COLONS = ":()\u02d0\u0589\u05c3\u2236\ua789"
"""What looks like the end of a speaker's name, or begins the server's own line."""


class _Item(Struct):
    """What goes or stays as one: a post, or a reply with the line that asked for it. `order` is its place in the
    prompt.
    """

    order: float
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        return sum(len(segment.text.encode()) for segment in self.segments)


class Window:
    """What the agent called `agent` reads of one room: at most about `budget` bytes, and at least the newest post."""

    def __init__(self, agent: str, room: str, budget: int, system_prompt: str = "") -> None:
        self._agent = agent
        self._budget = budget
        self._opening = opening(agent, room, system_prompt)
        self._items: list[_Item] = []
        self._size = 0
        self._open: dict[str, ReplyOpened] = {}
        self._speakers: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self.seq = 0
        """The newest entry folded in."""

    def apply(self, event: DurableEvent) -> None:
        """Fold in the next entry of the log."""
        self.seq = event.seq
        match event:
            case Posted():
                name = self._speakers[event.eid] = self._name(event)
                self._add(event.seq, Segment("user", said(name, event.text), event.eid))
            case ReplyOpened():
                self._open[event.eid] = event
            case ReplyClosed():
                opened = self._open.pop(event.id, None)
                if opened is not None and event.text:
                    # What was posted between the prompt and the opening is read after the reply.
                    place = opened.context + 0.5
                    self._add(place, self._cue(opened.to), Segment("assistant", event.text, event.id))

    def prompt(self, to: str) -> Prompt:
        """Give what the model reads to answer the message `to`."""
        return Prompt((*self.read_ahead().segments, self._cue(to)))

    def read_ahead(self) -> Prompt:
        """Give what every next prompt begins with."""
        return Prompt((*self._opening, *(segment for item in self._items for segment in item.segments)))

    def speakers(self) -> frozenset[str]:
        """Give the names that lines of the prompt begin with."""
        return frozenset((*self._speakers.values(), *EXAMPLE_SPEAKERS))

    def _name(self, posted: Posted) -> str:
        """Give the name of who said something, another one for each member: two of one name are numbered."""
        name = speaker(posted.name, self._agent)
        taken = {other for by, other in self._names.items() if by != posted.by}
        numbered = (name if number == 1 else f"{name} {number}" for number in count(1))
        unique = self._names[posted.by] = next(found for found in numbered if found not in taken)
        return unique

    def _cue(self, to: str) -> Segment:
        return Segment("user", cue(self._agent, self._speakers.get(to, "the last message")))

    def _add(self, order: float, *segments: Segment) -> None:
        item = _Item(order, segments)
        insort(self._items, item, key=lambda other: other.order)
        self._size += item.size
        if self._size > self._budget:
            # Half of it at once: each time something goes, all that follows has to be read again.
            while len(self._items) > 1 and self._size > self._budget // 2:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        item = self._items.pop(0)
        self._size -= item.size
        for segment in item.segments:
            self._speakers.pop(segment.key, None)


def opening(agent: str, room: str, system_prompt: str) -> tuple[Segment, ...]:
    """Give what stands before the conversation: the system message, and one exchange as an example.

    The example is for small models: with the words alone SmolLM2-135M went on with other members' lines in 21 of 33
    answers, with an example in 3. Its answer is short, for longer ones were repeated later, and its subject one that
    nobody asks about: that model would take it for something said in the room, however the example is announced.
    """
    return (
        Segment("system", explain(agent, room, system_prompt)),
        Segment("user", said(EXAMPLE_SPEAKERS[0], "The toy museum closes at 8.")),
        Segment("user", said(EXAMPLE_SPEAKERS[1], f"@{agent} when does the toy museum close?")),
        Segment("user", cue(agent, EXAMPLE_SPEAKERS[1])),
        Segment("assistant", "It closes at 8."),
    )


def explain(agent: str, room: str, system_prompt: str) -> str:
    """Give the system message: what the conversation looks like, and who the model is in it."""
    text = (
        f"You are {agent}, a helpful assistant in the group chat room {room}. Several people talk here. "
        f"Each line begins with the name of the person who wrote it. "
        f"Answer the person who asked {agent}, briefly, using what everybody said. "
        f"An example comes first; it is not part of the conversation."
    )
    return f"{text}\n{system_prompt}" if system_prompt else text


def cue(agent: str, name: str = "") -> str:
    """Give the server's line that ends a turn and names whom the reply answers; without a name, how it begins."""
    return f"({agent}, answer {name}.)" if name else f"({agent}, answer"


def said(name: str, text: str) -> str:
    """Give a post as the model reads it; lines after the first are indented, so that none of them names a speaker."""
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"{name}: {first}", *(f"  {line}" for line in rest)])


def speaker(name: str, agent: str) -> str:
    """Give a member's name as a line of the prompt begins with it: one line, no colon, and never the agent's."""
    plain = unicodedata.normalize("NFKC", name)
    printable = "".join(" " if unicodedata.category(char)[0] in "CZ" or char in _COLONS else char for char in plain)
    found = " ".join(printable.split())[:MAX_SPEAKER].strip() or "someone"
    return f"guest {found}" if found.casefold() == agent.casefold() else found
