"""Why a number is what it is, from a snapshot: what a fold of the page lists makes the number shown, or it
says that it does not.
"""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer.explanations import command_of, explanation_of
from services.viewer.pages.profile import profile_page
from services.viewer.pages.reasons import adding_up
from shared.errors import UnknownMetric, UsageError
from shared.metrics.definitions import METRICS
from shared.metrics.reasons.snapshot import CORES, LACKING, SERIES, STEPS, bases_of, explain
from tests import oracle
from tests.score_oracle import author_scores
from tests.snapshots import paper, snapshot, sygnowski

counts = st.lists(st.integers(0, 130) | st.integers(0, 6), max_size=25)


def page_of(told: dict) -> str:
    return profile_page(told, tag_of="1-1", changed_ms=1_700_000_000_123, demo=False)


def fold(page: str, metric: str) -> str:
    """What the fold under a headline number has."""
    return page.partition(f'id="why-{metric}"')[2].partition("</details>")[0]


def text_of(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def cells(markup: str) -> list[list[str]]:
    """The lines of a table, heads and foot too."""
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in re.findall(r"<tr[^>]*>(.*?)</tr>", markup)
    ]


def profile_of(citations: list[int], listed: int | None = None) -> dict:
    """A snapshot whose numbers are the oracle's. listed: papers that it has room for, None: all."""
    ordered = sorted(citations, reverse=True)
    numbers = oracle.count_metrics(ordered) | {"e_index": oracle.e_index(ordered)}
    papers = [paper(f"p:{at:02}", count) for at, count in enumerate(ordered)]
    return snapshot(
        "a:1",
        metrics={"references": snapshot("x")["metrics"]["references"] | numbers},
        headline=snapshot("x")["headline"]
        | {name: numbers[name] for name in ("h_index", "papers", "citations")},
        papers=papers[:listed],
        papers_total=len(papers),
    )


# ---- from a snapshot


def test_every_metric_is_explained_from_a_snapshot_or_says_what_is_lacking():
    names = {metric.name for metric in METRICS}
    assert (
        set(LACKING) | set(CORES) | set(SERIES) <= names
        and not set(LACKING) & set(CORES)
        and set(STEPS) <= set(CORES)
    )
    whole = sygnowski()
    for metric in names - {"papers_counted"}:
        found = explain(whole, metric)
        assert (found.reason is None) == bool(found.lacking)
        assert (
            metric in LACKING or found.reason or "make" in found.lacking
        )  # the made-up numbers of the test's snapshot


@given(counts)
def test_the_listed_papers_make_the_number(citations):
    told = profile_of(citations)
    for metric in (
        "papers",
        "citations",
        "h_index",
        "g_index",
        "g_index_uncapped",
        "i10_index",
        "i100_index",
        "e_index",
    ):
        found = explain(told, metric)
        assert (
            found.lacking is None
            and found.reason.value == told["metrics"]["references"][metric] == found.value
        )


@given(counts, st.integers(0, 25))
def test_a_list_that_is_cut_explains_a_core_as_the_whole_list_does_or_not_at_all(citations, listed):
    told, cut = profile_of(citations), profile_of(citations, listed)
    for metric in ("h_index", "g_index", "g_index_uncapped", "i10_index", "i100_index", "e_index"):
        whole, short = explain(told, metric).reason, explain(cut, metric).reason
        if short is not None:
            assert (short.sentence, [p["citations"] for p in short.papers]) == (
                whole.sentence,
                [p["citations"] for p in whole.papers],
            )
            assert short.next is None or (short.next, short.needs) == (whole.next, whole.needs)
    h_index = oracle.h_index(citations)
    if len(citations) > listed > h_index:
        assert explain(cut, "h_index").reason.needs, "the listed papers tell the next step, too"


def test_what_needs_more_papers_than_are_listed_says_so():
    told = profile_of([9] * 30, listed=5)
    assert explain(told, "citations").lacking == (
        "It takes more than the 5 most cited of 30 papers, and a snapshot lists no others. These have 45 of "
        "the 270 citations."
    )
    assert explain(told, "h_index").reason is None and explain(told, "novelty").reason is None
    assert (
        explain(told, "tori").lacking
        == "A snapshot does not have how many references the citing papers have."
    )


def test_papers_that_do_not_make_the_number_are_not_said_to():
    told = profile_of([5, 4, 3])
    told["metrics"]["references"]["h_index"] = 9
    assert explain(told, "h_index")[2:] == (9, None, "The listed papers make 3, not 9.")


def test_counts_of_a_source_are_explained_by_its_own_numbers():
    papers = [paper("p:1", 0, citations_by_source={"s": 7}), paper("p:2", 0)]
    numbers = {"papers": 2, "papers_counted": 1, "citations": 7, "h_index": 1}
    told = snapshot("a:1", papers=papers, metrics=snapshot("x")["metrics"] | {"counted:s": numbers})
    assert bases_of(told, "papers_counted") == ["counted:s"] and bases_of(told, "papers") == [
        "references",
        "counted:s",
    ]
    assert explain(told, "citations", "counted:s").reason.papers[0]["citations"] == 7
    assert explain(told | {"papers_total": 3}, "h_index", "counted:s").reason is None, (
        "the list is in the order of other counts"
    )


# ---- for programs


def test_an_explanation_for_programs_has_the_definition_and_the_papers():
    told = explanation_of(sygnowski(), "h_index")
    assert (told["metric"], told["basis"], told["value"], told["explained"], told["lacking"]) == (
        "h_index",
        "references",
        11,
        True,
        None,
    )
    assert (
        told["definition"] == "The largest h with h papers of at least h citations each."
        and told["formula"] == "max {h : c_h ≥ h}"
    )
    assert [p["rank"] for p in told["papers"]] == list(range(1, 12)) and all(
        p["citations"] >= 11 for p in told["papers"]
    )
    assert told["next"]["value"] == 12 and told["next"]["papers"][0]["lacks"] == 1
    assert (told["papers_listed"], told["papers_total"], told["version"]) == (13, 13, 48213)
    assert told["command"] == "scholarstream explain a:sygnowski h_index"


def test_what_is_not_there_is_named():
    with pytest.raises(
        UnknownMetric, match="metric: there is no 'hindex'; there are papers, citations, h_index"
    ):
        explanation_of(sygnowski(), "hindex")
    with pytest.raises(
        UsageError, match="basis: this profile has no h_index on 'counted:x'; it has it on references"
    ):
        explanation_of(sygnowski(), "h_index", "counted:x")
    with pytest.raises(UsageError, match="it has it on no basis"):
        explanation_of(sygnowski(), "papers_counted")


def test_a_command_can_be_pasted_into_a_shell():
    assert command_of("name:alan turing", "h_index") == "scholarstream explain 'name:alan turing' h_index"
    assert command_of("a:1", "h_index", "counted:open alex").endswith("--basis 'counted:open alex'")


# ---- on the page


def test_the_fold_of_the_h_index_has_the_core_the_definition_and_the_next_step():
    found = fold(page_of(sygnowski()), "h_index")
    head, *core = cells(found)
    assert head == ["rank", "paper", "citations"]
    assert [int(line[0]) for line in core] == list(range(1, 12))
    assert min(int(line[2]) for line in core) == 11 == len(core)
    text = text_of(found)
    assert "11 papers with at least 11 citations each." in text
    assert (
        "The largest h with h papers of at least h citations each. max {h : c_h ≥ h} — Hirsch, PNAS "
        "102:16569, 2005." in text
    )
    assert "For 12 : 4 citations more, to 2 papers." in text and text.count("lacks") == 2
    assert "scholarstream explain a:sygnowski h_index" in text


@given(counts)
def test_the_citations_in_the_fold_add_up_to_the_number_in_the_tile(citations):
    page = page_of(profile_of(citations))
    lines = cells(fold(page, "citations"))[1:]
    tile = re.search(r'data-live="headline.citations">([\d,]+)<', page)[1]
    assert (not lines and tile == "0") or (lines[-1] == ["together", tile])
    assert sum(int(line[1].replace(",", "")) for line in lines[:-1]) == sum(citations)


def test_a_long_list_is_short_and_still_adds_up():
    lines = cells(fold(page_of(profile_of([*range(100, 0, -1)])), "citations"))[1:]
    assert (
        len(lines) == 22
        and lines[-2] == ["and 80 further papers", "3,240"]
        and lines[-1] == ["together", "5,050"]
    )


@given(st.lists(st.floats(0, 20).map(lambda points: round(points, 4)), min_size=1, max_size=60))
def test_points_are_told_so_that_they_add_up(points):
    told = adding_up(points, sum(points))
    assert round(sum(told), 2) == round(sum(points), 2)
    assert all(abs(one - exact) < 0.0101 for one, exact in zip(told, points, strict=True))


def test_the_points_of_the_ai_score_add_up_to_the_number_shown():
    def standing(percentile, pooled):
        cited = {
            "percentile": percentile,
            "cohort": "citations/2020",
            "cohort_size": 40,
            "table": 1,
            "immature": False,
            "pooled": pooled,
        }
        return {
            "novelty": {"reasons": ["short_text"], "cohort": None, "cohort_size": None, "table": None},
            "citations": cited,
        }

    places = [0.987654, 0.876543, 0.7, 0.654321, 0.123456, None]
    right = author_scores(
        [{"novelty": None, "percentile": p, "immature": False, "pooled": True, "reasons": []} for p in places]
    )["ai_score"]
    base = snapshot("x")
    told = snapshot(
        "a:1",
        papers=[paper(f"p:{at}", 9 - at, standing=standing(p, True)) for at, p in enumerate(places)],
        papers_total=len(places),
        headline=base["headline"] | {"ai_score": right},
        metrics={"references": base["metrics"]["references"] | {"ai_score": right}},
    )
    found = fold(page_of(told), "ai_score")
    lines = cells(found)[1:]
    assert lines[-1][-1] == f"{right:.2f}" and len(lines) == 6
    assert round(sum(float(line[-1]) for line in lines[:-1]), 2) == round(right, 2)
    assert (
        "5 of 6 papers are ranked." in text_of(found)
        and text_of(found).count("compared with papers of all fields") == 1
    )
    told["metrics"]["references"]["ai_score"] = told["headline"]["ai_score"] = right + 1
    assert "The listed papers make" in text_of(fold(page_of(told), "ai_score"))


def test_a_novelty_from_elsewhere_is_not_explained_as_ours():
    headline = snapshot("x")["headline"] | {"novelty": 0.8, "novelty_basis": "reported:someone@2"}
    numbers = snapshot("x")["metrics"]["references"] | {"novelty": None}
    text = text_of(
        fold(page_of(snapshot("a:1", headline=headline, metrics={"references": numbers})), "novelty")
    )
    assert "The headline shows the average of what someone@2 says about the papers." in text


def test_a_list_that_is_cut_is_said_to_be():
    text = text_of(page_of(profile_of([50] * 3 + [1] * 40, listed=10)))
    assert (
        "3 papers with at least 3 citations each. The author has 43 papers; the 10 most cited decide it."
        in text
    )
    assert "It takes more than the 10 most cited of 43 papers" in text


def test_every_number_of_the_registry_has_a_fold_with_its_definition():
    page = page_of(sygnowski())
    numbers = sygnowski()["metrics"]["references"]
    for metric in METRICS:
        if metric.name in numbers:
            line = page.partition(f'<details id="all.{metric.name}">')[2].partition("</details>")[0]
            assert metric.definition in text_of(line) and metric.formula in text_of(line), metric.name
    names = re.findall(r'data-live="([^"]+)"', page)
    assert len(names) == len(set(names)), "an update finds each part by its name"


def test_a_snapshot_of_another_release_has_a_page_all_the_same():
    told = sygnowski() | {"as_of": "soon", "papers": [{"paper_id": "p:1"}], "papers_total": 1}
    assert "This profile does not have it." in text_of(page_of(told))
