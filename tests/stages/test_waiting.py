"""Who waits for being published, and who goes ahead."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher import stage as publisher
from services.publisher.pending_authors import AHEAD, CALM, LATER, PendingAuthors
from services.publisher.pending_causes import PendingCauses
from services.publisher.stage import Profiles
from shared.metrics import percentile
from tests.stages.memory import Pipeline

AUTHORS = 6
STEPS = st.one_of(
    st.tuples(st.sets(st.integers(0, AUTHORS - 1), min_size=1), st.sampled_from((CALM, LATER, AHEAD))),
    st.integers(0, AUTHORS + 1),
    st.sampled_from(("save", "release")),
)


@given(st.lists(STEPS, max_size=30))
def test_as_a_dictionary_of_levels(steps):
    """(authors, level): they come; a number: so many are taken; save: and loaded; release: of the calm."""
    waiting, model = PendingAuthors(), {}
    waiting.resize(AUTHORS)
    for step in steps:
        if step == "release":
            waiting.release()
            model = {author: max(level, LATER) for author, level in model.items()}
        elif step == "save":
            held = {name: array.copy() for name, array in waiting.dump().items()}
            waiting = PendingAuthors()
            waiting.load(held)
        elif isinstance(step, tuple):
            authors, level = step
            waiting.add(np.array(sorted(authors), np.int32), level)
            model.update({author: max(level, model.get(author, 0)) for author in authors})
        else:
            taken = waiting.take(step).tolist()
            due = sum(level > CALM for level in model.values())
            assert len(set(taken)) == len(taken) == min(step, due)
            levels = [model.pop(author) for author in taken]
            assert levels == sorted(levels, reverse=True)
            assert LATER not in levels or AHEAD not in model.values()
        levels = list(model.values())
        assert (waiting.size + waiting.calm, waiting.calm) == (len(model), levels.count(CALM))
        assert waiting.ahead == levels.count(AHEAD)
    waiting.release()
    assert sorted(waiting.take().tolist()) == sorted(model) and waiting.size == waiting.calm == 0


@pytest.mark.parametrize(
    ("table", "at", "value"),
    [
        ("level", 0, AHEAD + 1),
        ("level", 0, 0),
        ("level", 1, AHEAD),
        ("later", 0, 2),
        ("ahead", 0, 1),
        ("calm", 0, 0),
        ("news", 0, 2),
        ("level", 1, LATER | 4),
    ],
)
def test_levels_and_queues_that_disagree_are_refused(table, at, value):
    waiting = PendingAuthors()
    waiting.resize(4)
    waiting.add(np.array([0], np.int32), AHEAD)
    waiting.add(np.array([1], np.int32))
    waiting.restate(np.array([2], np.int32))
    waiting.note(np.array([3], np.int32))
    arrays = {name: array.copy() for name, array in waiting.dump().items()}
    arrays[table][at] = value
    with pytest.raises(ValueError):
        PendingAuthors().load(arrays)


class Unpublished(Pipeline):
    def publish(self, session):
        pass


def test_a_citation_goes_ahead_of_a_day():
    """A day changes the numbers of everybody, a citation those of the cited paper's authors."""
    pipeline = Unpublished()
    papers = [
        {
            "paper_id": f"p:{n}",
            "title": "T",
            "published": "2020-01-01",
            "authors": [{"author_id": f"a:{n}", "name": "A"}],
        }
        for n in range(9)
    ]
    [stage] = [
        session.stage for session in pipeline.tell(*papers).sessions if isinstance(session.stage, Profiles)
    ]
    assert stage.pending.ahead == stage.pending.size == 9
    stage.publish(stage.pending.take())
    pipeline.tell({"event": "clock.ticked", "author_id": "clock", "date": "2030-06-01"})
    assert (stage.pending.ahead, stage.pending.size) == (0, 9)
    pipeline.tell(
        {
            "paper_id": "p:10",
            "title": "T",
            "authors": [{"author_id": "a:10", "name": "A"}],
            "references": ["p:4"],
        }
    )
    assert (stage.pending.ahead, stage.pending.size) == (2, 10)
    assert sorted(stage.authors.names[author] for author in stage.pending.take(2).tolist()) == ["a:10", "a:4"]


def test_who_moves_by_comparison_alone_is_calm_until_something_of_his_own_happens(monkeypatch):
    """A day brings even tables: everybody's percentile moves, because one paper was cited. Truth: only the
    authors of the cited and of the new paper have news; the others are published when they are asked for.
    """
    monkeypatch.setattr(percentile, "SMALLEST", 2)
    pipeline = Unpublished()

    def tell(*events) -> Profiles:
        found = [s.stage for s in pipeline.tell(*events).sessions if isinstance(s.stage, Profiles)]
        return found[0]

    def paper(n: int, **more) -> dict:
        author = {"author_id": f"a:{n}", "name": "A"}
        dated = {"published": "2020-01-01", "categories": ["cs.LG"]}
        return {"paper_id": f"p:{n}", "title": "T", "authors": [author], **dated, **more}

    def day(number: int) -> dict:
        return {"event": "clock.ticked", "author_id": "clock", "date": f"2030-06-0{number}"}

    stage = tell(*map(paper, range(9)))
    stage = tell(day(1))
    stage.publish(stage.pending.take())
    stage = tell(day(2))
    stage.pending.release()
    stage.publish(stage.pending.take())
    assert stage.pending.size == stage.pending.calm == 0
    tell(paper(10, references=["p:4"]))
    stage = tell(day(3))
    names = np.array(stage.authors.names)
    due = stage.pending.take()
    assert sorted(names[due]) == ["a:10", "a:4"]
    assert {one.author for one in stage.publish(due)} == {"a:10", "a:4"}
    assert stage.pending.calm == 8 and stage.pending.size == 0
    raw = {name: array.copy() for name, array in stage.pending.dump().items()}
    stage.pending.load(raw)
    stage = tell({"event": "author.described", "author_id": "a:5", "name": "Another Name"})
    assert names[stage.pending.take()].tolist() == ["a:5"]
    stage.pending.release()
    published = stage.publish(stage.pending.take())
    assert {one.author for one in published} == {f"a:{n}" for n in (0, 1, 2, 3, 6, 7, 8)}
    for one in published:
        changed = orjson.loads(one.change)["changed"] if one.change else []
        assert {*changed} <= {"novelty", "ai_score"}, one.author


def papers_of(authors: int) -> list[dict]:
    return [
        {
            "paper_id": f"p:{n}",
            "title": "T",
            "authors": [{"author_id": f"a:{n}", "name": "A"}],
            "references": ["p:0"],
        }
        for n in range(authors)
    ]


@pytest.mark.parametrize("bound", [1, 20_000])
def test_snapshots_that_are_made_in_parts_are_the_same(bound, monkeypatch):
    made = []
    for parts in (False, True):
        [stage] = [
            s.stage for s in Unpublished(seed=1).tell(*papers_of(9)).sessions if isinstance(s.stage, Profiles)
        ]
        if parts:
            monkeypatch.setattr(publisher, "AT_ONCE", bound)
        made.append(list(stage.publish_in_parts(stage.take_pending(100))))
    [whole], cut = made
    assert len(cut) > 1 and [one for part in cut for one in part] == whole and len(whole) == 9


def test_fewer_large_authors_are_taken_at_once(monkeypatch):
    [stage] = [
        s.stage for s in Unpublished(seed=1).tell(*papers_of(9)).sessions if isinstance(s.stage, Profiles)
    ]
    monkeypatch.setattr(publisher, "FEW", 2)
    monkeypatch.setattr(publisher, "TAKEN_BYTES", 1)
    assert [len(stage.take_pending(100)) for _ in range(6)] == [2, 2, 2, 2, 1, 0]


def test_causes_that_wait_follow_the_authors_not_the_events():
    waiting, many = PendingCauses(), 1 << 17
    for event in range(30):
        authors = np.arange(many, dtype=np.int32) % 50
        waiting.add(
            authors, *(np.full(many, event, np.int32) for _ in range(3)), np.ones(many, np.int32), authors
        )
    assert sum(len(part[0]) for part in waiting.parts) <= 3 * (1 << 18), "not 30 << 17"
    waiting.merge()
    author, *_, weight, _ = waiting.parts[0]
    assert len(author) == 50 * 20 and weight.sum() == 30 * many
