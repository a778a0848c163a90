"""Whatever the bytes are, the answer is an event or a refusal that names the field and what would be
right.
"""

import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import authors, papers
from shared.contracts.checks import VISIBLE
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import author_key, name_key, partitions_of
from tests.oracle import key_of_name

PAPER = {"paper_id": "p1", "title": "T"}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "event", "paper_id", "author_id", "revision", "title", "abstract", "published", "categories", "authors",
    "authors_truncated",
    "references", "ids", "source", "as_of", "citations", "version", "novelty", "metrics", "name", "aliases",
    "into", "date", "reason",
)  # fmt: skip
dates = st.dates().map(str) | st.sampled_from(["2020", "2020-07", None])
names = st.text(min_size=1, max_size=30).filter(
    lambda x: re.search(VISIBLE, x) and x.encode("utf-8", "replace").decode() == x
)
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
published = st.fixed_dictionaries(
    {"paper_id": ids, "title": st.text(st.characters(codec="utf-8"), max_size=50)},
    optional={
        "event": st.just("paper.published"),
        "revision": st.integers(0, 2**62),
        "published": dates.filter(lambda x: x is None or x >= "1000"),
        "categories": st.none()
        | st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), max_size=3),
        "authors": st.none()
        | st.lists(
            st.fixed_dictionaries({"name": names}, optional={"author_id": st.none() | ids}), max_size=4
        ),
        "references": st.none() | st.lists(ids, max_size=5),
        "ids": st.none() | st.lists(ids, max_size=5),
        "authors_truncated": st.booleans(),
        "something_else": anything.filter(lambda x: "NaN" not in repr(x).lower()),
    },
)


def refusal(decode, raw: bytes) -> InputRefused:
    with pytest.raises(InputRefused) as refused:
        decode(raw)
    return refused.value


@given(st.binary(max_size=200))
@pytest.mark.parametrize("decode", [papers.decode, authors.decode])
def test_any_bytes(decode, raw):
    refused = refusal(decode, raw)
    assert refused.reason in set(Reason)


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=8))
@pytest.mark.parametrize("decode", [papers.decode, authors.decode])
def test_any_object(decode, event):
    try:
        raw = json.dumps(event).encode("utf-8", "surrogatepass")
        decoded = decode(raw)
    except InputRefused as refused:
        assert refused.reason in set(Reason) and refused.hint
    else:
        assert decoded["event"] in {**papers.KINDS, **authors.KINDS}


@given(published)
def test_a_right_event_is_taken_with_every_field(event):
    raw = (
        orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS)
        if "something_else" not in event
        else json.dumps(event).encode()
    )
    try:
        decoded = papers.decode(raw)
    except InputRefused as refused:  # a number that JSON does not have, in what is dropped
        assert refused.reason == Reason.MALFORMED_JSON and "something_else" in event
        return
    assert "something_else" not in decoded and decoded["paper_id"] == event["paper_id"]
    assert decoded["references"] == (event.get("references") or [])
    assert decoded["ids"] == (event.get("ids") or [])
    assert [a["name"] for a in decoded["authors"]] == [a["name"] for a in event.get("authors") or []]
    assert decoded["revision"] == event.get("revision", 0) and decoded["published"] == event.get("published")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"{", Reason.MALFORMED_JSON),
        (b'{"paper_id":"p","title":"T"} {}', Reason.MALFORMED_JSON),
        (b'{"paper_id":"p","title":"\xff"}', Reason.MALFORMED_JSON),
        (b'{"paper_id":"p","title":"T","x":NaN}', Reason.MALFORMED_JSON),
        (b"[" * 100_000, Reason.MALFORMED_JSON),
        (b"[]", Reason.NOT_AN_OBJECT),
        (b"7", Reason.NOT_AN_OBJECT),
        (b'"paper"', Reason.NOT_AN_OBJECT),
        (b"null", Reason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_object(raw, reason):
    assert refusal(papers.decode, raw).reason == reason


@pytest.mark.parametrize(
    ("field", "most", "make"),
    [
        ("title", 2_000, lambda n: "x" * n),
        ("abstract", 50_000, lambda n: "x" * n),
        ("authors", 20_000, lambda n: [{"name": "A"}] * n),
        ("references", 20_000, lambda n: ["p"] * n),
        ("ids", 50, lambda n: ["p"] * n),
        ("ids.0", 128, lambda n: ["é" * n]),  # 256 bytes
        ("paper_id", 256, lambda n: "x" * n),
        ("paper_id", 128, lambda n: "é" * n),  # 256 bytes
    ],
)
def test_limits_are_exact_and_named(field, most, make):
    name = field.partition(".")[0]
    papers.decode(orjson.dumps(PAPER | {name: make(most)}))
    refused = refusal(papers.decode, orjson.dumps(PAPER | {name: make(most + 1)}))
    assert (refused.reason, refused.field) == (Reason.LIMIT_EXCEEDED, field) and ("at most" in refused.hint)


def test_an_event_of_too_many_bytes():
    papers.check_size(bytes(100), 100)
    with pytest.raises(InputRefused, match="101 bytes; at most 100"):
        papers.check_size(bytes(101), 100)


REPORTED = {"event": "author.reported", "author_id": "a", "source": "s", "as_of": "2026-11-01"}
LONG = "9" * 1_000


@pytest.mark.parametrize(
    ("series", "reason", "field", "hint"),
    [
        ({"19": 1}, Reason.INVALID_VALUE, ".19", "must be a year YYYY, from 1000 to 9999"),
        ({"2020-01": 1}, Reason.INVALID_VALUE, ".2020-01", "must be a year YYYY, from 1000 to 9999"),
        ({"[key]": 1}, Reason.INVALID_VALUE, ".[key]", "must be a year YYYY, from 1000 to 9999"),
        ({LONG: 1}, Reason.INVALID_VALUE, f".{LONG[:39]}…", "must be a year YYYY, from 1000 to 9999"),
        ({"2020": -1}, Reason.INVALID_VALUE, ".2020", "must be at least 0"),
        ({"2020": 2**53 + 1}, Reason.INVALID_VALUE, ".2020", "must be at most 9,007,199,254,740,992"),
        ({"2020": "1"}, Reason.WRONG_TYPE, ".2020", "must be an integer"),
        ({"2020": None}, Reason.WRONG_TYPE, ".2020", "must be an integer"),
        ([{"year": 2020, "works_count": 1}], Reason.WRONG_TYPE, "", "must be an object"),
        ({str(1500 + n): 1 for n in range(201)}, Reason.LIMIT_EXCEEDED, "", "must have at most 200 entries"),
    ],
)
@pytest.mark.parametrize("name", ["papers_by_year", "citations_by_year"])
def test_series_are_refused_by_name(name, series, reason, field, hint):
    refused = refusal(authors.decode, orjson.dumps(REPORTED | {"metrics": {name: series}}))
    assert (refused.reason, refused.field, refused.hint) == (reason, f"metrics.{name}{field}", hint)


@pytest.mark.parametrize(
    "series", [None, {}, {"1000": 0, "9999": 2**53}, {str(1500 + n): 1 for n in range(200)}]
)
def test_series_there_are(series):
    assert authors.decode(orjson.dumps(REPORTED | {"metrics": {"papers_by_year": series}}))["metrics"] == {
        "papers_by_year": series
    }


@pytest.mark.parametrize("day", ["2024-02-29", "2000-02-29", "1999-12-31", "2026", "2026-01", None])
def test_days_there_are(day):
    assert papers.decode(orjson.dumps(PAPER | {"published": day}))["published"] == day


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-29",
        "1900-02-29",
        "2026-13",
        "2026-00-10",
        "2026-1-1",
        "26",
        "0999",
        "2026-01-01T00:00",
        " 2026",
        "",
    ],
)
def test_days_there_are_not(day):
    assert refusal(papers.decode, orjson.dumps(PAPER | {"published": day})).field == "published"


@given(names, names)
def test_the_key_of_a_name(one, other):
    assert (name_key(one) == name_key(other)) == (key_of_name(one) == key_of_name(other))
    assert author_key({"name": one}) == key_of_name(one)
    assert author_key({"name": one, "author_id": "x"}) == "x"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("  Ada   Lovelace ", "ada lovelace"),
        ("ＡＤＡ", "ada"),
        ("Strauß", "strauss"),
        ("é", "é"),
        ("É", "é"),
        ("Ⅳ", "iv"),
    ],
)
def test_spellings_of_one_name(name, key):
    assert name_key(name) == key


# murmur2 of the Java client, org.apache.kafka.common.utils.UtilsTest.testMurmur2
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("copies", [1, 100])  # few keys and many go different ways
@pytest.mark.parametrize("count", [2, 3, 7, 64])
def test_partitions_are_those_of_other_clients(count, copies):
    keys = list(JAVA) * copies
    assert partitions_of(keys, count).tolist() == [(JAVA[key] & 0x7FFFFFFF) % count for key in keys]
