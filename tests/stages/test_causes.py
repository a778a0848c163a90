"""Change records say why: every kind of cause, at most twenty reported, all counted."""

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.publisher.messages import public_facts
from services.publisher.stage import Profiles
from shared.contracts.topics import AUTHOR_PROFILES
from shared.log.port import Partition
from shared.stages import causes, packs
from shared.stages.packs import decode
from shared.stages.session import Session
from shared.stages.stage import Layout
from tests.changes import faults
from tests.literature import encode, event_lists
from tests.stages.memory import Pipeline
from tests.stages.test_pipeline import paper

NONE = {"kind": ()}


@pytest.fixture(params=[(1, 1), (3, 2)], ids=["one partition", "several"])
def made(request) -> Pipeline:
    return Pipeline(Layout(*request.param), seed=1)


def why(made: Pipeline, author: str, *events: dict) -> list[dict]:
    """The causes of what these events change for the author."""
    before = sum(change["author_id"] == author for change in made.changes)
    made.tell(*events)
    mine = [change for change in made.changes if change["author_id"] == author][before:]
    assert all(change["causes_total"] == len(change["causes"]) for change in mine)
    return [cause for change in mine for cause in change["causes"]]


def test_a_new_paper_a_citing_one_and_its_end(made):
    assert why(made, "a", paper("p", "a")) == [{"kind": "published", "paper_id": "p"}]
    assert why(made, "a", paper("q", "b", cites=["p"])) == [{"kind": "cited", "paper_id": "p", "by": "q"}]
    assert why(made, "a", paper("q", "b", revision=1)) == [{"kind": "uncited", "paper_id": "p", "by": "q"}]
    assert why(made, "a", paper("r", "b", cites=["p"])) == [{"kind": "cited", "paper_id": "p", "by": "r"}]
    gone = {"event": "paper.withdrawn", "paper_id": "r", "revision": 1}
    assert why(made, "a", gone) == [{"kind": "uncited", "paper_id": "p", "by": "r"}]


def test_a_withdrawal_and_a_revision(made):
    made.tell(paper("p", "a", "b"), paper("q", "a"))
    assert why(made, "a", {"event": "paper.withdrawn", "paper_id": "q", "revision": 1}) == [
        {"kind": "withdrawn", "paper_id": "q"}
    ]
    assert why(made, "a", paper("p", "b", revision=1)) == [{"kind": "revised", "paper_id": "p"}], (
        "no longer an author of it"
    )
    assert why(made, "c", paper("p", "b", "c", revision=2)) == [{"kind": "revised", "paper_id": "p"}], (
        "an author of it by now"
    )
    assert why(made, "a", paper("q", "a", revision=2)) == [{"kind": "published", "paper_id": "q"}], (
        "published again"
    )


def test_a_count_and_a_restated_one(made):
    def counted(count: int, day: int) -> dict:
        return {
            "event": "paper.counted",
            "paper_id": "p",
            "source": "s",
            "as_of": f"2026-01-0{day}",
            "citations": count,
        }

    made.tell(paper("p", "a"))
    for count, day in ((7, 1), (9, 2), (3, 3)):
        assert why(made, "a", counted(count, day)) == [{"kind": "counted", "paper_id": "p", "source": "s"}]


def test_references_that_waited_for_their_paper_are_the_papers_arrival(made):
    made.tell(paper("q", "b", cites=["p"]))
    assert why(made, "a", paper("p", "a")) == [{"kind": "published", "paper_id": "p"}]
    assert made.numbers("a")["citations"] == 1


def another(made: Pipeline, publisher: Session, saved: bytes | None = None) -> Session:
    """A publisher in the place of that one, from its checkpoint or from nothing, that knows what is public
    (rule P2).
    """
    fresh = Session(Profiles(0, made.layout, publisher.stage.fingerprint))
    if saved is not None:
        fresh.restore(saved)
    public = (public_facts(r.value, r.headers) for r in made.logs[Partition(AUTHOR_PROFILES.name, 0)])
    fresh.stage.learn_public({author: tuple(facts) for author, _, *facts in public})
    made.sessions[made.sessions.index(publisher)] = fresh
    return fresh


def test_a_publisher_that_starts_anew_tells_new_causes_not_old_ones_again():
    """What it replays was reported; of each author it keeps few, and those must be the new ones."""
    made = Pipeline(seed=1)
    made.tell(paper("p", "a"))
    for n in range(causes.LISTED + 5):
        made.tell(paper(f"q{n}", "b", cites=["p"]))
    [publisher] = [session for session in made.sessions if isinstance(session.stage, Profiles)]
    fresh = another(made, publisher)
    made.work()
    assert not sum(len(part[0]) for part in fresh.stage.causes.parts), "all of it was stated"
    assert why(made, "a", paper("new", "b", cites=["p"])) == [{"kind": "cited", "paper_id": "p", "by": "new"}]


def test_a_publisher_forgets_what_was_reported_after_its_checkpoint():
    made = Pipeline(seed=1)
    made.tell(paper("p", "a"))
    [publisher] = [session for session in made.sessions if isinstance(session.stage, Profiles)]
    with mock.patch.object(made, "publish"):
        made.tell(*(paper(f"q{n}", "b", cites=["p"]) for n in range(causes.LISTED + 5)))
    saved = publisher.save()
    made.work()
    another(made, publisher, saved)
    assert why(made, "a", paper("new", "b", cites=["p"])) == [{"kind": "cited", "paper_id": "p", "by": "new"}]


def test_causes_wait_for_their_numbers_where_a_flush_is_cut_between_them():
    """Rule C6: a snapshot may be published there, and the causes of what comes next are not its causes."""
    made = Pipeline(seed=1)
    *others, publisher = made.sessions
    with mock.patch.object(packs, "PACK_BYTES", 1), mock.patch.object(made, "sessions", others):
        made.tell(paper("p", "a"))
        made.tell({"event": "clock.ticked", "author_id": "clock", "date": "2021-01-01"})
    records = made.logs[publisher.input]
    [cut] = [
        place
        for place, record in enumerate(records, 1)
        if causes.NEW_YEAR in decode(record.value).kinds.get("cause", NONE)["kind"]
    ]
    for part in (records[:cut], records[cut:]):
        publisher.step(part)
        made.publish(publisher)
    assert [change["causes"] for change in made.changes] == [
        [{"kind": "published", "paper_id": "p"}],
        [{"kind": "new_year"}],
    ]


@settings(max_examples=100)
@given(event_lists, st.integers(0, 10**6))
def test_of_any_history_causes_are_bounded_known_and_there(events, seed):
    raws = [encode(event) for event in events]
    made = Pipeline(Layout(2, 2), seed).tell(*raws)
    assert list(faults(made.changes, made.records(AUTHOR_PROFILES), raws)) == []
    for change in made.changes:
        stated, total = change["causes"], change["causes_total"]
        citations = change["after"].get("citations", 0) - change["before"].get("citations", 0)
        if {cause["kind"] for cause in stated} <= {"cited", "uncited"} and stated and total <= causes.LISTED:
            kinds = [cause["kind"] for cause in stated]
            assert citations == kinds.count("cited") - kinds.count("uncited"), change
        elif not stated:
            assert citations == 0, "without a cause there are only words about a new author"
