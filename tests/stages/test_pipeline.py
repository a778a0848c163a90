"""Small histories with numbers computed by hand, and random ones against the oracle."""

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.topics import AUTHOR_CHANGES, AUTHOR_PROFILES, PAPERS
from shared.log.port import Message, Partition
from shared.stages import packs
from shared.stages.stage import Layout
from tests.integration.equality import differences, must_be_published
from tests.literature import encode, event_lists
from tests.oracle import oracle
from tests.stages.memory import Pipeline


def paper(paper_id: str, *authors: str, cites=(), revision: int = 0, **more) -> dict:
    written = [{"author_id": a, "name": a.title()} for a in authors]
    return {
        "paper_id": paper_id,
        "title": paper_id,
        "authors": written,
        "references": list(cites),
        "revision": revision,
    } | more


@pytest.fixture(params=[(1, 1), (3, 2)], ids=["one partition", "several"])
def made(request) -> Pipeline:
    return Pipeline(Layout(*request.param), seed=1)


def figures(pipeline: Pipeline, author: str, *names: str) -> tuple[int, ...]:
    return tuple(pipeline.numbers(author)[name] for name in names)


def test_a_reference_waits_for_its_paper(made):
    made.tell(paper("new", "b", cites=["old"]))
    assert "a" not in made.profiles
    made.tell(paper("old", "a"))
    assert figures(made, "a", "papers", "citations", "h_index") == (1, 1, 1)


def test_the_same_reference_twice_counts_once_and_one_to_itself_never(made):
    made.tell(paper("p", "a"), paper("q", "b", cites=["p", "p", "q", "p"]))
    assert figures(made, "a", "citations") == (1,) and figures(made, "b", "citations") == (0,)


def test_a_citation_by_somebody_who_shares_an_author_is_one_to_oneself(made):
    made.tell(paper("p", "a", "c"), paper("q", "b", "c", cites=["p"]), paper("r", "d", cites=["p"]))
    for author in ("a", "c"):
        assert figures(made, author, "citations", "citations_nonself", "h_index_nonself")[:2] == (2, 1)
    # Once c is no longer among the authors of q, both citations are by others.
    made.tell(paper("q", "b", cites=["p"], revision=1))
    assert figures(made, "a", "citations", "citations_nonself") == (2, 2)


def test_numbers_go_down_as_easily_as_up(made):
    papers = [paper(f"p{i}", "a") for i in range(3)]
    citing = [paper(f"q{i}", "b", cites=["p0", "p1", "p2"]) for i in range(3)]
    made.tell(*papers, *citing)
    assert figures(made, "a", "papers", "citations", "h_index", "g_index") == (3, 9, 3, 3)
    made.tell({"event": "paper.withdrawn", "paper_id": "q0", "revision": 1})
    assert figures(made, "a", "citations", "h_index") == (6, 2)
    made.tell({"event": "paper.withdrawn", "paper_id": "p0", "revision": 1})
    assert figures(made, "a", "papers", "citations", "h_index", "g_index") == (2, 4, 2, 2)
    made.tell(paper("q0", "b", cites=["p0", "p1"], revision=2), paper("p0", "a", revision=2))
    assert figures(made, "a", "papers", "citations", "h_index") == (3, 8, 2)
    made.tell(*({"event": "paper.withdrawn", "paper_id": f"p{i}", "revision": 9} for i in range(3)))
    assert figures(made, "a", "papers", "citations", "h_index", "g_index", "g_index_uncapped") == (
        0,
        0,
        0,
        0,
        0,
    )
    assert made.profiles["a"]["papers"] == [], "rule P5: an empty profile, no tombstone"


def test_the_highest_revision_stands_and_the_later_of_equals(made):
    made.tell(
        paper("p", "a", revision=5),
        paper("p", "b", revision=4),
        paper("p", "a", revision=5),
        paper("p", "c", revision=5, title="other"),
    )
    assert {a for a, p in made.profiles.items() if p["papers_total"]} == {"c"}
    assert made.counter("catalogue", "stale_revisions") == 1
    assert made.counter("catalogue", "repeats") == 1
    assert made.counter("catalogue", "revision_conflicts") == 1


def test_a_withdrawn_paper_is_remembered(made):
    made.tell({"event": "paper.withdrawn", "paper_id": "p", "revision": 3}, paper("p", "a", revision=2))
    assert not made.profiles.get("a", {"papers_total": 0})["papers_total"]
    made.tell(paper("p", "a", revision=3))
    assert made.numbers("a")["papers"] == 1


def test_who_has_no_id_is_known_by_name(made):
    for n, name in enumerate(("Ada  Lovelace", "ADA LOVELACE", "ada lovelace ")):
        made.tell({"paper_id": f"p{n}", "title": "", "authors": [{"name": name}, {"name": name.lower()}]})
    assert made.numbers("name:ada lovelace")["papers"] == 3 and set(made.profiles) == {"name:ada lovelace"}


def test_the_newest_count_of_each_source_stands(made):
    def counted(day: str, n: int, source: str = "x") -> dict:
        return {"event": "paper.counted", "paper_id": "p", "source": source, "as_of": day, "citations": n}

    made.tell(counted("2026-02-02", 7), paper("p", "a"), paper("q", "a"))
    assert made.numbers("a", "counted:x") == {
        "papers": 2, "papers_counted": 1, "citations": 7, "h_index": 1, "g_index": 2, "g_index_uncapped": 2,
        "i10_index": 0, "i100_index": 0, "e_index": 2.44949, "hm_index": 1.0, "m_index": None,
        "ai_score": None,
    }  # fmt: skip
    made.tell(counted("2026-02-01", 99), counted("2026-02-02", 3), counted("2026-01-01", 120, "y"))
    assert (
        made.numbers("a", "counted:x")["citations"] == 3 and made.numbers("a", "counted:y")["i100_index"] == 1
    )
    assert made.profiles["a"]["papers"][0]["citations_by_source"] == {"x": 3, "y": 120}
    made.tell(*({"event": "paper.withdrawn", "paper_id": one, "revision": 1} for one in ("p", "q")))
    assert "counted:x" not in made.profiles["a"]["metrics"]


def test_citations_by_the_year_of_who_cites(made):
    made.tell(
        paper("p", "a", published="1999"),
        paper("q", "b", cites=["p"], published="2001-05"),
        paper("r", "b", cites=["p"]),
    )
    assert made.profiles["a"]["citations_by_year"] == {"2001": 1} and made.profiles["a"][
        "papers_by_year"
    ] == {"1999": 1}
    made.tell(
        paper("q", "b", cites=["p"], published="2002", revision=1),
        paper("r", "b", cites=["p"], published="2002", revision=1),
    )
    assert made.profiles["a"]["citations_by_year"] == {"2002": 2} and made.numbers("a")["citations"] == 2


def test_reported_numbers_are_kept_apart_and_checked(made):
    made.tell(
        paper("p", "a"),
        {
            "event": "author.reported",
            "author_id": "a",
            "source": "s",
            "as_of": "2026-01-02",
            "metrics": {"h_index": 102, "papers": 13},
        },
        {
            "event": "author.reported",
            "author_id": "a",
            "source": "s",
            "as_of": "2026-01-01",
            "metrics": {"h_index": 1},
        },
    )
    assert made.numbers("a")["h_index"] == 0
    assert made.profiles["a"]["reported"] == [
        {
            "source": "s",
            "as_of": "2026-01-02",
            "h_index": 102,
            "papers": 13,
            "violations": ["h_index_exceeds_papers"],
        }
    ]


def test_every_change_says_why(made):
    made.tell(paper("p", "a"))
    made.tell(paper("q", "b", cites=["p"]))
    made.tell({"event": "paper.withdrawn", "paper_id": "q", "revision": 1})
    mine = [change for change in made.changes if change["author_id"] == "a"]
    assert [change["causes"] for change in mine] == [
        [{"kind": "published", "paper_id": "p"}],
        [{"kind": "cited", "paper_id": "p", "by": "q"}],
        [{"kind": "uncited", "paper_id": "p", "by": "q"}],
    ]
    assert [change["causes_total"] for change in mine] == [1, 1, 1]
    for number in ("citations", "h_index"):
        assert mine[1]["before"][number] == mine[0]["after"][number] == 0
    assert all({*one["after"]} == {*one["changed"]} for one in mine) and mine[0]["before"] == {}
    assert {*mine[1]["before"]} == {*mine[1]["changed"]} and "papers" not in mine[1]["changed"]


def test_a_change_of_the_citing_paper_and_a_new_year_are_causes(made):
    made.tell(paper("p", "a"), paper("q", "b", cites=["p"], published="2020"))
    made.tell(
        paper("q", "b", cites=["p", *"rstuvw"], published="2020", revision=1)
    )  # a citation of seven weighs less in tori
    made.tell({"event": "clock.ticked", "author_id": "clock", "date": "2021-01-01"})
    mine = [change for change in made.changes if change["author_id"] == "a"][-2:]
    assert mine[0]["changed"] == ["tori"]
    assert mine[0]["causes"] == [{"kind": "revised", "paper_id": "p", "by": "q"}]
    assert mine[1]["causes"] == [{"kind": "new_year"}] and "citations_recent" in mine[1]["changed"]


def test_at_most_twenty_causes_are_reported_and_all_are_counted():
    made = Pipeline(seed=3)
    made.tell(paper("p", "a"))
    made.tell(*(paper(f"q{i}", "b", cites=["p"]) for i in range(57)))
    mine = [change for change in made.changes if change["author_id"] == "a"][1:]
    assert sum(change["causes_total"] for change in mine) == 57 and all(
        len(change["causes"]) <= 20 for change in mine
    )
    assert any(len(change["causes"]) == 20 for change in mine) or len(mine) > 2


def test_what_changes_nothing_is_not_published(made):
    def tick(date: str) -> dict:
        return {"event": "clock.ticked", "author_id": "clock", "date": date}

    made.tell(paper("p", "a"), paper("q", "b", cites=["p"]), tick("2026-11-23"))
    before = len(list(made.changes))
    made.tell(paper("p", "a"), paper("q", "b", cites=["p"]), tick("2026-11-24"), tick("2026-12-31"))
    assert len(made.changes) == before


def test_poison_changes_nothing_and_the_stream_goes_on(made):
    here = Partition(PAPERS.name, 0)
    made.append(
        {here: [Message(b"x", b"not json"), Message(b"x", b'{"paper_id": "y", "title": "key differs"}')]}
    )
    made.tell(paper("p", "a"))
    assert [(r.value, dict(r.headers)["reason"], dict(r.headers)["source_offset"]) for r in made.letters] == [
        (b"not json", b"malformed_json", b"0"),
        (b'{"paper_id": "y", "title": "key differs"}', b"key_mismatch", b"1"),
    ]
    assert set(made.profiles) == {"a"}


def test_a_paper_of_many_authors(made):
    names = [f"m{i}" for i in range(15_000)]
    made.tell(paper("large", *names), paper("other", "m7", cites=["large"]))
    assert len(made.profiles) == 15_000
    assert figures(made, "m7", "papers", "citations", "citations_nonself") == (2, 1, 0)
    assert figures(made, "m8", "papers", "citations", "citations_nonself") == (1, 1, 0)
    made.tell(paper("large", *names[::2], revision=1))
    assert figures(made, "m8", "papers") == (1,) and figures(made, "m9", "papers") == (0,)


@settings(max_examples=150, deadline=None)
@given(event_lists, st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_random_histories_equal_the_oracle(events, papers, authors, seed):
    raws = [encode(event) for event in events]
    made, truth = Pipeline(Layout(papers, authors), seed).tell(*raws), oracle(raws)
    assert made.letters == []
    for author, expected in truth.items():
        if author in made.profiles:
            assert list(differences(made.profiles[author], expected)) == []
        else:
            assert not must_be_published(expected)
    assert made.profiles.keys() <= truth.keys()
    versions: dict[str, int] = {}
    for profile in made.records(AUTHOR_PROFILES):
        assert profile["version"] > versions.get(profile["author_id"], -1)
        versions[profile["author_id"]] = profile["version"]


def test_a_version_comes_after_all_that_it_stands_for():
    """A flush may be cut between any two rows (rule C6), and a snapshot may be published there: nothing may
    be too late for its version.
    """
    made = Pipeline()
    *others, publisher = made.sessions
    stated = [
        paper("p", "a"),
        {"event": "paper.counted", "paper_id": "p", "source": "s", "as_of": "2026-01-01", "citations": 7},
        {"event": "author.described", "author_id": "a", "name": "Ada"},
        {"event": "paper.counted", "paper_id": "p", "source": "s", "as_of": "2026-01-02", "citations": 9},
    ]
    with mock.patch.object(packs, "PACK_BYTES", 1), mock.patch.object(made, "sessions", others):
        for event in stated:
            made.tell(event)
    for record in made.logs[publisher.input]:
        publisher.step([record])
        made.publish(publisher)
    assert made.numbers("a", "counted:s")["citations"] == 9 and made.profiles["a"]["name"] == "Ada"


def test_no_paper_is_shown_before_its_card():
    """Also where its paper is revised in the same flush, wherever packs and flushes are cut."""
    made = Pipeline()
    with mock.patch.object(packs, "PACK_BYTES", 1):
        with mock.patch.object(
            made, "sessions", [s for s in made.sessions if s.stage.name in ("catalogue", "citations")]
        ):
            made.tell(
                paper("p", "b", "a"), paper("q", "a"), paper("p", "b", "a", revision=1, title="Revised")
            )
        log = made.logs[Partition(AUTHOR_CHANGES.named(1), 0)]
        for end in range(1, len(log)):
            again = Pipeline()
            authors, publisher = [s for s in again.sessions if s.stage.name in ("authors", "publisher")]
            for part in (log[:end], log[end:]):
                authors.step(part)
                again.append(authors.flush())
            for record in again.logs[publisher.input]:
                publisher.step([record])
                again.publish(publisher)
            for profile in again.records(AUTHOR_PROFILES):  # JSON that can be read
                assert all(entry["title"] for entry in profile["papers"])
            assert {entry["title"] for entry in again.profiles["a"]["papers"]} == {"q", "Revised"}


def test_the_most_cited_are_listed_also_after_there_were_fewer_papers():
    made = Pipeline(Layout(snapshot_papers=2), seed=1)
    made.tell(paper("p", "a", published="2019"), paper("q", "a", published="2020"))
    made.tell(*(paper(f"by{n}", "b", cites=cited) for n, cited in enumerate((["p", "q"], ["p"], ["q"]))))
    made.tell(paper("r", "a", published="2018"))
    made.tell(
        {"event": "paper.withdrawn", "paper_id": "r", "revision": 1}
    )  # was not listed; none is left out now
    made.tell({"event": "paper.withdrawn", "paper_id": "by2", "revision": 1})  # q has one citation
    made.tell(paper("s", "a", published="2021"), paper("by3", "b", cites=["s"]))  # so has s, and is newer
    assert [(entry["paper_id"], entry["citations"]) for entry in made.profiles["a"]["papers"]] == [
        ("p", 2),
        ("s", 1),
    ]
