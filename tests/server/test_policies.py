"""Specification of every rule of a room's policy against every way in: a table, printed and in the docs.

On a real Jupyter server with accounts: SignalR clients over each transport and a kernel's connection; and a Python
program with a hub of its own. Frames are made by hand, so nothing on the way in may have a say.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbgroupchat import connection_file, protocol
from nbgroupchat.channel import Client
from nbgroupchat.link import LocalLink
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.rights import DAYS
from nbgroupchat.room import Message
from tests.clients import TRANSPORTS, SocketClient
from tests.jupyter import JupyterServer

WAYS = (*TRANSPORTS, "kernel", "in-process")

CANARY = "canary: never say 42"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server with accounts, on which Ina instructs."""
    with JupyterServer(
        tmp_path_factory.mktemp("accounts"),
        "--ServerApp.identity_provider_class=tests.server.accounts.Accounts",
        "--NbGroupChat.engine=echo", "--NbGroupChat.instructors=ina", "--NbGroupChat.posts_per_minute=0",
        "--NbGroupChat.joins_per_minute=0", "--NbGroupChat.room_posts_per_minute=0",
        "--NbGroupChat.commands_per_minute=0", "--NbGroupChat.max_rooms=1000", imports_tests=True,
    ) as running:  # fmt: skip
        yield running


class OwnLink(LocalLink):
    """The way into a hub of one's own process, as somebody: others can only be there because a test puts them there."""

    def __init__(self, hear: Callable[[bytes], None], identity: Identity | None) -> None:
        super().__init__(hear)
        if identity is not None:
            self._client = Client(identity, Outbox(self._write, lambda: None))


class Someone(SocketClient):
    """A member who sends frames made by hand, and keeps all that comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str] = []

    @classmethod
    def inside(cls, identity: Identity | None) -> Someone:
        """Come into a hub in this process."""
        self = cls()
        self.connection = OwnLink(lambda arguments: self._hear("", arguments), identity)  # type: ignore[assignment]  # as much as is used
        return self

    async def invoke(self, target: str, **fields: object) -> dict[str, Any]:
        """Invoke a method, and keep what it answers."""
        answer = await super().invoke(target, **fields)
        self.answers.append(json.dumps(answer))
        return answer

    async def try_to(self, target: str, **fields: object) -> str:
        """Give the code of the refusal, "done" where there is none."""
        answer = await self.invoke(target, **fields) or {}
        return str(answer["error"]["code"]) if "error" in answer else "done"

    @property
    def told(self) -> str:
        """All that this member was ever sent."""
        return "".join(self.answers) + protocol.encode(self.heard).decode()


@dataclass
class Scene:
    """A room with an instructor, another student, and a member who came in by the way that is tried."""

    room: str
    ina: Someone
    ben: Someone
    member: Someone

    async def say(self, who: Someone, text: str, cid: str = "1") -> str:
        """Post, and give the message's id."""
        return str((await who.invoke("post", room=self.room, cid=cid, text=text))["id"])

    async def ask(self, who: Someone) -> str:
        """Ask the agent, and give the id of its reply."""
        asked = await self.say(who, "@llama?", "ask")

        def reply() -> Message | None:
            return next((message for message in who.messages(self.room) if message.to == asked), None)

        await who.until(lambda: (found := reply()) is not None and found.status == "complete")
        found = reply()
        assert found is not None
        return found.id

    async def post(self, who: Someone, text: str = "x", cid: str = "p") -> str:
        """Try to post."""
        return await who.try_to("post", room=self.room, cid=cid, text=text)

    async def asks(self, text: str) -> str:
        """Say whether a post of the member's is one that the agent answers."""
        id_ = await self.say(self.member, text)
        await self.member.until(lambda: any(message.id == id_ for message in self.member.messages(self.room)))
        return "asked" if next(m for m in self.member.messages(self.room) if m.id == id_).asks else "not asked"


Attempt = Callable[[Scene, Someone], Awaitable[str]]


async def nothing(_scene: Scene) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Rule:
    """A rule and what is tried under it: what comes of it for a member by every way, and for an instructor."""

    name: str
    policy: dict[str, object]
    what: str
    attempt: Attempt
    member: str
    instructor: str


def closed_now() -> list[str]:
    """Give opening times that are not now, whatever the time is: the day after tomorrow."""
    day = datetime.now(UTC) + timedelta(days=2)
    return [f"{DAYS[day.weekday()]} 00:00-24:00"]


async def second_post(scene: Scene, who: Someone) -> str:
    await scene.post(who, cid="first")
    return await scene.post(who, cid="second")


async def second_question(scene: Scene, who: Someone) -> str:
    await scene.post(who, "@llama?", "first")
    return await scene.post(who, "@llama?", "second")


async def reply_length(scene: Scene, who: Someone) -> str:
    reply = await scene.ask(who)
    answer = await who.invoke("explain", room=scene.room, id=reply)
    return f"{answer['max_tokens']} tokens"


async def hint(scene: Scene, who: Someone) -> str:
    reply = await scene.ask(who)
    await who.invoke("explain", room=scene.room, id=reply)
    await who.invoke("history", room=scene.room, before=99)
    await who.invoke("set_policy", room=scene.room, cid="read")
    await who.join(scene.room)
    return "seen" if CANARY in who.told else "not seen"


async def names_of_others(scene: Scene, who: Someone) -> str:
    """Whether a name can be found by who is in the room from now on."""
    id_ = await scene.say(scene.ben, "it is me")
    await scene.ben.invoke("typing", room=scene.room, on=True)
    reply = await scene.ask(scene.ben)
    await who.until(lambda: any(m.id == reply and m.status == "complete" for m in who.messages(scene.room)))
    begin = len(who.answers), len(who.heard)
    await who.join(scene.room)
    await who.invoke("history", room=scene.room, before=99)
    await who.invoke("explain", room=scene.room, id=reply)
    by = next(message.by for message in who.messages(scene.room) if message.id == id_)
    await who.invoke("who", room=scene.room, id=by)
    found = "".join(who.answers[begin[0] :]) + protocol.encode(who.heard[begin[1] :]).decode()
    return "known" if "ben" in found.lower() else "not known"


def writing(target: str, **fields: object) -> Attempt:
    """Try something about a message of the member's own."""

    async def attempt(scene: Scene, who: Someone) -> str:
        # Said before the room was locked, by whoever may.
        own = next(message.id for message in who.messages(scene.room) if message.text == f"of {id(who)}")
        given = {name: own if name == "id" else value for name, value in fields.items()}
        return await who.try_to(target, room=scene.room, **given)

    return attempt


def others(target: str, **fields: object) -> Attempt:
    """Try something about the reply that another student asked for."""

    async def attempt(scene: Scene, who: Someone) -> str:
        return await who.try_to(target, room=scene.room, id=await scene.ask(scene.ben), **fields)

    return attempt


def own(target: str, **fields: object) -> Attempt:
    """Try something about a reply that one has asked for."""

    async def attempt(scene: Scene, who: Someone) -> str:
        return await who.try_to(target, room=scene.room, id=await scene.ask(who), **fields)

    return attempt


def plainly(target: str, **fields: object) -> Attempt:
    """Try something."""
    return lambda scene, who: who.try_to(target, room=scene.room, **fields)


LOCKED: dict[str, object] = {"locked": True}
RULES = (
    Rule("agent off", {"agent": "off"}, "post `@llama?`", lambda s, w: s.asks("@llama?"), "not asked", "not asked"),
    Rule("agent by mention", {"agent": "mention"}, "post `hi`", lambda s, w: s.asks("hi"), "not asked", "not asked"),
    Rule("agent by mention", {"agent": "mention"}, "post `@llama?`", lambda s, w: s.asks("@llama?"), "asked", "asked"),
    Rule("agent on", {"agent": "on"}, "post `hi`", lambda s, w: s.asks("hi"), "asked", "asked"),
    Rule("hint mode", {"agent": "hint", "prompt": CANARY}, "find the instructors' words", hint, "not seen", "seen"),
    Rule("slow mode", {"slow_seconds": 3600}, "a second post", second_post, "not_now", "done"),
    Rule("questions an hour", {"turns_per_hour": 1}, "a second question", second_question, "not_now", "done"),
    Rule("questions an hour", {"turns_per_hour": 1}, "another answer", own("regenerate", cid="a"), "not_now", "done"),
    Rule("length of answers", {"reply_tokens": 7}, "ask", reply_length, "7 tokens", "7 tokens"),
    Rule("opening times", {"hours": closed_now()}, "post", plainly("post", cid="p", text="x"), "not_now", "done"),
    Rule("exam lock", LOCKED, "post", plainly("post", cid="p", text="x"), "not_now", "done"),
    Rule("exam lock", LOCKED, "edit one's own", writing("edit", cid="e", id="", text="x"), "not_now", "done"),
    Rule("exam lock", LOCKED, "redact one's own", writing("redact", id=""), "not_now", "done"),
    Rule("exam lock", LOCKED, "pin one's own", writing("pin", id="", on=True), "not_now", "done"),
    Rule("exam lock", LOCKED, "react", writing("react", id="", emoji="\N{EYES}", on=True), "not_now", "done"),
    Rule("exam lock", LOCKED, "stop", writing("cancel", id=""), "not_now", "not_found"),
    Rule("exam lock", LOCKED, "be seen typing", plainly("typing", on=True), "not_now", "done"),
    Rule("exam lock", LOCKED, "read", plainly("history", before=9), "done", "done"),
    Rule("stop: the asker", {"stop": "asker"}, "stop another's reply", others("cancel"), "forbidden", "done"),
    Rule("stop: the asker", {"stop": "asker"}, "stop one's own", own("cancel"), "done", "done"),
    Rule(
        "stop: the asker", {"stop": "asker"}, "have another's answered again",
        others("regenerate", cid="a"), "forbidden", "done",
    ),
    Rule("stop: instructors", {"stop": "instructors"}, "stop one's own", own("cancel"), "forbidden", "done"),
    Rule("pin: the asker", {"pin": "asker"}, "pin another's reply", others("pin", on=True), "forbidden", "done"),
    Rule("pin: instructors", {"pin": "instructors"}, "pin one's own", own("pin", on=True), "forbidden", "done"),
    Rule("redact: the asker", {"redact": "asker"}, "redact another's reply", others("redact"), "forbidden", "done"),
    Rule("redact: instructors", {"redact": "instructors"}, "redact one's own", own("redact"), "forbidden", "done"),
    Rule("anonymous", {"anonymous": True}, "find who wrote something", names_of_others, "not known", "known"),
    Rule("instructors only", {}, "lock the room", plainly("set_policy", cid="l", locked=True), "forbidden", "done"),
    Rule("instructors only", {}, "read the policy's words", plainly("set_policy", cid="l"), "forbidden", "done"),
    Rule(
        "instructors only", {}, "lock it with a role of one's own",
        plainly("set_policy", cid="l", locked=True, role="instructor"), "invalid", "invalid",
    ),
    Rule(
        "instructors only", {}, "lock it by an event",
        plainly("room_changed", pinned=[]), "unknown_method", "unknown_method",
    ),
    Rule("instructors only", {}, "ask who somebody is", plainly("who", id="nobody"), "forbidden", "not_found"),
)  # fmt: skip


class People:
    """Who is in the rooms: an instructor, a student, and a member who came in by one way."""

    def __init__(self, ina: Someone, ben: Someone, member: Someone) -> None:
        self.ina, self.ben, self.member = ina, ben, member

    async def scene(self, room: str, policy: dict[str, object]) -> Scene:
        """Let them meet in a new room, say something each, and set what it allows."""
        scene = Scene(room, self.ina, self.ben, self.member)
        everybody = {id(client): client for client in (self.ina, self.ben, self.member)}.values()
        for client in everybody:
            await client.join(room)
        if policy.get("locked"):
            for client in everybody:
                id_ = await scene.say(client, f"of {id(client)}")
                await client.until(lambda client=client, id_=id_: id_ in client.rooms[room].messages)  # type: ignore[misc]  # bound now
        if policy:
            answer = await self.ina.invoke("set_policy", room=room, cid="set", **policy)
            assert "error" not in answer, answer
            seq = answer["seq"]
            await self.member.until(lambda: self.member.rooms[room].position.seq >= seq)
        return scene


async def come_in(server: JupyterServer, way: str, monkeypatch: pytest.MonkeyPatch) -> People:
    """Let an instructor and a student come in, and a member by a way."""
    if way == "in-process":
        for name, value in (("ENGINE", "echo"), ("INSTRUCTORS", "ina")):
            monkeypatch.setenv(f"NBGROUPCHAT_{name}", value)
        LocalLink.forget()
        ina, ben = (Someone.inside(Identity(name, name.title())) for name in ("ina", "ben"))
        return People(ina, ben, Someone.inside(None))
    come: list[SocketClient] = [await Someone.connect(server.hub, signed_in(server, name)) for name in ("ina", "ben")]
    if way == "kernel":
        found = json.loads(connection_file.path_for(server.runtime, server.process.pid).read_text())
        come.append(await Someone.connect(found["url"], {"Authorization": f"nbgroupchat {found['secret']}"}))
    else:
        over = next(transport for transport in TRANSPORTS if transport == way)
        come.append(await Someone.connect(server.hub, signed_in(server, "ana"), over))
    return People(*(one for one in come if isinstance(one, Someone)))


def signed_in(server: JupyterServer, name: str) -> dict[str, str]:
    """Give the header that signs somebody in."""
    return {"Authorization": f"token {name}.{server.token}"}


@pytest.fixture
async def people(
    accounts: JupyterServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], Awaitable[People]]]:
    """Let people come in by a way."""
    yield lambda way: come_in(accounts, way, monkeypatch)
    if LocalLink._composition is not None:
        await LocalLink._composition.close()
        LocalLink.forget()


async def test_every_rule_holds_for_every_way_in(people: Callable[[str], Awaitable[People]]) -> None:
    """Whoever comes in by whichever way is refused, or told, what the policy says; instructors are not bound by it."""
    found: list[list[str]] = [[rule.name, rule.what] for rule in RULES]
    instructors: list[set[str]] = [set() for _ in RULES]
    for way in WAYS:
        here = await people(way)
        for number, rule in enumerate(RULES):
            scene = await here.scene(f"rule{number}-{way}", rule.policy)
            found[number].append(await rule.attempt(scene, scene.member))
            there = await People(here.ina, here.ben, here.ina).scene(f"rule{number}-{way}-ina", rule.policy)
            instructors[number].add(await rule.attempt(there, here.ina))
    table = written([[*row, " ".join(sorted(each))] for row, each in zip(found, instructors, strict=True)])
    print(table)
    wanted = [[rule.name, rule.what, *by_way(rule), rule.instructor] for rule in RULES]
    assert table == written(wanted)
    page = Path(__file__).parents[2] / "docs" / "policies.md"
    assert table in page.read_text("utf-8"), "docs/policies.md shows another table than this"


def by_way(rule: Rule) -> list[str]:
    """Give what is to come of a rule's attempt by each way. A kernel is answered by mention alone."""
    of_programs = "not asked" if rule.name == "agent on" else rule.member
    return [of_programs if way in ("kernel", "in-process") else rule.member for way in WAYS]


def written(rows: list[list[str]]) -> str:
    """Give the table in Markdown."""
    head = ["rule", "what is tried", *WAYS, "an instructor"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)
