"""Specification of what a reader of text alone is told of attachments."""

from __future__ import annotations

import msgspec
import pytest

from nbgroupchat.attachment import MAX_ATTACHMENT, MAX_EXCERPTS, Attachment, as_text, beside

ID = "0" * 64
PLOT = Attachment(id=ID, name="plot.png", mime="image/png", size=9, width=640, height=480)
TABLE = Attachment(id=ID, name="data.csv", mime="text/csv", size=12_340, text="a,b\n1,2", cut=True)


def test_a_picture_is_its_name_and_size_and_a_file_its_beginning() -> None:
    """A file that goes on says so at its end."""
    assert as_text((PLOT, TABLE)).splitlines() == [
        "[picture plot.png, 640×480]",
        "[file data.csv, 12,340 bytes]",
        "a,b",
        "1,2",
        "[data.csv goes on: only its beginning is shown]",
    ]


def test_attachments_stand_below_the_text() -> None:
    """A message may have either, or both."""
    assert beside("look", (PLOT,)) == "look\n[picture plot.png, 640×480]"
    assert beside("", (PLOT,)) == "[picture plot.png, 640×480]"
    assert beside("look", ()) == "look"


@pytest.mark.parametrize(
    "forged",
    [
        {"id": "../" * 21 + "x"},
        {"id": "G" * 64},
        {"name": ""},
        {"name": "x" * 129},
        {"size": MAX_ATTACHMENT + 1},
        {"width": -1},
        {"text": "x" * (MAX_EXCERPTS + 1)},
    ],
)
def test_what_a_store_claims_is_checked(forged: dict[str, object]) -> None:
    """An attachment that no hub has made is not read."""
    whole = msgspec.to_builtins(TABLE)
    assert msgspec.convert(whole, Attachment) == TABLE
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(whole | forged, Attachment)
