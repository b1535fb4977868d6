"""Specification of the settings: what fits, and what a value that does not fit is answered with."""

from __future__ import annotations

from typing import Any

import pytest

from nbgroupchat.settings import Settings, SettingsError, from_environment


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"engine": "gpt"}, "can be one of: llama, openai, echo, script, off"),
        ({"agent_name": "my llama"}, "letters, digits and underscores"),
        ({"agent_name": ""}, "letters, digits and underscores"),
        ({"openai_base_url": "localhost:8080/v1"}, "begins with http:// or https://"),
        ({"context_tokens": 511}, "must be at least 512"),
        ({"turns_at_once": 0}, "must be at least 1"),
        ({"parked_bytes": -1}, "must be at least 0"),
        ({"reply_tokens": 0}, "must be at least 1"),
        ({"reply_tokens": 3000}, "at most half of context_tokens (4096)"),
        ({"threads": -1}, "must be at least 0"),
        ({"max_rooms": 0}, "must be at least 1"),
        ({"keep_days": -1}, "must be at least 0"),
        ({"posts_per_minute": -1}, "must be at least 0"),
        ({"synchronous": "off"}, "can be one of: full, normal"),
        ({"read_ahead_share": 0.0}, "more than 0 and at most 1"),
        ({"read_ahead_share": 1.5}, "more than 0 and at most 1"),
        ({"nice": -1}, "must be at least 0"),
        ({"nice": 20}, "at most 19"),
        ({"temperature": -0.1}, "must be at least 0"),
        ({"piece_timeout": 0.0}, "more than 0"),
    ],
)
def test_a_value_that_does_not_fit_is_named(values: dict[str, Any], says: str) -> None:
    """The message names the setting, its value and what it takes."""
    with pytest.raises(SettingsError) as error:
        Settings(**values)
    assert str(error.value).startswith(f"{next(iter(values))} is ")
    assert says in str(error.value)


def test_settings_come_from_the_environment() -> None:
    """Variables in capitals fill settings of every type, and others are left alone."""
    found = from_environment(
        {"NBGROUPCHAT_ENGINE": "echo", "NBGROUPCHAT_THREADS": "2", "NBGROUPCHAT_TEMPERATURE": "0.5", "HOME": "/x"}
    )
    assert found == Settings(engine="echo", threads=2, temperature=0.5)
    assert from_environment({"NBGROUPCHAT_READ_AHEAD": "false"}) == Settings(read_ahead=False)
    with pytest.raises(SettingsError, match="NBGROUPCHAT_READ_AHEAD is 'no', and takes true or false"):
        from_environment({"NBGROUPCHAT_READ_AHEAD": "no"})


@pytest.mark.parametrize("text", ["many", "", "[1]", "1.5"])
def test_a_variable_that_is_no_number_is_named(text: str) -> None:
    """A number that cannot be read is answered with the variable's name."""
    with pytest.raises(SettingsError, match="NBGROUPCHAT_THREADS"):
        from_environment({"NBGROUPCHAT_THREADS": text})
