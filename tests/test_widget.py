"""Specification of the widget: what is synced and saved, and how it reads without a front end."""

from __future__ import annotations

import pytest
import traitlets

from nbgroupchat.widget import ChatPanel


def test_it_reads_the_same_in_every_run() -> None:
    """Executed notebooks are compared by this text."""
    assert repr(ChatPanel("data-team")) == "ChatPanel(room='data-team')"


def test_nothing_secret_or_personal_is_synced() -> None:
    """What is saved into notebooks is the room's name, the height and the bundle."""
    own = {name for name in ChatPanel().keys if not name.startswith("_")} - {"layout", "tabbable", "tooltip"}
    assert own == {"room", "height"}


def test_the_bundle_is_there() -> None:
    """The widget carries the built panel."""
    panel = ChatPanel()
    assert "nbgroupchat" in str(panel._esm)
    assert ".nbgroupchat" in str(panel._css)


def test_a_height_too_small_to_use_is_refused() -> None:
    """A panel has room for its text field."""
    with pytest.raises(traitlets.TraitError, match="height"):
        ChatPanel(height=10)
