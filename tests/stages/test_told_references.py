"""`paper.cites`: a paper cites what its record or any source says, whatever came first."""

import itertools
from unittest import mock

import orjson
import pytest

from services.consumer.catalogue.stage import Catalogue
from shared.stages import packs
from shared.stages.session import Session
from shared.stages.stage import Layout
from tests.integration.equality import differences
from tests.oracle import oracle
from tests.stages.memory import Pipeline
from tests.stages.test_retractions import LAYOUTS, causes, paper, said


def cites(name: str, source: str, *references: str, revision: int = 0) -> dict:
    return {
        "event": "paper.cites",
        "paper_id": name,
        "source": source,
        "references": list(references),
        "revision": revision,
    }


def told(layout: Layout, *events: dict) -> Pipeline:
    """A pipeline that was told the events one by one, each time compared with the oracle."""
    pipeline, raws = Pipeline(layout, seed=len(events)), []
    for event in events:
        pipeline.tell(event)
        raws.append(orjson.dumps(event))
        truth = oracle(raws)
        for author, profile in pipeline.profiles.items():
            assert list(differences(profile, truth[author])) == [], (author, event)
    return pipeline


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_union_counts(layout):
    papers = paper("p", "a"), paper("q", "b"), paper("r", "ac", "p")
    pipeline = told(layout, *papers, cites("r", "s", "p", "q"), cites("r", "t", "q", "r", "nowhere"))
    assert pipeline.numbers("a")["citations"] == 1 and pipeline.numbers("b")["citations"] == 1
    assert pipeline.numbers("a")["citations_self"] == 1 and pipeline.numbers("b")["citations_nonself"] == 1
    coverage = pipeline.profiles["c"]["provenance"]["coverage"]["references"]
    assert coverage == round(2 / 3, 6), "p and q of p, q and nowhere"
    assert ("b", ["cited"]) in causes(pipeline)
    pipeline.tell(cites("r", "s", revision=1))
    assert pipeline.numbers("b")["citations"] == 1, "source t still says so"
    pipeline.tell(cites("r", "t", revision=1))
    assert pipeline.numbers("b")["citations"] == 0 and pipeline.numbers("a")["citations"] == 1
    assert ("b", ["uncited"]) in causes(pipeline)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_order_of_one_history_ends_equal(layout):
    events = [
        paper("p", "ab"),
        paper("q", "b", "p", revision=1),
        paper("q", "bc", "p", "r", revision=2),
        cites("q", "s", "r", "x", "y", "z", "u", "v"),
        cites("q", "s", "p", revision=2),
        said("q", "removed", 1),
        said("q", "retracted", 3),
    ]
    orders = list(itertools.permutations(events))
    for order in orders[:: len(orders) // 12]:
        told(
            layout, *order, {"event": "author.merged", "author_id": "c", "into": "a"},
            said("q", "reinstated", 4), paper("r", "a"), paper("q", "b", revision=5),
        )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_number_of_references_comes_before_its_citations_wherever_packs_are_cut(layout):
    """The record comes again in the same batch, so the number is sent twice."""
    events = [
        paper("p", "ab"),
        paper("q", "c", "p"),
        cites("q", "s", "r", "x", "y", "z", "u", "v"),
        paper("q", "c", "p", title="Another title", revision=1),
    ]
    with mock.patch.object(packs, "PACK_BYTES", 1):
        pipeline = Pipeline(layout, seed=1).tell(*events[:2]).tell(*events[2:])
    truth = oracle([orjson.dumps(event) for event in events])
    assert truth["a"]["metrics"]["references"]["tori"] > 0
    for author, profile in pipeline.profiles.items():
        assert list(differences(profile, truth[author])) == [], author


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_told_before_the_paper_waits(layout):
    pipeline = told(layout, paper("p", "a"), cites("q", "s", "p"), paper("q", "b"))
    assert pipeline.numbers("a")["citations"] == 1


def test_the_number_of_references_weighs_a_citation():
    """tori: a citation counts 1/(authors × references of the citing paper, at least 5)."""
    pipeline = told(Layout(), paper("p", "a"), paper("q", "b", "p", "1", "2", "3", "4", "5"))
    assert pipeline.numbers("a")["tori"] == pytest.approx(1 / 6, abs=1e-6)
    pipeline.tell(cites("q", "s", "6", "7", "1"))
    assert pipeline.numbers("a")["tori"] == pytest.approx(1 / 8, abs=1e-6)


def test_a_union_may_have_more_references_than_a_record():
    many = [f"x{n}" for n in range(20_000)]
    more = [f"y{n}" for n in range(20_000)]
    pipeline = Pipeline().tell(paper("p", "a"), paper("q", "b", "p", *many[1:]), cites("q", "s", *more))
    assert pipeline.numbers("a")["tori"] == pytest.approx(1 / 40_000, abs=1e-6)
    assert pipeline.profiles["b"]["provenance"]["coverage"]["references"] == round(1 / 40_000, 6)


def test_a_checkpoint_holds_what_is_told():
    pipeline = Pipeline().tell(
        paper("p", "a"), paper("q", "b"), cites("q", "s", "p", "r"), cites("q", "t", "p")
    )
    [session] = [one for one in pipeline.sessions if isinstance(one.stage, Catalogue)]
    again = Session(Catalogue(0, session.stage.layout, session.stage.fingerprint))
    again.restore(session.save())
    held, restored = session.stage.told_references, again.stage.told_references
    assert (restored.slots, restored.of_paper) == (held.slots, held.of_paper) != ({}, {})
    assert [restored.held(slot) for slot in (0, 1)] == [held.held(slot) for slot in (0, 1)]


def test_the_sources_have_a_limit():
    layout = Layout(max_citing_sources=1)
    pipeline = Pipeline(layout).tell(paper("p", "a"), cites("q", "s", "p"), cites("p", "t"), cites("p", "s"))
    [letter] = pipeline.letters
    headers = dict(letter.headers)
    assert headers["reason"] == b"too_many_sources" and headers["detail"].startswith(
        b"source: must be one of"
    )
