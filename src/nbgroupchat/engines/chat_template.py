"""The literals a chat model puts around turns, derived once from the template in its file.

A whole-chat template is not used for prompts: templates trim, move the system text, add a default one or refuse, and
what they render mixes markers with what members typed. So one conversation of known words is rendered, and what stands
between the words are the literals. Knows nothing of tokens, members or llama.cpp.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

_log = logging.getLogger(__name__)

_SYSTEM = "Zsystemz"
_WORDS = ("Zaskone", "Zreplyone", "Zasktwo", "Zreplytwo", "Zaskthree")


class TurnLiterals(Struct, frozen=True):
    """What stands before, between and after the texts of a conversation: system, user, assistant, …, user, reply."""

    begin: str
    system_to_user: str
    user_to_assistant: str
    assistant_to_user: str
    opening: str
    """After the last user turn, where the reply begins; thinking models put more here than in `user_to_assistant`."""

    def markers(self) -> frozenset[str]:
        """The parts of the literals that members might type: every run with a sign that is neither letter nor digit,
        and what is in brackets inside such a run.
        """
        runs = {run for literal in self.__struct_fields__ for run in getattr(self, literal).split()}
        inner = {part for run in runs for part in re.findall(r"<+[^<>]+>+|\[[^\[\]]+\]", run)}
        return frozenset(run for run in runs | inner if len(run) > 1 and not run.isalnum())


CHATML = TurnLiterals(
    begin="<|im_start|>system\n",
    system_to_user="<|im_end|>\n<|im_start|>user\n",
    user_to_assistant="<|im_end|>\n<|im_start|>assistant\n",
    assistant_to_user="<|im_end|>\n<|im_start|>user\n",
    opening="<|im_end|>\n<|im_start|>assistant\n",
)


def derive_literals(template: str, *, bos: str = "", eos: str = "") -> TurnLiterals:
    """Derive the literals from a Jinja chat template; ChatML with a warning where that cannot be done."""
    if not template.strip():
        _log.warning("The model file has no chat template; its turns are marked the ChatML way.")
        return CHATML
    reasons: list[str] = []
    for with_system in (True, False):
        try:
            return _between(_render(template, with_system=with_system, bos=bos, eos=eos), with_system=with_system)
        # A template is a foreign program: what it raises inside the sandbox is not limited to Jinja's own errors.
        except (
            TemplateError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            reasons.append(f"{'with' if with_system else 'without'} a system turn: {error}")
    _log.warning(
        "The chat template of the model file cannot be taken apart (%s); its turns are marked the ChatML way.",
        "; ".join(reasons),
    )
    return CHATML


def _render(template: str, *, with_system: bool, bos: str, eos: str) -> str:
    # The same environment that Hugging Face's transformers render chat templates in.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    messages = [{"role": "system", "content": _SYSTEM}] if with_system else []
    messages += [{"role": "assistant" if place % 2 else "user", "content": word} for place, word in enumerate(_WORDS)]
    return environment.from_string(template).render(
        messages=messages,
        add_generation_prompt=True,
        bos_token=bos,
        eos_token=eos,
        tools=None,
        raise_exception=_refuse,
        strftime_now=lambda form: datetime.now().astimezone().strftime(form),
    )


def _refuse(message: str) -> str:
    raise TemplateError(message)


def _between(rendered: str, *, with_system: bool) -> TurnLiterals:
    gaps: list[str] = []
    rest = rendered
    for word in ((_SYSTEM,) if with_system else ()) + _WORDS:
        gap, found, rest = rest.partition(word)
        if not found or word in rest:
            raise ValueError("it leaves out, repeats or moves a turn")
        gaps.append(gap)
    if not with_system:
        # The system text then opens the first user turn, as the makers of such models advise.
        gaps.insert(1, "\n\n")
    begin, system_to_user, first_reply, first_end, second_reply, second_end = gaps
    if (first_reply, first_end) != (second_reply, second_end):
        raise ValueError("it writes the same turn in two ways")
    return TurnLiterals(begin, system_to_user, first_reply, first_end, rest)
