"""Novelty and AI score in words: their meaning, uncertainty and limits. docs/scores.md defines them."""

from collections.abc import Callable, Mapping
from math import floor
from typing import Any

from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import isolated
from services.viewer.pages.layout import page
from services.viewer.pages.words import number, plural

ADDRESS = "/scores"
SCORES = ("novelty", "ai_score")
NO_SCORE = {"novelty": "no paper scored yet", "ai_score": "no paper ranked yet"}

REASONS = {
    "unscored": "its text is not scored yet",
    "undated": "it has no date",
    "small_cohort": "there are fewer than 30 papers like it to compare it with",
    "pooled_cohort": "compared with papers of all fields, because its own field has fewer than 30",
    "burn_in": "few earlier papers are known here, so much looks new",
    "short_text": "its text is short: the title, or little more",
}
WEAKNESSES = {
    "Novelty": (
        "It does not predict quality. It does not separate award papers, or papers that will be cited, from "
        "others.",
        "It measures wording. New names, odd phrases and old ideas in new words score. A new combination of "
        "old phrases does not.",
        "One paper's value is noisy. The mean of five papers has a reliability of 0.46, of ten 0.63.",
        "It does not say whether a year was inventive: papers are compared with those of their own year.",
        "A text in another language, of fewer than 30 words and without a language label, counts as English "
        "and looks novel.",
    ),
    "AI score": (
        "Percentiles are relative: about half of all authors slip slightly over two years as others are "
        "cited.",
        "In young fields and years most papers are not cited yet, so their percentiles are alike.",
        "It does not detect citation rings without shared authors, or results cut into many papers. Honorary "
        "authorship counts in full.",
        "Only citations inside this log count. Read it together with the coverage of references.",
        "It grows with a career: five strong papers cannot exceed 67. It is a portfolio score, not an "
        "average.",
    ),
}

Entry = Mapping[str, Any]


def rounded(metric: str, value: float) -> str:
    """The score as the headline shows it: novelty in whole percent, the AI score as a whole number."""
    return f"{floor(100 * value + 0.5)}%" if metric == "novelty" else number(floor(value + 0.5))


def explained(metric: str, value: float | None, source: str | None = None) -> str:
    """The meaning of the score in one line.

    source: of the citation counts; None: they are counted from references.
    """
    if metric == "novelty":
        share = "so many" if value is None else rounded(metric, value)
        return (
            "On average, the author's papers use more new word combinations than "
            f"{share} of papers of the same field and year."
        )
    citations = (
        f"{isolated(source)} counts the citations, with self-citations"
        if source
        else "without self-citations"
    )
    return (
        f"Rank-weighted citation percentiles of the author's papers, from 0 to 100; {citations}. "
        "No model is involved: “AI” is only the label."
    )


def firmness(profile: Entry, metric: str) -> str | None:
    """How reliable the score is, in words. None: the snapshot does not have the evidence."""
    scores, source = profile.get("scores") or {}, source_of(profile)
    by_source = source and metric == "ai_score"
    evidence = scores.get("ai_score_by_source", {}).get(source) if by_source else scores.get(metric)
    if evidence is None:
        return None
    papers = profile.get("papers_total", 0)
    said, why = (_of_novelty if metric == "novelty" else _of_ai_score)(evidence, papers)
    return f"{said}; provisional: {why}." if evidence["provisional"] else f"{said}."


def _of_novelty(evidence: Entry, papers: int) -> tuple[str, str]:
    """(what the novelty rests on, why it would be provisional)."""
    scored = evidence["scored"]
    said = f"{number(scored)} of {plural(papers, 'paper')} scored"
    if evidence["standard_error"] is not None:
        said += f", ± {floor(100 * evidence['standard_error'] + 0.5)} points"
    if scored < 5:
        return said, "fewer than 5 papers scored"
    return said, f"{plural(evidence['provisional_papers'], 'paper')} among them provisional"


def _of_ai_score(evidence: Entry, papers: int) -> tuple[str, str]:
    """(what the AI score rests on, why it would be provisional)."""
    ranked = evidence["ranked"]
    said = f"{number(ranked)} of {plural(papers, 'paper')} ranked"
    if evidence["immature"]:
        said += f", {number(evidence['immature'])} in young cohorts"
    if ranked < 3:
        return said, "fewer than 3 papers ranked"
    if 100 * ranked < 80 * papers:
        return said, "too many papers without a rank"
    return said, "most of them in young or pooled cohorts"


def source_of(profile: Entry) -> str | None:
    """The source of the citation counts behind the headline. None: they are counted from references."""
    kind, _, source = (profile.get("headline") or {}).get("basis", "").partition(":")
    return source if kind == "counted" else None


def scores_panel(profile: Entry) -> Html:
    """Both scores, with their meaning and how reliable they are."""
    headline = profile.get("headline") or {}
    lines = [
        tag(
            "li",
            tag("strong", title),
            ": ",
            explained(metric, headline.get(metric), source_of(profile)),
            " ",
            firmness(profile, metric),
        )
        for title, metric in (("Novelty", "novelty"), ("AI score", "ai_score"))
    ]
    more = tag("p", tag("a", "How both are computed, and what they cannot say", href=ADDRESS))
    return tag(
        "section",
        tag("h2", "Novelty and AI score"),
        tag("ul", lines),
        more,
        class_="panel scores",
        data_live="scores",
        data_quiet=True,
    )


def novelty_of(paper: Entry) -> Html | None:
    """A paper's novelty, or why it has none."""
    evidence = (paper.get("standing") or {}).get("novelty")
    value = paper.get("novelty")
    if evidence is None and value is None:
        return None
    why = "; ".join(REASONS.get(code, code.replace("_", " ")) for code in (evidence or {}).get("reasons", ()))
    if value is None:
        return tag("span", "no novelty", class_="unit", title=f"No novelty: {why}." if why else None)
    share = rounded("novelty", value)
    title = f"More new word combinations than {share} of {cohort_in_words(evidence)}."
    mark = tag("span", "provisional", class_="unit", title=f"Provisional: {why}.") if why else None
    return join(tag("span", f"novelty {share}", title=title), mark and " ", mark)


def cohort_in_words(
    evidence: Entry | None, named: Callable[[str], str] = str, pooled: str = "all fields"
) -> str:
    """The cohort in words. "novelty/2016/en/full/cs.LG" becomes "2,214 papers like it (2016, cs.LG)".

    named: a category in words; pooled: those of a cohort of all categories.
    """
    if not evidence or not evidence.get("cohort"):
        return "papers like it"
    _, year, _, _, *category = evidence["cohort"].split("/", 4)
    field = isolated(named(category[0])) if category else pooled
    return f"{plural(evidence['cohort_size'] or 0, 'paper')} like it ({year}, {field})"


def about_page() -> str:
    """The two scores explained."""
    content = [
        tag("h1", "Novelty and AI score"),
        tag(
            "p",
            "Both are computed from the log alone, without a network, a model or a clock. Both are "
            "percentiles among similar papers.",
        ),
        tag("h2", "Novelty"),
        tag("p", explained("novelty", None)),
        tag(
            "p",
            "A paper's word pairs are compared with all papers of earlier months. The share of pairs that "
            "are new is ranked among papers of the same field, year, language and length of text. An "
            "author's novelty is the mean of the scored papers.",
        ),
        tag("h2", "AI score"),
        tag("p", explained("ai_score", None)),
        tag(
            "p",
            "Each paper's citations without self-citations are ranked among the papers of the same field and "
            "year, as P from 0 to 1. The score is 100 · Σ 0.2 · 0.8^(i−1) · P³ over the author's papers, "
            "best first. One paper is worth at most 20, five at most 67.2.",
        ),
        tag("h2", "What they cannot say"),
        [
            join(tag("h3", name), tag("ul", [tag("li", said) for said in weaknesses]))
            for name, weaknesses in WEAKNESSES.items()
        ],
        tag(
            "p",
            "docs/scores.md of the source code has the whole definition and the measurements behind these "
            "sentences.",
            class_="muted",
        ),
    ]
    return page("Novelty and AI score", tag("article", content, class_="panel"))
