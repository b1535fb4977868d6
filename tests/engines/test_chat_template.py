"""The literals of chat templates, derived from templates of the kinds that are in use."""

from __future__ import annotations

import logging

import pytest

from nbgroupchat.engines.chat_template import CHATML, TurnLiterals, derive_literals

CHATML_WITH_DEFAULT = """{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system
You are helpful.<|im_end|>
{% endif %}{{ '<|im_start|>' + m.role + '\n' + m.content | trim + '<|im_end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

INST = """{% if messages[0].role == 'system' %}{% set told = messages[0].content %}{% set rest = messages[1:] %}
{%- else %}{% set rest = messages %}{% endif %}
{%- for m in rest %}
{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
{%- if m.role == 'user' %}
{%- if loop.first and told is defined %}
{{- bos_token + '[INST] <<SYS>>\n' + told + '\n<</SYS>>\n\n' + m.content + ' [/INST]' }}
{%- else %}{{- bos_token + '[INST] ' + m.content + ' [/INST]' }}{% endif %}
{%- else %}{{- ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}"""

NO_SYSTEM = """{{ bos_token }}{% for m in messages %}
{%- if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}
{%- set role = 'model' if m.role == 'assistant' else m.role %}
{{- '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"""

IGNORES_SYSTEM = """{% for m in messages if m.role != 'system' %}
{{- '<' + m.role + '>' + m.content + '</' + m.role + '>' }}{% endfor %}<assistant>"""

THINKS = """{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|><think>\n' }}{% endif %}"""

DATED = "{% set d = strftime_now('%Y') %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"


def test_chatml() -> None:
    """A default system message of the template does not get into the literals, nor does its trimming matter."""
    assert derive_literals(CHATML_WITH_DEFAULT) == CHATML


def test_inst() -> None:
    """System text inside the first user turn, and the tokens of beginning and end, are where the template has them."""
    assert derive_literals(INST, bos="<s>", eos="</s>") == TurnLiterals(
        begin="<s>[INST] <<SYS>>\n",
        system_to_user="\n<</SYS>>\n\n",
        user_to_assistant=" [/INST] ",
        assistant_to_user=" </s><s>[INST] ",
        opening=" [/INST]",
    )


@pytest.mark.parametrize(
    ("template", "begin"),
    [(NO_SYSTEM, "<bos><start_of_turn>user\n"), (IGNORES_SYSTEM, "<user>")],
    ids=["raises", "skips"],
)
def test_no_system_role(template: str, begin: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where a template refuses or leaves out system turns, the system text opens the first user turn."""
    literals = derive_literals(template, bos="<bos>", eos="<eos>")
    assert (literals.begin, literals.system_to_user) == (begin, "\n\n")
    assert not caplog.records


def test_thinking() -> None:
    """What opens a reply may be more than what stands before an earlier one."""
    literals = derive_literals(THINKS)
    assert literals.user_to_assistant == "<|end|><|assistant|>"
    assert literals.opening == "<|end|><|assistant|><think>\n"


def test_date() -> None:
    """Templates may ask for the date."""
    assert derive_literals(DATED).begin == "[system]"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{{ raise_exception('not for chat') }}",
        "{% for m in messages %}",
        "{{ messages[0].content }}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{% for m in messages %}{{ loop.index }}: {{ m.content }}{% endfor %}",
        "{% for m in messages %}{{ m.content[0].text }}{% endfor %}",
        "{{ 1 // 0 }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    ],
)
def test_underivable(template: str, caplog: pytest.LogCaptureFixture) -> None:
    """A template that refuses, repeats, numbers its turns, is broken or reaches outside gives ChatML with a warning."""
    with caplog.at_level(logging.WARNING):
        assert derive_literals(template) == CHATML
    assert "ChatML" in caplog.text


def test_markers() -> None:
    """What members might type of the literals: whole runs and what is in brackets in them, but no ordinary word."""
    assert {"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"} <= derive_literals(INST, bos="<s>", eos="</s>").markers()
    assert {"<|im_start|>", "<|im_end|>", "<|im_start|>user"} <= CHATML.markers()
    assert not {"user", "assistant", "system"} & CHATML.markers()
