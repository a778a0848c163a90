"""Small random literatures for hypothesis: few ids, so that everything meets everything (revisions,
withdrawals, self-citations, ties).
"""

import json

from hypothesis import strategies as st

PAPERS = [f"p{n}" for n in range(6)]
NAMES = ["Ada", "ADA ", "Bob", "Cyd", "Di Stefano", "di  stefano"]
IDS = ["a:x", "a:y"]
YEARS_OF_DAYS = [
    "2001-01-01",
    "2004-05-05",
    "2005-01-01",
    "2005-12-31",
    "2006-01-01",
    "2009-02-02",
    "2026-11-23",
]


def encode(event: dict) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


authors = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES)},
    optional={
        "author_id": st.sampled_from([*IDS, None]),
        "affiliations": st.lists(st.sampled_from(["U", "V", "W", "X"]), max_size=3),
    },
)
INSTANTS = ["2026-01-01", "2026-01-02", "2026-01-01T22:30:00Z", "2026-01-02T00:30:00.5+02:00"]
days = st.sampled_from(
    [
        None,
        "1999",
        "2000",
        "2000-02",
        "2000-02-29",
        "2001-12-31",
        *(f"{year}-07" for year in range(2002, 2010)),
    ]
)
published = st.fixed_dictionaries(
    {
        "paper_id": st.sampled_from(PAPERS),
        "title": st.sampled_from(["One", "Two"]),
        "authors": st.lists(authors, max_size=4),
        "references": st.lists(st.sampled_from([*PAPERS, "unknown"]), max_size=6),
    },
    optional={
        "event": st.just("paper.published"),
        "revision": st.integers(0, 2),
        "published": days,
        "categories": st.lists(st.sampled_from(["cs.LG", "cs.CL", "stat.ML", "math"]), max_size=2),
        "venue": st.sampled_from([None, "V"]),
        "doi": st.sampled_from([None, "10.1/x"]),
        "kind": st.sampled_from([None, "article", "paratext"]),
        "ids": st.lists(st.sampled_from([*PAPERS, "doi:10.1/x"]), max_size=2),
    },
)
withdrawn = st.fixed_dictionaries(
    {"event": st.just("paper.withdrawn"), "paper_id": st.sampled_from(PAPERS)},
    optional={
        "revision": st.integers(0, 2),
        "kind": st.sampled_from(["removed", "retracted", "retracted", "reinstated"]),
    },
)
counted = st.fixed_dictionaries(
    {
        "event": st.just("paper.counted"),
        "paper_id": st.sampled_from(PAPERS),
        "source": st.sampled_from(["s", "t"]),
        "as_of": st.sampled_from(INSTANTS),
        "citations": st.integers(0, 12),
    }
)
described = st.fixed_dictionaries(
    {
        "event": st.just("author.described"),
        "author_id": st.sampled_from(IDS),
        "name": st.sampled_from(["Xenia", "Yves"]),
    },
    optional={"revision": st.integers(0, 2)},
)
by_year = st.none() | st.dictionaries(st.sampled_from(["1999", "2004", "2026"]), st.integers(0, 9))
figures = st.fixed_dictionaries(
    {},
    optional={
        "h_index": st.integers(0, 20),
        "papers": st.sampled_from([None, 0, 3, 12]),
        "citations": st.integers(0, 300),
        "g_index": st.integers(0, 20),
        "i10_index": st.integers(0, 20),
        "i100_index": st.integers(0, 3),
        "novelty": st.sampled_from([0, 0.5, 1]),
        "papers_by_year": by_year,
        "citations_by_year": by_year,
    },
)
reported = st.fixed_dictionaries(
    {
        "event": st.just("author.reported"),
        "author_id": st.sampled_from(IDS),
        "source": st.sampled_from(["s", "t"]),
        "as_of": st.sampled_from(INSTANTS),
        "metrics": figures,
    }
)
ticked = st.fixed_dictionaries(
    {"event": st.just("clock.ticked"), "author_id": st.just("clock"), "date": st.sampled_from(YEARS_OF_DAYS)}
)

whom = st.sampled_from([*IDS, "name:ada", "name:bob", "name:cyd", "a:nobody"])
merged = st.fixed_dictionaries(
    {"event": st.just("author.merged"), "author_id": whom, "into": whom},
    optional={"revision": st.integers(0, 2)},
)
separated = st.fixed_dictionaries(
    {"event": st.just("author.separated"), "author_id": whom}, optional={"revision": st.integers(0, 2)}
)

cites = st.fixed_dictionaries(
    {
        "event": st.just("paper.cites"),
        "paper_id": st.sampled_from(PAPERS),
        "source": st.sampled_from(["s", "t"]),
        "references": st.lists(st.sampled_from([*PAPERS, "unknown"]), max_size=4),
    },
    optional={"revision": st.integers(0, 2)},
)
paper_events = st.one_of(published, published, published, withdrawn, counted, cites)
author_events = st.one_of(described, reported, ticked, merged, merged, separated)
event_lists = st.lists(st.one_of(paper_events, paper_events, author_events), max_size=40)
"""Lists of events of both kinds, as dicts; `encode` makes their bytes."""
