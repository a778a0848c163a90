"""What the pages say in words, bars and marks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer.pages import charts, words
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.profile import profile_page
from shared.metrics.flags import FLAGS
from tests.snapshots import snapshot, sygnowski


def page_of(told: dict, **how) -> str:
    return profile_page(told, **{"tag_of": "1-1", "changed_ms": 1_700_000_000_123, "demo": False, **how})


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2022-07-05", "Jul 5, 2022"),
        ("2022-07", "Jul 2022"),
        ("2022", "2022"),
        ("0900-01-02", "Jan 2, 900"),
        ("2022-13-01", "2022-13-01"),
        ("2022-02-30", "2022-02-30"),
        ("soon", "soon"),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_told_as_precisely_as_they_are_known(written, told):
    assert words.day(written) == told


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        ("citations", 9483, "9,483"),
        ("novelty", 0.6, "60%"),
        ("novelty", 0.5555, "55.5%"),
        ("ai_score", 35, "35"),
        ("ai_score", 35.25, "35.25"),
        ("ai_score", 35.0, "35"),
        ("h_index", None, "–"),
        ("tori", 0.000123, "0.000123"),
        ("m_index", 0.090909, "0.0909"),
        ("hm_index", 1.5, "1.5"),
        ("tori", 0.0, "0"),
        ("h_index", 0, "0"),
    ],
)
def test_numbers_are_told_as_people_read_them(metric, value, told):
    assert words.measure(metric, value) == told


def test_coverage_and_flags_are_told_in_words():
    assert words.coverage({"references": 0.931, "novelty": None}) == [
        "References: 93.1% lead to papers known here; the others count for nobody yet."
    ]
    assert "came without any" in words.coverage({"references": None})[0]
    assert "not measured yet" in words.coverage({"affiliations": None})[0]
    assert all(flag.words == words.flag(flag.code) for flag in FLAGS)
    assert "no date" in words.flag("dates_missing")
    assert words.flag("something_new") == "Something new."


@given(st.text())
def test_text_stays_text(text):
    escaped = tag("p", text, title=text)
    assert escaped.count("<") == 2  # the element's own
    assert join(escaped) == escaped
    assert isinstance(join(text, None, False, [text, 3]), Html)


@given(st.dictionaries(st.integers(1900, 2026).map(str), st.integers(0, 10_000), max_size=130))
def test_a_chart_tells_every_count(series):
    figure = charts.bars("Citations by year", series, "citations", "key")
    there = {int(year): count for year, count in series.items() if count}
    if not there:
        assert "Nothing dated yet" in figure
        return
    label = re.search(r'aria-label="Citations by year: ([^"]*)"', figure)[1]
    told = dict(part.replace(",", "").split(": ") for part in label.split("; "))
    first = max(there) - charts.MOST + 1
    earlier = sum(count for year, count in there.items() if year < first)
    expected = {str(year): str(count) for year, count in there.items() if year >= first}
    assert told == expected | ({f"before {first}": str(earlier)} if earlier else {})
    heights = [float(height) for height in re.findall(r'class="bar"[^>]* height="([\d.]+)"', figure)]
    assert len(heights) == min(max(there) - min(there) + 1, charts.MOST)
    assert max(heights) <= charts.HEIGHT - charts.TOP - charts.BOTTOM


def test_an_impossible_number_is_marked_and_explained():
    page = text_of(page_of(sygnowski()))
    assert "reported 102 impossible" in page
    assert "Why an h-index of 102 is impossible" in page
    assert "An h-index of 102 needs at least 102 papers with 102 citations each; only 13 papers are reported." in page


def test_possible_numbers_are_not_marked():
    told = snapshot("a:1", reported=[{"source": "s", "as_of": "2026", "h_index": 2, "papers": 3, "violations": []}])
    page = text_of(page_of(told))
    assert "reported 2" in page
    assert "impossible" not in page
    assert "Reported elsewhere" not in text_of(page_of(snapshot("a:1")))


def test_a_second_source_is_named_with_its_reasons():
    told = snapshot(
        "a:1",
        reported=[
            {"source": "one", "as_of": None, "h_index": 2, "violations": []},
            {"source": "two", "as_of": "2026-01", "h_index": 7, "papers": 3, "violations": ["h_index_exceeds_papers"]},
        ],
    )
    page = text_of(page_of(told))
    assert "Why an h-index of 7, reported by two, is impossible" in page
    assert "one no date two Jan 2026" in page


def test_a_page_can_be_made_of_the_least_a_snapshot_says():
    page = page_of({"author_id": "a:1", "generation": 1, "version": 1})
    assert "<h1>a:1</h1>" in page
    assert text_of(page).count("not computed yet") == 5


def test_a_number_that_is_only_too_low_is_not_called_impossible():
    codes = ["papers_below_computed", "h_index_below_computed"]
    told = snapshot("a:1", reported=[{"source": "s", "as_of": "2026", "papers": 1, "h_index": 1, "violations": codes}])
    page = text_of(page_of(told))
    assert "Why 1 paper is too few" in page
    assert "Why an h-index of 1 is too low" in page
    assert "impossible" not in page


def test_a_check_of_a_later_release_is_told_by_its_code():
    told = snapshot("a:1", reported=[{"source": "s", "h_index": 7, "violations": ["h_index_is_a_palindrome"]}])
    page = text_of(page_of(told))
    assert "reported 7 impossible" in page
    assert "h_index_is_a_palindrome" in page


def test_what_a_number_means_and_why_there_is_none_is_told_on_pointing():
    page = page_of(snapshot("a:1"))
    assert "Pepe &amp; Kurtz" in page and "No number without papers of Y − 2 and Y − 3, and before the first day." in page


def test_counts_of_other_sources_stand_beside_ours():
    numbers = snapshot("x")["metrics"]["references"]
    told = snapshot(
        "a:1", metrics={"references": numbers, "counted:openalex": {"papers": 2, "papers_counted": 1, "citations": 4711, "h_index": 1}}
    )
    page = text_of(page_of(told))
    assert "openalex" in page
    assert "4,711" in page
    assert "papers counted" in page


def test_more_papers_than_are_listed_are_told():
    told = snapshot("a:1", papers_total=1234)
    page = text_of(page_of(told))
    assert "1,234 papers" in page
    assert "The 2 most cited ones" in page


def test_an_author_without_papers_has_a_page():
    told = snapshot("a:1", papers=[], papers_total=0, papers_by_year={}, citations_by_year={}, field=None, affiliations=[])
    page = text_of(page_of(told))
    assert "No papers at present" in page
    assert "Nothing dated yet" in page
