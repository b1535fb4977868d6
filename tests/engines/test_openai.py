"""The engine that asks a server: against one that can be made to fail in every way, and against llama-cpp-python's."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import IO

import pytest

from nbgroupchat.engines import openai
from nbgroupchat.engines.base import (
    Engine,
    EngineError,
    EngineInterrupted,
    EngineStatus,
    Finish,
    Piece,
    Reading,
    Sampling,
)
from nbgroupchat.engines.model_file import find_model
from nbgroupchat.engines.openai import WAITS, OpenAIEngine
from nbgroupchat.engines.openai_chat import MAX_LINE, PIECES_PER_TOKEN, Request, messages
from nbgroupchat.engines.openai_refusal import Refused
from nbgroupchat.prompt import Prompt, Segment
from nbgroupchat.settings import Settings

from .contract import FIXED, LONG, EngineContract, read
from .model_server import (
    WORDS,
    Answer,
    ModelServer,
    cut,
    endless,
    good,
    hang,
    offer,
    pieces_then,
    refuse,
    sends,
    then,
)

CANARY = "sk-canary-0123456789"
SHORT = 0.05
"""Seconds of patience with a server that hangs for ever."""


@pytest.fixture(autouse=True)
def key_is_never_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens in a test of this file, the key is in no line of any log."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    caplog.set_level(logging.DEBUG)
    yield
    assert CANARY not in caplog.text


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    server = ModelServer()
    yield server
    await server.close()


class Asking:
    """An engine, how long it paused between tries, and the statuses it told."""

    def __init__(self, url: str, **settings: float | str) -> None:
        self.pauses: list[float] = []
        self.heard: list[EngineStatus] = []
        self.engine = OpenAIEngine(
            Settings(engine="openai", openai_base_url=url, **settings),  # type: ignore[arg-type]  # by name
            wait=self._pause,
        )
        self.engine.watch(self.heard.append)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def _hear(self, said: list[str]) -> None:
        async for part in self.engine.stream("lobby", LONG, FIXED):
            if type(part) is not Reading:
                assert isinstance(part, Piece)
                said.append(part.text)

    async def failure(self, kind: type[EngineError] = EngineError) -> tuple[list[str], str]:
        """What was written of a reply that fails, and why it did; neither that nor a status tells the key."""
        said: list[str] = []
        with pytest.raises(EngineError) as raised:
            await self._hear(said)
        assert type(raised.value) is kind
        assert CANARY not in "".join(traceback.format_exception(raised.value))
        assert CANARY not in repr(self.heard)
        return said, str(raised.value)


@pytest.fixture
async def asking(server: ModelServer) -> AsyncIterator[Asking]:
    asking = Asking(server.url)
    yield asking
    await asking.engine.close()


@pytest.fixture
async def hasty(server: ModelServer) -> AsyncIterator[Asking]:
    """One with little patience in a reply, and much before it."""
    asking = Asking(server.url, piece_timeout=SHORT)
    yield asking
    await asking.engine.close()


class TestOpenAI(EngineContract):
    @pytest.fixture
    def engine(self, asking: Asking) -> Engine:
        return asking.engine


async def test_what_is_asked(server: ModelServer, asking: Asking) -> None:
    """Segments become alternating messages, the sampling its fields, the key the header; a seed of 0 is left out."""
    prompt = Prompt((*LONG.segments, Segment("assistant", "No.", "r"), Segment("user", "Ben: oh", "b")))
    _, finish = await read(asking.engine, prompt, Sampling(max_tokens=7, temperature=0.5))
    await read(asking.engine)
    first, second = server.asked
    assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant", "user"]
    assert first["messages"][1]["content"] == "\n".join(segment.text for segment in LONG.segments[1:])
    assert (first["model"], first["max_tokens"], first["temperature"], first["stream"]) == ("tiny", 7, 0.5, True)
    assert "seed" not in first
    assert second["seed"] == FIXED.seed
    assert set(server.keys) == {f"Bearer {CANARY}"}
    assert finish == Finish(reason="length", prompt=40, evaluated=10, cached=30, written=7)


async def test_without_a_key(server: ModelServer, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local server needs no key: a placeholder is sent."""
    monkeypatch.delenv("OPENAI_API_KEY")
    await read(asking.engine)
    assert set(server.keys) == {"Bearer none"}


def test_a_reply_is_not_the_first_turn() -> None:
    """Replies before the first post are left out, and counted; neighbours of one role are one message."""
    segments = (Segment("system", "s"), Segment("assistant", "a"), Segment("user", "u"), Segment("user", "v"))
    request = Request.of(Prompt(segments), FIXED, "tiny", frozenset())
    assert request.dropped == 1
    assert messages(request.segments) == [{"role": "system", "content": "s"}, {"role": "user", "content": "u\nv"}]


def test_what_is_pinned_is_asked_with() -> None:
    """Where the conversation is too long, what is pinned stays with the newer half, as long as there is one."""
    pinned = Segment("user", "p", "p", pinned=True)
    segments = (Segment("system", "s"), pinned, *(Segment("user", str(n), str(n)) for n in range(6)))
    request = Request.of(Prompt(segments), FIXED, "tiny", frozenset())
    lengths = []
    while (shorter := request.without(Refused("too_long"))) is not None:
        request = shorter
        lengths.append(len(request.segments))
        assert request.segments[:2] == segments[:2]
    assert lengths == [5, 4]
    assert [segment.text for segment in request.segments[2:]] == ["4", "5"]


async def test_the_model_is_chosen(server: ModelServer) -> None:
    """A model is asked for by its name, Ollama's without its tag, and where there is no list, untold."""
    for models, wanted in ((offer("a", "b"), "b"), (offer("c:latest"), "c"), (refuse(404, "Not Found"), "d")):
        server.models = models
        asking = Asking(server.url, openai_model=wanted)
        await read(asking.engine)
        assert server.asked[-1]["model"] == asking.engine.status.model == wanted
        await asking.engine.close()


@pytest.mark.parametrize(
    ("models", "wanted", "says"),
    [
        (refuse(401, {"error": {"message": f"Incorrect API key: {CANARY}"}}), "", "OPENAI_API_KEY"),
        (offer("a", "b", "c", "d", "e", "f", "g"), "x", "no model 'x'; it offers 'a', 'b', 'c', 'd', 'e' and 2 more"),
        (offer("a", "b"), "", "Set c.NbGroupChat.openai_model"),
        (offer(), "", "offers no model"),
        (refuse(404, "Not Found"), "", "c.NbGroupChat.openai_base_url"),
        (refuse(200, "<html>Welcome</html>"), "", "not in its form"),
        (refuse(200, "[" * 100_000), "", "not in its form"),
        (refuse(200, {"data": [{"id": 5}]}), "", "not in its form"),
        (endless("x" * 65536), "", "more than 4 MiB"),
        (refuse(500, f"No {CANARY}\n\x1b[31m" * 999), "", "It said: No (key) [31mNo (key)"),
    ],
)
async def test_a_server_that_cannot_be_used(
    server: ModelServer, asking: Asking, models: Answer, wanted: str, says: str
) -> None:
    """The status fails with what was found and what to do, a question with the same; it works when that was done."""
    server.models = models
    asking = Asking(server.url, openai_model=wanted)
    said, why = await asking.failure()
    assert said == []
    assert says in why
    assert asking.engine.status == EngineStatus(state="failed", message=why)
    server.models = offer("x") if wanted else offer("tiny")
    assert (await read(asking.engine))[0]
    await asking.engine.close()


async def test_nobody_there(server: ModelServer, asking: Asking) -> None:
    """Where nothing listens the status fails at once with the address, and a running engine comes to it as well."""
    await read(asking.engine)
    await server.close()
    _, why = await asking.failure()
    assert f"{server.url} cannot be reached" in why
    assert asking.pauses == list(WAITS)
    assert asking.engine.status.state == "failed"
    _, again = await asking.failure()
    assert again == why
    assert asking.pauses == list(WAITS)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refuse(401, {"error": {"message": f"Incorrect API key: {CANARY}"}}), "does not accept the key"),
        (refuse(404, {"error": {"message": "The model `tiny` does not exist.", "code": 404}}), "no model 'tiny'"),
        (refuse(404, "Not Found"), "nothing at this address"),
        (refuse(400, {"error": {"message": "Bad", "param": "messages"}}), "refused to answer. It said: Bad"),
        (refuse(429, {"error": {"message": "Pay", "code": "insufficient_quota"}}), "It said: Pay"),
        (refuse(429, {"error": {"message": "Later"}}, Retry_After="3600"), "is full for another 3600 s"),
        (sends(b"\xff\xfe nonsense\n: ping\nid: 5\n\ndata: {nonsense}\n\n"), "not in its form"),
        (sends('data: {"choices": [{"delta": {"content": 5}}]}\n\n'), "not in its form"),
        (sends("data: " + "[" * 100_000 + "\n\n"), "not in its form"),
        (endless("x" * 65536), f"a line of more than {MAX_LINE >> 20} MiB"),
        (sends('data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\n'), "content filter"),
    ],
)
async def test_refusals_that_stay(server: ModelServer, asking: Asking, answer: Answer, says: str) -> None:
    """What waiting does not change is told at once, and the next question is answered."""
    server.answers = [answer, good]
    said, why = await asking.failure()
    assert (said, asking.pauses) == ([], [])
    assert says in why
    assert (await read(asking.engine))[0]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refuse(429, {"error": {"message": "Busy"}}), "is full for some time"),
        (refuse(503, {"error": {"message": "Loading model"}}), "It said: Loading model"),
        (refuse(500, f"Traceback: {CANARY}"), "fails. Ask again, or look into that server's log. It said: Traceback"),
        (sends('data: {"error": {"message": "CUDA", "code": 500}}\n\n'), "It said: CUDA"),
        (sends('error: {"message": "CUDA"}\n\n'), "It said: CUDA"),
        (sends('data: {"error": "CUDA"}\n\n'), "It said: CUDA"),
        (cut, "broke"),
        (sends(": nothing\n\n"), "c.NbGroupChat.context_tokens"),
    ],
)
async def test_refusals_that_may_pass(server: ModelServer, asking: Asking, answer: Answer, says: str) -> None:
    """A full, failing or vanishing server is asked again after growing pauses, and finally told of."""
    server.answers = [answer]
    _, why = await asking.failure()
    assert says in why
    assert asking.pauses == list(WAITS)
    assert asking.engine.status.state == "ready"
    server.answers = [answer, answer, good]
    assert (await read(asking.engine))[0]
    assert asking.pauses == [*WAITS, *WAITS[:2]]


async def test_the_server_says_when(server: ModelServer, asking: Asking) -> None:
    """A pause is as long as the server asks for, where that is more than its own."""
    server.answers = [refuse(429, Retry_After="7"), refuse(503, retry_after_ms="9000"), refuse(429), good]
    assert (await read(asking.engine))[0]
    assert asking.pauses == [7.0, 9.0, WAITS[2]]


async def test_a_server_that_is_still_loading(server: ModelServer, asking: Asking) -> None:
    """A start while the server loads its model waits for it."""
    loading = [refuse(503, {"error": {"message": "Loading model"}})] * 2 + [offer("tiny")]

    async def models(handler: object) -> None:
        await loading.pop(0)(handler)  # type: ignore[arg-type]  # a Handler

    server.models = models
    assert (await read(asking.engine))[0]
    assert asking.pauses == list(WAITS[:2])
    assert [status.state for status in asking.heard] == ["loading", "ready"]


@pytest.mark.parametrize("answer", [hang, then(sends(": waiting\n\n"), hang)])
async def test_a_server_that_hangs_before_a_reply(server: ModelServer, answer: Answer) -> None:
    """No header, or no piece, within load_timeout fails the question, and the connection is closed."""
    server.answers = [answer]
    # Enough for the list of models, also on a busy machine.
    asking = Asking(server.url, load_timeout=2.0)
    _, why = await asking.failure()
    assert "wrote nothing for 2 s" in why
    await server.gone.wait()
    await asking.engine.close()


@pytest.mark.parametrize(
    "what",
    [
        hang,
        endless(": ping\n\n"),
        endless('data: {"choices": []}\n\n'),
        endless('data: {"choices": [{"delta": {"content": ""}}]}\n\n'),
    ],
)
async def test_a_server_that_hangs_in_a_reply(server: ModelServer, hasty: Asking, what: Answer) -> None:
    """Silence beyond piece_timeout, or chatter that says nothing, interrupts a reply; what was written stays."""
    server.answers = [pieces_then(what), good]
    said, why = await hasty.failure(EngineInterrupted)
    assert said == WORDS[:2]
    assert "c.NbGroupChat.piece_timeout" in why
    await server.gone.wait()
    assert (await read(hasty.engine))[0]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (cut, "broke before the end"),
        (sends(), "broke before the end"),
        (sends("data: nonsense\n\n"), "not in its form"),
        (sends("data: " + "x" * (MAX_LINE + 1)), "more than 1 MiB"),
        (sends('data: {"error": {"message": "CUDA out of memory"}}\n\n'), "It said: CUDA out of memory"),
        (sends('data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\n'), "content filter"),
    ],
)
async def test_a_reply_that_breaks(server: ModelServer, asking: Asking, what: Answer, says: str) -> None:
    """A reply lost in the middle is interrupted, never begun again; what was written stays."""
    server.answers = [pieces_then(what), good]
    said, why = await asking.failure(EngineInterrupted)
    assert (said, len(server.asked), asking.pauses) == (WORDS[:2], 1, [])
    assert says in why
    assert (await read(asking.engine))[0]


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
async def test_a_stream_that_never_ends(server: ModelServer, asking: Asking, field: str) -> None:
    """A server that does not know max_tokens is left after several times as many pieces."""
    server.answers = [endless(f'data: {{"choices": [{{"delta": {{"{field}": "x"}}}}]}}\n\n')]
    pieces, finish = await read(asking.engine)
    most = FIXED.max_tokens * PIECES_PER_TOKEN
    assert (finish.reason, len(pieces)) == ("length", most if field == "content" else 0)
    await server.gone.wait()


@pytest.mark.parametrize("what", [hang, cut, sends()])
async def test_a_whole_reply_needs_no_usage(
    server: ModelServer, asking: Asking, monkeypatch: pytest.MonkeyPatch, what: Answer
) -> None:
    """After the finish reason nothing can go wrong any more; without a count the prompt's length is estimated."""
    monkeypatch.setattr("nbgroupchat.engines.openai_server.USAGE_SECONDS", SHORT)
    server.answers = [then(pieces_then(sends('data: {"choices": [{"finish_reason": "stop"}]}\n\n')), what)]
    pieces, finish = await read(asking.engine)
    assert [piece.text for piece in pieces] == WORDS[:2]
    assert (finish.reason, finish.written, finish.cached) == ("complete", 2, 0)
    assert finish.prompt == sum(len(segment.text) for segment in LONG.segments) // 3 + 1


async def test_lines_come_in_any_parts(server: ModelServer, asking: Asking) -> None:
    """A piece may be split within a character, end with CR LF, hold what is no text, and follow thoughts."""
    line = 'data: {"choices":[{"delta":{"content":"é\\n🦙"}}]}\r\n\r\n'.encode()
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n'
    broken = b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'
    parts = [thought, *(line[place : place + 1] for place in range(len(line))), broken, b"data: [DONE]"]
    server.answers = [sends(*parts, b"\n")]
    pieces, finish = await read(asking.engine)
    assert [piece.text for piece in pieces] == ["é\n🦙", "\ufffd"]
    assert finish.reason == "complete"


@pytest.mark.parametrize(
    "refusal",
    [
        {"message": "This model's maximum context length is 512 tokens.", "code": "context_length_exceeded"},
        {"message": "too big", "type": "exceed_context_size_error", "code": 400},
        {"message": "This model's maximum context length is 512 tokens. However, you requested 600", "code": 400},
    ],
)
async def test_a_conversation_too_long(server: ModelServer, asking: Asking, refusal: dict[str, object]) -> None:
    """The older half goes, as often as needed; the system message, the question and the server's line stay."""
    posts = [Segment("assistant" if n % 3 == 2 else "user", f"post {n}", str(n)) for n in range(8)]
    prompt = Prompt((LONG.segments[0], *posts, *LONG.segments[1:]))
    too_long = refuse(400, {"error": refusal})
    question = "\n".join(segment.text for segment in LONG.segments[1:])
    # The first half ends before a reply, which goes as well.
    for refusals, left, dropped in (([too_long], f"post 6\npost 7\n{question}", 6), ([too_long] * 2, question, 8)):
        server.answers = [*refusals, good]
        _, finish = await read(asking.engine, prompt)
        kept = [(message["role"], message["content"]) for message in server.asked[-1]["messages"]]
        assert kept == [("system", LONG.segments[0].text), ("user", left)]
        assert finish.dropped == dropped
    assert asking.pauses == []
    server.answers = [too_long]
    _, why = await asking.failure()
    assert "c.NbGroupChat.context_tokens" in why


async def test_fields_a_server_refuses(server: ModelServer, asking: Asking) -> None:
    """A field the server does not take is left out from then on; max_tokens has another name."""
    server.answers = [
        refuse(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}),
        refuse(400, {"error": {"message": "Use 'max_completion_tokens' instead.", "param": "max_tokens"}}),
        refuse(400, {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}),
        sends('data: {"choices": [{"delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n'),
    ]
    assert (await read(asking.engine))[0]
    await read(asking.engine)
    assert len(server.asked) == 5
    assert set(server.asked[-1]) == {"model", "messages", "stream", "seed", "max_completion_tokens"}


async def test_stopping_closes_the_connection(server: ModelServer, asking: Asking) -> None:
    """Closing the iterator closes the HTTP stream, at which servers stop to write."""
    server.answers = [pieces_then(hang), good]
    async with aclosing(asking.engine.stream("lobby", LONG, FIXED)) as stream:
        assert type(await anext(stream)) is Reading
        assert await anext(stream) == Piece("Once")
    await server.gone.wait()
    assert (await read(asking.engine))[0]


async def test_rooms_do_not_wait_for_each_other(server: ModelServer, asking: Asking) -> None:
    """While one room's reply hangs another room is answered."""
    server.answers = [pieces_then(hang), good]
    async with aclosing(asking.engine.stream("lobby", LONG, FIXED)) as stream:
        await anext(stream)
        assert (await read(asking.engine))[1].reason == "complete"


async def test_closing_interrupts(server: ModelServer, asking: Asking) -> None:
    """Closing in the middle of a reply interrupts it and closes its connection; no further one is begun."""
    server.answers = [pieces_then(hang)]
    stream = asking.engine.stream("lobby", LONG, FIXED)
    await anext(stream)
    await anext(stream)
    rest = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await asking.engine.close()
    with pytest.raises(EngineInterrupted):
        await rest
    await server.gone.wait()
    _, why = await asking.failure()
    assert "closed" in why
    assert asking.engine.status.state == "off"


async def test_without_the_package(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `openai` is not installed the message says what to install."""
    monkeypatch.setattr(openai, "find_spec", lambda name: None)
    _, why = await asking.failure()
    assert 'pip install "nbgroupchat[openai]"' in why
    assert asking.engine.status.state == "failed"


@pytest.mark.parametrize("key", [f"{CANARY}\nHost: elsewhere", f"{CANARY}é"])
async def test_a_key_that_is_none(asking: Asking, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A key no header can hold is named without being told."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    _, why = await asking.failure()
    assert "OPENAI_API_KEY" in why


@pytest.mark.parametrize("url", [f"http://u:{CANARY}@127.0.0.1:1/v1", "http://[", "http://127.0.0.1:99999/"])
async def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """An address that cannot be, or that holds a password, is refused without being told."""
    _, why = await Asking(url).failure()
    assert "address of the model's server" in why


async def test_the_packages_own_address(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting, OPENAI_BASE_URL says where the server is."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    asking = Asking("")
    assert (await read(asking.engine))[0]
    await asking.engine.close()


@pytest.fixture(scope="module")
def llama_server() -> Iterator[str]:
    """The address of llama-cpp-python's server with the real SmolLM2, which takes the key."""
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(find_model("")), "--model_alias", "smollm"]
    # By default a second request ends the first.
    command += ["--port", "0", "--n_ctx", "1024", "--interrupt_requests", "false", "--verbose", "false"]
    command += ["--api_key", CANARY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line)
                if found := re.search(r"running on (http://\S+)", line):
                    break
            else:
                pytest.fail("".join(lines))
            # Nobody reads the rest, and a full pipe would stop the server.
            drain = threading.Thread(target=_drain, args=(process.stdout,))
            drain.start()
            yield f"{found[1]}/v1"
        finally:
            process.terminate()
            process.wait()
        drain.join()


def _drain(output: IO[str]) -> None:
    for _ in output:
        pass


@pytest.fixture
async def smollm(llama_server: str) -> AsyncIterator[OpenAIEngine]:
    engine = OpenAIEngine(Settings(engine="openai", openai_base_url=llama_server))
    yield engine
    await engine.close()


@pytest.mark.model
class TestLlamaCppServer(EngineContract):
    @pytest.fixture
    def engine(self, smollm: OpenAIEngine) -> Engine:
        return smollm


@pytest.mark.model
async def test_a_real_reply_is_stopped(smollm: OpenAIEngine) -> None:
    """A reply that would go on for long is stopped, and the next one is the same as if it had not been."""
    # The first reply read its whole prompt at once, which rounds otherwise than reading its last token.
    await read(smollm)
    expected, _ = await read(smollm)
    async with aclosing(smollm.stream("lobby", LONG, Sampling(max_tokens=800, temperature=0.0))) as stream:
        _, *pieces = [await anext(stream) for _ in range(4)]
    assert all(isinstance(piece, Piece) for piece in pieces)
    assert (await read(smollm))[0] == expected
    assert smollm.status == EngineStatus(state="ready", model="smollm")


@pytest.mark.model
async def test_two_real_replies_at_once(smollm: OpenAIEngine) -> None:
    """Two rooms are answered, each with its own reply."""
    other = Prompt((LONG.segments[0], Segment("user", "Ben: Count from one to twenty in digits.", "b")))
    one, two = await asyncio.gather(read(smollm), read(smollm, other))
    assert one[0]
    assert two[0]
    assert one[0] != two[0]


@pytest.mark.model
async def test_a_real_conversation_too_long(llama_server: str) -> None:
    """This server breaks off without a reason when its context is full; the message says what may be the cause."""
    posts = [Segment("user", f"Ben: {n} llamas walk over the mountain and back again.", str(n)) for n in range(200)]
    asking = Asking(llama_server)
    with pytest.raises(EngineError, match="context_tokens"):
        await read(asking.engine, Prompt((LONG.segments[0], *posts, *LONG.segments[1:])))
    assert (await read(asking.engine))[0]
    await asking.engine.close()


@pytest.mark.model
async def test_a_real_bad_key(llama_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key than the server's is named as the reason."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    asking = Asking(llama_server)
    _, why = await asking.failure()
    assert "does not accept the key" in why
    await asking.engine.close()
