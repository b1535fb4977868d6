"""Specification of what people are called where peers are anonymous."""

from __future__ import annotations

import re

from nbgroupchat.pseudonym import ANIMALS, pseudonym

ROOM, OTHER = b"r" * 32, b"o" * 32


def test_a_pseudonym_is_always_the_same_in_its_room() -> None:
    """An animal and a number, which say nothing of the user; in another room it is another."""
    found = pseudonym(ROOM, "ana")
    assert found == pseudonym(ROOM, "ana")
    assert re.fullmatch(r"[A-Z][a-z]+ [1-9]\d{0,2}", found)
    assert found != pseudonym(OTHER, "ana")


def test_people_are_told_apart() -> None:
    """Of a large class nearly everybody has a pseudonym of their own, and every animal is one word, once."""
    names = [pseudonym(ROOM, f"student{number}") for number in range(200)]
    assert len(set(names)) >= 198
    assert len(set(ANIMALS)) == len(ANIMALS)
    assert all(animal.isalpha() and animal.istitle() for animal in ANIMALS)
