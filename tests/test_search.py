"""Specification of searching a room."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbgroupchat import search
from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.decoding import decode_command
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Hub
from nbgroupchat.policy import Identity
from nbgroupchat.protocol import Delta, Edit, Redact, Search, SearchAnswer
from tests.clients import FakeClient, Nobody, asking, plain


@pytest.fixture(params=["memory", "sqlite"])
def backplane(request: pytest.FixtureRequest, tmp_path: Path) -> Backplane:
    return MemoryBackplane() if request.param == "memory" else SqliteBackplane(tmp_path / "rooms.sqlite")


async def found(client: FakeClient, text: str, limit: int = 20, before: int | None = None) -> SearchAnswer:
    answer = await client.send(Search(room="lobby", text=text, limit=limit, before=before))
    assert isinstance(answer, SearchAnswer)
    return answer


async def test_what_is_said_now_is_found(backplane: Backplane) -> None:
    """Posts and replies that say all the words, in any case and order, the newest first; edits count, what was before
    them and what is redacted does not, and neither does another room.
    """
    hub = Hub(backplane, plain)
    seat = hub.seat(Identity("", "llama", "agent"), Nobody())
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await ana.join("other")
    first = await ana.post("The DEMO is on\nFriday.")
    changed = await ana.post("no canary here")
    gone = await ana.post("demo on Friday?")
    await ana.post("demo friday", "other")
    reply = await seat.open_reply("lobby", asking(first.id), 1)
    await seat.write("lobby", Delta(reply, 0, 1, "Friday: the demo."))
    await seat.close_reply("lobby", reply, "complete")
    await ana.send(Edit(room="lobby", cid="e", id=changed.id, text="a demo, every friday"))
    await ana.send(Redact(room="lobby", id=gone.id))
    answer = await found(ana, " friday demo ")
    assert [(hit.id, hit.name) for hit in answer.hits] == [(reply, "llama"), (changed.id, "Ana"), (first.id, "Ana")]
    assert answer.hits[2].snippet == "The DEMO is on Friday."
    assert answer.before == 0
    assert (await found(ana, "canary")).hits == ()
    assert (await found(ana, ".*")).hits == ()
    await hub.close()


async def test_words_are_written_as_posts_are() -> None:
    """What is searched for is normalised like what is said: an accent that comes apart, and what nobody sees."""
    hub = Hub(MemoryBackplane(), plain)
    ana = FakeClient(hub, "Ana")
    await ana.join()
    said = await ana.post("the caf\u00e9 is open")
    command = decode_command("search", '[{"room": "lobby", "text": "cafe\u0301 o\u200bpen"}]'.encode())
    answer = await ana.send(command)
    assert isinstance(answer, SearchAnswer)
    assert [hit.id for hit in answer.hits] == [said.id]
    await hub.close()


async def test_a_search_goes_on_where_it_stopped(backplane: Backplane, monkeypatch: pytest.MonkeyPatch) -> None:
    """With enough hits, or enough looked through, it says where to go on, and nothing is left out or found twice."""
    monkeypatch.setattr(search, "PAGE", 2)
    monkeypatch.setattr(search, "PAGES", 2)
    hub = Hub(backplane, plain)
    ana = FakeClient(hub, "Ana")
    await ana.join()
    said = [(await ana.post("x" if number % 3 else f"needle {number}")).id for number in range(20)]
    await ana.send(Edit(room="lobby", cid="e", id=said[1], text="needle, too"))
    await ana.send(Edit(room="lobby", cid="f", id=said[3], text="hay"))
    hits, before = list[str](), None
    for _ in range(20):
        answer = await found(ana, "needle", limit=2, before=before)
        hits += [hit.id for hit in answer.hits]
        before = answer.before or None
        if before is None:
            break
    assert hits == [said[number] for number in (18, 15, 12, 9, 6, 1, 0)]
    await hub.close()


async def test_a_long_text_is_shown_in_part(backplane: Backplane) -> None:
    """What surrounds the first word is shown, on one line."""
    hub = Hub(backplane, plain)
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await ana.post("a " * 500 + "needle\n" + "b " * 500)
    (hit,) = (await found(ana, "NEEDLE")).hits
    assert "needle b b" in hit.snippet
    assert len(hit.snippet) <= search.BEFORE + search.AFTER
    await hub.close()


async def test_who_is_not_in_the_room_finds_nothing(backplane: Backplane) -> None:
    """A search takes a word, and is for those who have joined."""
    hub = Hub(backplane, plain)
    ana = FakeClient(hub, "Ana")
    with pytest.raises(Refusal) as refusal:
        await found(ana, "x")
    assert refusal.value.code == Code.NOT_JOINED
    await ana.join()
    with pytest.raises(Refusal) as refusal:
        await found(ana, "  ")
    assert refusal.value.code == Code.INVALID
    await hub.close()
