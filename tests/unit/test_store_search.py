"""The search forgives: typing errors, initials, order of words, accents, scripts, apostrophes; and tells
namesakes apart.
"""

import asyncio
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer.store.search.texts import distance, indexable, name_words, rests
from services.viewer.store.store import Store
from tests.stores import fill, publish, told, topics

NAMES = {
    "a:manning": "Christopher D. Manning",
    "a:manning2": "Christopher Manning",
    "a:jurafsky": "Daniel Jurafsky",
    "a:hinton": "Geoffrey E. Hinton",
    "a:schmidhuber": "Jürgen Schmidhuber",
    "a:oneill": "Cathy O’Neill",
    "a:wang": "王小明",
    "a:wang2": "李 明",
    "a:thai": "สมชาย ใจดี",
    "a:sharma": "रमेश शर्मा",
    "a:kim": "김 민준",
    "a:lukasz": "Łukasz Kaiser",
    "a:wei": "Wei Li",
}
TITLES = {
    "p:attention": "Attention Is All You Need",
    "p:glove": "GloVe: Global Vectors for Word Representation",
    "p:cjk": "基于注意力的神经机器翻译",
    "p:hindi": "हिंदी भाषा के लिए मशीन अनुवाद",
    "p:apostrophe": "Schrödinger's Equation Revisited",
}


async def made(folder: Path) -> Store:
    log = await topics()
    papers = [
        {"paper_id": key, "title": title, "published": "2017", "venue": "NIPS",
         "doi": f"10.5555/{key[2:].upper()}",
         "authors": [{"author_id": "a:kim", "name": "김 민준"}],
         "abstract": "We study pangolins." if key == "p:glove" else None}
        for key, title in TITLES.items()
    ]  # fmt: skip
    profiles = [told(key, name, h_index=3) for key, name in NAMES.items()]
    profiles.append(told("a:merged", "Chris Mannings", redirect="a:manning"))
    profiles.append(told("a:curie", "Marie Curie", aliases=["Maria Skłodowska"]))
    await publish(log, papers, profiles)
    return await fill(log, folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = asyncio.run(made(tmp_path_factory.mktemp("store")))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Christopher D. Manning", "a:manning"),
        ("christopher manning", "a:manning2"),
        ("Manning, Christopher D.", "a:manning"),
        ("Manning CD", "a:manning"),
        ("C. D. Manning", "a:manning"),
        ("Maning", "a:manning"),
        ("Christoper Maning", "a:manning"),
        ("Jurafski", "a:jurafsky"),
        ("daniel jurfasky", "a:jurafsky"),
        ("G Hinton", "a:hinton"),
        ("Hinton GE", "a:hinton"),
        ("Geofrey Hinton", "a:hinton"),
        ("schmidhuber", "a:schmidhuber"),
        ("Shmidhuber", "a:schmidhuber"),
        ("Jurgen Schmidhubr", "a:schmidhuber"),
        ("O'Neill", "a:oneill"),
        ("oneill", "a:oneill"),
        ("Oʻneil", "a:oneill"),
        ("王小明", "a:wang"),
        ("小明", "a:wang"),
        ("王 小明", "a:wang"),
        ("李明", "a:wang2"),
        ("สมชายใจดี", "a:thai"),
        ("ใจดี", "a:thai"),
        ("शर्मा", "a:sharma"),
        ("김민준", "a:kim"),
        ("lukasz kaiser", "a:lukasz"),
        ("sklodowska", "a:curie"),
        ("mannings", "a:manning"),
        ("a:wei", "a:wei"),
    ],
)
async def test_an_author_is_found(store: Store, query, first):
    found = [one["author_id"] for one in (await store.search(query))["authors"]]
    assert found and (found[0] == first or (first == "a:manning" and first in found[:2])), found


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("attention is all you need", "p:attention"),
        ("atention all need", "p:attention"),
        ("Attention 2017 NIPS", "p:attention"),
        ("global vectors word", "p:glove"),
        ("globl vectros", "p:glove"),
        ("pangolins", "p:glove"),
        ("神经机器", "p:cjk"),
        ("注意力", "p:cjk"),
        ("मशीन अनुवाद", "p:hindi"),
        ("schrodingers equation", "p:apostrophe"),
        ("Schrödinger’s", "p:apostrophe"),
        ("10.5555/attention", "p:attention"),
        ("https://doi.org/10.5555/GLOVE", "p:glove"),
        ("p:cjk", "p:cjk"),
    ],
)
async def test_a_paper_is_found(store: Store, query, first):
    assert [one["paper_id"] for one in (await store.search(query))["papers"]][:1] == [first]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "'",
        "* OR *",
        "NEAR(a b)",
        "title:x",
        "a AND",
        "-",
        "{title} : x",
        "\0",
        "%",
        "((",
        "🙂",
        "\ud800",
    ],
)
async def test_any_query_is_only_words(store: Store, query):
    found = await store.search(query)
    assert found["complete"] and found["authors"] == [] == found["papers"]


async def test_namesakes_are_told_apart_and_pages_go_on(tmp_path):
    log = await topics()
    profiles = [
        told(f"a:{n}", "Wei Zhang", [(f"p{n}-{m}", 0) for m in range(n)],
             affiliations=[{"name": f"University {n}", "papers": 1}],
             papers_by_year={str(2000 + n): 1})
        for n in range(1, 46)
    ]  # fmt: skip
    await publish(log, [{"paper_id": "x", "title": "x"}], profiles)
    store = await fill(log, tmp_path)
    found, cursor = [], None
    while True:
        page = await store.search("zhang wei", cursor=cursor, limit=20)
        found += page["authors"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [one["author_id"] for one in found] == [f"a:{n}" for n in range(45, 0, -1)]  # most papers first
    assert (
        found[0]["affiliations"] == [{"name": "University 45", "papers": 1}]
        and found[0]["first_year"] == 2045
    )
    store.close()


words = st.text("abcde", min_size=4, max_size=9)


@given(words, st.data())
def test_two_words_with_one_error_between_them_share_a_rest(word, data):
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    for other in (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        swapped,
    ):
        assert rests(word) & rests(other)
        assert distance(word, other, 2) <= 1


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_distance_is_symmetric_and_bounded(one, other):
    assert distance(one, other, 9) == distance(other, one, 9)
    assert distance(one, other, 1) == min(2, distance(one, other, 9))


@given(st.text(max_size=40))
def test_any_text_becomes_words(text):
    assert isinstance(indexable(text), str) and isinstance(name_words([text]), str)
