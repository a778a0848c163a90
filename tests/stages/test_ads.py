"""The cases of NASA ADS (adsabs/metrics_service, MIT): constructed inputs and expected outputs of their
tests, through the real stages.

Their papers become events: author lists of the given lengths with one author in common, and references so
that the citations and the numbers of references come out as given.
"""

import json

import pytest

from shared.stages.stage import Layout
from tests.data import require
from tests.oracle import oracle
from tests.stages.memory import Pipeline

SET = "a:set"


@pytest.fixture(scope="module")
def cases() -> dict:
    return json.loads(require("ads_metrics").read_text())


def events_of(cases: dict, papers: list[dict] | None = None) -> list[dict]:
    papers = cases["papers"] if papers is None else papers
    cites = {}
    for paper in papers:
        for by in paper["citations"]:
            cites.setdefault(by, []).append(paper["bibcode"])
    of_set = [{"author_id": SET, "name": "The Set"}]
    events = []
    for paper in papers:
        others = [{"name": f"{paper['bibcode']} {n}"} for n in range(1, paper["author_num"])]
        events.append(event(paper, of_set + others, cites.pop(paper["bibcode"], [])))
    for paper in cases["citing_papers"]:
        cited = cites.pop(paper["bibcode"], [])
        others = [f"other:{n}" for n in range(paper["reference_num"] - len(cited))]
        events.append(
            event(
                paper,
                [{"name": f"{paper['bibcode']} {n}"} for n in range(paper["author_num"])],
                cited + others,
            )
        )
    return events


def event(paper: dict, authors: list[dict], references: list[str]) -> dict:
    return {
        "paper_id": paper["bibcode"],
        "title": "",
        "published": paper["bibcode"][:4],
        "authors": authors,
        "references": references,
    }


def numbers(events: list[dict], partitions: int = 1) -> dict:
    """What the stages publish of the set; the oracle says the same."""
    made = Pipeline(Layout(partitions, partitions), seed=1).tell(*events)
    truth = oracle(json.dumps(event).encode() for event in events)
    right = truth[SET]["metrics"]["references"]
    assert {name: value for name, value in made.numbers(SET).items() if name in right} == right
    return made.numbers(SET)


@pytest.mark.parametrize("partitions", [1, 3])
def test_all_indicators(cases, partitions):
    day = {"event": "clock.ticked", "author_id": "clock", "date": "2016-01-01"}
    mine, expected = numbers([*events_of(cases), day], partitions), cases["expected"]
    stats, basic, indicators = expected["citation stats"], expected["basic stats"], expected["indicators"]
    assert (mine["papers"], mine["citations"]) == (
        basic["number of papers"],
        stats["total number of citations"],
    )
    assert mine["citations_self"] == stats["number of self-citations"]
    assert mine["papers_normalized"] == round(basic["normalized paper count"], 6)
    assert mine["citations_normalized"] == round(stats["normalized number of citations"], 6)
    assert {ours: mine[ours] for ours in ("h_index", "g_index", "i10_index", "i100_index")} == {
        ours: indicators[theirs]
        for ours, theirs in (("h_index", "h"), ("g_index", "g"), ("i10_index", "i10"), ("i100_index", "i100"))
    }
    assert (mine["tori"], mine["riq"]) == (round(indicators["tori"], 6), cases["expected_riq"]["all"])
    assert mine["m_index"] == round(indicators["h"] / (2016 - 1997 + 1), 6)


def test_refereed_papers_alone(cases):
    """The papers that are refereed, with all their citations. Their riq is over the years of all papers, so
    it is not compared.
    """
    expected = cases["expected"]
    mine = numbers(events_of(cases, [paper for paper in cases["papers"] if paper["refereed"]]))
    assert (
        mine["tori"] == round(expected["indicators refereed"]["tori"], 6)
        and mine["h_index"] == expected["indicators refereed"]["h"]
    )
    assert mine["papers_normalized"] == round(expected["basic stats refereed"]["normalized paper count"], 6)
    assert mine["citations_normalized"] == round(
        expected["citation stats refereed"]["normalized number of citations"], 6
    )
    assert mine["citations_self"] == expected["citation stats refereed"]["number of self-citations"]


def test_as_of_every_year(cases):
    """A year's value is that of the log up to then."""
    series, events = cases["expected"]["time series"], events_of(cases)
    for year in series["h"]:
        mine = numbers([event for event in events if event["published"] <= year])
        assert mine["tori"] == round(series["tori"][year], 6), year
        for ours, theirs in (
            ("h_index", "h"),
            ("g_index", "g"),
            ("i10_index", "i10"),
            ("i100_index", "i100"),
        ):
            assert mine[ours] == series[theirs][year], (theirs, year)


def test_citations_by_year(cases):
    by_year = {}
    for kind in (
        "refereed to refereed",
        "refereed to nonrefereed",
        "nonrefereed to refereed",
        "nonrefereed to nonrefereed",
    ):
        for year, count in cases["expected"]["histograms"]["citations"][kind].items():
            by_year[year] = by_year.get(year, 0) + count
    made = Pipeline(seed=1).tell(*events_of(cases))
    assert made.profiles[SET]["citations_by_year"] == by_year
    assert (
        made.profiles[SET]["papers_by_year"]
        == cases["expected"]["histograms"]["publications"]["all publications"]
    )


def test_what_ads_reports_is_not_accused(cases):
    """All that ADS says of the set, with its whole histograms, is true: no check fails. The years since 2005
    alone are incomplete.
    """
    stats, histograms, indicators = (
        cases["expected"][name] for name in ("citation stats", "histograms", "indicators")
    )
    made = Pipeline(seed=1).tell(*events_of(cases))
    said = {
        "papers": cases["expected"]["basic stats"]["number of papers"],
        "citations": stats["total number of citations"],
        "h_index": indicators["h"], "g_index": indicators["g"], "i10_index": indicators["i10"],
        "i100_index": indicators["i100"],
        "papers_by_year": histograms["publications"]["all publications"],
        "citations_by_year": made.profiles[SET]["citations_by_year"],
    }  # fmt: skip
    lately = {
        name: {year: n for year, n in said[name].items() if year >= "2005"}
        for name in ("papers_by_year", "citations_by_year")
    }
    stated = [
        {
            "event": "author.reported",
            "author_id": SET,
            "source": source,
            "as_of": "2016-01-01",
            "metrics": metrics,
        }
        for source, metrics in (("ads", said), ("lately", said | lately))
    ]
    reported = {entry["source"]: entry for entry in made.tell(*stated).profiles[SET]["reported"]}
    assert reported["ads"] == {"source": "ads", "as_of": "2016-01-01", "violations": []} | said
    assert reported["lately"]["violations"] == [
        "papers_by_year_below_papers",
        "citations_by_year_below_citations",
    ]


def test_special_cases(cases):
    cited_often, uncited, by_themselves = (case["expected"] for case in cases["special_cases"])
    counts = [
        {
            "event": "paper.counted",
            "paper_id": paper["bibcode"],
            "source": "s",
            "as_of": "2014-01-01",
            "citations": 12_000,
        }
        for paper in cases["papers"]
    ]
    made = Pipeline(seed=1).tell(*events_of(cases), *counts)
    assert (made.numbers(SET, "counted:s")["h_index"], made.numbers(SET, "counted:s")["g_index"]) == (
        cited_often["h"],
        cited_often["g"],
    )
    mine = numbers(events_of(cases, [paper | {"citations": []} for paper in cases["papers"]]))
    assert (mine["h_index"], mine["g_index"], mine["tori"], mine["riq"]) == (uncited["h"], uncited["g"], 0, 0)
    alone = numbers(
        events_of(cases, [paper | {"citations": [paper["bibcode"]]} for paper in cases["papers"]])
    )
    assert alone["tori"] == by_themselves["tori"]
