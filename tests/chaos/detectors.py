"""Compares what members know with the log in the file. Each figure but the first two has to be 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from nbgroupchat.protocol import DurableEvent, Posted, ReplyOpened
from tests.chaos.record import Record, closes

WRONG = ("lost", "duplicated", "reordered", "gaps", "late_tokens")


def compare(record: Record, logs: Mapping[str, list[DurableEvent]]) -> Counter[str]:
    """Give the figures `acked`, `found` and those in `WRONG`; `logs` has the entries of each room."""
    found: Counter[str] = Counter(dict.fromkeys(("acked", "found", *WRONG, "unsettled"), 0))
    found["duplicated"] += record.repeated + record.answered_otherwise
    found["gaps"] += record.missed
    found["late_tokens"] += record.after_close
    _posts(record, logs, found)
    for room, log in logs.items():
        found["gaps"] += sum(entry.seq != place for place, entry in enumerate(log, 1))
        _said(log, found)
        _shown(record, room, log, found)
        _replies(record, room, log, found)
    return found


def _posts(record: Record, logs: Mapping[str, list[DurableEvent]], found: Counter[str]) -> None:
    """I3: what was acknowledged is there, and where it was said to be."""
    places = {(room, entry.eid): entry.seq for room, log in logs.items() for entry in log}
    for (room, _cid), (id_, seq) in record.acked.items():
        place = places.get((room, id_))
        found["acked"] += 1
        found["found"] += place == seq
        found["lost"] += place is None
        found["reordered"] += place not in (None, seq)


def _said(log: list[DurableEvent], found: Counter[str]) -> None:
    """I3 and I5: each text, which begins with its author's name and a number that counts up, once and in order."""
    texts = [entry.text for entry in log if isinstance(entry, Posted)]
    found["duplicated"] += len(texts) - len(set(texts))
    newest: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        name, number = text.split(" ", 1)[0].split("-")
        found["reordered"] += int(number) < newest.get(name, -1)
        newest[name] = max(int(number), newest.get(name, -1))


def _shown(record: Record, room: str, log: list[DurableEvent], found: Counter[str]) -> None:
    """I1 and I11: each entry that somebody was shown is in the log, there and as it was shown."""
    whole = {entry.eid: entry for entry in log}
    for entry in record.entries[room]:
        stored = whole.get(entry.eid)
        found["reordered"] += stored is not None and stored.seq != entry.seq
        found["lost"] += stored is None or (stored.seq == entry.seq and stored != entry)


def _replies(record: Record, room: str, log: list[DurableEvent], found: Counter[str]) -> None:
    """I6, I7, I12: each reply has one end, which begins with all that was shown and is what a stop was told."""
    ends = closes(log)
    opened = [entry.eid for entry in log if isinstance(entry, ReplyOpened)]
    found["lost"] += sum(reply not in ends for reply in opened)
    found["duplicated"] += sum(len(several) - 1 for several in ends.values())
    for (place, reply), drafts in record.drafts.items():
        if place == room:
            text = ends[reply][0].text if reply in ends else None
            found["lost"] += text is None
            found["late_tokens"] += sum(text is not None and not text.startswith(draft) for draft in drafts)
    for place, reply, seq, status in record.stops:
        if place == room:
            found["lost"] += (seq, status) not in [(end.seq, end.status) for end in ends.get(reply, ())]
