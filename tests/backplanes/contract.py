"""What every backplane promises. A test file of an implementation derives from this class."""

from __future__ import annotations

from collections.abc import Sequence

from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.protocol import Delta, Event, Posted, ReplyClosed, ReplyOpened


def post(text: str = "hi") -> Posted:
    return Posted(seq=0, eid="", ts=0, by="m1", name="Ana", kind="human", text=text)


def opening() -> ReplyOpened:
    return ReplyOpened(seq=0, eid="", ts=0, by="m0", name="llama", to="p", context=1)


def closing(reply: str, text: str) -> ReplyClosed:
    return ReplyClosed(seq=0, eid="", ts=0, by="m0", id=reply, text=text, status="complete")


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

    async def test_rooms_are_apart(self) -> None:
        """Neither entries nor keys of one room are another's."""
        backplane, heard = self.make(), list[Event]()
        await backplane.open("one", heard.extend)
        await backplane.open("two", lambda _events: None)
        entry = (await backplane.append("two", post(), "key")).entry
        assert heard == []
        assert entry.seq == (await backplane.append("one", post(), "key")).entry.seq == 1

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


async def _texts(backplane: Backplane, before: int, limit: int) -> tuple[Sequence[str], bool]:
    entries, more = await backplane.read("lobby", before, limit)
    return [entry.text for entry in entries if isinstance(entry, Posted)], more
