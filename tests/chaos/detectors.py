"""Compares what members know with the log in the file. Each figure but the first three has to be 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbgroupchat.log import message_of, without_text
from nbgroupchat.protocol import DurableEvent, Edited, Posted, Redacted, ReplyOpened
from nbgroupchat.room import Room
from tests.chaos.record import Record, closes, secrets_in

WRONG = ("lost", "duplicated", "reordered", "gaps", "late_tokens", "unredacted")


def compare(record: Record, logs: Mapping[str, list[DurableEvent]]) -> Counter[str]:
    """Give the figures `acked`, `found` and those in `WRONG`; `logs` has the entries of each room."""
    found: Counter[str] = Counter(dict.fromkeys(("acked", "found", "changed", *WRONG, "unsettled"), 0))
    found["duplicated"] += record.repeated + record.answered_otherwise
    found["gaps"] += record.missed
    found["late_tokens"] += record.after_close
    found["unredacted"] += record.told_again
    _posts(record, logs, found)
    for room, log in logs.items():
        found["gaps"] += sum(entry.seq != place for place, entry in enumerate(log, 1))
        _said(log, found)
        _shown(record, room, log, found)
        _replies(record, room, log, found)
        _changes(record, room, log, found)
    return found


def compare_file(record: Record, file: Path) -> int:
    """Count the secrets that had gone and are in the file of the rooms, or in one beside it."""
    raw = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    return len(secrets_in(raw) & set(record.gone))


def compare_readers(readers: Sequence[Room], log: list[DurableEvent]) -> int:
    """Count the messages that readers of a room show otherwise than its log has them, when all have read all of it."""
    whole = Room()
    for entry in log:
        whole.fold(entry)
    shown = [message for reader in readers for message in reader.messages.values() if message.status != "open"]
    return sum(message != whole.messages.get(message.id) for message in shown)


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
    texts = [entry.text for entry in log if isinstance(entry, Posted) and entry.text]
    found["duplicated"] += len(texts) - len(set(texts))
    newest: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        name, number = text.split(" ", 1)[0].split("-")
        found["reordered"] += int(number) < newest.get(name, -1)
        newest[name] = max(int(number), newest.get(name, -1))


def _shown(record: Record, room: str, log: list[DurableEvent], found: Counter[str]) -> None:
    """I1 and I11: each entry that somebody was shown is in the log, there and as it was shown."""
    whole = {entry.eid: entry for entry in log}
    redacted = {entry.id for entry in log if isinstance(entry, Redacted)}
    for entry in record.entries[room]:
        stored = whole.get(entry.eid)
        found["reordered"] += stored is not None and stored.seq != entry.seq
        due = without_text(entry) if message_of(entry) in redacted else entry
        found["lost"] += stored is None or (stored.seq == entry.seq and stored != due)


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


def _changes(record: Record, room: str, log: list[DurableEvent], found: Counter[str]) -> None:
    """I3: each acknowledged edit and redaction is there, and what was redacted says nothing anywhere."""
    by_seq = {entry.seq: entry for entry in log}
    redacted = {entry.id for entry in log if isinstance(entry, Redacted)}
    for (place, id_), changes in record.changes.items():
        for seq, text in changes.items() if place == room else ():
            entry = by_seq.get(seq)
            found["changed"] += 1
            if text:
                said = "" if id_ in redacted else text
                found["lost"] += not (isinstance(entry, Edited) and (entry.id, entry.text) == (id_, said))
            else:
                found["lost"] += not (isinstance(entry, Redacted) and entry.id == id_)
    kept = [entry for entry in log if isinstance(entry, (Posted, Edited)) and message_of(entry) in redacted]
    found["unredacted"] += sum(bool(entry.text) for entry in kept)
