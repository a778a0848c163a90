"""Flags: each has a test here or in the oracle's comparison (tests/stages), and words on the page
(test_viewer_pages).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.metrics import definitions
from shared.metrics.collective_names import is_collective
from shared.stages.stage import Layout
from tests.oracle import is_group
from tests.stages.memory import Pipeline

GROUPS = ["ATLAS Collaboration", "The Pierre Auger collaboration", "Human Genome Consortium",
          "OPERA Collaborations", "WHO Study Group",
          "Gemini Team", "name:the lhcb collaboration", "Alzheimer's Disease Neuroimaging Initiative",
          "CARDIoGRAM Consortium members",
          "(LIGO Scientific Collaboration)", "GBD 2019 Diseases and Injuries Collaborators",
          "COVIDSurg Collaborative",
          "Early Breast Cancer Trialists", "Early Breast Cancer Trialists' Collaborative Group",
          "ESC Task Force", "EULAR Working Party",
          "Collaboration ATLAS (2012)", "The Collaboration ATLAS", "ATLAS Collaboration (2012)",
          "CMS Collaboration [CMS].",
          "Consortium, CLIA", "Task Force on Sudden Death", "ESC Committee for Practice Guidelines",
          "RECOVERY Collaborative Group",
          "The SPRINT Investigators", "SHARE-INVESTIGATORS", "ENIGMA Network", "European Reference Network",
          "The Annotation Group",
          "Cochrane Project", "IMPACT Study Group Investigators", "Working Party of the EULAR"]  # fmt: skip
PEOPLE = ["Ada Lovelace", "Group Theodore", "Team Wong", "Collaboration Smith", "Anna Grouper", "Teamson",
          "J. Projects", "",
          "John Network", "J. Network", "John Q. Network",
          "Priya Network", "Kenji Team", "Fatima Project", "Jean-Pierre Group", "Dr. John Network",
          "JOHN NETWORK",
          "José Group", "Björn Team",
          "Network, John", "Mary Project", "Anna-Maria Team", "Peter Group (ed.)", "Committee Smith",
          "Forcett Task", "Paul Party", "()", "(Ada Lovelace)"]  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_known_by_its_last_words(name):
    assert is_collective(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_is_not_a_group(name):
    assert not is_collective(name)


WORDS = [
    "ATLAS",
    "Ada",
    "john",
    "J.",
    "the",
    "The",
    "of",
    "on",
    "for",
    "Group",
    "team",
    "Network",
    "project",
    "Collaboration",
    "collaborators",
    "Trialists",
    "Task",
    "Force",
    "Working",
    "Party",
    "members",
]


@given(st.lists(st.sampled_from([*WORDS, "(2012)", "[X]", ",", "-"]), max_size=6).map(" ".join))
def test_the_oracle_knows_a_group_as_well(name):
    assert is_collective(name) == is_group(name)


def paper(paper_id: str, names: list[str], **more) -> dict:
    return {
        "paper_id": paper_id,
        "title": "",
        "authors": [{"name": name} for name in names],
        "published": "2020",
    } | more


def flags_of(*events: dict, author: str, layout: Layout | None = None) -> list[str]:
    return Pipeline(layout or Layout(), seed=1).tell(*events).profiles[author]["flags"]


def raised_by(*events: dict, author: str) -> list[str]:
    """The flags beside `name_only`, which the id alone decides."""
    return [code for code in flags_of(*events, author=author) if code != "name_only"]


def test_each_flag_is_raised_by_what_it_names_and_taken_back_with_it():
    crowd = [f"Member {n}" for n in range(50)]
    assert raised_by(paper("p", ["Ada"]), author="name:ada") == []
    assert raised_by(paper("p", ["The ATLAS Team"]), author="name:the atlas team") == ["collective_author"]
    assert raised_by(paper("p", ["Ada"], authors_truncated=True), author="name:ada") == ["authors_truncated"]
    assert raised_by(paper("p", ["Ada"], published=None), author="name:ada") == ["dates_missing"]
    assert raised_by(paper("p", ["Ada", *crowd]), author="name:ada") == ["teams_left_out"]
    assert raised_by(paper("p", crowd), author="name:member 1") == []
    citing = paper("p", ["Ada"], references=["q", "r", "s"])
    assert raised_by(citing, paper("q", ["Bob"]), author="name:ada") == ["references_low"]
    assert raised_by(citing, paper("q", ["Bob"]), paper("r", ["Bob"]), author="name:ada") == []
    assert raised_by(paper("p", ["Ada", *crowd]), paper("p", ["Ada"], revision=1), author="name:ada") == []


def test_a_profile_that_rests_on_a_bare_name_says_so():
    signed = paper("p", ["Ada"]) | {"authors": [{"name": "Ada"}, {"name": "Bo", "author_id": "a:bo"}]}
    assert flags_of(signed, author="name:ada") == ["name_only"]
    assert flags_of(signed, author="a:bo") == []
    described = {"event": "author.described", "author_id": "name:ada", "name": "Ada King"}
    assert flags_of(signed, described, author="name:ada") == ["name_only"]  # a description gives no id
    merged = {"event": "author.merged", "author_id": "name:ada", "into": "a:ada"}
    assert flags_of(signed, merged, author="a:ada") == []
    both = paper("p", ["The ATLAS Team"])
    assert flags_of(both, author="name:the atlas team") == ["collective_author", "name_only"]


def test_a_group_is_known_by_the_name_it_is_described_with():
    described = {"event": "author.described", "author_id": "a:1", "name": "Belle II Collaboration"}
    stated = {
        "paper_id": "p",
        "title": "",
        "authors": [{"author_id": "a:1", "name": "Belle"}],
        "published": "2020",
    }
    assert flags_of(stated, described, author="a:1") == ["collective_author"]


def test_coverage_is_the_share_of_references_that_lead_somewhere():
    made = Pipeline(Layout(2, 2), seed=1).tell(
        paper("p", ["Ada"], references=["q", "r", "s", "p"]), paper("q", ["Bob"])
    )
    coverage = lambda: made.profiles["name:ada"]["provenance"]["coverage"]["references"]  # noqa: E731
    assert (
        coverage() == 0.333333 and made.profiles["name:bob"]["provenance"]["coverage"]["references"] is None
    )
    made.tell(paper("r", ["Bob"]), paper("s", ["Bob"]))
    assert coverage() == 1.0
    made.tell({"event": "paper.withdrawn", "paper_id": "r", "revision": 1})
    assert coverage() == 0.666667


def test_a_changed_definition_is_flagged_in_the_generations_after_the_first(monkeypatch):
    second = Layout(generation=2)
    bare = ["name_only"]
    assert flags_of(paper("p", ["Ada"]), author="name:ada", layout=second) == bare, (
        "new numbers change no older one"
    )
    changed = definitions.METRICS[0]._replace(changed=definitions.VERSION)
    monkeypatch.setattr(definitions, "METRICS", (changed, *definitions.METRICS[1:]))
    assert flags_of(paper("p", ["Ada"]), author="name:ada", layout=second) == [*bare, "definitions_changed"]
    assert flags_of(paper("p", ["Ada"]), author="name:ada") == bare
