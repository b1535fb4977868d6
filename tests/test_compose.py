"""Specification of how the parts are put together, and how a command becomes an answer."""

from __future__ import annotations

import json

import pytest

from nbgroupchat.channel import Client
from nbgroupchat.compose import Composition, make_engine
from nbgroupchat.engines.echo import EchoEngine
from nbgroupchat.engines.llama import LlamaEngine
from nbgroupchat.engines.openai import OpenAIEngine
from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.outbox import Outbox
from nbgroupchat.policy import Identity
from nbgroupchat.settings import EngineName, Settings


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
