"""Ids that are made from names: equal for all spellings of a name, never longer than the contract allows, the
same in all three codes.
"""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.verify import events as literature
from shared.contracts import authors, papers
from shared.errors import InputRefused
from shared.ids import author_key, folded_id, name_key, visible
from tests import oracle

UNSEEN = ["\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u202e", "\u2066", "\ufeff", "\u3164", "\ufe0f",
          "\U000e0001", "\U000e0100",
          "\x00", "\x07", "\x7f", "\x9f"]  # fmt: skip
names = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from([*UNSEEN, " ", "\u0307", "ẞ", "ΐ", "İ", "…"])),
    min_size=1,
    max_size=60,
)
long_names = st.builds(
    lambda part, times: part * times,
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    st.integers(1, 120),
)


def paper(**author) -> bytes:
    import orjson

    return orjson.dumps({"paper_id": "p", "title": "T", "authors": [author]})


@given(st.one_of(names, long_names))
def test_an_id_of_a_name_is_within_the_contract_and_the_same_everywhere(name):
    made = author_key({"name": name})
    assert len(made.encode()) <= 256
    assert made == literature.author_key({"name": name}) == oracle.author_key({"name": name})
    assert folded_id(made) == literature.identity(made) == oracle.same(made) == made
    if name_key(name):
        given_ = "name:" + name
        assert (
            author_key({"name": "other", "author_id": given_})
            == made
            == literature.identity(given_)
            == oracle.same(given_)
        )


@given(names)
def test_any_id_is_compared_alike_in_all_three(name):
    for author_id in (name, "name:" + name, "name:" + name + "…" + "0a" * 20, "name:…" + "0A" * 20):
        folded = folded_id(author_id)
        assert folded == literature.identity(author_id) == oracle.same(author_id)
        assert folded_id(folded) == folded


@given(names, st.sampled_from(UNSEEN), st.integers(0, 60))
def test_what_is_not_seen_makes_no_other_name(name, unseen, place):
    assert name_key(name[:place] + unseen + name[place:]) == name_key(name)


def test_every_character_is_seen_alike_in_all_three():
    dropped = literature._DROPPED
    for code in [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]:
        character = chr(code)
        if (
            unicodedata.category(character) == "Cn"
            and not 0xFFF0 <= code <= 0xFFF8
            and code >> 12 != 0xE0
            and code != 0x2065
        ):
            continue  # characters of the future
        assert (visible(character) == "") == (code in dropped) == (not oracle.seen(character)), hex(code)


def test_long_names_that_differ_late_are_different_authors():
    one, other = "N" * 400 + "a", "N" * 400 + "b"
    keys = {author_key({"name": name}) for name in (one, other, one.lower(), one.upper())}
    assert len(keys) == 2
    for key in keys:
        assert len(key.encode()) == 256
        assert author_key({"name": key.removeprefix("name:")}) not in keys, (
            "nobody takes the id by taking it as a name"
        )


def test_a_long_name_is_cut_between_characters():
    made = author_key({"name": "张" * 200})
    assert made.startswith("name:" + "张" * 69 + "…") and len(made.encode()) <= 256


@pytest.mark.parametrize("name", [*UNSEEN, "\u200b\u200b", " \u200b ", "\u2800", "\x1c", "\u0085", "\u00a0"])
def test_a_name_that_nobody_sees_is_refused(name):
    for field, raw in (
        ("authors.0.name", paper(name=name)),
        ("authors.0.affiliations.0", paper(name="A", affiliations=[name])),
    ):
        with pytest.raises(InputRefused) as refused:
            papers.decode(raw)
        assert (refused.value.field, refused.value.hint) == (field, "must have a visible character")


def test_ids_of_names_are_folded_in_every_event_of_authors():
    def decoded(**event) -> dict:
        import orjson

        return authors.decode(orjson.dumps({"author_id": "name:Ann\u200b  LEE"} | event))

    assert decoded(event="author.merged", into="name:Bo Í")["into"] == "name:bo í"
    for event in (
        decoded(event="author.merged", into="x"),
        decoded(event="author.separated"),
        decoded(event="author.described", name="A"),
        decoded(event="author.reported", source="s", as_of="2020-01-01", metrics={}),
    ):
        assert event["author_id"] == "name:ann lee"
