"""What every backplane promises. A test file of an implementation derives from this class."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from nbgroupchat.attachment import Attachment
from nbgroupchat.backplanes.base import Act, Backplane, Person
from nbgroupchat.log import MAX_TAIL
from nbgroupchat.protocol import (
    Delta,
    DurableEvent,
    Edited,
    Event,
    Posted,
    Redacted,
    ReplyClosed,
    ReplyOpened,
    RoomChanged,
)


def post(text: str = "hi") -> Posted:
    return Posted(seq=0, eid="", ts=0, by="m1", name="Ana", kind="human", text=text)


def attaching(*files: bytes) -> tuple[Posted, dict[str, bytes]]:
    """Give a post that has these files attached, and the files by their ids."""
    by_id = {hashlib.sha256(data).hexdigest(): data for data in files}
    attached = tuple(Attachment(id=id_, name="x", mime="text/plain", size=len(data)) for id_, data in by_id.items())
    return msgspec.structs.replace(post(), attachments=attached), by_id


def opening() -> ReplyOpened:
    return ReplyOpened(seq=0, eid="", ts=0, by="m0", name="llama", to="p", context=1)


def closing(reply: str, text: str) -> ReplyClosed:
    return ReplyClosed(seq=0, eid="", ts=0, by="m0", id=reply, text=text, status="complete")


def editing(message: str, text: str) -> Edited:
    return Edited(seq=0, eid="", ts=0, by="m1", id=message, text=text)


def redacting(message: str) -> Redacted:
    return Redacted(seq=0, eid="", ts=0, by="m1", id=message)


def pinning(*pinned: str) -> RoomChanged:
    return RoomChanged(seq=0, eid="", ts=0, by="m1", pinned=pinned)


class BackplaneContract:
    """Derive and give `make`."""

    def make(self) -> Backplane:
        raise NotImplementedError

    async def test_entries_are_stamped_in_order_and_told(self) -> None:
        """Entries are numbered without holes, have an eid and a time, and reach every listener in that order."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("lobby", heard.extend)
        appended = [(await backplane.append("lobby", post(str(number)))).entry for number in range(3)]
        assert [entry.seq for entry in appended] == [1, 2, 3]
        assert len({entry.eid for entry in appended} - {""}) == 3
        assert all(entry.ts > 0 for entry in appended)
        assert heard == appended

    async def test_a_key_is_used_once(self) -> None:
        """A retry is answered with the first entry, is not told again, and changes nothing."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("lobby", heard.extend)
        first = await backplane.append("lobby", post("one"), "key")
        again = await backplane.append("lobby", post("two"), "key")
        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.entry == first.entry
        assert heard == [first.entry]

    async def test_what_stands_under_a_key_is_found(self) -> None:
        """The first entry with a key is, in its room; it stays there when what it said is redacted."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        await backplane.open("other", lambda _events: None)
        said = (await backplane.append("lobby", post("canary"), "key")).entry
        assert await backplane.keyed("lobby", "key") == said
        assert await backplane.keyed("lobby", "another") is None
        assert await backplane.keyed("other", "key") is None
        await backplane.append("lobby", redacting(said.eid))
        assert await backplane.keyed("lobby", "key") == replace(said, text="")

    async def test_rooms_are_apart(self) -> None:
        """Neither entries nor keys of one room are another's."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("one", heard.extend)
        await backplane.open("two", lambda _events: None)
        entry = (await backplane.append("two", post(), "key")).entry
        assert heard == []
        assert entry.seq == (await backplane.append("one", post(), "key")).entry.seq == 1

    async def test_rooms_are_known_once_something_was_said(self) -> None:
        """They come with their newest entries, the newest room first, and no more than were asked for."""
        backplane = self.make()
        for room in ("one", "two", "empty"):
            await backplane.open(room, lambda _events: None)
        first = (await backplane.append("one", post())).entry
        second = (await backplane.append("two", post())).entry
        known = await backplane.rooms(9)
        assert {(room.name, room.seq, room.ts) for room in known} == {("one", 1, first.ts), ("two", 1, second.ts)}
        assert [room.ts for room in known] == sorted((first.ts, second.ts), reverse=True)
        assert known[0].epoch == (await backplane.open(known[0].name, lambda _events: None)).epoch
        assert len(await backplane.rooms(1)) == 1

    async def test_what_is_attached_is_kept_as_long_as_a_message_has_it(self) -> None:
        """A file is its room's alone, is kept once for all messages that have it, and goes with the last of them."""
        backplane = self.make()
        for room in ("lobby", "other"):
            await backplane.open(room, lambda _events: None)
        (one, two), (entry, files) = (b"one", b"two"), attaching(b"one", b"two")
        ids = {data: id_ for id_, data in files.items()}
        first = (await backplane.append("lobby", entry, "key", files)).entry
        again, one_file = attaching(one)
        second = (await backplane.append("lobby", again, None, one_file)).entry
        assert await backplane.attachment("lobby", ids[two]) == two
        assert await backplane.attachment("other", ids[two]) is None
        assert await backplane.attachment("none", ids[two]) is None
        assert await backplane.attachment("lobby", "0" * 64) is None
        redaction = (await backplane.append("lobby", redacting(first.eid))).entry
        assert await backplane.attachment("lobby", ids[one]) == one
        assert await backplane.attachment("lobby", ids[two]) is None
        (redacted_now, *_), _more = await backplane.read("lobby", redaction.seq, 10)
        assert isinstance(redacted_now, Posted)
        assert redacted_now.attachments == ()
        # A retry of what was redacted brings nothing back.
        assert (await backplane.append("lobby", entry, "key", files)).duplicate
        assert await backplane.attachment("lobby", ids[two]) is None
        await backplane.append("lobby", redacting(second.eid))
        assert await backplane.attachment("lobby", ids[one]) is None

    async def test_what_is_attached_goes_with_a_trim(self) -> None:
        """What only forgotten messages had attached is forgotten, what a pinned one has is kept."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        (old, old_files), (pinned, pinned_files) = attaching(b"old"), attaching(b"pinned")
        await backplane.append("lobby", old, None, old_files)
        kept = (await backplane.append("lobby", pinned, None, pinned_files)).entry
        await backplane.append("lobby", pinning(kept.eid))
        await backplane.trim(2**52)
        assert [await backplane.attachment("lobby", id_) for id_ in (*old_files, *pinned_files)] == [None, b"pinned"]

    async def test_pieces_are_told_until_the_close(self) -> None:
        """Pieces of an open reply are stored and told, and refused from its close on."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("lobby", heard.extend)
        reply = (await backplane.append("lobby", opening())).entry.eid
        delta = Delta(reply, 0, 2, "Hel")
        assert await backplane.journal("lobby", delta)
        closed = (await backplane.append("lobby", closing(reply, "Hel"), f"close {reply}")).entry
        assert not await backplane.journal("lobby", Delta(reply, 2, 3, "lo"))
        assert heard[1:] == [delta, closed]

    async def test_who_opens_later_finds_everything(self) -> None:
        """Entries and the drafts of open replies are given on opening."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        await backplane.append("lobby", post())
        reply = (await backplane.append("lobby", opening())).entry.eid
        await backplane.journal("lobby", Delta(reply, 0, 1, "a"))
        await backplane.journal("lobby", Delta(reply, 1, 3, "bc"))
        opened = await backplane.open("lobby", lambda _events: None)
        assert [entry.seq for entry in opened.entries] == [1, 2]
        assert opened.drafts == [Delta(reply, 0, 3, "abc")]
        assert opened.epoch
        assert len(opened.key) >= 16

    async def test_older_entries_are_read_in_pages(self) -> None:
        """A page holds so many messages, ends before a place, and says whether there are older ones."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        for number in range(5):
            await backplane.append("lobby", post(str(number)))
        assert await _texts(backplane, before=6, limit=2) == (["3", "4"], True)
        assert await _texts(backplane, before=4, limit=2) == (["1", "2"], True)
        assert await _texts(backplane, before=2, limit=2) == (["0"], False)

    async def test_what_made_and_changed_a_message_is_found(self) -> None:
        """The entries about some messages come in order, without those about others."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        one = (await backplane.append("lobby", post("one"))).entry
        reply = (await backplane.append("lobby", opening())).entry
        other = (await backplane.append("lobby", post("two"))).entry
        edited = (await backplane.append("lobby", editing(one.eid, "1"))).entry
        await backplane.append("lobby", editing(other.eid, "2"))
        closed = (await backplane.append("lobby", closing(reply.eid, "so"))).entry
        assert list(await backplane.about("lobby", {one.eid, reply.eid})) == [one, reply, edited, closed]
        assert list(await backplane.about("lobby", {"nobody's"})) == []

    async def test_a_redaction_takes_the_text_away(self) -> None:
        """Afterwards no entry has the text, wherever it is asked for, and every entry has its place and its eid."""
        backplane, canary = self.make(), "canary"
        await backplane.open("lobby", lambda _events: None)
        made = (await backplane.append("lobby", post(canary), "key")).entry
        edited = (await backplane.append("lobby", editing(made.eid, canary + "!"))).entry
        kept = (await backplane.append("lobby", post("kept"))).entry
        redacted = (await backplane.append("lobby", redacting(made.eid))).entry
        opened = await backplane.open("lobby", lambda _events: None)
        page, _ = await backplane.read("lobby", 5, 10)
        about = await backplane.about("lobby", {made.eid})
        retried = (await backplane.append("lobby", post("retry"), "key")).entry
        assert canary not in repr((opened, page, about, retried))
        assert _places(opened.entries) == _places(page) == _places([made, edited, kept, redacted])
        assert opened.entries[2:] == [kept, redacted]
        assert (retried.seq, retried.eid) == (made.seq, made.eid)

    async def test_records_are_kept_with_replies(self) -> None:
        """The last record of a reply is given when it is asked for and on opening; a redaction takes it away."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        reply = (await backplane.append("lobby", opening())).entry.eid
        await backplane.record("lobby", reply, b"first")
        await backplane.record("lobby", reply, b"\x00second")
        assert await backplane.records("lobby", {reply, "other"}) == {reply: b"\x00second"}
        await backplane.append("lobby", closing(reply, "so"))
        assert (await backplane.open("lobby", lambda _events: None)).records == {reply: b"\x00second"}
        await backplane.append("lobby", redacting(reply))
        await backplane.record("lobby", reply, b"late")
        assert await backplane.records("lobby", {reply}) == {}

    async def test_a_long_room_is_opened_with_what_still_holds(self) -> None:
        """Of entries older than those given, the last change of the room and the messages it pins come along."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        pinned = (await backplane.append("lobby", post("pinned"))).entry
        await backplane.append("lobby", pinning())
        changed = (await backplane.append("lobby", pinning(pinned.eid))).entry
        edited = (await backplane.append("lobby", editing(pinned.eid, "pinned!"))).entry
        await asyncio.gather(*(backplane.append("lobby", post(str(number))) for number in range(MAX_TAIL + 1)))
        opened = await backplane.open("lobby", lambda _events: None)
        assert list(opened.earlier) == [pinned, changed, edited]
        assert [entry.seq for entry in opened.entries] == list(range(6, MAX_TAIL + 6))
        again = (await backplane.append("lobby", pinning(changed.eid, pinned.eid))).entry
        opened = await backplane.open("lobby", lambda _events: None)
        assert (list(opened.earlier), opened.entries[-1]) == ([pinned, edited], again)

    async def test_the_audit_trail_is_only_added_to(self) -> None:
        """What was done stands in order, with its time, for each room, also where nothing was said and after a trim."""
        backplane = self.make()
        for room in ("lobby", "other"):
            await backplane.open(room, lambda _events: None)
        assert await backplane.audited("lobby") == []
        for action in ("policy", "who"):
            await backplane.audit("lobby", Act(0, "ina", "Ina", action, "m1", "locked = True"))
        await backplane.append("lobby", post())
        while await backplane.trim(2**53):
            pass
        acts = await backplane.audited("lobby")
        assert [(act.user, act.name, act.action, act.about, act.details) for act in acts] == [
            ("ina", "Ina", "policy", "m1", "locked = True"), ("ina", "Ina", "who", "m1", "locked = True"),
        ]  # fmt: skip
        assert all(act.ts > 0 for act in acts)
        assert await backplane.audited("other") == []

    async def test_who_pseudonyms_are_is_kept(self) -> None:
        """In their room, as they were called last."""
        backplane = self.make()
        for room in ("lobby", "other"):
            await backplane.open(room, lambda _events: None)
        for name in ("Ana", "Anna"):
            await backplane.meet("lobby", "m1", Person("ana", name, "human"))
        assert await backplane.met("lobby", "m1") == Person("ana", "Anna", "human")
        assert await backplane.met("lobby", "m2") is None
        assert await backplane.met("other", "m1") is None

    async def test_what_is_old_is_forgotten(self) -> None:
        """A trim takes entries from the beginning, with their keys and records; the numbering goes on after them."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        await backplane.append("lobby", post("old"), "key")
        reply = (await backplane.append("lobby", opening())).entry.eid
        await backplane.append("lobby", closing(reply, "old"))
        await backplane.record("lobby", reply, b"old")
        assert await backplane.trim(0) == {}
        assert await backplane.trim(2**52) == {"lobby": 3}
        assert await backplane.trim(2**52) == {}
        opened = await backplane.open("lobby", lambda _events: None)
        assert (opened.base, opened.entries, opened.earlier, opened.records) == (3, [], [], {})
        assert await backplane.read("lobby", 4, 10) == ([], False)
        again = await backplane.append("lobby", post("new"), "key")
        assert (again.entry.seq, again.duplicate) == (4, False)
        assert await _texts(backplane, 5, 1) == (["new"], False)
        opened = await backplane.open("lobby", lambda _events: None)
        assert (opened.base, opened.entries) == (3, [again.entry])

    async def test_what_holds_outlives_a_trim(self) -> None:
        """Pinned messages are kept until they are unpinned, and whatever follows the opening of an open reply."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        pinned = (await backplane.append("lobby", post("pinned"))).entry
        await backplane.append("lobby", post("old"))
        changed = (await backplane.append("lobby", pinning(pinned.eid))).entry
        reply = (await backplane.append("lobby", opening())).entry
        await backplane.append("lobby", post("later"))
        assert await backplane.trim(2**52) == {"lobby": 3}
        opened = await backplane.open("lobby", lambda _events: None)
        assert list(opened.earlier) == [pinned, changed]
        assert [entry.seq for entry in opened.entries] == [4, 5]
        assert await backplane.about("lobby", {pinned.eid}) == [pinned]
        await backplane.append("lobby", closing(reply.eid, ""))
        unpinned = (await backplane.append("lobby", pinning())).entry
        await backplane.trim(2**52)
        opened = await backplane.open("lobby", lambda _events: None)
        assert (opened.base, list(opened.earlier), opened.entries) == (7, [unpinned], [])
        assert await backplane.about("lobby", {pinned.eid}) == []

    async def test_a_reply_open_for_long_is_found_open(self) -> None:
        """Of a reply that was opened before the entries given, the opening comes along with its pieces."""
        backplane = self.make()
        await backplane.open("lobby", lambda _events: None)
        reply = (await backplane.append("lobby", opening())).entry
        await backplane.journal("lobby", Delta(reply.eid, 0, 1, "so"))
        await asyncio.gather(*(backplane.append("lobby", post(str(number))) for number in range(MAX_TAIL)))
        opened = await backplane.open("lobby", lambda _events: None)
        assert (opened.earlier, opened.drafts) == ([reply], [Delta(reply.eid, 0, 1, "so")])

    async def test_writes_asked_for_at_once_keep_their_order(self) -> None:
        """Writes are stored and told in the order in which they were asked for, without waiting for each."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("lobby", heard.extend)
        texts = [str(number) for number in range(100)]
        await asyncio.gather(*(backplane.append("lobby", post(text)) for text in texts))
        assert [event.text for event in heard if isinstance(event, Posted)] == texts
        assert (await _texts(backplane, before=101, limit=100))[0] == texts


def _places(entries: Sequence[DurableEvent]) -> list[tuple[int, str]]:
    return [(entry.seq, entry.eid) for entry in entries]


async def _texts(backplane: Backplane, before: int, limit: int) -> tuple[Sequence[str], bool]:
    entries, more = await backplane.read("lobby", before, limit)
    return [entry.text for entry in entries if isinstance(entry, Posted)], more
