"""Specification of the lines in the server's log."""

from __future__ import annotations

import logging

import pytest

from nbgroupchat.logbook import note


def test_a_line_is_words_ids_and_numbers(caplog: pytest.LogCaptureFixture) -> None:
    """A value can begin no line and no field, and is cut short; nothing is written where INFO is off."""
    caplog.set_level(logging.INFO, "nbgroupchat.logbook")
    note("refused", connection="a\nb c=d", method="x" * 100, code=1.5)
    assert caplog.messages == [f"refused connection=a?b?c?d method={'x' * 64} code=1.5"]
    caplog.set_level(logging.WARNING, "nbgroupchat.logbook")
    note("left", room="r")
    assert len(caplog.messages) == 1
