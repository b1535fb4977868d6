"""Specification of how the parts are put together, and how a command becomes an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbgroupchat.backplanes.base import now_ms
from nbgroupchat.backplanes.sqlite import SqliteBackplane
from nbgroupchat.channel import Client
from nbgroupchat.compose import Composition, make_engine
from nbgroupchat.engines.echo import EchoEngine
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.openai import OpenAIEngine
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.errors import Refusal
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.settings import EngineName, Settings
from tests.backplanes.contract import post
from tests.clients import FakeClient, plain


@pytest.mark.parametrize(
    ("name", "kind"), [("llama", LlamaEngine), ("echo", EchoEngine), ("script", ScriptEngine), ("openai", OpenAIEngine)]
)
async def test_the_settings_name_the_engine(name: EngineName, kind: type) -> None:
    """Each engine that can be set is made; making one starts nothing."""
    engine = make_engine(Settings(engine=name))
    assert engine is not None
    assert isinstance(engine, kind)
    assert engine.status.state == "off"
    await engine.close()


async def test_a_refusal_is_an_answer() -> None:
    """What is refused is answered with its code, a sentence and when to try again."""
    composition = Composition(Settings(engine="off"))
    client = Client(Identity("u1", "Ana"), Outbox(lambda _frame: True, lambda: None))
    refused = json.loads(await composition.answer(client, "typing", b'[{"room": "lobby", "on": true}]'))
    assert refused == {
        "error": {
            "code": "not_joined",
            "message": "This connection is not in the room 'lobby'. Join it first.",
            "retry_ms": None,
        }
    }
    await composition.close()


async def test_without_an_engine_there_is_no_agent() -> None:
    """With the engine off, a room has people only, and says whom to mention: nobody."""
    composition = Composition(Settings(engine="off"))
    client = Client(Identity("u1", "Ana"), Outbox(lambda _frame: True, lambda: None))
    joined = json.loads(await composition.answer(client, "join", b'[{"room": "lobby", "wire": 1}]'))
    assert joined["policy"]["mention"] == ""
    await composition.close()


async def test_rooms_are_kept_where_the_settings_say(tmp_path: Path) -> None:
    """A hub on a file finds what another one kept there; without a file, and for `memory`, nothing is written."""
    path = tmp_path / "deep" / "rooms.sqlite"
    for seq in (1, 2):
        composition = Composition(Settings(engine="off", store=str(path)))
        assert await composition.begin() == str(path)
        composition.hub._encode = plain
        ana = FakeClient(composition.hub, "Ana")
        await ana.join()
        assert (await ana.post("hello")).seq == seq
        assert composition.measures.commit.cumulative[-1] > 0
        await composition.close()
    for store in ("", "memory"):
        composition = Composition(Settings(engine="off", store=store))
        assert await composition.begin() == "memory"
        await composition.close()
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


async def test_what_is_too_old_is_forgotten_at_the_beginning(tmp_path: Path) -> None:
    """With `keep_days` a hub begins without what was said before that many days, and without the setting with it."""
    path = tmp_path / "rooms.sqlite"
    day = 86_400_000
    clock = iter([now_ms() - 3 * day, now_ms() - day // 2])
    backplane = SqliteBackplane(path, now_ms=clock.__next__)
    await backplane.open("lobby", lambda _events: None)
    for text in ("old", "young"):
        await backplane.append("lobby", post(text))
    await backplane.close()
    for days, kept in ((0, ["old", "young"]), (1, ["young"])):
        composition = Composition(Settings(engine="off", store=str(path), keep_days=days))
        await composition.begin()
        composition.hub._encode = plain
        ana = FakeClient(composition.hub, "Ana")
        await ana.join()
        assert ana.texts() == kept
        await composition.close()


async def test_a_store_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """Beginning says what to do, and a command that needs the store is refused with the same."""
    (tmp_path / "file").write_text("")
    composition = Composition(Settings(engine="off", store=str(tmp_path / "file" / "rooms.sqlite"), keep_days=1))
    with pytest.raises(Refusal, match="cannot be kept"):
        await composition.begin()
    client = Client(Identity("u1", "Ana"), Outbox(lambda _frame: True, lambda: None))
    refused = json.loads(await composition.answer(client, "join", b'[{"room": "lobby", "wire": 1}]'))
    assert refused["error"]["code"] == "unavailable"
    assert refused["error"]["retry_ms"] is None
    await composition.close()
