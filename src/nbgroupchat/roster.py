"""A room without the names of a roster: what an export says of people who are not to be known by it. Pure.

This module touches trust. It covers: every name of the roster, as a whole and each word of it, in every text and name,
whatever its case, its Unicode form, its accents (and `ue` for `ü`), with invisible characters inside, as a mention or a
possessive, with digits behind it, with or without blanks, hyphens, dots or underscores between its words; the longest
first; only whole words in scripts that have them, anywhere in those that have not (Chinese, Japanese, Korean, Thai and
others). Authors who are not in the roster are hidden, too. It does not cover: names that are not in the roster,
misspellings, declined forms, letters of another script that look alike, initials, words like "van" or "de" by
themselves, or what else a text tells about somebody. Ids of members stay as they are: they mean nothing elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final, TypeAlias

from msgspec.structs import replace

from nbgroupchat.protocol import Delta, DurableEvent, Edited, Posted, Reacted, ReplyClosed, ReplyOpened

Names: TypeAlias = Sequence[Sequence[str]]
"""For each person what they are called: user name, name, nicknames."""

PARTICLES: Final = frozenset(
    (
        "al", "ap", "bin", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du",
        "el", "ibn", "la", "las", "le", "les", "lo", "los", "of", "te", "ten", "ter", "van", "vom", "von", "y",
        "zu", "zum", "zur",
    )
)  # fmt: skip
"""Words of names that are words of a language, too, and tell nobody by themselves."""

_SPELLED: Final = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
_BASE: Final = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
}  # fmt: skip

_UNBOUNDED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Letters of scripts that put no space between words, or join endings to names as Korean does."""

_LETTER: Final = rf"[^\W\d_{_UNBOUNDED}]"
_BETWEEN: Final = r"[\W_]*"


class Roster:
    """Who is to be hidden, each behind a name like "Person 1". The first of two people of one name has it."""

    def __init__(self, people: Names) -> None:
        numbers: dict[tuple[str, ...], int] = {}
        for number, names in enumerate(people):
            for key in (key for name in names for key in _keys(name)):
                numbers.setdefault(key, number)
        # What is longest is tried first: a whole name before its words.
        keys = sorted(numbers, key=lambda key: (-len("".join(key)), key))
        self._numbers = [numbers[key] for key in keys]
        self._pattern = re.compile("|".join(map(_expression, keys)) or "(?!)")
        bare = any("".join(key).isdigit() for key in keys)
        self._noun = "" if bare else next((noun for noun in _NOUNS if not self.finds(noun)), "")

    def number_of(self, name: str) -> int | None:
        """Say which of the people somebody of this name is; None for none of them."""
        match = self._pattern.fullmatch(_folded(name)[0].strip())
        return self._numbers[(match.lastindex or 1) - 1] if match else None

    def alias(self, number: int) -> str:
        """Give what a person is called instead; squares where people are called whatever could be a name."""
        return f"{self._noun} {number + 1}" if self._noun else "\N{BLACK SQUARE}" * (number + 1)

    def finds(self, text: str) -> bool:
        """Say whether a name stands in a text."""
        return self._pattern.search(_folded(text)[0]) is not None

    def hide(self, text: str) -> str:
        """Give a text without the names."""
        while (hidden := self._once(text)) != text:
            text = hidden
        return text

    def _once(self, text: str) -> str:
        folded, places = _folded(text)
        parts, end = [], 0
        for match in self._pattern.finditer(folded):
            start = places[match.start()]
            if start >= end:
                parts += [text[end:start], self.alias(self._numbers[(match.lastindex or 1) - 1])]
                # With what cannot be seen behind it.
                end = places[match.end()] if match.end() < len(places) else len(text)
        return "".join([*parts, text[end:]])


def read(text: str) -> Names:
    """Read a roster: a person a line, their names separated by commas, semicolons or tabs; "#" begins a remark."""
    lines = (line.partition("#")[0] for line in text.removeprefix("\ufeff").splitlines())
    people = [[name.strip(' "') for name in re.split(r"[,;\t]", line)] for line in lines]
    return [names for person in people if (names := [name for name in person if name])]


def pseudonymised(
    room: str, entries: Sequence[DurableEvent], drafts: Sequence[Delta], people: Names
) -> tuple[str, Sequence[DurableEvent], Sequence[Delta]]:
    """Give a room's name, its entries and drafts with nobody's name in them."""
    posted = [entry for entry in entries if isinstance(entry, Posted)]
    known = Roster(people)
    # What notebooks are called are words that people use of other things, too: those are hidden as authors alone.
    notebooks = {entry.by for entry in posted if entry.kind == "kernel"}
    agents = {entry.by for entry in entries if isinstance(entry, ReplyOpened)}
    named = [
        (entry.by, entry.name)
        for entry in entries
        if isinstance(entry, (Posted, Reacted, ReplyClosed)) and entry.name and entry.by not in agents
    ]
    others = sorted({name for by, name in named if by not in notebooks and known.number_of(name) is None})
    roster = Roster([*people, *([name] for name in others)])
    free = count(len(people) + len(others))
    authors: dict[tuple[str, str], str] = {}
    for by, name in named:
        if (by, name) not in authors:
            number = roster.number_of(name)
            authors[by, name] = roster.alias(next(free) if number is None else number)
    hidden = [_hidden(entry, roster, authors) for entry in entries]
    return roster.hide(room), hidden, [replace(draft, text=roster.hide(draft.text)) for draft in drafts]


def _hidden(entry: DurableEvent, roster: Roster, authors: dict[tuple[str, str], str]) -> DurableEvent:
    match entry:
        case Posted():
            attached = tuple(
                replace(one, name=roster.hide(one.name)[:128], text=roster.hide(one.text)) for one in entry.attachments
            )
            name = authors.get((entry.by, entry.name), "")
            return replace(entry, name=name, text=roster.hide(entry.text), attachments=attached)
        case Reacted():
            return replace(entry, name=authors.get((entry.by, entry.name), ""))
        case ReplyOpened():
            return replace(entry, name=roster.hide(entry.name))
        case ReplyClosed():
            error = roster.hide(entry.error) if entry.error else entry.error
            name = authors.get((entry.by, entry.name), "")
            return replace(entry, text=roster.hide(entry.text), error=error, name=name)
        case Edited():
            return replace(entry, text=roster.hide(entry.text))
        case _:
            return entry


_NOUNS: Final = ("Person", "Member", "Participant", "Somebody", "Speaker")


def _keys(name: str) -> Iterator[tuple[str, ...]]:
    """Give the words that are looked for because of a name: all of it, in each spelling, and each word."""
    for spelling in {name, _spelled(name)}:
        words = _words(spelling)
        if words:
            yield words
        if len(words) > 1:
            yield from ((word,) for word in words if len(word) > 1 and word not in PARTICLES)


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", _folded(name)[0]))


def _spelled(name: str) -> str:
    letters: Iterable[str] = unicodedata.normalize("NFC", name).casefold()
    return "".join(_SPELLED.get(letter, letter) for letter in letters)


def _expression(words: tuple[str, ...]) -> str:
    """Give the pattern of some words: its one group is what to hide, with the digits behind it."""
    first, last = words[0][0], words[-1][-1]
    letters = [_BETWEEN.join(word) if re.match(f"[{_UNBOUNDED}]", word) else re.escape(word) for word in words]
    before = rf"(?<!{_LETTER})" if re.match(_LETTER, first) else r"(?<!\d)" if first.isdigit() else ""
    after = rf"\d*(?=s?(?!{_LETTER}))" if re.match(_LETTER, last) else r"(?!\d)" if last.isdigit() else r"\d*"
    return f"{before}({_BETWEEN.join(letters)}{after})"


def _folded(text: str) -> tuple[str, list[int]]:
    """Give a text without case, accents and what cannot be seen, and for each of its characters the place it was at."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for found in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold()):
            if unicodedata.category(found) not in ("Mn", "Me", "Cf"):
                base = _BASE.get(found, found)
                folded.append(base)
                places += [place] * len(base)
    return "".join(folded), places
