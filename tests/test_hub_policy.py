"""Specification of what a room allows, as a hub with an agent keeps it: who is refused what, and who is told what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nbgroupchat import protocol
from nbgroupchat.agent import Agent
from nbgroupchat.backplanes.base import Backplane
from nbgroupchat.backplanes.memory import MemoryBackplane
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Code, Refusal
from nbgroupchat.hub import Answer, Hub
from nbgroupchat.policy import Identity, part_of
from nbgroupchat.protocol import (
    Cancel,
    Command,
    Edit,
    Explain,
    Explanation,
    History,
    Joined,
    Member,
    Pin,
    PolicyAnswer,
    Post,
    Posted,
    Presence,
    React,
    Redact,
    Regenerate,
    RoomPolicy,
    Search,
    SetPolicy,
    TurnAnswer,
    Typing,
    Who,
    WhoAnswer,
)
from nbgroupchat.roles import PlainRoles, Roles
from nbgroupchat.settings import Settings
from tests.clients import FakeClient, plain

NOON = 1_772_452_800_000  # a Monday


_AGENTS: list[Agent] = []


@pytest.fixture(autouse=True)
async def _ended() -> AsyncIterator[None]:
    """A reply may go on behind a test that has seen enough of it."""
    yield
    while _AGENTS:
        await _AGENTS.pop().close()


class Class:
    """A hub with an agent that plays a script, an instructor called Ina, and time that stands still."""

    def __init__(self, *script: object, backplane: Backplane | None = None) -> None:
        self.backplane = backplane or MemoryBackplane()
        self.now = 0.0
        self.hub = Hub(
            self.backplane,
            plain,
            roles=PlainRoles(instructors="ina"),
            clock=lambda: self.now,
            now_ms=lambda: NOON + int(self.now * 1000),
        )
        self.engine = ScriptEngine(list(script) or ["Yes."])  # type: ignore[arg-type]  # replies of every shape
        self.agent = Agent(self.engine, Settings(engine="script"))
        _AGENTS.append(self.agent)
        self.agent.sit(self.hub.seat(Identity("", "llama", "agent"), self.agent))
        self.sent: list[Answer] = []

    async def member(self, name: str, kind: protocol.Kind = "human", user: str = "") -> FakeClient:
        client = FakeClient(self.hub, name, user or name.lower(), kind)
        self.sent.append(await client.join())
        return client

    async def room(self) -> tuple[FakeClient, FakeClient, FakeClient]:
        """An instructor and two students."""
        return await self.member("Ina"), await self.member("Ana"), await self.member("Ben")


async def refused(client: FakeClient, command: Command) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await client.send(command)
    return refusal.value


async def allow(instructor: FakeClient, cid: str = "p", **policy: object) -> PolicyAnswer:
    answer = await instructor.send(SetPolicy(room="lobby", cid=cid, **policy))  # type: ignore[arg-type]  # as given
    assert isinstance(answer, PolicyAnswer)
    return answer


def told(*clients: FakeClient) -> str:
    """Give all that clients were told, as JSON."""
    return json.dumps([protocol.encode(event).decode() for client in clients for event in client.events])


async def test_an_instructor_sets_what_the_room_allows() -> None:
    """Everybody hears it, who comes later is told, a retry changes nothing, and so does a pin."""
    ina, ana, _ben = await Class().room()
    hub = ina.hub
    first = await allow(ina, locked=True, slow_seconds=30)
    assert first.policy == RoomPolicy(mention="@llama", locked=True, slow_seconds=30)
    assert await allow(ina, locked=True, slow_seconds=30) == first
    await allow(ina, cid="q", locked=False)
    assert (await allow(ina, locked=True, slow_seconds=30)).policy.locked is False
    said = await ana.post("hi")
    await ina.send(Pin(room="lobby", id=said.id, on=True))
    late = FakeClient(hub, "Late")
    assert (await late.join()).policy == (await allow(ina, cid="r")).policy
    for client in (ina, ana, late):
        assert client.rooms["lobby"].policy.slow_seconds == 30
        assert client.rooms["lobby"].pinned == (said.id,)


async def test_nobody_else_sets_it() -> None:
    """Members, kernels (an instructor's, too) and whoever takes an instructor's name are refused."""
    room = Class()
    ina, ana, _ben = await room.room()
    others = (ana, await room.member("Ina", user="mallory"), await room.member("Ina", "kernel", "ina"))
    for client in others:
        for command in (SetPolicy(room="lobby", cid="c", locked=True), SetPolicy(room="lobby", cid="c")):
            assert (await refused(client, command)).code is Code.FORBIDDEN
        assert (await refused(client, Who(room="lobby", id="m"))).code is Code.FORBIDDEN
    assert not (await allow(ina)).policy.locked
    assert ina.rooms["lobby"].position.seq == 0
    assert await room.backplane.audited("lobby") == []


async def test_an_exam_is_read_only() -> None:
    """Nothing of a member's changes anything, in no way; who instructs goes on, and afterwards all do."""
    ina, ana, ben = await Class().room()
    said = await ana.post("mine")
    await allow(ina, locked=True)
    before = ina.rooms["lobby"].position
    for command in (
        Post(room="lobby", cid="1", text="x"), Edit(room="lobby", cid="2", id=said.id, text="x"),
        Redact(room="lobby", id=said.id), Pin(room="lobby", id=said.id, on=True), Typing(room="lobby", on=True),
        Cancel(room="lobby", id=said.id),
    ):  # fmt: skip
        assert (await refused(ana, command)).code is Code.NOT_NOW
    assert ina.rooms["lobby"].position == before
    assert not any(isinstance(event, protocol.TypingChanged) for event in ben.events)
    await ina.post("Ten minutes left.")
    assert isinstance(await ana.send(History(room="lobby", before=9)), protocol.HistoryAnswer)
    assert ana.texts() == ["mine", "Ten minutes left."]
    await allow(ina, cid="q", locked=False)
    await ana.post("over")


async def test_what_comes_while_a_change_is_stored_is_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A post that arrives after the command to lock the room never stands after it in the log."""
    room = Class(backplane=SqliteBackplane(tmp_path / "rooms.sqlite"))
    ina, ana, _ben = await room.room()
    begun, append = asyncio.Event(), room.backplane.append

    async def noticed(*given: object) -> object:
        begun.set()
        return await append(*given)  # type: ignore[arg-type]  # what it was given

    monkeypatch.setattr(room.backplane, "append", noticed)
    locking = asyncio.ensure_future(ina.send(SetPolicy(room="lobby", cid="p", locked=True)))
    await begun.wait()
    assert not locking.done()
    assert (await refused(ana, Post(room="lobby", cid="1", text="too late"))).code is Code.NOT_NOW
    await locking
    await room.hub.close()


async def test_a_change_that_is_not_stored_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full the room goes on as it was."""
    room = Class()
    ina, ana, _ben = await room.room()

    async def full(*_given: object) -> None:
        raise Refusal(Code.UNAVAILABLE, "The disk is full.", 2000)

    with monkeypatch.context() as broken:
        broken.setattr(room.backplane, "append", full)
        assert (await refused(ina, SetPolicy(room="lobby", cid="p", locked=True))).code is Code.UNAVAILABLE
    await ana.post("still here")


async def test_slow_mode_holds_for_people_and_their_kernels_alike() -> None:
    """A member waits, also through a kernel; the instructor does not."""
    room = Class()
    ina, ana, ben = await room.room()
    own = await room.member("notebook", "kernel", "ana")
    await allow(ina, slow_seconds=30)
    await ana.post("one")
    for client in (ana, own):
        refusal = await refused(client, Post(room="lobby", cid="2", text="two"))
        assert (refusal.code, refusal.retry_ms) == (Code.NOT_NOW, 30_001)
    await ben.post("mine")
    for text in ("a", "b"):
        await ina.post(text)
    room.now += 30
    await own.post("two")
    assert ana.texts() == ["one", "mine", "a", "b", "two"]


async def test_a_post_that_could_not_be_stored_costs_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent again at once."""
    room = Class()
    ina, ana, _ben = await room.room()
    await allow(ina, slow_seconds=30)
    append, broken = room.backplane.append, True

    async def sometimes(*given: object) -> object:
        if broken:
            raise Refusal(Code.UNAVAILABLE, "The disk is full.", 2000)
        return await append(*given)  # type: ignore[arg-type]  # what it was given

    monkeypatch.setattr(room.backplane, "append", sometimes)
    assert (await refused(ana, Post(room="lobby", cid="1", text="x"))).code is Code.UNAVAILABLE
    broken = False
    await ana.post("x", cid="2")


async def test_so_many_questions_an_hour() -> None:
    """One too many is refused with the wait and not said; what addresses nobody is; instructors ask on."""
    room = Class("1", "2", "3")
    ina, ana, _ben = await room.room()
    await allow(ina, turns_per_hour=1)
    await ana.reply((await ana.post("@llama one?")).id)
    room.now += 600
    refusal = await refused(ana, Post(room="lobby", cid="2", text="@llama two?"))
    assert (refusal.code, refusal.retry_ms) == (Code.NOT_NOW, 3_000_001)
    await ana.post("then not")
    for text in ("@llama?", "@llama!"):
        await ina.reply((await ina.post(text)).id)
    room.now += 3000
    await ana.reply((await ana.post("@llama two?")).id)
    assert "@llama two?" in ana.texts()


@pytest.mark.parametrize(
    ("mode", "asked"), [("off", []), ("mention", ["@llama?"]), ("on", ["hi", "@llama?"]), ("hint", ["@llama?"])]
)
async def test_what_the_agent_answers(mode: protocol.AgentMode, asked: list[str]) -> None:
    """Nothing, what addresses it, or all that people say; kernels are answered where they address it."""
    room = Class()
    ina, ana, _ben = await room.room()
    await allow(ina, agent=mode)
    for text in ("hi", "@llama?"):
        await ana.post(text)
    found = [event.text for event in ana.events if isinstance(event, Posted) and event.asks]
    assert found == asked
    kernel = await room.member("notebook", "kernel", "k1")
    await kernel.post("print()")
    assert not [event for event in kernel.events if isinstance(event, Posted)][-1].asks


async def test_who_waits_is_told_that_the_agent_was_turned_off() -> None:
    """A question that waits for its turn is answered with that, the running reply goes on."""
    gate = asyncio.Event()
    room = Class(["On", gate.wait, " it."], "never")
    ina, ana, ben = await room.room()
    first = await ana.post("@llama one?")
    await ana.until(lambda: (reply := ana.reply_to(first.id)) is not None and reply.text == "On")
    second = await ben.post("@llama two?")
    await allow(ina, agent="off")
    reply = await ben.reply(second.id)
    assert (reply.status, reply.error) == (
        "failed",
        "An instructor has turned the model off in this room. Ask the people in it.",
    )
    gate.set()
    assert (await ana.reply(first.id)).text == "On it."


async def test_replies_are_as_long_as_the_room_allows() -> None:
    """Never longer than the server does, and what was used is recorded."""
    ina, ana, _ben = await Class().room()
    for tokens, used in ((7, 7), (100_000 // 2, 512), (0, 512)):
        await allow(ina, cid=f"p{tokens}", reply_tokens=tokens)
        reply = await ana.reply((await ana.post("@llama?")).id)
        found = await ana.send(Explain(room="lobby", id=reply.id))
        assert isinstance(found, Explanation)
        assert found.max_tokens == used


async def test_a_hint_is_the_instructors_secret() -> None:
    """The model reads their words; no member is told them: not with the policy, a join, a page or an explanation."""
    room = Class()
    ina, ana, _ben = await room.room()
    await allow(ina, agent="hint", prompt="canary: never say 42")
    reply = await ana.reply((await ana.post("@llama?")).id)
    assert "canary: never say 42" in [segment.text for segment in room.engine.prompts[-1][1].segments]
    found = await ana.send(Explain(room="lobby", id=reply.id))
    pages = [await ana.send(History(room="lobby", before=9)), await ana.join()]
    back = await room.member("Late")
    assert "canary" not in repr((found, pages, room.sent)) + told(ana, back)
    assert "is not shown" in repr(found)
    for asked in (await allow(ina, cid="q"), await ina.send(Explain(room="lobby", id=reply.id))):
        assert "canary" in repr(asked)
    await allow(ina, cid="r", agent="mention")
    await ana.reply((await ana.post("@llama?")).id)
    assert "canary" not in repr(room.engine.prompts[-1])
    assert "canary" not in repr(await ana.send(Explain(room="lobby", id=reply.id)))


async def test_hint_mode_has_words_of_its_own() -> None:
    """An instructor who writes nothing gets a tutor that gives no solutions."""
    room = Class()
    ina, ana, _ben = await room.room()
    await allow(ina, agent="hint")
    await ana.reply((await ana.post("@llama?")).id)
    assert any("Never give a whole solution" in segment.text for segment in room.engine.prompts[-1][1].segments)


async def test_who_may_stop_pin_and_redact() -> None:
    """By the policy: the asker and instructors, or instructors alone; a reply is its asker's."""
    gate = asyncio.Event()
    room = Class(["On", gate.wait])
    ina, ana, ben = await room.room()
    await allow(ina, stop="asker", pin="asker", redact="instructors")
    asked = await ana.post("@llama?")
    await ben.until(lambda: (found := ben.reply_to(asked.id)) is not None and found.text == "On")
    reply = ben.reply_to(asked.id)
    assert reply is not None
    for id_ in (reply.id, asked.id):
        assert (await refused(ben, Cancel(room="lobby", id=id_))).code is Code.FORBIDDEN
    await ana.send(Cancel(room="lobby", id=reply.id))
    for id_ in (asked.id, reply.id):
        assert (await refused(ben, Pin(room="lobby", id=id_, on=True))).code is Code.FORBIDDEN
        await ana.send(Pin(room="lobby", id=id_, on=True))
        assert (await refused(ben, Pin(room="lobby", id=id_, on=False))).code is Code.FORBIDDEN
        for client in (ana, ben):
            assert (await refused(client, Redact(room="lobby", id=id_))).code is Code.FORBIDDEN
    await allow(ina, cid="q", stop="instructors", pin="instructors")
    assert (await refused(ana, Pin(room="lobby", id=reply.id, on=False))).code is Code.FORBIDDEN
    assert (await refused(ana, Cancel(room="lobby", id=reply.id))).code is Code.FORBIDDEN
    await ina.send(Redact(room="lobby", id=asked.id))
    assert ana.texts()[0] == ""


async def test_a_question_that_waits_is_its_askers() -> None:
    """Where only the asker may stop, another cannot withdraw it, nor does trying open a reply."""
    gate = asyncio.Event()
    room = Class(["On", gate.wait], "Two.")
    ina, ana, ben = await room.room()
    await allow(ina, stop="asker")
    first = await ana.post("@llama one?")
    await ana.until(lambda: ana.reply_to(first.id) is not None)
    second = await ben.post("@llama two?")
    assert (await refused(ana, Cancel(room="lobby", id=second.id))).code is Code.FORBIDDEN
    assert ana.reply_to(second.id) is None
    await ben.send(Cancel(room="lobby", id=second.id))
    assert (await ben.reply(second.id)).status == "stopped"
    gate.set()


async def test_what_is_done_by_right_of_office_is_in_the_trail() -> None:
    """Changes of policy, another's message redacted, and who was asked for; what one does to one's own is not."""
    room = Class()
    ina, ana, _ben = await room.room()
    await allow(ina, anonymous=True)
    mine, own = await ana.post("one"), await ana.post("two")
    await ina.send(Redact(room="lobby", id=mine.id))
    await ina.send(Redact(room="lobby", id=mine.id))
    await ana.send(Redact(room="lobby", id=own.id))
    await ina.send(Who(room="lobby", id=ana.rooms["lobby"].messages[mine.id].by))
    acts = await room.backplane.audited("lobby")
    by = ana.rooms["lobby"].messages[mine.id].by
    assert [(act.user, act.action, act.about) for act in acts] == [
        ("ina", "policy", ""), ("ina", "redact", mine.id), ("ina", "who", by)
    ]  # fmt: skip
    assert acts[0].details == "anonymous = True"
    assert all(act.ts for act in acts)
    assert "one" not in repr(acts)


def names(client: FakeClient) -> set[str]:
    presence = [event for event in client.events if isinstance(event, Presence)][-1]
    return {member.name for member in presence.members}


async def test_peers_are_anonymous_and_instructors_are_not() -> None:
    """Nothing that a member is told holds a user or a name of another, by whatever way they speak."""
    room = Class()
    ina = await room.member("Ina")
    await allow(ina, anonymous=True)
    ben = await room.member("Ben Canary", user="ben_canary")
    eve = await room.member("Eve")
    own = await room.member("canary-homework", "kernel", "ben_canary")
    said = [await client.post("hi") for client in (ben, own)]
    reply = await ben.reply((await ben.post("@llama?")).id)
    await ben.send(Typing(room="lobby", on=True))
    pages = [await eve.send(History(room="lobby", before=99)), await eve.send(Explain(room="lobby", id=reply.id))]
    late = await room.member("Late")
    assert "canary" not in (repr((pages, room.sent)) + told(eve, late, ben, own)).lower()
    messages = eve.rooms["lobby"].messages
    alias = messages[said[0].id].name
    assert messages[said[1].id].name == alias
    assert alias in names(eve)
    assert {"Ina", "llama"} < names(eve)
    assert alias in repr(room.engine.prompts)
    for message in said:
        answer = await ina.send(Who(room="lobby", id=messages[message.id].by))
        assert isinstance(answer, WhoAnswer)
        assert answer.user == "ben_canary"
    assert (await refused(ina, Who(room="lobby", id="nobody"))).code is Code.NOT_FOUND


async def test_who_is_told_after_a_restart(tmp_path: Path) -> None:
    """Who posted under a pseudonym is kept, and is called the same again."""
    path = tmp_path / "rooms.sqlite"
    room = Class(backplane=SqliteBackplane(path))
    ina, ana, _ben = await room.room()
    await allow(ina, anonymous=True)
    said = await ana.post("hi")
    message = ina.rooms["lobby"].messages[said.id]
    await room.hub.close()
    room = Class(backplane=SqliteBackplane(path))
    ina = await room.member("Ina")
    assert await ina.send(Who(room="lobby", id=message.by)) == WhoAnswer("ana", "Ana", "human")
    ana = await room.member("Ana")
    await ana.post("again")
    assert ina.rooms["lobby"].policy.anonymous
    assert [found.name for found in ina.rooms["lobby"].messages.values()] == [message.name] * 2
    await room.hub.close()


async def test_what_was_said_by_name_is_not_found_to_be_a_pseudonyms() -> None:
    """Anonymity begins with other ids, and presence in another order; when it ends names come back with the old ids."""
    room = Class()
    ina, ana, ben = await room.room()
    named = [await ana.post("by name"), await ben.post("by name")]
    await allow(ina, anonymous=True)
    masked = [await ana.post("masked"), await ben.post("masked")]
    messages = ina.rooms["lobby"].messages
    assert not {messages[said.id].by for said in named} & {messages[said.id].by for said in masked}
    presence = [event for event in ina.events if isinstance(event, Presence)][-1]
    assert list(presence.members) == sorted(presence.members, key=lambda member: member.id)
    assert not {"Ana", "Ben"} & names(ina)
    again = await ana.join()
    assert (again.you.id, again.you.name) == (messages[masked[0].id].by, messages[masked[0].id].name)
    assert (await refused(ana, Edit(room="lobby", cid="e", id=named[0].id, text="x"))).code is Code.FORBIDDEN
    await ana.send(Edit(room="lobby", cid="e", id=masked[0].id, text="mine"))
    await allow(ina, cid="q", anonymous=False)
    after = await ana.post("by name again")
    assert messages[after.id].by == messages[named[0].id].by
    assert names(ina) >= {"Ana", "Ben"}
    assert messages[masked[0].id].name not in ("Ana", "")


async def test_a_retry_after_names_were_hidden_is_still_one() -> None:
    """What was posted by name is answered again, and not said under a pseudonym too."""
    room = Class()
    ina, ana, _ben = await room.room()
    first = await ana.post("once", cid="1")
    await allow(ina, anonymous=True)
    again = await ana.post("once", cid="1")
    assert (again.id, again.duplicate) == (first.id, True)
    assert ana.texts() == ["once"]


async def test_a_room_that_is_not_there_for_somebody() -> None:
    """Who has no part in a room does not join it, learns nothing of it, and opens nothing."""
    hub = Hub(MemoryBackplane(), plain, roles=Roles())
    ana, eve = FakeClient(hub, "ana"), FakeClient(hub, "eve")
    ana.client.identity = Identity("ana", "ana", groups=("course-101",))
    await ana.join("course-101")
    answers = set()
    for room in ("course-101", "no-such-room"):
        refusal = await refused(eve, protocol.Join(room=room, wire=protocol.WIRE))
        answers.add((refusal.code, refusal.message))
    assert len(answers) == 1
    assert hub.rooms == 1


async def test_an_observer_reads_along() -> None:
    """They hear everything and say nothing."""
    hub = Hub(MemoryBackplane(), plain, roles=Roles())
    ana, obs = FakeClient(hub, "ana"), FakeClient(hub, "obs")
    ana.client.identity = Identity("ana", "ana", groups=("course-101",))
    obs.client.identity = Identity("obs", "obs", groups=("course-101-observers",))
    await ana.join("course-101")
    joined: Joined = await obs.join("course-101")
    assert (joined.role, joined.you) == ("observer", Member(joined.you.id, "obs", "human"))
    assert (await refused(obs, Post(room="course-101", cid="1", text="x"))).code is Code.FORBIDDEN
    await ana.post("hi", "course-101")
    assert obs.texts("course-101") == ["hi"]


def test_no_kernel_is_an_instructor() -> None:
    """Whoever's it is and whoever says who instructs: it runs what others wrote, too."""
    course = ("course-101-instructors",)
    for roles in (PlainRoles(instructors="ana ben"), PlainRoles(instructors="*"), Roles()):
        assert part_of(roles, Identity("ana", "x", groups=course), "course-101") == "instructor"
        assert part_of(roles, Identity("ana", "ana", "kernel", course), "course-101") == "member"
    assert part_of(PlainRoles(instructors="ana"), Identity("an", "ana"), "lab") == "member"
    assert part_of(Roles(), Identity("ana", "x", "kernel"), "course-101") is None


async def test_another_answer_is_a_question_like_any_other() -> None:
    """It counts within the hour, becomes as long as replies may, and is for whoever may stop the reply; a retry counts
    once, and where the agent is turned off there is none for anybody.
    """
    room = Class("One.", "Two.", "Three.")
    ina, ana, ben = await room.room()
    own = await room.member("notebook", "kernel", "ana")
    first = await ana.reply((await ana.post("@llama?")).id)

    def again(cid: str) -> Regenerate:
        return Regenerate(room="lobby", id=first.id, cid=cid)

    def answered() -> int:
        return sum(message.status == "complete" for message in ana.rooms["lobby"].messages.values())

    await allow(ina, cid="1", turns_per_hour=1, reply_tokens=7)
    for _ in range(2):
        assert isinstance(await ana.send(again("a")), TurnAnswer)
        await ana.until(lambda: answered() == 2)
    for command in (again("b"), Post(room="lobby", cid="a", text="@llama?")):
        refusal = await refused(ana, command)
        assert (refusal.code, refusal.retry_ms) == (Code.NOT_NOW, 3_600_001)
    second = list(ana.rooms["lobby"].messages)[-1]
    explained = await ana.send(Explain(room="lobby", id=second))
    assert isinstance(explained, Explanation)
    assert explained.max_tokens == 7
    await allow(ina, cid="2", turns_per_hour=0, stop="asker")
    assert (await refused(ben, again("c"))).code is Code.FORBIDDEN
    await own.send(again("d"))
    await ana.until(lambda: answered() == 3)
    await allow(ina, cid="3", agent="off")
    for client in (ina, ana):
        assert (await refused(client, again("e"))).code is Code.NOT_NOW


async def test_a_retry_that_fails_makes_no_room_for_another_question() -> None:
    """What was counted and stored stays counted, whatever is sent again under its id."""
    ina, ana, _ben = await Class("One.", "Two.").room()
    await allow(ina, turns_per_hour=1)
    await ana.reply((await ana.post("@llama?", cid="1")).id)
    wrong = Post(room="lobby", cid="1", text="@llama?", attachments=("nothing",))
    assert (await refused(ana, wrong)).code is Code.NOT_FOUND
    assert (await refused(ana, Post(room="lobby", cid="2", text="@llama?"))).code is Code.NOT_NOW


async def test_what_a_kernel_says_is_its_owners() -> None:
    """Who may do something to what is theirs may do it to what their kernel says, and their kernel to theirs."""
    room = Class()
    ina, ana, ben = await room.room()
    own = await room.member("notebook", "kernel", "ana")
    await allow(ina, pin="asker", redact="asker")
    for author, other in ((own, ana), (ana, own)):
        said = await author.post("42")
        pin, redact = Pin(room="lobby", id=said.id, on=True), Redact(room="lobby", id=said.id)
        assert [(await refused(ben, command)).code for command in (pin, redact)] == [Code.FORBIDDEN] * 2
        await other.send(pin)
        await other.send(redact)
    assert ana.texts() == ["", ""]
    assert [act.action for act in await room.backplane.audited("lobby")] == ["policy"]


async def test_reactions_stops_and_what_is_found_name_nobody() -> None:
    """They hold pseudonyms; who instructs can ask whose these are, also of somebody who wrote nothing."""
    held = asyncio.Event()

    async def hold() -> None:
        held.set()
        await asyncio.Event().wait()

    room = Class(["Well, ", hold])
    ina, ana, ben = await room.room()
    await allow(ina, anonymous=True)
    said = await ana.post("@llama findable")
    await held.wait()
    await ben.send(React(room="lobby", id=said.id, emoji="\N{THUMBS UP SIGN}", on=True))
    await ben.until(lambda: ben.reply_to(said.id) is not None)
    await ben.send(Cancel(room="lobby", id=said.id))
    reply = await ana.reply(said.id)
    late = FakeClient(room.hub, "Late")
    await late.join()
    found = await late.send(Search(room="lobby", text="findable"))
    assert isinstance(found, protocol.SearchAnswer)
    message = late.rooms["lobby"].messages[said.id]
    (reactor,) = message.reactions[0].by
    assert found.hits[0].name == message.name
    everything = told(late) + str(found) + str(await late.send(History(room="lobby", before=99)))
    assert reply.status == "stopped"
    assert reactor.name in everything
    assert "Ana" not in everything
    assert "Ben" not in everything
    assert await ina.send(Who(room="lobby", id=reactor.id)) == WhoAnswer("ben", "Ben", "human")
    ben.leave()
    assert await ina.send(Who(room="lobby", id=reactor.id)) == WhoAnswer("ben", "Ben", "human")
    await room.agent.close()
