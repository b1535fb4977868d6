"""Specification of exports without names: none of the roster is left, however it was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbgroupchat.protocol import Delta, DurableEvent, Edited, Kind, Posted, Reacted, ReplyClosed, ReplyOpened
from nbgroupchat.roster import PARTICLES, Roster, pseudonymised, read
from nbgroupchat.transcript import FORMATS, transcript

CLASS = read(
    """# user, name, nicknames
    alp21, Ana Lucía Pérez de la Vega, Luci
    ben, Ben Müller; "Benny"
    wei, 李伟
    minjun\t민준
    zoe, Zoë Øst-Łuk
    """
)


def test_a_roster_is_read() -> None:
    """A person a line, with names between commas, semicolons or tabs; remarks and quotes are left out."""
    assert CLASS == [
        ["alp21", "Ana Lucía Pérez de la Vega", "Luci"], ["ben", "Ben Müller", "Benny"], ["wei", "李伟"],
        ["minjun", "민준"], ["zoe", "Zoë Øst-Łuk"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("ANA and ana", "Person 1 and Person 1"),
        ("ask @Luci, @ben!", "ask @Person 1, @Person 2!"),
        ("Ana's and Ben’s", "Person 1's and Person 2’s"),
        ("Bens Heft, Anas too", "Person 2s Heft, Person 1s too"),
        ("Ana Lucía Pérez de la Vega", "Person 1"),
        ("ana-lucia.perez_de la vega", "Person 1"),
        ("AnaLuciaPerezDeLaVega@uni.example", "Person 1@uni.example"),
        ("Pe\u0301rez, PEREZ, pe\u200brez", "Person 1, Person 1, Person 1"),
        ("Mueller, Muller, MÜLLER", "Person 2, Person 2, Person 2"),
        ("ben7 and alp21, not alp210", "Person 2 and Person 1, not alp210"),
        ("Ｂｅｎ in full width", "Person 2 in full width"),
        ("我和李伟说", "我和Person 3说"),
        ("李 伟 and 민준이가", "Person 3 and Person 4가".replace("가", "이가")),
        ("ost, Luk and Zoe", "Person 5, Person 5 and Person 5"),
        ("bend a banana, benevolent", "bend a banana, benevolent"),
        ("la casa de papel", "la casa de papel"),
        ("Ben说", "Person 2说"),
        ("nothing here", "nothing here"),
    ],
)
def test_names_are_hidden_as_people_write_them(said: str, hidden: str) -> None:
    """Whole and in part, in any case, form and spelling; words that only hold a name stay."""
    assert Roster(CLASS).hide(said) == hidden


def test_the_longest_name_is_hidden_first() -> None:
    """Who has another's name in theirs is not called that."""
    assert Roster([["Ana"], ["Ana Belén"]]).hide("Ana Belén met Ana") == "Person 2 met Person 1"


@pytest.mark.parametrize("name", ["Person", "1", "Person Member Participant Somebody Speaker", "Person 1"])
def test_people_may_be_called_as_others_are_hidden(name: str) -> None:
    """What stands for a name is no name."""
    roster = Roster([["Ana"], [name]])
    assert not roster.finds(roster.hide(f"Ana, {name} and 2"))


def posted(seq: int, by: str, name: str, text: str, kind: Kind = "human") -> Posted:
    return Posted(seq=seq, eid=f"e{seq}", ts=seq, by=by, name=name, kind=kind, text=text)


ROOM: tuple[DurableEvent, ...] = (
    posted(1, "m1", "Ana Pérez", "hi @ben, ask Otto"),
    posted(2, "m2", "Ben", "Ana? @llama"),
    ReplyOpened(seq=3, eid="e3", ts=3, by="m0", name="llama", to="e2", context=2),
    ReplyClosed(seq=4, eid="e4", ts=4, by="m0", id="e3", text="Ana asked Ben.", status="failed", error="Ben left."),
    Edited(seq=5, eid="e5", ts=5, by="m1", id="e1", text="hi @Benny, ask Otto"),
    posted(6, "m3", "Otto", "me? my homework!"),
    posted(7, "m4", "homework", "42", "kernel"),
    ReplyOpened(seq=8, eid="e8", ts=8, by="m0", name="llama", to="e6", context=7),
    Reacted(seq=9, eid="e9", ts=9, by="m5", name="Zed", id="e1", emoji="\N{THUMBS UP SIGN}", on=True),
    ReplyOpened(seq=10, eid="e10", ts=10, by="m0", name="llama", to="e1", context=9),
    ReplyClosed(seq=11, eid="e11", ts=11, by="m2", id="e10", text="Well", status="stopped", name="Ben"),
    posted(12, "m3", "Otto", "Zed likes it"),
)


@pytest.mark.parametrize("form", FORMATS)
def test_no_name_is_left_in_an_export(form: str) -> None:
    """Neither of authors, who reacted or stopped a reply, nor in texts, replies, errors and open replies; who is in no
    roster is hidden, too.
    """
    people = [["ana", "Ana Pérez"], ["ben", "Benny"]]
    room, entries, drafts = pseudonymised("course-ben", ROOM, [Delta("e8", 0, 1, "Otto, ask Ana")], people)
    document = transcript(room, entries, drafts, form)  # type: ignore[arg-type]  # one of the formats
    assert not re.search(r"ana|p[eé]rez|ben|otto|zed", document, re.IGNORECASE)
    names = [entry.name for entry in entries if isinstance(entry, Posted)]
    assert names == ["Person 1", "Person 2", "Person 3", "Person 5", "Person 3"]
    marks = [entry.name for entry in entries if isinstance(entry, (Reacted, ReplyClosed))]
    assert marks == ["", "Person 4", "Person 2"]
    assert "my homework" in document
    assert "llama" in document


LETTERS = st.text("abcdeéöåñßçłØİıÅÇбгд李伟민ก가\u0301", min_size=1, max_size=5).filter(
    lambda word: any(char.isalpha() for char in word)
)
NAME = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)
PEOPLE = st.lists(st.lists(NAME, min_size=1, max_size=3), min_size=1, max_size=5)
WAYS: list[Callable[[str], str]] = [
    str, str.upper, str.lower, str.title, lambda name: f"@{name}", lambda name: f"{name}'s", lambda name: f"({name})",
     lambda name: unicodedata.normalize("NFD", name), lambda name: unicodedata.normalize("NFKC", name),
     lambda name: name.replace(" ", "-"), lambda name: name.replace(" ", "_"), lambda name: name.replace(" ", "\u00a0"),
     lambda name: "\u200b".join(name), lambda name: f"{name}7",
]  # fmt: skip


def simply(text: str) -> str:
    """Fold a text without the code that is tested."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(char for char in decomposed if unicodedata.category(char) not in ("Mn", "Me", "Cf"))
    return kept.translate({ord("ł"): "l", ord("ø"): "o", ord("ı"): "i"})


@settings(deadline=None)
@given(PEOPLE, st.data())
def test_no_name_of_a_roster_is_left(people: list[list[str]], data: st.DataObject) -> None:
    """Whatever people are called and however they are written among other words, no name and no word of one stands in
    what is left; and doing it again changes nothing.
    """
    names = [name for person in people for name in person]
    words = [word for name in names for word in name.split()]
    written = data.draw(
        st.lists(st.tuples(st.sampled_from([*names, *words]), st.sampled_from(WAYS)), min_size=1, max_size=6)
    )
    text = data.draw(st.sampled_from([" ", ", ", "\n", " and "])).join(way(name) for name, way in written)
    roster = Roster(people)
    hidden = roster.hide(text)
    left = set(re.findall(r"[^\W\d_]+", simply(hidden)))
    looked_for = {simply(word) for word in words} | {simply(name) for name in names}
    assert not {word for word in looked_for if len(word) > 1 and word not in PARTICLES} & left
    assert not roster.finds(hidden)
    assert roster.hide(hidden) == hidden
