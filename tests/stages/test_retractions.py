"""Retracted papers: out of the numbers and back, whatever came first; the record's revisions have no say in
it.
"""

import itertools

import orjson
import pytest

from shared.stages.stage import Layout
from tests.integration.equality import differences, must_be_published
from tests.oracle import oracle
from tests.stages.memory import Pipeline

LAYOUTS = [Layout(), Layout(2, 3), Layout(3, 1)]


def paper(name: str, authors: str, *references: str, **more: object) -> dict:
    return {
        "paper_id": name,
        "title": f"Of {name}",
        "published": "2020",
        "authors": [{"author_id": author, "name": author.upper()} for author in authors],
        "references": list(references),
    } | more


def said(name: str, kind: str, revision: int = 0) -> dict:
    return {"event": "paper.withdrawn", "paper_id": name, "kind": kind, "revision": revision}


def told(layout: Layout, *events: dict) -> Pipeline:
    """A pipeline that was told the events one by one, each time compared with the oracle."""
    pipeline, raws = Pipeline(layout, seed=len(events)), []
    for event in events:
        pipeline.tell(event)
        raws.append(orjson.dumps(event))
        truth = oracle(raws, retracted=layout.retracted)
        for author, profile in pipeline.profiles.items():
            assert list(differences(profile, truth[author])) == [], (author, event)
        assert {name for name, right in truth.items() if must_be_published(right)} <= pipeline.profiles.keys()
    return pipeline


def causes(pipeline: Pipeline) -> list[tuple[str, list[str]]]:
    return [(one["author_id"], [cause["kind"] for cause in one["causes"]]) for one in pipeline.changes]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_retracted_paper_leaves_the_numbers_and_comes_back(layout):
    p, q = paper("p", "ab"), paper("q", "bc", "p")
    pipeline = told(layout, p, q, said("q", "retracted", 5))
    assert pipeline.numbers("a")["citations"] == 0
    assert pipeline.profiles["c"]["papers_total"] == 0
    assert {author: profile["flags"] for author, profile in pipeline.profiles.items()} == {
        "a": [], "b": ["retracted_papers"], "c": ["retracted_papers"],
    }  # fmt: skip
    assert ("c", ["retracted"]) in causes(pipeline) and ("a", ["uncited"]) in causes(pipeline)
    pipeline.tell(said("q", "reinstated", 6))
    assert pipeline.numbers("a")["citations"] == 1 and pipeline.profiles["c"]["papers_total"] == 1
    assert all(profile["flags"] == [] for profile in pipeline.profiles.values())
    assert ("c", ["reinstated"]) in causes(pipeline)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_record_that_is_read_again_does_not_end_a_retraction(layout):
    p, q = paper("p", "a"), paper("q", "c", "p")
    pipeline = told(layout, p, q, said("q", "retracted"), q, q | {"revision": 9, "title": "Anew"})
    assert pipeline.numbers("a")["citations"] == 0
    quiet = len(pipeline.changes)
    pipeline.tell(q, q | {"revision": 9, "title": "Anew"}, said("q", "retracted"))
    assert len(pipeline.changes) == quiet
    pipeline.tell(said("q", "reinstated"))
    assert pipeline.profiles["c"]["papers"][0]["title"] == "Anew"


@pytest.mark.parametrize("retracted", ["exclude", "count"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_order_of_one_history_ends_equal(layout, retracted):
    """Retraction before the record, revision while retracted, other authors then, a removal, a merge of
    authors.
    """
    layout = layout._replace(retracted=retracted)
    events = [
        paper("p", "ab"),
        paper("q", "bc", "p", revision=1),
        paper("q", "cd", "p", "r", revision=2),
        paper("r", "d", "q"),
        said("q", "retracted", 3),
        said("q", "reinstated", 2),
    ]
    orders = list(itertools.permutations(events))
    for order in orders[:: len(orders) // 12]:
        told(layout, *order, {"event": "author.merged", "author_id": "c", "into": "a"})


def test_a_counted_retracted_paper_keeps_its_numbers_and_is_told():
    layout = Layout(retracted="count")
    pipeline = told(layout, paper("p", "a"), paper("q", "b", "p"), said("q", "retracted"))
    assert pipeline.numbers("a")["citations"] == 1 and pipeline.profiles["b"]["papers_total"] == 1
    assert pipeline.profiles["b"]["flags"] == ["retracted_papers"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_authors_of_a_paper_that_was_always_retracted_have_a_profile_and_a_name(layout):
    pipeline = told(layout, said("q", "retracted"), paper("q", "c", published=None))
    profile = pipeline.profiles["c"]
    assert (profile["name"], profile["papers_total"], profile["flags"]) == ("C", 0, ["retracted_papers"])
    pipeline = told(layout, said("q", "retracted"), paper("q", "c"), said("q", "reinstated", 1))
    assert pipeline.profiles["c"]["papers"][0]["title"] == "Of q"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_removal_is_a_revision_and_a_retraction_is_none(layout):
    q = paper("q", "c")
    pipeline = told(layout, q, said("q", "retracted", 7), said("q", "removed", 1), said("q", "reinstated", 8))
    assert pipeline.profiles["c"]["papers_total"] == 0
    assert pipeline.tell(q | {"revision": 1}).profiles["c"]["papers_total"] == 1
