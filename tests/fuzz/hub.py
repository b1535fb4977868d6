"""Sends hostile frames to a hub in this process, over its real SignalR framing, while a bystander reads along."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from nbgroupchat.compose import Composition
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Code
from nbgroupchat.settings import Settings
from tests.fuzz.frames import Frames
from tests.wire import Peer

CODES = frozenset(Code)
UNLIMITED = {
    f"{name}_per_minute": 0 for name in ("commands", "posts", "joins", "room_posts", "attachment_bytes")
}  # The limits would refuse nearly all of it.


class Incidents(logging.Handler):
    """Keeps what the server logs as its own failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.found.append(self.format(record))


async def attack(seed: int, count: int) -> Counter[str]:
    """Send `count` payloads; gives what they were answered, by code. Raises AssertionError at the first that harms."""
    frames, answers, incidents = Frames(seed), Counter[str](), Incidents()
    logger = logging.getLogger("nbgroupchat")
    logger.addHandler(incidents)
    settings = Settings(engine="script", connections_per_user=0, turns_per_minute=1_000_000, **UNLIMITED)  # type: ignore[arg-type]  # whole numbers all
    composition = Composition(settings, ScriptEngine(["Well."]))
    ana = await Peer(composition, "ana", name="Ana").shake_hands()
    await ana.join()
    mallory: Peer | None = None
    try:
        for number in range(count):
            if mallory is None or mallory.connection.closed:
                mallory = await Peer(composition, "mallory", name="Mallory").shake_hands()
                await mallory.invoke("join", room="lobby", wire=1)
                answers["connection"] += 1
            payload = frames.next()
            if len(payload) > composition.endpoint.max_frame:
                payload = payload[: composition.endpoint.max_frame]  # no handler lets more through
            mallory.answers.clear()
            mallory.errors.clear()
            await mallory.connection.receive(payload)
            _judge(mallory, answers, incidents, seed, number, payload)
            if number % 50 == 0:
                await _check(composition, ana, frames, number)
            # The agent and whoever reads along have their turn.
            await asyncio.sleep(0)
        await _check(composition, ana, frames, count)
    finally:
        logger.removeHandler(incidents)
        await composition.close()
    return answers


def _judge(mallory: Peer, answers: Counter[str], incidents: Incidents, seed: int, number: int, payload: bytes) -> None:
    """Look at what one payload was answered."""
    where = f"seed {seed}, payload {number}: {payload[:300]!r}"
    assert not incidents.found, f"{where}\n{incidents.found[0]}"
    for answer in mallory.answers:
        code = answer["error"]["code"] if isinstance(answer, dict) and "error" in answer else "done"
        assert code == "done" or code in CODES, where
        answers[code] += 1
    for error in mallory.errors:
        # Streams are refused by the protocol itself.
        assert error == "streaming is not supported; invoke the method instead", f"{where}: {error}"
        answers["stream"] += 1
    if mallory.connection.closed:
        why = mallory.ended[0] if mallory.ended is not None else None
        assert why is None or why.startswith("protocol error: "), f"{where}: {why}"
        answers["protocol error" if why else "closed"] += 1


async def _check(composition: Composition, ana: Peer, frames: Frames, number: int) -> None:
    """Let the bystander say something: nothing is missing for it, and nobody spoke in its name."""
    answer = await ana.invoke("post", room="lobby", cid=f"ana {number}", text=f"here {number}")
    room, log = ana.rooms["lobby"], composition.hub._channels["lobby"].log
    assert room.position == log.position
    assert room.position.seq == answer["seq"]
    me = [message for message in room.messages.values() if message.name == "Ana"]
    assert all(message.text.startswith("here ") and not message.redacted for message in me)
    frames.ids = [*list(room.messages)[-20:], *(message.id for message in me[-3:])]
    assert len(composition.hub._channels) <= 200
    assert ana.connection in composition.endpoint.connections
