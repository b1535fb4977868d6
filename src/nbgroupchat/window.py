"""The part of a room's log that the model reads, as segments of a prompt.

Pure state: a fold over durable events. The prompt only grows at its end, so that what the engine has read stays valid;
when it outgrows its budget, the oldest part goes in one block. This module touches trust. It covers: that only the
server writes a speaker's name at the start of a line. It does not cover control tokens: segments are plain text, which
engines tokenize as such.
"""

from __future__ import annotations

import unicodedata
from bisect import insort
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain, count

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from nbgroupchat.attachment import Attachment, beside
from nbgroupchat.log import MAX_TAIL, message_of
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.protocol import (
    DurableEvent,
    Edited,
    Posted,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    RoomChanged,
    RoomPolicy,
)

BYTES_PER_TOKEN = 3
"""A low guess for most languages; the engine, which can count, leaves out more where this was too many."""

MAX_SPEAKER = 40
"""Longest name the model is shown, in characters."""


EXAMPLE_SPEAKERS = ("Kim", "Lee")
"""Who speaks in the example that stands before every conversation."""

HINT = (
    "The people here are students, and you are their tutor. Never give a whole solution or finished code. "
    "Answer with one short hint or one question that leads to the next step."
)
"""What the model is told in hint mode where the instructors have written nothing."""

_COLONS = ":()\u02d0\u0589\u05c3\u2236\ua789"
"""What looks like the end of a speaker's name, or begins the server's own line."""


class _Item(Struct, frozen=True):
    """What goes or stays as one: the message `id`, which is a post by `speaker`, or a reply with the line that asked
    for it. `order` is its place in the prompt.
    """

    order: float
    id: str
    speaker: str
    segments: tuple[Segment, ...]
    label: str = ""
    """What a post's line begins with: the speaker and, where that is known, whom the post answers."""
    to: str = ""
    """What a reply answers."""
    goes_on: bool = False
    """Whether a reply goes on with the one before."""
    attachments: tuple[Attachment, ...] = ()
    size: int = 0
    """In bytes; counted once, for with each post all of them are added up."""

    def __post_init__(self) -> None:
        force_setattr(self, "size", sum(len(segment.text.encode()) for segment in self.segments))

    def pinned(self) -> tuple[Segment, ...]:
        """The segments, marked as pinned."""
        return tuple(replace(segment, pinned=True) for segment in self.segments)


class Window:
    """What the agent called `agent` reads of one room: at most about `budget` bytes, and at least the newest post.

    Pinned messages stay when others go, up to a quarter of the budget.
    """

    def __init__(self, agent: str, budget: int, system_prompt: str = "") -> None:
        self._agent = agent
        self._budget = budget
        self._opening = opening(agent, system_prompt)
        self._private: tuple[Segment, ...] = ()
        """What the instructors told the model, where they did."""
        self._items: list[_Item] = []
        self._gone: OrderedDict[str, _Item] = OrderedDict()
        """What went, oldest first, in case it is pinned: no more of it than a hub holds of a log."""
        self._gone_until = 0.0
        """What stands before this place in the prompt is there because it is pinned."""
        self._pinned: tuple[str, ...] = ()
        self._open: dict[str, ReplyOpened] = {}
        self._names: dict[str, str] = {}
        self._messages = 0
        self.seq = 0
        """The newest entry folded in."""

    def apply(self, event: DurableEvent, ids: Sequence[int] = ()) -> None:
        """Fold in the next entry of the log; `ids` are those that all of a closed reply was sampled as, if known."""
        self.seq = event.seq
        match event:
            case Posted():
                name, attached = self._name(event), event.attachments
                label = self._label(name, event.reply_to)
                segment = _post(event.eid, label, event.text, attached)
                shown = bool(event.text or attached)
                item = _Item(event.seq, event.eid, name, (segment,), label, attachments=attached)
                self._add(item, shown=shown)
            case ReplyOpened():
                self._open[event.eid] = event
            case ReplyClosed():
                self._close(event, ids)
            case Edited():
                self._change(event.id, event.text)
            case Redacted():
                self._pinned = tuple(message for message in self._pinned if message != event.id)
                self._change(event.id, "")
            case RoomChanged():
                self._pin(event.pinned)
                if event.policy is not None:
                    self._instruct(event.policy)

    def missing(self) -> frozenset[str]:
        """Give the pinned messages of which nothing is known here any more: to be looked up and given to `recall`."""
        known = {item.id for item in self._items}
        return frozenset(message for message in self._pinned if message not in known and message not in self._gone)

    def recall(self, entries: Sequence[DurableEvent]) -> None:
        """Take back pinned messages that were forgotten, from all entries that made and changed them.

        What is known by now stays as it is: two pins may have had the same looked up.
        """
        missing = self.missing()
        for entry in entries:
            if message_of(entry) not in missing:
                continue
            match entry:
                case Posted() if entry.text or entry.attachments:
                    before = self._names.get(entry.by)
                    name = self._name(entry)
                    if before is not None:
                        # What its author is called now stays.
                        self._names[entry.by] = before
                    segment = _post(entry.eid, name, entry.text, entry.attachments)
                    recalled = _Item(entry.seq, entry.eid, name, (segment,), name, attachments=entry.attachments)
                    self._gone[entry.eid] = recalled
                case ReplyOpened():
                    self._open[entry.eid] = entry
                case ReplyClosed() if (opened := self._open.get(entry.id)) and entry.text:
                    segments = (self._cue(opened.to, opened.continues), Segment("assistant", entry.text, entry.id))
                    place = self._open.pop(entry.id).context + 0.5
                    if not self._is_made_anew(opened.to, place):
                        goes_on = opened.continues is not None
                        self._gone[entry.id] = _Item(place, entry.id, "", segments, to=opened.to, goes_on=goes_on)
                case Edited() if (found := self._gone.get(entry.id)) is not None:
                    said_now = _post(found.id, found.label, entry.text, found.attachments)
                    self._gone[entry.id] = replace(found, segments=(said_now,))
        self._pin(self._pinned)

    def prompt(self, to: str, continues: str | None = None) -> Prompt:
        """Give what the model reads to answer the message `to`: without other attempts to do so, unless it goes on with
        the newest of them.
        """
        items = self._items if continues else [item for item in self._items if item.to != to]
        return Prompt((*self._read(items), self._cue(to, continues)))

    def read_ahead(self) -> Prompt:
        """Give what every next prompt begins with."""
        return Prompt(self._read(self._items))

    def _read(self, items: Sequence[_Item]) -> tuple[Segment, ...]:
        kept = self._kept()
        read = (item.pinned() if item.id in kept else item.segments for item in items)
        system, *example = self._opening
        return (system, *self._private, *example, *chain.from_iterable(read))

    def speakers(self) -> frozenset[str]:
        """Give the names that lines of the prompt begin with."""
        names = (item.speaker for item in self._items if item.speaker)
        return frozenset((*names, *self.speakers_of().values(), *EXAMPLE_SPEAKERS))

    def speakers_of(self) -> dict[str, str]:
        """Give what the author of each post in the prompt is called there, by the post's id."""
        return {item.id: item.label for item in self._items if item.label}

    def left_out(self) -> int:
        """Say how many messages that were folded in are not in the prompt."""
        # One that was looked up may have been said before what was folded in.
        return max(0, self._messages - len(self._items))

    def _name(self, posted: Posted) -> str:
        """Give the name of who said something, another one for each member: two of one name are numbered."""
        name = speaker(posted.name, self._agent)
        taken = {other for by, other in self._names.items() if by != posted.by}
        numbered = (name if number == 1 else f"{name} {number}" for number in count(1))
        unique = self._names[posted.by] = next(found for found in numbered if found not in taken)
        return unique

    def _label(self, name: str, reply_to: str | None) -> str:
        """Give a speaker with whom a post answers. The server's brackets, for a name has none.

        Only the name: a text that is quoted would have to go when it is redacted, and could be made to look like more.
        """
        place = self._place(reply_to) if reply_to else None
        item = self._gone.get(reply_to or "") if place is None else self._items[place]
        return name if item is None else f"{name} (to {item.speaker or self._agent})"

    def _cue(self, to: str, continues: str | None = None) -> Segment:
        name = self._speaker(to) or "the last message"
        return Segment("user", cue(self._agent, name, goes_on=continues is not None))

    def _speaker(self, message: str) -> str:
        place = self._place(message)
        item = self._gone.get(message) if place is None else self._items[place]
        return item.speaker if item is not None else ""

    def _place(self, message: str) -> int | None:
        # The newest are asked about most.
        places = range(len(self._items) - 1, -1, -1)
        return next((place for place in places if self._items[place].id == message), None)

    def _close(self, event: ReplyClosed, ids: Sequence[int]) -> None:
        opened = self._open.pop(event.id, None)
        if opened is not None:
            # What was posted between the prompt and the opening is read after the reply.
            cue = self._cue(opened.to, opened.continues)
            segments = (cue, Segment("assistant", event.text, event.id, tuple(ids)))
            if event.text and opened.continues is None:
                self._forget_attempts(opened.to)
            goes_on = opened.continues is not None
            item = _Item(opened.context + 0.5, event.id, "", segments, to=opened.to, goes_on=goes_on)
            self._add(item, shown=bool(event.text))

    def _is_made_anew(self, to: str, place: float) -> bool:
        """Say whether a newer attempt to answer a message is read than the one at that place."""
        known = chain(self._items, self._gone.values())
        return any(item.to == to and item.order > place and not item.goes_on for item in known)

    def _forget_attempts(self, to: str) -> None:
        """Read no earlier reply to a message any more, pinned or not: there is a newer one."""
        for item in [item for item in self._items if item.to == to]:
            self._items.remove(item)
            self._messages -= 1
        for item in [item for item in self._gone.values() if item.to == to]:
            del self._gone[item.id]
            self._messages -= 1

    def _add(self, item: _Item, *, shown: bool) -> None:
        if shown:
            self._messages += 1
            insort(self._items, item, key=lambda other: other.order)
            self._trim()

    def _change(self, message: str, text: str) -> None:
        """Let a message say something else where it stands; one that says nothing is not read."""
        place = self._place(message)
        item = self._gone.get(message) if place is None else self._items[place]
        if item is None:
            return
        self._messages -= not text
        said_now = (
            _post(item.id, item.label, text, item.attachments) if item.label else Segment("assistant", text, item.id)
        )
        changed = replace(item, segments=(*item.segments[:-1], said_now))
        if place is None:
            self._gone[message] = changed
            if not text:
                del self._gone[message]
        else:
            self._items[place : place + 1] = [changed] if text else []
            self._trim()

    def _pin(self, pinned: tuple[str, ...]) -> None:
        self._pinned = pinned
        for message in pinned:
            if (item := self._gone.pop(message, None)) is not None:
                insort(self._items, item, key=lambda other: other.order)
        for item in [item for item in self._items if item.order < self._gone_until and item.id not in pinned]:
            self._leave_out(item)
        self._trim()

    def _instruct(self, policy: RoomPolicy) -> None:
        hint = policy.prompt or HINT
        self._private = (Segment("system", hint, private=True),) if policy.agent == "hint" else ()

    def _trim(self) -> None:
        size = sum(item.size for item in self._items)
        if size <= self._budget:
            return
        kept = self._kept()
        # Half of it at once: each time something goes, all that follows has to be read again.
        for item in [item for item in self._items[:-1] if item.id not in kept]:
            if size <= self._budget // 2:
                break
            size -= item.size
            self._gone_until = item.order
            self._leave_out(item)

    def _kept(self) -> frozenset[str]:
        """The pinned messages that stay: the newest pins first, as far as there is room for them."""
        if not self._pinned:
            return frozenset()
        room, kept = self._budget // 4, set()
        sizes = {item.id: item.size for item in self._items}
        for message in reversed(self._pinned):
            if (size := sizes.get(message, 0)) <= room:
                room -= size
                kept.add(message)
        return frozenset(kept)

    def _leave_out(self, item: _Item) -> None:
        self._items.remove(item)
        self._gone[item.id] = item
        if len(self._gone) > MAX_TAIL:
            self._gone.popitem(last=False)


def _post(message: str, name: str, text: str, attachments: Sequence[Attachment]) -> Segment:
    return Segment("user", said(name, beside(text, attachments)), message)


def opening(agent: str, system_prompt: str) -> tuple[Segment, ...]:
    """Give what stands before the conversation: the system message, and one exchange as an example.

    The same for every room, so that what one has read of it is copied to the next.

    The example is for small models: with the words alone SmolLM2-135M went on with other members' lines in 21 of 33
    answers, with an example in 3. Its answer is short, for longer ones were repeated later, and its subject one that
    nobody asks about: that model would take it for something said in the room, however the example is announced.
    """
    return (
        Segment("system", introduction(agent, system_prompt)),
        Segment("user", said(EXAMPLE_SPEAKERS[0], "The toy museum closes at 8.")),
        Segment("user", said(EXAMPLE_SPEAKERS[1], f"@{agent} when does the toy museum close?")),
        Segment("user", cue(agent, EXAMPLE_SPEAKERS[1])),
        Segment("assistant", "It closes at 8."),
    )


def introduction(agent: str, system_prompt: str) -> str:
    """Give the system message: what the conversation looks like, and who the model is in it."""
    text = (
        f"You are {agent}, a helpful assistant in a group chat. Several people talk here. "
        f"Each line begins with the name of the person who wrote it. "
        f"Answer the person who asked {agent}, briefly, using what everybody said. "
        f"An example comes first; it is not part of the conversation."
    )
    return f"{text}\n{system_prompt}" if system_prompt else text


def cue(agent: str, name: str = "", goes_on: bool = False) -> str:
    """Give the server's line that ends a turn and names whom the reply answers; without a name, how it begins.

    A reply that `goes_on` with the one before is a turn of its own: engines take no turn of the model's that is open.
    """
    if not name:
        return f"({agent}, answer"
    return f"({agent}, answer {name}: go on where you stopped.)" if goes_on else f"({agent}, answer {name}.)"


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
