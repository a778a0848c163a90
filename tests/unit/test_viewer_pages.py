"""What the pages say in words, bars and marks."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consumer.authors.percentiles import REASONS
from services.viewer.pages import charts, scores, words
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.metrics import findings, question
from services.viewer.pages.profile import profile_page
from shared.metrics import violations
from shared.metrics.flags import FLAGS
from tests.snapshots import paper, snapshot, sygnowski


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
        "References: 93.1% lead to papers known here; the others count for no author yet."
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


YEARS = st.integers(1000, 9999) | st.integers(1950, 2040)


@given(st.dictionaries(YEARS.map(str), st.integers(0, 10_000), max_size=130), st.integers(1990, 2030))
def test_a_chart_tells_every_count(series, until):
    figure = charts.bars("Citations by year", series, "citations", "key", until)
    there = {int(year): count for year, count in series.items() if count}
    if not there:
        assert "Nothing dated yet" in figure
        return
    real = [year for year in there if year <= until]
    if not real:
        assert (
            f"Nothing up to {until}." in figure
            and f"(after {until}: {sum(there.values()):,})" in figure
            and "<svg" not in figure
        )
        return
    label = re.search(r'aria-label="Citations by year: ([^"]*)"', figure)[1]
    told = dict(part.replace(",", "").split(": ") for part in label.split("; "))
    shown = sorted(year for year in real if year > max(real) - charts.MOST)
    expected = {str(year): there[year] for year in shown}
    expected |= {f"before {shown[0]}": sum(count for year, count in there.items() if year < shown[0])}
    expected |= {f"after {until}": sum(count for year, count in there.items() if year > until)}
    assert told == {year: str(count) for year, count in expected.items() if count}
    caption = re.search("<figcaption>(.*?)</figcaption>", figure)[1]
    assert [word in caption for word in ("before", "after")] == [
        any(word in name for name in told) for word in ("before", "after")
    ]
    heights = [float(height) for height in re.findall(r'class="bar"[^>]* height="([\d.]+)"', figure)]
    assert len(heights) == shown[-1] - shown[0] + 1 <= charts.MOST
    assert max(heights) == pytest.approx(charts.HEIGHT - charts.TOP - charts.BOTTOM, abs=0.1)


def test_a_wrong_date_leaves_the_bars_to_the_real_years():
    real = {str(year): 1 for year in range(2015, 2025)}
    figure = charts.bars("Papers by year", real | {"9999": 2, "1000": 3}, "papers", "key", 2026)
    assert text_of(figure).startswith("Papers by year (before 2015: 3; after 2026: 2)")
    assert len(re.findall('class="bar"', figure)) == 10


def test_charts_end_with_the_year_of_the_snapshot():
    profile = sygnowski() | {"papers_by_year": {"2025": 1, "2026": 1, "2027": 1}}
    assert "(after 2026: 1)" in text_of(page_of(profile | {"as_of": "2026-11-23"}))
    assert "after 20" not in text_of(page_of(profile | {"as_of": "2027-01-01"}))
    assert "(after 2023: 3) Nothing up to 2023." in text_of(page_of(profile | {"as_of": None})), (
        "of its publication, before the first day"
    )


def test_an_impossible_number_is_marked_and_explained():
    page = text_of(page_of(sygnowski()))
    assert "reported 102 impossible" in page
    assert "Why an h-index of 102 is impossible" in page
    assert (
        "An h-index of 102 needs at least 102 papers with 102 citations each; only 13 papers are reported."
        in page
    )


def test_possible_numbers_are_not_marked():
    told = snapshot(
        "a:1", reported=[{"source": "s", "as_of": "2026", "h_index": 2, "papers": 3, "violations": []}]
    )
    page = text_of(page_of(told))
    assert "reported 2" in page
    assert "impossible" not in page
    assert "Reported elsewhere" not in text_of(page_of(snapshot("a:1")))


def test_a_second_source_is_named_with_its_reasons():
    told = snapshot(
        "a:1",
        reported=[
            {"source": "one", "as_of": None, "h_index": 2, "violations": []},
            {
                "source": "two",
                "as_of": "2026-01",
                "h_index": 7,
                "papers": 3,
                "violations": ["h_index_exceeds_papers"],
            },
        ],
    )
    page = text_of(page_of(told))
    assert "Why an h-index of 7, reported by two, is impossible" in page
    assert "one no date two Jan 2026" in page


def test_a_page_can_be_made_of_the_least_a_snapshot_says():
    page = page_of({"author_id": "a:1", "generation": 1, "version": 1})
    assert "<h1><bdi>a:1</bdi></h1>" in page
    assert text_of(page).count("not computed yet") == 3
    assert "no paper scored yet" in page and "no paper ranked yet" in page


def grounds(
    scored: int = 5, provisional_papers: int = 0, ranked: int = 5, immature: int = 0, doubtful: int = 0
) -> dict:
    return {
        "novelty": {"definition": "lexpair-1", "scored": scored, "provisional_papers": provisional_papers,
                    "standard_error": 0.1297,
                    "provisional": scored < 5 or 2 * provisional_papers > scored},
        "ai_score": {"definition": "rankpoints-1", "ranked": ranked, "immature": immature,
                     "pooled_or_immature": doubtful,
                     "provisional": ranked < 3 or 2 * doubtful > ranked},
    }  # fmt: skip


def test_both_scores_are_told_whole_and_explained_in_one_line():
    headline = {
        "h_index": 2,
        "papers": 2,
        "citations": 5,
        "novelty": 0.595,
        "ai_score": 34.5,
        "basis": "references",
    }
    page = page_of(snapshot("a:1", headline=headline, scores=grounds(), papers_total=5))
    text = text_of(page)
    assert "60%" in text and ">35<" in page
    assert (
        "On average, the author's papers use more new word combinations than 60% of papers of the same field "
        "and year." in unescape(page)
    )
    assert "No model is involved" in page and 'href="/scores"' in page
    assert "5 of 5 papers scored, ± 13 points." in text and "provisional" not in text


@pytest.mark.parametrize(
    ("said", "words_"),
    [
        (grounds(scored=4), "provisional: fewer than 5 papers scored"),
        (grounds(provisional_papers=3), "provisional: 3 papers among them provisional"),
        (grounds(ranked=2), "provisional: fewer than 3 papers ranked"),
        (
            grounds(immature=3, doubtful=3),
            "3 in young cohorts; provisional: most of them in young or pooled cohorts",
        ),
    ],
)
def test_what_is_provisional_says_why(said, words_):
    assert words_ in text_of(page_of(snapshot("a:1", scores=said, papers_total=5)))


def test_a_paper_tells_its_novelty_or_why_it_has_none():
    def standing(*reasons, cohort="novelty/2016/en/full/cs.LG"):
        return {
            "novelty": {
                "reasons": list(reasons),
                "cohort": cohort,
                "cohort_size": 2214,
                "table": 61,
                "new_pairs": 3,
                "pairs": 9,
            }
        }

    papers = [
        paper("p:1", 3, novelty=0.754999, standing=standing()),
        paper(
            "p:2",
            2,
            novelty=0.1,
            standing=standing("pooled_cohort", "short_text", cohort="novelty/2016/en/short"),
        ),
        paper("p:3", 1, standing=standing("burn_in")),
    ]
    page = unescape(page_of(snapshot("a:1", papers=papers)))
    assert "novelty 75%" in page and "of 2,214 papers like it (2016, cs.LG)." in page
    assert "(2016, all fields)" in page and "Provisional: compared with papers of all fields" in page
    assert "no novelty" in page and "No novelty: few earlier papers are known here" in page


def test_every_reason_has_words():
    assert tuple(scores.REASONS) == REASONS
    assert all(
        said in text_of(scores.about_page())
        for said in ("does not predict quality", "citation rings", "0.8^(i−1)")
    )


def test_a_number_that_is_only_too_low_is_not_called_impossible():
    codes = ["papers_below_computed", "h_index_below_computed"]
    told = snapshot(
        "a:1", reported=[{"source": "s", "as_of": "2026", "papers": 1, "h_index": 1, "violations": codes}]
    )
    page = text_of(page_of(told))
    assert "Why 1 paper is too few" in page
    assert "Why an h-index of 1 is too low" in page
    assert "impossible" not in page


def test_series_by_year_are_told_as_a_sum_beside_ours_and_explained():
    """Ours are the papers of 2019 and 2020, one each; 5 citations of 2020."""
    series = {
        "papers_by_year": {"2021": 3, "2019": 11},
        "papers": 13,
        "citations_by_year": {"2020": 4},
        "citations": 5,
    }
    codes = ["papers_by_year_exceed_papers", "citations_by_year_below_citations"]
    page = text_of(
        page_of(snapshot("a:1", reported=[{"source": "s", "as_of": "2026", **series, "violations": codes}]))
    )
    assert "papers by year 2 in 2019–2020 14 in 2019–2021 impossible" in page
    assert "citations by year 5 in 2020 4 in 2020 incomplete" in page
    assert (
        "Why papers by year, 14 in 2019–2021, are impossible The years have 14 papers together; only 13 "
        "papers are reported." in page
    )
    assert (
        "Why citations by year, 4 in 2020, are incomplete The years that the source reports have 4 of the 5 "
        "citations" in page
    )
    assert "0 in no year" in text_of(
        page_of(snapshot("a:1", reported=[{"source": "s", "papers_by_year": {}, "violations": []}]))
    )


@pytest.mark.parametrize("source", [None, "two"])
def test_every_check_has_a_question_and_an_answer(source):
    for violation in violations.VIOLATIONS:
        name = violation.needs[0]
        value = {"2020": 7} if name.endswith("_by_year") else 7
        [found] = findings({name: value, "violations": [violation.code]}, {})
        asked = question(found, value, source)
        assert (
            asked.startswith("Why ")
            and asked.endswith(found.mark)
            and "7" in asked
            and (source or "") in asked
        )
        assert found.impossible == violation.impossible and found.sentence.endswith(".")


def test_a_check_of_a_later_release_is_told_by_its_code():
    told = snapshot(
        "a:1", reported=[{"source": "s", "h_index": 7, "violations": ["h_index_is_a_palindrome"]}]
    )
    page = text_of(page_of(told))
    assert "reported 7 impossible" in page
    assert "h_index_is_a_palindrome" in page


def test_what_a_number_means_and_why_there_is_none_is_told_on_pointing():
    page = page_of(snapshot("a:1"))
    assert (
        "Pepe &amp; Kurtz" in page
        and "No number without papers of Y − 2 and Y − 3, and before the first day." in page
    )


def test_counts_of_other_sources_stand_beside_ours():
    numbers = snapshot("x")["metrics"]["references"]
    told = snapshot(
        "a:1",
        metrics={
            "references": numbers,
            "counted:openalex": {"papers": 2, "papers_counted": 1, "citations": 4711, "h_index": 1},
        },
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
    told = snapshot(
        "a:1", papers=[], papers_total=0, papers_by_year={}, citations_by_year={}, field=None, affiliations=[]
    )
    page = text_of(page_of(told))
    assert "No papers at present" in page
    assert "Nothing dated yet" in page
