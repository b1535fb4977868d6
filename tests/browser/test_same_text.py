"""Specification of Unicode tricks (T13): the log, the model and everybody's screen have the same text."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from benchmarks.panel_stage import Stage
from playwright.sync_api import Browser

from nbgroupchat.engines.script import ScriptEngine
from nbgroupchat.protocol import Posted, ReplyClosed
from nbgroupchat.settings import Settings
from tests.browser.notebook import PATIENCE_MS, Panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TRICKS = {
    "decomposed": "cafe\u0301 \u212b \u1e9b\u0323",
    "override": "safe\u202egnp.exe\u202c end",
    "isolates": "\u2066one\u2069 \u2067two\u2069 \u2068three\u2069",
    "marks of direction": "a\u200eb\u200fc\u061cd",
    "tag block": "hi\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065\U000e007f there",
    "variation": "a\ufe0f b\U000e0100 \u2764\ufe0f",
    "zero width": "ze\u200bro\u2060wi\ufeffdth",
    "joiners": "\U0001f469\u200d\U0001f52c \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "flags and tones": "\U0001f1e9\U0001f1ea \U0001f44b\U0001f3fd",
    "tower": "x" + "\u0335" * 60 + "y" + "\u0e47" * 3,
    "control": "a\x07b\x1b[31mc\x7fd\x85e",
    "private": "\ue000 \U000f0000",
    "no characters": "a\ufffeb\ufdd0c\U0001ffffd",
    "right to left": "\u05e9\u05dc\u05d5\u05dd abc \u0645\u0631\u062d\u0628\u0627",
    "look alike": "p\u0430ypal \uff2c\uff4c\uff41\uff4d\uff41 \u216f",
    "spaces": "a\u00a0b\u2003c\u3000d\u180ee",
    "separators": "a\u2028b\u2029c",
    "half": "half \ud83e and \udd23 half",
    "hangul": "\u1112\u1161\u11ab \ud55c \u3164 \u115f",
    "invisible mathematics": "f\u2061(x)\u2062y\u2063z",
    "annotation": "a\ufff9b\ufffac\ufffbd",
    "musical": "\U0001d173a\U0001d17a",
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A hub whose agent says the tricks itself."""
    script = [text for text in TRICKS.values() if text.isprintable() or "\ud83e" not in text]
    settings = Settings(engine="script", store="memory", turns_per_minute=1_000, context_tokens=16_000)
    with Stage(settings, ScriptEngine(script)) as stage:
        yield stage


@pytest.fixture
def ana(chromium: Browser, stage: Stage) -> Iterator[Panel]:
    """The page of the room."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(stage.url("lobby"))
    panel = Panel(page)
    panel.wait_until_live()
    yield panel
    context.close()


def test_all_have_the_same_text(stage: Stage, ana: Panel) -> None:
    """Whatever is typed or said by the model, what is stored is what the screen shows and what the model reads next."""
    for number, text in enumerate(TRICKS.values(), 1):
        ana.say(f"@llama {text}")
        ana.wait_for_reply(number, "complete")
    ana.say("@llama and now?")
    ana.wait_for_reply(len(TRICKS) + 1, "complete")

    entries, _ = stage.run(stage.composition.backplane.read("lobby", 1_000, 500))
    stored = {entry.eid: entry.text for entry in entries if isinstance(entry, Posted)}
    stored |= {entry.id: entry.text for entry in entries if isinstance(entry, ReplyClosed)}
    assert len(stored) == 2 * len(TRICKS) + 2
    shown = json.loads(
        ana.root.evaluate(
            """(root) => JSON.stringify(Object.fromEntries([...root.querySelectorAll("article[data-message-id]")].map(
              (article) => [article.dataset.messageId, article.querySelector(".nbgc-text").textContent])))"""
        )
    )
    assert shown == stored
    engine = stage.composition.engine
    assert isinstance(engine, ScriptEngine)
    read = {segment.key: segment.text for segment in engine.prompts[-1][1].segments if segment.key}
    for key, text in read.items():
        assert lines(text.removeprefix("Ana: ")) == lines(stored[key])
    assert len(read) > len(TRICKS)


def lines(text: str) -> list[str]:
    """Give what counts: where the model reads more than one line, the others are indented."""
    return [line.strip() for line in text.strip().splitlines()]
