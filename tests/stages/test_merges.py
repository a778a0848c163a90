"""Merges and separations of authors (rule A3): small histories by hand, random ones against the oracle,
separated as if never merged.
"""

import random
import re

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.metrics.reasons.snapshot import explain
from shared.stages.stage import Layout
from tests import score_oracle
from tests.data import SHARED, aan_events
from tests.integration.equality import differences, must_be_published
from tests.literature import encode, published, withdrawn
from tests.oracle import author_key, oracle, parse
from tests.stages.memory import Pipeline
from tests.stages.past import without_version
from tests.stages.test_pipeline import figures, paper

VARIANTS = SHARED / "data/aan/name_variants.yaml"
NAME = re.compile(
    r"^(- canonical:|  -) \{first: (.*), last: (.*)\}$", re.MULTILINE
)  # the file has no other form of entry


@pytest.fixture(params=[(1, 1), (3, 2)], ids=["one partition", "several"])
def made(request) -> Pipeline:
    return Pipeline(Layout(*request.param), seed=1)


def merged(author: str, into: str, revision: int = 1) -> dict:
    return {"event": "author.merged", "author_id": author, "into": into, "revision": revision}


def separated(author: str, revision: int = 2) -> dict:
    return {"event": "author.separated", "author_id": author, "revision": revision}


def lasting(profile: dict) -> dict:
    """What a profile says, without when it came to say so (its version, those of the tables in which its
    papers stand).
    """
    return {name: value for name, value in without_version(profile).items() if name != "generation"}


def test_a_merge_moves_everything_also_later_papers_and_a_separation_takes_it_back(made):
    made.tell(paper("p", "old", "x"), paper("q", "new", cites=["p"]), paper("r", "y", cites=["p", "q"]))
    before = {author: lasting(profile) for author, profile in made.profiles.items()}
    made.tell(merged("old", "new"))
    assert figures(made, "new", "papers", "citations", "citations_nonself", "citations_self") == (2, 3, 2, 1)
    assert figures(made, "old", "papers", "citations", "coauthors") == (0, 0, 0)
    assert made.profiles["old"]["redirect"] == "new" and "redirect" not in made.profiles["new"]
    assert [entry["paper_id"] for entry in made.profiles["new"]["papers"]] == ["p", "q"] and made.profiles[
        "old"
    ]["papers"] == []
    assert figures(made, "x", "citations", "citations_nonself") == (2, 1), (
        "p is cited by its own authors now: x's numbers move too"
    )
    made.tell(paper("s", "old"))
    assert figures(made, "new", "papers") == (3,)
    made.tell({"event": "paper.withdrawn", "paper_id": "s", "revision": 1}, separated("old"))
    assert {author: lasting(profile) for author, profile in made.profiles.items()} == before


def test_merged_coauthors_count_once_where_they_are_named_first(made):
    made.tell(paper("p", "a", "x", "b"), paper("q", "y", cites=["p"]))
    assert figures(made, "a", "papers_normalized", "coauthors", "papers_first", "papers_last") == (
        0.333333,
        2,
        1,
        0,
    )
    made.tell(merged("a", "b"))
    assert figures(
        made, "b", "papers", "citations", "papers_normalized", "coauthors", "papers_first", "papers_last"
    ) == (
        1,
        1,
        0.5,
        1,
        1,
        0,
    )
    assert made.profiles["b"]["name"] == "A", "as he is called where he is named first"
    made.tell(merged("x", "b"))
    assert figures(made, "b", "papers_single", "coauthors") == (1, 0)
    made.tell(separated("a"), separated("x"))
    assert (
        figures(made, "x", "papers_normalized", "coauthors") == (0.333333, 2)
        and made.profiles["b"]["name"] == "B"
    )


def test_chains_are_followed_and_a_loop_stands_for_its_smallest_member(made):
    made.tell(paper("p", "a"), paper("q", "b"), paper("r", "c"), merged("c", "b"), merged("b", "a"))
    assert figures(made, "a", "papers") == (3,) and made.profiles["c"]["redirect"] == "a"
    made.tell(merged("a", "c"))
    assert figures(made, "a", "papers") == (3,) and "redirect" not in made.profiles["a"]
    made.tell(separated("b"))
    assert figures(made, "b", "papers") == (3,) and {made.profiles[other]["redirect"] for other in "ac"} == {
        "b"
    }


def test_the_newest_revision_of_a_claim_stands_and_the_later_of_equals(made):
    made.tell(paper("p", "old"), merged("old", "x", 5), merged("old", "y", 4), separated("old", 3))
    assert made.profiles["old"]["redirect"] == "x" and made.counter("directory", "stale_revisions") == 2
    made.tell(merged("old", "y", 5), merged("old", "y", 5))
    assert made.profiles["old"]["redirect"] == "y" and made.counter("directory", "revision_conflicts") == 1
    made.tell(separated("x", 9))
    assert (
        made.counter("directory", "repeats") == 1
        and figures(made, "y", "papers") == (1,)
        and figures(made, "x", "papers") == (0,)
    )


def test_a_separation_that_comes_first_is_remembered(made):
    made.tell(separated("old", 2), merged("old", "new", 1), paper("p", "old"))
    assert figures(made, "old", "papers") == (1,) and "redirect" not in made.profiles["old"]


def test_what_is_said_of_an_id_stays_with_it(made):
    def stated(author: str, name: str) -> list[dict]:
        reported = {
            "event": "author.reported",
            "author_id": author,
            "source": "s",
            "as_of": "2026-01-01",
            "metrics": {"h_index": len(name)},
        }
        return [{"event": "author.described", "author_id": author, "name": name}, reported]

    made.tell(paper("p", "old"), *stated("old", "Old"), merged("old", "new"))
    assert made.profiles["new"]["name"] == "Old" and made.profiles["new"]["reported"] == [], (
        "as written on the paper, none reported"
    )
    made.tell(*stated("new", "Newer"))
    assert made.profiles["new"]["name"] == "Newer" and made.profiles["new"]["reported"][0]["h_index"] == 5
    assert made.profiles["old"]["name"] == "Old" and made.profiles["old"]["reported"][0]["h_index"] == 3


def named(paper_id: str, name: str, author: str = "x", **more) -> dict:
    authors = [{"author_id": author, "name": name}]
    return {
        "event": "paper.published",
        "paper_id": paper_id,
        "title": "T",
        "published": "2020",
        "authors": authors,
    } | more


def test_an_author_keeps_the_name_last_written_when_the_papers_are_gone(made):
    made.tell(
        named("p", "J. Roe"),
        named("q", "Jane Roe", published="2021"),
        named("r", "Jane B. Roe", published="2019"),
    )
    gone = [{"event": "paper.withdrawn", "paper_id": name} for name in "qpr"]
    assert made.tell(*gone).profiles["x"]["name"] == "Jane Roe"
    made.tell(
        named("s", "Jane Doe", author="y", published="2022"),
        named("q", "Jane Poe", published="2021", revision=1),
    )
    made.tell(named("q", "Nobody", author="z", revision=2))
    assert made.profiles["x"]["name"] == "Jane Poe", (
        "the later revision of the latest paper that ever had the author"
    )
    made.tell(paper("t", "x"))
    assert (
        made.profiles["x"]["papers_total"] == 1
        and made.profiles["x"]["name"] == paper("t", "x")["authors"][0]["name"]
    )


@pytest.mark.parametrize("first", [True, False], ids=["merged first", "written first"])
def test_a_merged_author_keeps_the_name_last_written_whatever_comes_first(made, first):
    events = [
        named("p", "Ann B"),
        named("q", "Ann C", published="2021"),
        {"event": "paper.withdrawn", "paper_id": "q"},
    ]
    merge = [merged("x", "a"), merged("a", "name:BIG  Name")]
    made.tell(*(merge + events if first else events + merge))
    assert (made.profiles["x"]["name"], made.profiles["x"]["redirect"]) == ("Ann C", "name:big name")
    assert made.profiles["name:big name"]["name"] == "Ann B", "as written on the paper that is left"


def test_a_paper_tells_how_many_people_its_authors_are(made):
    authors = [{"author_id": name, "name": name.upper()} for name in "abc"]
    made.tell(
        named("p", "", authors=authors), named("q", "Z", author="z", references=["p"]), merged("b", "a")
    )
    [shown] = made.profiles["a"]["papers"]
    assert (shown["authors_total"], shown["people"]) == (3, 2)
    for metric in ("papers_normalized", "citations_normalized", "papers_single", "hm_index"):
        assert (
            explain(made.profiles["a"], metric).reason.value
            == made.profiles["a"]["metrics"]["references"][metric]
        )
    assert explain(made.profiles["a"], "papers_normalized").value == 0.5
    made.tell(merged("c", "b"))
    assert made.profiles["a"]["papers"][0]["people"] == 1
    assert explain(made.profiles["a"], "papers_single").reason.value == 1
    made.tell(separated("b"), separated("c"))
    assert "people" not in made.profiles["a"]["papers"][0]


def test_ids_of_names_are_folded_in_claims(made):
    made.tell(named("p", "", authors=[{"name": "Big Name"}]), named("q", "Ann", author="a"))
    made.tell(merged("name:Big\u200b Name", "a"))
    assert made.profiles["a"]["papers_total"] == 2 and made.profiles["name:big name"]["redirect"] == "a"
    assert "name:Big\u200b Name" not in made.profiles
    made.tell(
        separated("name:BIG NAME"),
        named("r", "x", authors=[{"author_id": "name:Big Name", "name": "B. Name"}]),
    )
    assert made.profiles["name:big name"]["papers_total"] == 2


def test_counts_of_other_sources_go_with_the_papers(made):
    made.tell(
        paper("p", "old"),
        {"event": "paper.counted", "paper_id": "p", "source": "x", "as_of": "2026-02-02", "citations": 12},
    )
    made.tell(merged("old", "new"))
    assert (
        made.numbers("new", "counted:x")["i10_index"] == 1
        and "counted:x" not in made.profiles["old"]["metrics"]
    )


def causes_of(made: Pipeline, *events: dict) -> dict[str, list[dict]]:
    """What these events make the change records say, by author."""
    before, stated = list(made.changes), {}
    for change in made.tell(*events).changes:
        if change not in before:
            stated[change["author_id"]] = stated.get(change["author_id"], []) + change["causes"]
    return stated


def test_a_merge_says_so_to_everybody_whose_numbers_move(made):
    made.tell(paper("p", "old", "x"), paper("q", "new", cites=["p"]), paper("r", "z"))
    stated = causes_of(made, merged("old", "new"))
    assert stated.keys() == {"old", "new", "x"}, "nobody else hears of it"
    assert stated["old"] == [{"kind": "merged", "paper_id": "p", "other": "new"}]
    assert {"kind": "merged", "paper_id": "p", "other": "old"} in stated["new"]
    assert {"kind": "merged", "paper_id": "p", "other": "old"} in stated["x"], (
        "a citation of his paper is a self-citation now"
    )
    stated = causes_of(made, separated("old"))
    assert stated.keys() == {"old", "new", "x"}
    assert stated["old"] == [{"kind": "separated", "paper_id": "p", "other": "new"}]
    assert {"kind": "separated", "paper_id": "p", "other": "old"} in stated["new"]


def test_who_follows_a_chain_hears_of_it(made):
    made.tell(paper("p", "a"), paper("q", "b"), paper("r", "c"), merged("a", "b"))
    stated = causes_of(made, merged("b", "c"))
    assert by_paper(stated["c"]) == [("merged", "p", "a"), ("merged", "q", "b")]
    assert by_paper(stated["b"]) == [("merged", "p", "c"), ("merged", "q", "c")]
    stated = causes_of(made, separated("b"))
    assert by_paper(stated["c"]) == [("separated", "p", "a"), ("separated", "q", "b")]
    assert by_paper(stated["b"]) == [("separated", "p", "c"), ("separated", "q", "c")]


def by_paper(causes: list[dict]) -> list[tuple[str, str, str]]:
    return sorted((cause["kind"], cause["paper_id"], cause["other"]) for cause in causes)


people = st.sampled_from(["a:x", "a:y", "name:ada", "name:bob", "name:cyd", "a:nobody"])


class Histories(RuleBasedStateMachine):
    """Papers, revisions, withdrawals, merges, separations and days in any order: after each the profiles are
    what the oracle says.
    """

    @initialize(papers=st.integers(1, 3), authors=st.integers(1, 3), seed=st.integers(0, 10**6))
    def begin(self, papers, authors, seed):
        self.made, self.stated = Pipeline(Layout(papers, authors), seed), []

    def tell(self, event: dict) -> None:
        self.stated.append(encode(event))
        self.made.tell(self.stated[-1])

    @rule(event=published)
    def publish(self, event):
        self.tell(event)

    @rule(event=withdrawn)
    def withdraw(self, event):
        self.tell(event)

    @rule(author=people, into=people, revision=st.integers(0, 3))
    def merge(self, author, into, revision):
        self.tell(merged(author, into, revision))

    @rule(author=people, revision=st.integers(0, 3))
    def separate(self, author, revision):
        self.tell(separated(author, revision))

    @rule(year=st.integers(1999, 2007))
    def tick(self, year):
        self.tell({"event": "clock.ticked", "author_id": "clock", "date": f"{year}-06-01"})

    @invariant()
    def is_what_the_oracle_says(self):
        if hasattr(self, "made"):
            assert_equal(self.made, self.stated)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)


def assert_equal(made: Pipeline, events: list[bytes]) -> None:
    profiles, truth = made.profiles, oracle(events)
    assert profiles.keys() <= truth.keys()
    for author, expected in truth.items():
        if author in profiles:
            assert list(differences(profiles[author], expected)) == [], author
        else:
            assert not must_be_published(expected), author


def variants_of(events: list[bytes]) -> list[dict]:
    """The merges of names that are the same person's in the anthology, by its own list; of those that wrote
    something here.
    """
    there = {author_key(author) for raw in events for author in parse(raw)["authors"]}
    found, canonical = [], ""
    for kind, first, last in NAME.findall(VARIANTS.read_text()):
        key = author_key({"name": " ".join(part.strip("'\"") for part in (first, last))})
        if kind == "- canonical:":
            canonical = key
        elif key in there and key != canonical:
            found.append(merged(key, canonical))
    return found


def days(first: int) -> list[bytes]:
    """Two days: the first may let papers in; when everything else is done before the second, all tables are
    exact after it.
    """
    return [
        encode({"event": "clock.ticked", "author_id": "clock", "date": f"2026-12-{day:02}"})
        for day in (first, first + 1)
    ]


def test_the_anthology_with_its_name_variants_merged_and_separated_again():
    events = aan_events(papers=6_000)
    if not VARIANTS.is_file():
        pytest.skip(f"shared data set 'aan' has no name variants (looked for {VARIANTS})")
    made, dice = Pipeline(Layout(2, 3), seed=2), random.Random(3)
    made.tell(*events[:4_000])
    variants = variants_of(events)
    assert len(variants) > 50
    ends = [
        (dice.choice(variants)["author_id"], dice.choice(variants)["into"]) for _ in range(40)
    ]  # other ends: chains and loops
    chance = [
        merged(author, into, 2) for author, into in ends + [(into, author) for author, into in ends[:10]]
    ]
    log = [*events[:4_000], *map(encode, (*variants, *chance)), *events[4_000:]]
    log += days(1)
    made.tell(*log[4_000:-1]).tell(log[-1])
    assert_equal(made, log)
    assert list(score_oracle.differences(made.profiles, log)) == []
    back = [
        encode(separated(author, 3))
        for author in sorted({claim["author_id"] for claim in (*variants, *chance)})
    ]
    back += days(3)
    made.tell(*back[:-1]).tell(back[-1])
    assert_equal(made, [*log, *back])
    assert list(score_oracle.differences(made.profiles, [*log, *back])) == []
    plain, after = (
        Pipeline(Layout(2, 3), seed=2).tell(*events, *days(3)[:1]).tell(*days(3)[1:]).profiles,
        made.profiles,
    )
    assert sum(profile["headline"]["ai_score"] is not None for profile in plain.values()) > 1_000
    assert {author: lasting(after[author]) for author in plain} == {
        author: lasting(profile) for author, profile in plain.items()
    }
    assert not [author for author in after.keys() - plain.keys() if after[author]["papers_total"]], (
        "they are named in a claim only"
    )
