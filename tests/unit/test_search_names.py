"""Whatever an author is called, and in whatever script: who types the shown name finds that author first."""

import asyncio

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.viewer.name_search import Match
from tests.snapshots import snapshot
from tests.unit.test_viewer_index import index_of, record

TEXT = "an Ann é e\u0301 रा म मी ก กี กี่ สม 张 三 김 철 か が ש ש\u05c1\u05b8 م م\u064f Й И ı İ ß ss o O 𝒜 🙂 ★"
SYLLABLES = TEXT.split(" ")
SIGNS = [
    " ",
    "  ",
    "-",
    "‐",
    "'",
    "’",
    "‘",
    "ʻ",
    "ʼ",
    "ʽ",
    "ʾ",
    "ʿ",
    "´",
    "`",
    ".",
    ",",
    "·",
    "・",
    "\u00a0",
    "\u3000",
    "\u200d",
    "\u200b",
    "\u202e",
    "_",
]
parts = st.text(
    st.one_of(st.sampled_from([*"abAB1"]), st.characters(codec="utf-8", exclude_categories=["Cs"])),
    min_size=1,
    max_size=4,
)
pieces = st.lists(
    st.one_of(st.sampled_from(SYLLABLES), st.sampled_from(SIGNS), parts), min_size=1, max_size=6
)


def is_name(text: str) -> bool:
    from shared.ids import visible

    return bool(visible(text).replace("\u2800", "").strip()) and len(text) <= 500


names = pieces.map("".join).filter(is_name)


@settings(max_examples=300)
@given(st.lists(names, min_size=1, max_size=12), st.data())
def test_the_shown_name_finds_its_author_first(all_names, data):
    told = []
    for number, name in enumerate(all_names):
        papers = data.draw(st.integers(0, 9))
        told.append(snapshot(f"a:{number}", name=name, headline={"h_index": 1, "papers": papers}))
        if data.draw(st.booleans()):
            told[-1]["aliases"] = [data.draw(st.sampled_from(all_names))]
    index = index_of(*told)
    for name in all_names:
        for typed in (name, f" {name} "):
            found = asyncio.run(index.search(typed, 3))
            assert found and " ".join(found[0].name.split()) == " ".join(name.split()), (typed, found)


def search(told: list[dict], text: str) -> list[str]:
    return [match.name for match in asyncio.run(index_of(*told).search(text))]


def people(*called: str) -> list[dict]:
    return [snapshot(f"a:{number}", name=name) for number, name in enumerate(called)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("राम", ["राम कुमार"]),
        ("राम कुमार", ["राम कुमार"]),
        ("मीरा", ["मीरा कपूर"]),
        ("กีรติ", ["กีรติ ใจดี"]),
        ("กีรติใจดี", ["กีรติ ใจดี"]),
        ("กรติ", []),
        ("张三", ["张 三"]),
        ("李 四", ["李四"]),
        ("김철수", ["김 철수"]),
        ("O'Brien", ["Timothy O‘Brien"]),
        ("obrien timothy", ["Timothy O‘Brien"]),
        ("Gulom", ["Gʻulom Otkir"]),
        ("G'ulom", ["Gʻulom Otkir"]),
        ("kaʿb", ["Kaʾb ibn Malik"]),
        ("jean pierre", ["Jean‐Pierre Roux"]),
        ("Jean-Pierre Roux", ["Jean‐Pierre Roux"]),
        ("Chen Chen", ["Chen Chen", "Chen", "Chen Li"]),
        ("Chen", ["Chen", "Chen Chen", "Chen Li"]),
        ("ann lee", ["An\u200bn Lee"]),
        ("★", ["★"]),
    ],
)
def test_words_are_what_people_take_for_words(text, found):
    told = people("राम कुमार", "मीरा कपूर", "กีรติ ใจดี", "张 三", "李四", "김 철수", "Timothy O‘Brien",
                  "Gʻulom Otkir", "Kaʾb ibn Malik",
                  "Jean‐Pierre Roux", "Chen Chen", "Chen", "Chen Li", "An\u200bn Lee", "★")  # fmt: skip
    assert search(told, text) == found


def test_a_described_alias_finds_its_author_behind_who_is_called_so():
    told = [
        snapshot(
            "al",
            name="Mary Smith",
            aliases=["Mary Jones", 'M. "]} Jönes', "张 三"],
            headline={"h_index": 1, "papers": 99},
        ),
        snapshot("b", name="Mary Jones", headline={"h_index": 1, "papers": 1}),
    ]
    assert search(told, "Mary Jones") == ["Mary Jones", "Mary Smith"]
    assert search(told, "M. Jones")[0] == "Mary Smith"
    assert search(told, "张三") == ["Mary Smith"]
    assert search(told, "smith jones") == [], "the words of one name"


def test_aliases_go_when_the_description_has_them_no_more():
    index = index_of(snapshot("al", 1, name="Mary Smith", aliases=["Mary Jones"], redirect="x"))
    assert asyncio.run(index.search("jones")) == [Match("al", "Mary Smith", 2, 2)]
    index.take(0, [record(9, snapshot("al", 2, name="Mary Smith"))])
    assert asyncio.run(index.search("jones")) == []


@given(st.text(max_size=20), st.lists(st.text(min_size=1, max_size=8), max_size=3))
def test_aliases_are_read_from_the_end_of_a_snapshot_alone(title, aliases):
    from services.viewer.snapshots import aliases_of

    tricky = f'{title},"provenance":{{"x":1}},"aliases":["no"]}}'
    told = snapshot("a:1", papers=[{"paper_id": "p", "title": tricky, "citations": 0}], homepage=tricky)
    value = orjson.dumps(told | ({"aliases": aliases} if aliases else {}) | {"redirect": tricky})
    assert aliases_of(value) == (orjson.dumps(aliases) if aliases else None)


def test_whom_a_merged_name_means_comes_behind_who_is_called_so():
    told = [
        snapshot("a", name="Ann A", headline={"h_index": 1, "papers": 50}),
        snapshot("b", name="Ann B", redirect="a"),
        snapshot("c", name="Ann B", headline={"h_index": 1, "papers": 1}),
    ]
    assert search(told, "Ann B") == ["Ann B", "Ann A"]
