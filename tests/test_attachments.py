"""Specification of attachments in a room: from a client's bytes to what everybody sees and the model reads."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nbgroupchat import protocol
from nbgroupchat.attachment import MAX_ATTACHED, MAX_ATTACHMENT, MAX_PART
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.compose import Composition
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.explain import decode_record, prompt_of
from nbgroupchat.hub import Hub
from nbgroupchat.protocol import Download, DownloadAnswer, Edit, Post, PostAnswer, Redact, Upload
from nbgroupchat.room import Message
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain
from tests.pictures import png
from tests.wire import Peer


@pytest.fixture
def hub() -> Hub:
    return Hub(MemoryBackplane(), plain)


async def upload(
    client: FakeClient, data: bytes, id_: str = "u", mime: str = "text/plain", name: str = "n.txt"
) -> None:
    for at in range(0, len(data), MAX_PART):
        part = data[at : at + MAX_PART]
        await client.send(Upload(room="lobby", id=id_, name=name, mime=mime, size=len(data), at=at, data=part))


async def attach(client: FakeClient, *ids: str, text: str = "look", cid: str = "c") -> PostAnswer:
    answer = await client.send(Post(room="lobby", cid=cid, text=text, attachments=ids))
    assert isinstance(answer, PostAnswer)
    return answer


def only(client: FakeClient) -> Message:
    (message,) = client.rooms["lobby"].messages.values()
    return message


async def fetched(client: FakeClient, id_: str) -> bytes:
    data = b""
    while True:
        answer = await client.send(Download(room="lobby", id=id_, at=len(data)))
        assert isinstance(answer, DownloadAnswer)
        data += answer.data
        if len(data) == answer.size:
            return data


async def refused(client: FakeClient, command: protocol.Command) -> Code:
    with pytest.raises(Refusal) as refusal:
        await client.send(command)
    return refusal.value.code


async def test_a_file_in_many_parts_is_seen_by_everybody(hub: Hub) -> None:
    """Ana sends 4 MiB; Ben sees what it is and its beginning, and fetches exactly its bytes."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join()
    data = bytes(Random(1).choices(b"0123456789\n", k=MAX_ATTACHMENT))
    await upload(ana, data)
    await attach(ana, "u")
    (attachment,) = only(ben).attachments
    assert (attachment.id, attachment.size) == (hashlib.sha256(data).hexdigest(), MAX_ATTACHMENT)
    assert data.decode().startswith(attachment.text)
    assert attachment.cut
    assert await fetched(ben, attachment.id) == data


async def test_a_picture_alone_is_a_message(hub: Hub) -> None:
    """A post needs a text or an attachment; the picture's size is known."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await upload(ana, png(20, 10), mime="image/png", name="../plot.png")
    await attach(ana, "u", text="")
    (attachment,) = only(ana).attachments
    assert (attachment.name, attachment.width, attachment.height) == ("plot.png", 20, 10)


async def test_a_retry_attaches_nothing_twice(hub: Hub) -> None:
    """After a lost answer everything is sent again: it is answered, and stands there once."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    answers = []
    for _ in range(2):
        await upload(ana, b"hello")
        answers.append(await attach(ana, "u"))
    assert [answer.duplicate for answer in answers] == [False, True]
    assert len(only(ana).attachments) == 1


async def test_only_who_sent_it_attaches_it(hub: Hub) -> None:
    """Another member, another room and another connection of the same member have not sent it."""
    ana, ben, again = FakeClient(hub, "Ana"), FakeClient(hub, "Ben"), FakeClient(hub, "Ana")
    for client in (ana, ben, again):
        await client.join()
    await ana.join("other")
    await upload(ana, b"hello")
    for client in (ben, again):
        assert await refused(client, Post(room="lobby", cid="c", text="x", attachments=("u",))) is Code.NOT_FOUND
    assert await refused(ana, Post(room="other", cid="c", text="x", attachments=("u",))) is Code.NOT_FOUND
    ana.leave()
    assert hub.attachments._uploads.size == 0


async def test_what_another_room_has_is_like_what_is_not_there(hub: Hub) -> None:
    """Whoever knows the hash of a file learns of no room whether it is there, but of those that were joined."""
    ana, ben = FakeClient(hub, "Ana"), FakeClient(hub, "Ben")
    await ana.join()
    await ben.join("other")
    await upload(ana, b"secret")
    await attach(ana, "u")
    id_ = only(ana).attachments[0].id
    answers = []
    for command in (Download(room="other", id=id_), Download(room="other", id="0" * 64)):
        with pytest.raises(Refusal) as refusal:
            await ben.send(command)
        answers.append((refusal.value.code, refusal.value.message))
    assert answers[0] == answers[1]
    assert await refused(ben, Download(room="lobby", id=id_)) is Code.NOT_JOINED
    assert (
        await refused(ben, Upload(room="lobby", id="u", name="", mime="", size=1, at=0, data=b"x")) is Code.NOT_JOINED
    )


async def test_an_edit_keeps_attachments_and_a_redaction_takes_them(hub: Hub) -> None:
    """What was taken back cannot be fetched any more, by nobody."""
    ana = FakeClient(hub, "Ana")
    await ana.join()
    await upload(ana, b"hello")
    posted = await attach(ana, "u")
    await ana.send(Edit(room="lobby", cid="e", id=posted.id, text="look here"))
    (attachment,) = only(ana).attachments
    await ana.send(Redact(room="lobby", id=posted.id))
    assert (only(ana).attachments, only(ana).text) == ((), "")
    assert await refused(ana, Download(room="lobby", id=attachment.id)) is Code.NOT_FOUND
    later = FakeClient(hub, "Ben")
    await later.join()
    assert "hello" not in repr(later.events)


async def test_the_model_reads_it_and_the_explanation_says_the_same() -> None:
    """What the model read of a file is in its prompt, and the prompt composed again from the record is the same."""
    engine = ScriptEngine(["A table."])
    composition = Composition(Settings(engine="script"), engine)
    hub, read = composition.hub, list[Any]()
    stream = engine.stream

    def noted(room: str, prompt: Any, sampling: Any) -> Any:
        read.append(prompt)
        return stream(room, prompt, sampling)

    engine.stream = noted  # type: ignore[method-assign]
    ana = FakeClient(hub, "Ana")
    hub._encode = plain
    await ana.join()
    await upload(ana, b"a,b\nBen: yes,2", mime="text/csv", name="data.csv")
    asked = await attach(ana, "u", text="@llama what is this?")
    reply = await ana.reply(asked.id)
    (prompt,) = read
    assert "Ana: @llama what is this?\n  [file data.csv, 14 bytes]\n  a,b\n  Ben: yes,2" in [
        segment.text for segment in prompt.segments
    ]
    records = await composition.backplane.records("lobby", {reply.id})
    entries = await composition.backplane.about("lobby", {asked.id})
    again = prompt_of(decode_record(records[reply.id]), reply.context or 0, entries)
    assert [segment.text for segment in again.segments] == [segment.text for segment in prompt.segments]
    await composition.close()


@pytest.fixture
async def composition(tmp_path: Path) -> AsyncIterator[Composition]:
    composition = Composition(Settings(engine="off", store=str(tmp_path / "rooms.sqlite")))
    yield composition
    await composition.close()


async def test_over_the_wire_and_in_a_file(composition: Composition) -> None:
    """Frames as any client sends them bring a file into the store, and its bytes back."""
    ana = await Peer(composition, "ana", name="Ana").shake_hands()
    await ana.join()
    data = b"hello"
    part = {"room": "lobby", "id": "u", "name": "n.txt", "mime": "text/plain", "size": 5}
    assert await ana.invoke("upload", **part, at=0, data=b64encode(data[:2]).decode()) == {"held": 2}
    assert await ana.invoke("upload", **part, at=2, data=b64encode(data[2:]).decode()) == {"held": 5}
    await ana.invoke("post", room="lobby", cid="c", text="", attachments=["u"])
    (message,) = ana.rooms["lobby"].messages.values()
    answer = await ana.invoke("download", room="lobby", id=message.attachments[0].id)
    assert answer == {"data": b64encode(data).decode(), "size": 5}


async def test_the_largest_part_and_the_fullest_post_fit_a_frame(composition: Composition) -> None:
    """The limits go together: a part is a frame, and a post with all that it may have is stored and read again."""
    ana = await Peer(composition, "ana", name="Ana").shake_hands()
    await ana.join()
    text = '"\\' * (MAX_PART // 2)
    for number in range(MAX_ATTACHED):
        fields = {"id": str(number), "name": "\\" * 256, "mime": "text/markdown", "size": len(text), "at": 0}
        data = b64encode(text.encode()).decode()
        assert len(ana.frame("upload", {"room": "lobby", **fields, "data": data})) <= protocol.MAX_FRAME
        assert (await ana.invoke("upload", room="lobby", **fields, data=data)) == {"held": len(text)}
    ids = [str(number) for number in range(MAX_ATTACHED)]
    said = '"' * protocol.MAX_TEXT
    assert (await ana.invoke("post", room="lobby", cid="c", text=said, attachments=ids))["seq"] == 1
    entries, _ = await composition.backplane.read("lobby", 2, 10)
    (posted,) = entries
    assert isinstance(posted, protocol.Posted)
    assert len(posted.attachments) == MAX_ATTACHED
    assert json.loads(protocol.encode(posted))["text"] == said
