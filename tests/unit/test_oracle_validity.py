"""The oracle's plain checks and the contracts' pydantic ones, written apart, refuse the same events."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts import authors, papers
from shared.errors import InputRefused
from tests.literature import author_events, encode, paper_events
from tests.oracle import parse, valid

ODD = [
    None, True, False, 0, 1, -1, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**64, 0.5, 1.0, 1.5,
    -0.1, "", " ", "x",
    "\u3000",
    "x" * 100, "x" * 101, "x" * 256, "x" * 257, "é" * 128, "é" * 129, "x" * 501, "x" * 2_000, "x" * 2_001,
    "x" * 50_001, "clock",
    "2001", "2001-02", "2001-02-28", "2001-02-29", "2000-02-29", "1900-02-29", "2001-13", "2001-00",
    "2001-01-32", "2001-1-1",
    "0999", "1000",
    "10000-01-01", "2001-01-01\n", "2001-01-01T00:00:00Z", "2001-01-01t23:59:59.123456789+23:59",
    "2001-01-01T00:00:00",
    "2001-01-01T00:00Z",
    "2001-01-01T24:00:00Z", "2001-01-01T00:00:60Z", "2001-01-01T00:00:00.Z",
    "2001-01-01T00:00:00.1234567890Z", "2001-01-01T00:00:00+24:00",
    "2001-01-01T00:00:00+0100", "2001-01-01 00:00:00Z", "2001-02-29T00:00:00Z", "2001-01-01T00:00:00Z\n",
    "2001-01-01T０0:00:00Z",
    " 2001", "２００１", [], ["x"], [""], [None], [1], [[]], ["x" * 257], ["x"] * 51, ["x"] * 101,
    ["x"] * 20_001,
    {}, {"name": "x"}, [{"name": "x"}], [{"name": ""}], [{"name": " "}], [{"name": None}],
    [{"author_id": "a"}], [{"author_id": "",
    "name": "x"}],
    [{"author_id": None, "name": "x"}], [{"author_id": 1, "name": "x"}],
    [{"name": "x", "affiliations": None}], [{"name": "x",
    "affiliations": [""]}],
    [{"name": "x", "affiliations": ["U"] * 101}], {"h_index": -1}, {"h_index": 2**53}, {"h_index": 2**53 + 1},
    {"h_index": 1.0},
    {"novelty": 1},
    {"papers_by_year": None}, {"papers_by_year": {}}, {"papers_by_year": []},
    {"papers_by_year": {"2001": 2**53}},
    {"papers_by_year": {"2001": 2**53 + 1}}, {"papers_by_year": {"2001": None}},
    {"papers_by_year": {"2001": 1.0}},
    {"citations_by_year": {"2001": True}}, {"citations_by_year": {"0999": 1}},
    {"citations_by_year": {"1000": 1, "9999": 0}},
    {"citations_by_year": {"10000": 1}}, {"citations_by_year": {"2001\n": 1}},
    {"citations_by_year": {"２００１": 1}},
    {"papers_by_year": {str(1500 + n): 1 for n in range(200)}},
    {"papers_by_year": {str(1500 + n): 1 for n in range(201)}},
    {"novelty": 1.1}, {"ai_score": 100}, {"ai_score": 101}, {"ai_score": True}, {"unknown": [{}]},
    "paper.published", "paper.burnt",
    "removed", "retracted", "reinstated", "Retracted",
]  # fmt: skip
FIELDS = [
    "event", "paper_id", "author_id", "revision", "title", "abstract", "published", "categories", "venue",
    "doi", "url", "kind",
    "authors",
    "authors_truncated", "references", "reason", "source", "as_of", "citations", "version", "novelty", "name",
    "orcid", "homepage",
    "aliases",
    "metrics", "into", "date", "ids", "unknown",
]  # fmt: skip
OTHERS = [
    {"event": "paper.cites", "paper_id": "p", "source": "s", "references": ["q"]},
    {"event": "paper.withdrawn", "paper_id": "p", "kind": "retracted"},
    {"event": "paper.scored", "paper_id": "p", "source": "s", "version": "1", "novelty": 0.5},
    {"event": "author.merged", "author_id": "a", "into": "b", "revision": 1},
    {"event": "author.separated", "author_id": "a", "revision": 2},
]
spoiled = st.builds(
    lambda event, changes, gone: {
        name: value for name, value in (event | changes).items() if name not in gone
    },
    st.one_of(paper_events, author_events, st.sampled_from(OTHERS)),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), max_size=2),
    st.lists(st.sampled_from(FIELDS), max_size=1),
)


def taken(raw):
    """Whether papers.v1 or authors.v1 takes it."""
    for decode in (papers.decode, authors.decode):
        try:
            decode(raw)
        except InputRefused:
            continue
        return True
    return False


@settings(max_examples=1_500, deadline=None)
@given(spoiled)
def test_oracle_and_contracts_refuse_the_same(event):
    raw = encode(event)
    assert taken(raw) == valid(parse(raw))


@pytest.mark.parametrize("kind", [*({"paper_id": "p", "title": "t"},), *OTHERS])
def test_every_odd_value_in_every_field(kind):
    for field in FIELDS:
        for value in ODD:
            raw = encode(kind | {field: value})
            assert taken(raw) == valid(parse(raw)), raw[:200]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"null", b"[]", b'"x"', b"{", b"{}", b'{"paper_id": "p", "title": "t"}',
        b'{"paper_id": "p", "title": "t"} ',
        b'{"paper_id": "p", "title": "t"}{}', b'{"paper_id": "p", "title": "\xff"}',
        b'{"paper_id": "p", "title": "\\ud800"}',
        b'{"paper_id": "p", "title": "t", "x": NaN}', b'{"paper_id": "p", "title": "t", "x": -Infinity}',
        b'\xef\xbb\xbf{"paper_id": "p", "title": "t"}',
        json.dumps({"paper_id": "p", "title": "t"}).encode("utf-16"),
        b'{"event": "paper\\u002epublished", "paper_id": "p", "title": "t"}',
        b'{"paper_id": "p", "title": "t\n"}', b'{"paper_id": "p", "title": "t", "x": 1e999}', b"[" * 5_000,
    ],
    ids=lambda raw: repr(raw[:40]),
)  # fmt: skip
def test_odd_bytes(raw):
    assert taken(raw) == valid(parse(raw))
