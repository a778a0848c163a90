"""Both scores of a whole corpus, the AAN papers up to 2004, against values computed by other code from the
definition.
"""

import csv
import gzip
import json

import pytest

from shared.stages.stage import Layout
from tests.data import require
from tests.stages.memory import Pipeline

LAST_YEAR = 2004


def table(name: str) -> list[dict[str, str]]:
    with gzip.open(require(name), "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def events() -> list[dict]:
    with gzip.open(require("aan"), "rt") as lines:
        papers = [paper for paper in map(json.loads, lines) if paper["year"] <= LAST_YEAR]
    known = {paper["id"] for paper in papers}
    return [
        {
            "paper_id": paper["id"], "revision": 1, "title": paper["title"],
            "authors": [{"name": name} for name in paper["authors"]],
            "published": f"{paper['year']}-{paper['month']:02}" if paper["month"] else str(paper["year"]),
            "references": [reference for reference in paper["references"] if reference in known],
        }
        for paper in papers
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Pipeline:
    """Two partitions of everything, the newest papers first."""
    expected = table("aan_scores_papers")  # skips before the work
    made = Pipeline(Layout(2, 2, snapshot_papers=1000, terms=2, cohorts=2), seed=4).tell(*reversed(events()))
    assert len(expected) == 9_119
    return made.tell({"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"})


def test_every_paper(made):
    found = {paper["paper_id"]: paper for profile in made.profiles.values() for paper in profile["papers"]}
    wrong = []
    for row in table("aan_scores_papers"):
        if row["paper"] not in found:
            continue  # no authors
        paper = found[row["paper"]]
        text, cited = paper["standing"]["novelty"], paper["standing"]["citations"]
        got = (
            text["new_pairs"] or 0,
            text["pairs"] or 0,
            paper["novelty"],
            set(text["reasons"]),
            cited["percentile"],
            cited["immature"],
        )
        expected = (
            int(row["novelty_k"]), int(row["novelty_n"]), number(row["novelty"]),
            set(filter(None, row["novelty_reasons"].split("|"))),
            number(row["citation_percentile"]),
            bool(int(row["cohort_immature"])) and row["citation_percentile"] != "",
        )  # fmt: skip
        if got != expected:
            wrong.append((row["paper"], got, expected))
    assert wrong == []
    assert len(found) > 9_000


def number(written: str) -> float | None:
    return float(written) if written else None


def test_every_author(made):
    wrong = []
    by_name: dict[str, dict] = {}
    for profile in made.profiles.values():
        by_name[profile["author_id"]] = profile
    rows = table("aan_scores_authors")
    keys = [("name:" + " ".join(row["author"].casefold().split())) for row in rows]
    for key, row in zip(keys, rows, strict=True):
        if keys.count(key) > 1 or key not in by_name:  # spellings that differ in case are one author here
            continue
        profile = by_name[key]
        scores, headline = profile["scores"], profile["headline"]
        got = (
            profile["papers_total"], headline["novelty"], scores["novelty"]["scored"],
            scores["novelty"]["provisional"],
            headline["ai_score"], scores["ai_score"]["ranked"], scores["ai_score"]["provisional"],
        )  # fmt: skip
        percent = number(row["novelty_percent"])
        expected = (
            int(row["papers"]), None if percent is None else round(percent / 100, 6),
            int(row["novelty_scored"]),
            row["novelty_provisional"] == "1", number(row["ai_score"]), int(row["ai_ranked"]),
            row["ai_provisional"] == "1",
        )  # fmt: skip
        if got != expected:
            wrong.append((key, got, expected))
    assert wrong == []
    assert len(by_name) > 7_000
