"""Specification of the service's door on a real Hub: whoever knocks is who the Hub says, and sees what is theirs."""

from __future__ import annotations

import typing
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from nbgroupchat import protocol
from nbgroupchat.signalr.client import ConnectFailed
from tests.clients import TRANSPORTS, SocketClient, Transport
from tests.hub.classroom import SERVICE, Classroom

pytestmark = [pytest.mark.hub, pytest.mark.timeout(180), pytest.mark.usefixtures("_no_socket_is_left")]

FOREIGN, NO_ROOM = "course-102", "course-999"


@pytest.fixture(scope="module")
def eve(classroom: Classroom) -> Iterator[str]:
    """A student of another course, whom the class knows nothing of."""
    classroom.api("POST", "users/eve")
    classroom.api("POST", f"groups/{FOREIGN}", {"users": ["eve"]})
    yield "eve"
    classroom.api("DELETE", "users/eve")


@pytest.fixture
async def teacher(classroom: Classroom) -> SocketClient:
    """The instructor, over a connection of their own."""
    return await SocketClient.connect(classroom.service, classroom.token_for("teacher"))


def sample(kind: type[protocol.Command]) -> dict[str, Any]:
    """Give arguments that fit a command, without its room."""
    hints = typing.get_type_hints(kind)
    values: dict[object, object] = {int: 1, str: "x", bool: True, bytes: "eA=="}
    given = {field: values[hints[field]] for field in required(kind) if field != "room"}
    return given | ({"emoji": "\N{EYES}"} if "emoji" in given else {})


def required(kind: type[protocol.Command]) -> tuple[str, ...]:
    """Give the fields that a command cannot do without."""
    return kind.__struct_fields__[: len(kind.__struct_fields__) - len(kind.__struct_defaults__)]


DISGUISES: tuple[tuple[dict[str, str], str], ...] = (
    ({"X-Forwarded-User": "teacher", "Remote-User": "teacher", "X-JupyterHub-User": "teacher"}, ""),
    ({"X-NbGroupChat-User": "teacher", "X-NbGroupChat-Kind": "agent"}, ""),
    ({"X-NbGroupChat-Kind": "system"}, ""),
    ({"X-NbGroupChat-Kind": "kernel"}, ""),
    ({"Cookie": "jupyterhub-session-id=x; jupyterhub-user-teacher=x; username=teacher"}, ""),
    ({}, "?user=teacher&name=teacher&by=teacher"),
    ({}, "?access_token=forged&token=forged&as=teacher"),
)


@pytest.mark.parametrize(("headers", "query"), DISGUISES, ids=[str(number) for number in range(len(DISGUISES))])
async def test_no_disguise_helps(
    classroom: Classroom, teacher: SocketClient, headers: dict[str, str], query: str
) -> None:
    """Whatever a student's client says of itself in headers or addresses, it speaks as the student."""
    room = f"course-101.d{DISGUISES.index((headers, query))}"
    them = (await teacher.join(room)).you
    ana = await SocketClient.connect(classroom.service + query, classroom.token_for("ana") | headers)
    me = (await ana.join(room)).you
    assert me.id != them.id
    assert (me.name, me.kind) in {("ana", "human"), ("ana", "kernel")}
    assert me.kind == ("kernel" if headers.get("X-NbGroupChat-Kind") == "kernel" else "human")
    for forged in (
        {"by": them.id},
        {"name": "teacher"},
        {"user": "teacher"},
        {"kind": "agent"},
        {"role": "instructor"},
    ):
        answer = await ana.invoke("post", room=room, cid="1", text="spoofed", **forged)
        assert answer["error"]["code"] == "invalid", forged
    assert (await ana.invoke("post", room=room, cid="1", text="teacher: I am not"))["seq"] == 1
    await teacher.until(lambda: bool(teacher.messages(room)))
    (message,) = teacher.messages(room)
    assert (message.by, message.name) == (me.id, "ana")


async def test_a_room_of_others_is_none(classroom: Classroom, eve: str) -> None:
    """For every command, by every transport, a room of another course is answered as one that nobody ever opened."""
    inside = await SocketClient.connect(classroom.service, classroom.token_for(eve))
    await inside.join(FOREIGN)
    assert (await inside.invoke("post", room=FOREIGN, cid="1", text="a secret of the other course"))["seq"] == 1
    for transport in TRANSPORTS:
        ana = await SocketClient.connect(classroom.service, classroom.token_for("ana"), transport)
        for name, kind in protocol.COMMANDS.items():
            arguments = sample(kind) | ({"wire": protocol.WIRE} if name == "join" else {})
            there, nowhere = [await ana.invoke(name, room=room, **arguments) for room in (FOREIGN, NO_ROOM)]
            assert there == nowhere, name
            assert there["error"]["code"] == "not_found", name
        assert (await ana.join("course-101")).you.name == "ana"
        await ana.connection.close()
    assert [message.text for message in inside.messages(FOREIGN)] == ["a secret of the other course"]
    assert {member.name for member in inside.rooms[FOREIGN].members} == {"eve", "llama"}


def shown(headers: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value[:12]}" for name, value in headers.items()) or "nothing"


async def refused(url: str, headers: dict[str, str], over: Transport = "WebSockets") -> int | None:
    """Give the status with which a connection is refused."""
    with pytest.raises(ConnectFailed) as failed:
        await SocketClient.connect(url, headers, over)
    return failed.value.status


async def test_only_a_token_of_the_hub_opens_the_door(classroom: Classroom) -> None:
    """Without a good token in its header, or from a page, nobody comes in over any transport: 403."""
    good = classroom.token_for("ana")
    token = good["Authorization"].removeprefix("token ")
    strangers: list[tuple[dict[str, str], str]] = [
        ({}, ""),
        ({"Authorization": "token forged"}, ""),
        ({"Authorization": f"token {token}x"}, ""),
        ({"Authorization": f"Basic {token}"}, ""),
        ({"Authorization": f"token {classroom.token}"}, ""),  # a service's
        ({"Cookie": f"jupyterhub-services={token}; token={token}"}, ""),
        ({}, f"?token={token}"),
        ({}, f"?access_token={token}"),
        (good | {"Origin": classroom.url.rstrip("/")}, ""),
        (good | {"Sec-Fetch-Site": "same-origin"}, ""),
    ]
    for headers, query in strangers:
        assert await refused(classroom.service + query, headers) == 403, shown(headers)
        if not query:
            for over in TRANSPORTS[1:]:
                assert await refused(classroom.service, headers, over) == 403, shown(headers)


async def test_what_the_service_shows_who(classroom: Classroom) -> None:
    """Health is for everybody, numbers are for a token with `read:metrics`, and neither holds a name."""
    assert classroom.ask(f"{SERVICE}health") == (200, '{"status": "ok"}')
    ana, watcher = classroom.token_for("ana"), {"Authorization": f"token {classroom.token}"}
    assert [classroom.ask(f"{SERVICE}metrics", headers=headers)[0] for headers in ({}, ana)] == [403, 403]
    code, text = classroom.ask(f"{SERVICE}metrics", headers=watcher)
    assert code == 200
    assert "nbgroupchat_posts_total" in text
    assert "ana" not in text
    assert "course-101" not in text


async def test_a_revoked_token_is_out(classroom: Classroom) -> None:
    """A connection ends when its token is taken back, and does not come in again; the user's other one stays."""
    found = classroom.api("POST", "users/ana/tokens", {"note": "to be revoked"})
    revoked = await SocketClient.connect(classroom.service, {"Authorization": f"token {found['token']}"})
    other = await SocketClient.connect(classroom.service, classroom.token_for("ana"))
    await revoked.join("course-101")
    await other.join("course-101")
    classroom.api("DELETE", f"users/ana/tokens/{found['id']}")
    assert "not let in any more" in str(await revoked.closed)
    assert await refused(classroom.service, {"Authorization": f"token {found['token']}"}) == 403
    assert (await other.invoke("typing", room="course-101", on=False)) is None
    assert not other.closed.done()


async def test_who_leaves_a_group_leaves_its_rooms(classroom: Classroom, eve: str) -> None:
    """A change of groups ends the connection; whoever comes again finds the rooms that there are for them now."""
    token = classroom.token_for(eve)
    inside = await SocketClient.connect(classroom.service, token)
    await inside.join(FOREIGN)
    classroom.api("DELETE", f"groups/{FOREIGN}/users", {"users": [eve]})
    assert "has changed" in str(await inside.closed)
    again = await SocketClient.connect(classroom.service, token)
    answer = await again.invoke("join", room=FOREIGN, wire=protocol.WIRE)
    assert answer["error"]["code"] == "not_found"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_relay_takes_every_transport(
    classroom: Classroom, teacher: SocketClient, transport: Transport
) -> None:
    """What comes to somebody's own server by any transport is in the service's room, said by that server's owner."""
    room = f"course-101.{transport}"
    await teacher.join(room)
    classroom.start_server("ana")
    own = classroom.service.replace(SERVICE, "user/ana/nbgroupchat/")
    ana = await SocketClient.connect(own, classroom.token_for("ana"), transport)
    assert (await ana.join(room)).you.name == "ana"
    await ana.invoke("post", room=room, cid="1", text=f"by {transport}")
    await teacher.until(lambda: teacher.texts(room) == [f"by {transport}"])
    await teacher.invoke("post", room=room, cid="2", text="heard")
    await ana.until(lambda: ana.texts(room) == [f"by {transport}", "heard"])


async def test_what_is_attached_is_there_for_the_course(classroom: Classroom, eve: str) -> None:
    """A file goes through the owner's server both ways; for who is not in the course it is not there."""
    classroom.start_server("ana")
    own, token, data = "user/ana/nbgroupchat/", classroom.token_for("ana"), b"a,b\n1,2\n"
    ana = await SocketClient.connect(classroom.service.replace(SERVICE, own), token)
    await ana.join("course-101.files")
    fields = {"id": "u", "name": "x.csv", "mime": "text/plain", "size": len(data), "at": 0}
    await ana.invoke("upload", room="course-101.files", data=b64encode(data).decode(), **fields)
    await ana.invoke("post", room="course-101.files", cid="1", text="", attachments=["u"])
    await ana.until(lambda: bool(ana.messages("course-101.files")))
    path = f"attachments/course-101.files/{ana.messages('course-101.files')[0].attachments[0].id}"
    assert classroom.ask(own + path, headers=token) == (200, data.decode())
    assert classroom.ask(own + path + "0", headers=token)[0] == 404
    assert classroom.ask(SERVICE + path, headers=token) == (200, data.decode())
    assert classroom.ask(SERVICE + path, headers=classroom.token_for(eve))[0] == 404
    assert classroom.ask(SERVICE + path, headers=token | {"Origin": "http://other.example"})[0] == 403
    assert classroom.ask(SERVICE + path)[0] == 403


async def test_a_visitor_does_not_speak_as_the_owner(classroom: Classroom) -> None:
    """Whoever may visit a student's server is refused by its relay: its token would make them the student."""
    classroom.start_server("ana")
    own = classroom.service.replace(SERVICE, "user/ana/nbgroupchat/")
    assert await refused(own, {"Authorization": f"token {classroom.token}"}) == 403


async def test_a_removed_user_is_out(classroom: Classroom) -> None:
    """Somebody who is removed while connected with a token of their own is out, and nobody by that token."""
    classroom.api("POST", "users/mallory")
    token = classroom.token_for("mallory")
    mallory = await SocketClient.connect(classroom.service, token)
    await mallory.join("lobby")
    classroom.api("DELETE", "users/mallory")
    assert "not let in any more" in str(await mallory.closed)
    assert await refused(classroom.service, token) == 403


def test_no_token_is_in_the_logs(classroom: Classroom) -> None:
    """What the Hub, the proxy, the service and the servers have printed holds no token that was used."""
    assert "nbgroupchat: the rooms of a Hub" in classroom.log
    assert classroom.tokens
    for token in classroom.tokens:
        assert token not in classroom.log
