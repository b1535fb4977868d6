from __future__ import annotations

import asyncio
import logging

import pytest

from nbgroupchat.signalr import Connection

from .fakes import HANDSHAKE, FakeApplication, FakeClock, FakeSession, FakeTransport, frame


class Peer:
    """A connection with everything around it faked."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.transport = FakeTransport()
        self.application = FakeApplication()
        self.connection = Connection(self.transport, self.application, "ana", clock=self.clock)

    @property
    def session(self) -> FakeSession:
        [session] = self.application.sessions
        return session

    async def shake_hands(self) -> None:
        await self.connection.receive(HANDSHAKE)
        assert self.transport.sent == [{}]
        self.transport.written.clear()


@pytest.fixture
async def peer() -> Peer:
    return Peer()


@pytest.fixture
async def open_peer(peer: Peer) -> Peer:
    await peer.shake_hands()
    return peer


def invocation(target: str, *arguments: object, id: str | None = None) -> str:  # noqa: A002 - the protocol's word
    more = {} if id is None else {"invocationId": id}
    return frame(type=1, target=target, arguments=list(arguments), **more)


async def test_the_application_hears_of_a_connection_after_its_handshake(peer: Peer) -> None:
    """`connected` is called with the connection and its user when the handshake is done, not before."""
    assert peer.application.sessions == []
    await peer.shake_hands()
    assert peer.session.connection is peer.connection
    assert peer.session.user == "ana"
    assert peer.connection.user == "ana"


async def test_handshake_and_invocations_may_come_together(peer: Peer) -> None:
    """Invocations in the first payload are carried out, after the answer to the handshake."""
    await peer.connection.receive(HANDSHAKE + invocation("echo", 1, id="0") + invocation("echo", 2))
    assert peer.transport.sent[:2] == [{}, {"type": 3, "invocationId": "0", "result": [1]}]
    assert peer.session.heard == ["echo[1]", "end echo", "echo[2]", "end echo"]


@pytest.mark.parametrize("handshake", [{"protocol": "messagepack", "version": 1}, {"protocol": "json", "version": 2}])
async def test_another_protocol_is_refused_by_the_handshake(peer: Peer, handshake: dict[str, object]) -> None:
    """An unsupported protocol or version is answered with a handshake error, then closed."""
    await peer.connection.receive(frame(**handshake) + invocation("echo"))
    [answer] = peer.transport.sent
    assert "json" in answer["error"]
    assert len(peer.transport.closed) == 1
    assert peer.application.sessions == []


@pytest.mark.parametrize("payload", ["", "hello", frame(type=6), invocation("echo"), '{"protocol":"json","version":1}'])
async def test_nothing_is_heard_before_a_handshake(peer: Peer, payload: str) -> None:
    """A first payload that is no handshake closes the connection with a handshake error."""
    await peer.connection.receive(payload)
    [answer] = peer.transport.sent
    assert answer["error"].startswith("protocol error: ")
    assert len(peer.transport.closed) == 1


async def test_the_handshake_must_come_in_time(peer: Peer) -> None:
    """Without a handshake the connection is closed after the timeout, not earlier."""
    peer.clock.advance(14.9)
    assert not peer.connection.closed
    peer.clock.advance(0.2)
    assert peer.connection.closed
    assert "in time" in peer.transport.sent[0]["error"]
    assert peer.clock.pending == 0


async def test_invocations_are_carried_out_one_at_a_time_and_in_order(open_peer: Peer) -> None:
    """While one is under way `receive` does not return and the next is not begun."""
    payload = invocation("hold", id="0") + invocation("echo", 1, id="1")
    task = asyncio.create_task(open_peer.connection.receive(payload))
    await open_peer.session.holding.wait()
    assert open_peer.session.heard == ["hold[]"]
    assert not task.done()
    open_peer.session.release.set()
    await task
    assert open_peer.session.heard == ["hold[]", "end hold", "echo[1]", "end echo"]
    assert [message.get("invocationId") for message in open_peer.transport.sent] == ["0", "1", None]


async def test_an_unanswered_invocation_completes_without_a_result(open_peer: Peer) -> None:
    """A method that returns nothing is completed, so that the client does not wait for ever."""
    await open_peer.connection.receive(invocation("nothing", id="7"))
    assert open_peer.transport.sent == [{"type": 3, "invocationId": "7"}]


async def test_no_answer_without_an_invocation_id(open_peer: Peer) -> None:
    """Non-blocking invocations get no completion, even if they fail."""
    await open_peer.connection.receive(invocation("nothing") + invocation("refuse"))
    assert open_peer.transport.sent == []


async def test_an_exception_is_logged_and_not_shown(open_peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets an incident number without the exception's text, the log has both; the connection goes on."""
    await open_peer.connection.receive(invocation("fail", id="1") + invocation("fail") + invocation("echo", id="2"))
    failure, result, _event = open_peer.transport.sent
    assert failure["invocationId"] == "1"
    assert failure["error"].startswith("internal error, incident ")
    assert b"canary" not in b"".join(open_peer.transport.written)
    incident = failure["error"].rpartition(" ")[2]
    first, second = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert incident in first.getMessage()
    assert incident not in second.getMessage()
    assert "swordfish" in str(first.exc_info)
    assert result == {"type": 3, "invocationId": "2", "result": []}


async def test_an_exception_after_the_answer_changes_nothing_for_the_client(
    open_peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """An invocation that was answered and then raised is only logged."""
    await open_peer.connection.receive(invocation("twice", id="1"))
    assert open_peer.transport.sent == [{"type": 3, "invocationId": "1", "result": 1}]
    assert "incident" in caplog.text


async def test_an_application_that_cannot_connect_closes_with_an_incident(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception of `connected` ends the connection with a Close that tells an incident and to try again."""

    def fail(_connection: Connection) -> None:
        raise ValueError("canary")

    peer.application.connecting = fail
    await peer.connection.receive(HANDSHAKE + invocation("echo"))
    answer, close = peer.transport.sent
    assert answer == {}
    assert close["type"] == 7
    assert close["allowReconnect"] is True
    assert "canary" not in close["error"]
    assert "canary" in caplog.text
    assert peer.clock.pending == 0


async def test_an_application_may_close_at_once(peer: Peer) -> None:
    """A session made for a connection that `connected` closed hears the end once, and no invocation."""
    peer.application.connecting = lambda connection: connection.close("not today")
    await peer.connection.receive(HANDSHAKE + invocation("echo"))
    assert peer.transport.sent == [{}, {"type": 7, "error": "not today"}]
    assert (peer.session.closed_count, peer.session.heard) == (1, [])


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{broken\x1e", "not JSON"),
        ('{"type":6}', "record separator"),
        (frame(type=1, target="echo", arguments=[], author="ben"), "author"),
        (frame(type=1, target="echo", arguments={}), "array"),
        (frame(type=6) + '{"type":6,"x":' + "[" * 100_000 + "\x1e", "deep"),
        (b"\xff\x1e", "UTF-8"),
        ("", "record separator"),
    ],
)
async def test_a_broken_payload_closes_with_what_was_wrong(open_peer: Peer, payload: str | bytes, said: str) -> None:
    """The Close message says what was wrong, the session hears the end, nothing of the payload is carried out."""
    await open_peer.connection.receive(payload)
    [close] = open_peer.transport.sent
    assert close["type"] == 7
    assert said in close["error"]
    assert "allowReconnect" not in close
    assert open_peer.transport.closed[0][0] == 1002
    assert open_peer.session.closed_count == 1
    assert open_peer.session.heard == []


async def test_unknown_types_pings_and_strays_are_ignored(open_peer: Peer) -> None:
    """Unknown types, pings, cancels, acks, stream items and completions of nothing have no effect."""
    await open_peer.connection.receive(
        frame(type=99, anything=[1])
        + frame(type=6)
        + frame(type=5, invocationId="nope")
        + frame(type=8, sequenceId=1)
        + frame(type=2, invocationId="9", item=1)
        + frame(type=3, invocationId="9")
        + invocation("echo", id="1")
    )
    assert open_peer.transport.sent[0] == {"type": 3, "invocationId": "1", "result": []}
    assert not open_peer.connection.closed


async def test_streams_are_refused_with_an_error_completion(open_peer: Peer) -> None:
    """StreamInvocation, and Invocation with upload streams, complete with an error; the session does not hear them."""
    await open_peer.connection.receive(
        frame(type=4, invocationId="1", target="echo", arguments=[])
        + frame(type=1, invocationId="2", target="echo", arguments=[], streamIds=["3"])
        + frame(type=1, target="echo", arguments=[], streamIds=["4"])
        + frame(type=1, invocationId="5", target="nothing", arguments=[], streamIds=[])
    )
    first, second, last = open_peer.transport.sent
    assert (first["invocationId"], second["invocationId"]) == ("1", "2")
    assert "streaming is not supported" in first["error"]
    assert last == {"type": 3, "invocationId": "5"}
    assert open_peer.session.heard == ["nothing[]", "end nothing"]


async def test_the_clients_close_ends_the_connection(open_peer: Peer) -> None:
    """A Close of the client is answered by closing the transport; what stands behind it is not carried out."""
    await open_peer.connection.receive(frame(type=7) + invocation("echo"))
    assert open_peer.transport.closed == [(1000, "")]
    assert open_peer.session.closed_count == 1
    assert open_peer.session.heard == []


async def test_closed_is_heard_exactly_once(open_peer: Peer) -> None:
    """Closing, being closed and losing the transport together are one end; later sends go nowhere."""
    open_peer.connection.close("bye", allow_reconnect=True)
    open_peer.connection.close("again")
    open_peer.connection.lost()
    await open_peer.connection.receive(invocation("echo"))
    assert open_peer.connection.send(b"{}\x1e") is False
    assert open_peer.transport.sent == [{"type": 7, "error": "bye", "allowReconnect": True}]
    assert open_peer.transport.closed == [(1012, "bye")]
    assert open_peer.session.closed_count == 1
    assert open_peer.clock.pending == 0


async def test_a_connection_lost_during_an_invocation_ends_quietly(open_peer: Peer) -> None:
    """The session hears the end at once; the invocation runs to its end and its answer goes nowhere."""
    task = asyncio.create_task(open_peer.connection.receive(invocation("hold", id="0") + invocation("echo")))
    await open_peer.session.holding.wait()
    open_peer.connection.lost()
    assert open_peer.session.closed_count == 1
    open_peer.session.release.set()
    await task
    assert open_peer.transport.written == []
    assert open_peer.session.heard == ["hold[]", "end hold"]


async def test_the_server_pings_after_its_own_silence(open_peer: Peer) -> None:
    """A ping is sent 15 s after the last thing the server said."""
    open_peer.clock.advance(10)
    open_peer.connection.send(b"{}\x1e")
    open_peer.clock.advance(14)
    assert open_peer.transport.sent == [{}]
    open_peer.clock.advance(1)
    assert open_peer.transport.sent == [{}, {"type": 6}]


async def test_a_silent_client_is_closed(open_peer: Peer) -> None:
    """30 s after the last payload the connection is closed and the client may reconnect; a ping puts that off."""
    open_peer.clock.advance(20)
    await open_peer.connection.receive(frame(type=6))
    open_peer.clock.advance(29)
    assert not open_peer.connection.closed
    open_peer.clock.advance(2)
    assert open_peer.connection.closed
    close = open_peer.transport.sent[-1]
    assert close["allowReconnect"] is True
    assert "30 s" in close["error"]


async def test_a_client_that_is_seen_is_not_silent(open_peer: Peer) -> None:
    """A transport that knows that the client is there puts the end off; before the handshake that changes nothing."""
    open_peer.clock.advance(20)
    open_peer.connection.heard()
    open_peer.clock.advance(29)
    assert not open_peer.connection.closed
    open_peer.clock.advance(2)
    assert open_peer.connection.closed
    silent = Peer()
    silent.connection.heard()
    silent.clock.advance(15)
    assert silent.connection.closed


async def test_a_long_invocation_is_not_silence(open_peer: Peer) -> None:
    """While an invocation is under way nothing is read, so the client is not blamed; after it the clock runs anew."""
    task = asyncio.create_task(open_peer.connection.receive(invocation("hold", id="0")))
    await open_peer.session.holding.wait()
    open_peer.clock.advance(1000)
    assert not open_peer.connection.closed
    open_peer.session.release.set()
    await task
    open_peer.clock.advance(29)
    assert not open_peer.connection.closed
    open_peer.clock.advance(2)
    assert open_peer.connection.closed


async def test_a_client_that_does_not_read_its_answers_is_not_read(open_peer: Peer) -> None:
    """When the transport is behind after an invocation, the next waits for it to drain."""
    open_peer.transport.behind = True
    task = asyncio.create_task(open_peer.connection.receive(invocation("echo", id="0") + invocation("echo", id="1")))
    await asyncio.sleep(0)
    assert not task.done()
    assert open_peer.session.heard == ["echo[]", "end echo"]
    open_peer.transport.behind = False
    open_peer.connection.drained()
    await task
    assert open_peer.session.heard == ["echo[]", "end echo"] * 2
    assert open_peer.session.drained_count == 1


async def test_a_client_that_never_reads_is_closed_and_not_pinged(open_peer: Peer) -> None:
    """A client held back for 30 s is given up, and the waiting `receive` ends; pings do not pile up before that."""
    open_peer.transport.behind = True
    task = asyncio.create_task(open_peer.connection.receive(invocation("echo", id="0") + invocation("echo", id="1")))
    await asyncio.sleep(0)
    open_peer.clock.advance(31)
    await task
    assert {"type": 6} not in open_peer.transport.sent
    assert open_peer.connection.closed
    assert open_peer.session.heard == ["echo[]", "end echo"]


async def test_errors_of_the_sessions_callbacks_stay_inside(
    open_peer: Peer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`drained` and `closed` that raise are logged and harm nothing."""

    def fail() -> None:
        raise ValueError("canary")

    monkeypatch.setattr(open_peer.session, "drained", fail)
    monkeypatch.setattr(open_peer.session, "closed", fail)
    open_peer.connection.drained()
    open_peer.connection.lost()
    assert caplog.text.count("incident ") == 2


async def test_a_stalled_reader_is_told_to_come_back(open_peer: Peer) -> None:
    """Who is behind for 30 s is closed with a Close that allows reconnecting, though it goes on sending."""
    open_peer.transport.behind = True
    assert not open_peer.connection.send(b"x")
    open_peer.transport.written.clear()
    for _ in range(5):
        open_peer.clock.advance(5)
        await open_peer.connection.receive(frame(type=6))
    assert not open_peer.connection.closed
    open_peer.clock.advance(5)
    assert open_peer.connection.closed
    assert open_peer.transport.sent == [
        {"type": 7, "error": "what was sent was not read for 30 s", "allowReconnect": True}
    ]
    assert open_peer.session.closed_count == 1
    assert open_peer.clock.pending == 0


async def test_a_reader_that_catches_up_is_not_stalled(open_peer: Peer) -> None:
    """The time begins anew each time a reader falls behind."""
    for _ in range(3):
        open_peer.transport.behind = True
        open_peer.connection.send(b"x")
        open_peer.clock.advance(29)
        open_peer.transport.behind = False
        open_peer.connection.drained()
        await open_peer.connection.receive(frame(type=6))
    open_peer.clock.advance(29)
    assert not open_peer.connection.closed
