"""The backplane of one process, for as long as it lives: logs in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from nbgroupchat.backplanes.base import NOTHING, Act, Appended, Known, Opened, Person, RoomListener, now_ms
from nbgroupchat.log import MAX_TAIL, message_of, newest, redacted, without_text
from nbgroupchat.protocol import Delta, DurableEvent, Posted, Redacted, ReplyClosed, ReplyOpened, RoomChanged
from nbgroupchat.room import Draft


class _RoomLog:
    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self.key = secrets.token_bytes(32)
        self.base = 0
        self.kept: list[DurableEvent] = []
        """What a trim left of the entries up to `base`."""
        self.entries: list[DurableEvent] = []
        self.by_key: dict[str, DurableEvent] = {}
        self.drafts: dict[str, Draft] = {}
        self.records: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.listeners: list[RoomListener] = []
        self.acts: list[Act] = []
        self.people: dict[str, Person] = {}


class MemoryBackplane:
    """Logs in memory; `now_ms` gives the time in milliseconds since 1970."""

    def __init__(self, now_ms: Callable[[], int] = now_ms) -> None:
        self._now_ms = now_ms
        self._rooms: dict[str, _RoomLog] = {}

    async def open(self, room: str, listener: RoomListener) -> Opened:
        """See `Backplane.open`."""
        log = self._rooms.setdefault(room, _RoomLog())
        log.listeners.append(listener)
        drafts = [delta for id_, draft in log.drafts.items() if (delta := draft.since(id_, 0))]
        entries = log.entries[-MAX_TAIL:]
        earlier = _still_hold([*log.kept, *log.entries], len(entries), log.drafts)
        records = await self.records(room, {message_of(entry) for entry in (*earlier, *entries)})
        return Opened(log.epoch, log.key, entries, drafts, log.base, earlier, records)

    def release(self, room: str) -> None:
        """See `Backplane.release`."""
        found = self._rooms.get(room)
        if found is not None and not (found.entries or found.base or found.acts):
            del self._rooms[room]

    async def append(
        self, room: str, entry: DurableEvent, key: str | None = None, files: Mapping[str, bytes] = NOTHING
    ) -> Appended:
        """See `Backplane.append`."""
        log = self._rooms[room]
        if key is not None and key in log.by_key:
            return Appended(log.by_key[key], duplicate=True)
        stamped = msgspec.structs.replace(
            entry, seq=log.base + len(log.entries) + 1, eid=secrets.token_hex(8), ts=self._now_ms()
        )
        log.entries.append(stamped)
        log.files.update(files)
        if key is not None:
            log.by_key[key] = stamped
        if isinstance(stamped, ReplyOpened):
            log.drafts[stamped.eid] = Draft()
        elif isinstance(stamped, ReplyClosed):
            log.drafts.pop(stamped.id, None)
        elif isinstance(stamped, Redacted):
            log.kept, log.entries = redacted(log.kept, stamped.id), redacted(log.entries, stamped.id)
            for known, first in log.by_key.items():
                if message_of(first) == stamped.id:
                    log.by_key[known] = without_text(first)
            log.records.pop(stamped.id, None)
            _forget_files(log)
        self._tell(log, [stamped])
        return Appended(stamped, duplicate=False)

    async def attachment(self, room: str, id_: str) -> bytes | None:
        """See `Backplane.attachment`."""
        return self._rooms[room].files.get(id_) if room in self._rooms else None

    async def journal(self, room: str, delta: Delta) -> bool:
        """See `Backplane.journal`."""
        log = self._rooms[room]
        draft = log.drafts.get(delta.id)
        if draft is None:
            return False
        draft.extend(delta)
        self._tell(log, [delta])
        return True

    async def read(self, room: str, before: int, limit: int) -> tuple[Sequence[DurableEvent], bool]:
        """See `Backplane.read`."""
        log = self._rooms[room]
        base, entries = newest(log.entries[: max(before - 1 - log.base, 0)], limit, log.base)
        return entries, base > log.base

    async def rooms(self, limit: int) -> Sequence[Known]:
        """See `Backplane.rooms`."""
        said = (
            Known(room, log.epoch, log.base + len(log.entries), log.entries[-1].ts if log.entries else 0)
            for room, log in self._rooms.items()
            if log.base + len(log.entries)
        )
        return sorted(said, key=lambda known: (-known.ts, known.name))[:limit]

    async def about(self, room: str, messages: Collection[str]) -> Sequence[DurableEvent]:
        """See `Backplane.about`."""
        log = self._rooms[room]
        return [entry for entry in (*log.kept, *log.entries) if message_of(entry) in messages]

    async def keyed(self, room: str, key: str) -> DurableEvent | None:
        """See `Backplane.keyed`."""
        return self._rooms[room].by_key.get(key)

    async def record(self, room: str, reply: str, record: bytes) -> None:
        """See `Backplane.record`."""
        if not any(isinstance(entry, Redacted) for entry in await self.about(room, {reply})):
            self._rooms[room].records[reply] = record

    async def records(self, room: str, replies: Collection[str]) -> Mapping[str, bytes]:
        """See `Backplane.records`."""
        kept = self._rooms[room].records
        return {reply: kept[reply] for reply in replies if reply in kept}

    async def audit(self, room: str, act: Act) -> None:
        """See `Backplane.audit`."""
        self._rooms[room].acts.append(msgspec.structs.replace(act, ts=self._now_ms()))

    async def audited(self, room: str) -> Sequence[Act]:
        """See `Backplane.audited`."""
        return list(self._rooms[room].acts)

    async def meet(self, room: str, member: str, person: Person) -> None:
        """See `Backplane.meet`."""
        self._rooms[room].people[member] = person

    async def met(self, room: str, member: str) -> Person | None:
        """See `Backplane.met`."""
        return self._rooms[room].people.get(member)

    async def trim(self, before: int) -> Mapping[str, int]:
        """See `Backplane.trim`."""
        moved: dict[str, int] = {}
        for room, log in self._rooms.items():
            young = (entry.seq for entry in log.entries if entry.ts >= before or entry.eid in log.drafts)
            base = next(young, log.base + len(log.entries) + 1) - 1
            if base > log.base:
                older, newer = log.entries[: base - log.base], log.entries[base - log.base :]
                log.kept = _still_hold([*log.kept, *older, *newer], len(newer), ())
                log.base, log.entries, moved[room] = base, newer, base
                held = {message_of(entry) for entry in (*log.kept, *log.entries)}
                log.by_key = {key: first for key, first in log.by_key.items() if message_of(first) in held}
                log.records = {reply: record for reply, record in log.records.items() if reply in held}
                _forget_files(log)
        return moved

    async def close(self) -> None:
        """See `Backplane.close`."""
        self._rooms.clear()

    def _tell(self, log: _RoomLog, events: Sequence[DurableEvent | Delta]) -> None:
        for listener in log.listeners:
            listener(events)


def _forget_files(log: _RoomLog) -> None:
    """Keep only what a message has attached."""
    posts = (entry for entry in (*log.kept, *log.entries) if isinstance(entry, Posted))
    held = {attachment.id for post in posts for attachment in post.attachments}
    log.files = {id_: data for id_, data in log.files.items() if id_ in held}


def _still_hold(entries: Sequence[DurableEvent], newest: int, open_: Collection[str]) -> list[DurableEvent]:
    """Of the entries before the `newest` ones, give those that a reader of these needs."""
    changed = next((entry for entry in reversed(entries) if isinstance(entry, RoomChanged)), None)
    wanted = {*(changed.pinned if changed else ()), *open_}
    return [entry for entry in entries[: len(entries) - newest] if entry is changed or message_of(entry) in wanted]
