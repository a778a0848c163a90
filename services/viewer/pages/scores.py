"""Novelty and AI score in words: what they say, how firmly, and what they cannot say. docs/scores.md defines them."""

from collections.abc import Mapping
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
    "unscored": "nobody has read its text yet",
    "undated": "it has no date",
    "small_cohort": "there are fewer than 30 papers like it to compare it with",
    "pooled_cohort": "compared with papers of all fields, for want of 30 of its own",
    "burn_in": "few earlier papers are known here, so much looks new",
    "short_text": "its text is short: the title, or little more",
}
WEAKNESSES = {
    "Novelty": (
        "It does not predict quality: it tells neither award papers from others, nor papers that will be cited.",
        "It measures wording. New names and odd phrases score; an old idea in new words scores; a new combination of old phrases does not.",
        "One paper's value is noisy; the mean of five papers has a reliability of 0.46, of ten 0.63.",
        "It says nothing about whether a year was inventive: papers are compared with those of their own year.",
        "A foreign-language text of fewer than 30 words without a language label counts as English and looks novel.",
    ),
    "AI score": (
        "Percentiles are relative: about half of all authors slip slightly over two years as others are cited.",
        "In young fields and years most papers are not cited, so they cannot be told apart.",
        "Citation rings without shared authors, and results cut into many papers, are not detected; honorary authorship pays in full.",
        "Only citations inside this log count: the coverage of references must be read with it.",
        "It grows with a career: five strong papers cannot exceed 67. It is a portfolio score, not an average.",
    ),
}

Entry = Mapping[str, Any]


def told(metric: str, value: float) -> str:
    """As the headline shows it: novelty in whole percent, the AI score as a whole number."""
    return f"{floor(100 * value + 0.5)}%" if metric == "novelty" else number(floor(value + 0.5))


def explained(metric: str, value: float | None, source: str | None = None) -> str:
    """What the number says, in one line. source: who counts the citations, None: they are counted from references."""
    if metric == "novelty":
        share = "so many" if value is None else told(metric, value)
        return f"The author's papers use more new word combinations than {share} of papers of the same field and year, on average."
    citations = (
        f"counted by {isolated(source)}, self-citations among them"
        if source
        else "citations sharing an author with the paper don't count"
    )
    return f"Rank-weighted citation percentiles of the author's papers, 0–100; {citations}. No model is involved: “AI” is only the label."


def firmness(profile: Entry, metric: str) -> str | None:
    """How firm a score of the author is, in words; None where the snapshot does not tell."""
    scores, source = profile.get("scores") or {}, source_of(profile)
    grounds = (
        scores.get("ai_score_by_source", {}).get(source)
        if source and metric == "ai_score"
        else scores.get(metric)
    )
    if grounds is None:
        return None
    papers = profile.get("papers_total", 0)
    if metric == "novelty":
        scored, doubtful = grounds["scored"], grounds["provisional_papers"]
        said = f"{number(scored)} of {plural(papers, 'paper')} scored"
        if grounds["standard_error"] is not None:
            said += f", ± {floor(100 * grounds['standard_error'] + 0.5)} points"
        why = (
            "fewer than 5 papers scored"
            if scored < 5
            else f"{plural(doubtful, 'paper')} of these provisional"
        )
    else:
        ranked = grounds["ranked"]
        said = f"{number(ranked)} of {plural(papers, 'paper')} ranked"
        if grounds["immature"]:
            said += f", {number(grounds['immature'])} in young cohorts"
        why = (
            "fewer than 3 papers ranked"
            if ranked < 3
            else "too many papers without a rank"
            if 100 * ranked < 80 * papers
            else "most of them in young or pooled cohorts"
        )
    return f"{said}; provisional: {why}." if grounds["provisional"] else f"{said}."


def source_of(profile: Entry) -> str | None:
    """Who counts the citations behind the headline; None: references."""
    kind, _, source = (profile.get("headline") or {}).get("basis", "").partition(":")
    return source if kind == "counted" else None


def scores_panel(profile: Entry) -> Html:
    """Both scores: what they say and how firmly."""
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
    standing = (paper.get("standing") or {}).get("novelty")
    value = paper.get("novelty")
    if standing is None and value is None:
        return None
    why = "; ".join(REASONS.get(code, code.replace("_", " ")) for code in (standing or {}).get("reasons", ()))
    if value is None:
        return tag("span", "no novelty", class_="unit", title=f"No novelty: {why}." if why else None)
    title = f"More new word combinations than {told('novelty', value)} of {_cohort(standing)}."
    mark = tag("span", "provisional", class_="unit", title=f"Provisional: {why}.") if why else None
    return join(tag("span", f"novelty {told('novelty', value)}", title=title), mark and " ", mark)


def _cohort(standing: Entry | None) -> str:
    """ "novelty/2016/en/full/cs.LG" → "2,214 papers like it (2016, cs.LG)"."""
    if not standing or not standing.get("cohort"):
        return "papers like it"
    _, year, _, _, *category = standing["cohort"].split("/", 4)
    return f"{plural(standing['cohort_size'], 'paper')} like it ({year}, {isolated(category[0]) if category else 'all fields'})"


def about_page() -> str:
    """The two scores explained."""
    content = [
        tag("h1", "Novelty and AI score"),
        tag(
            "p",
            "Both are computed from the log alone: no network, no model, no clock. Both are percentiles among like papers.",
        ),
        tag("h2", "Novelty"),
        tag("p", explained("novelty", None)),
        tag(
            "p",
            "A paper's word pairs are compared with all papers of earlier months; the share of pairs that nobody used before is ranked "
            "among papers of the same field, year, language and length of text. An author has the mean of the scored papers.",
        ),
        tag("h2", "AI score"),
        tag("p", explained("ai_score", None)),
        tag(
            "p",
            "Each paper's citations by others are ranked among the papers of the same field and year, as P from 0 to 1. The score is "
            "100 · Σ 0.2 · 0.8^(i−1) · P³ over the author's papers, best first. One paper is worth at most 20, five at most 67.2.",
        ),
        tag("h2", "What they cannot say"),
        [
            join(tag("h3", name), tag("ul", [tag("li", said) for said in weaknesses]))
            for name, weaknesses in WEAKNESSES.items()
        ],
        tag(
            "p",
            "The whole definition, with the measurements behind these sentences, is docs/scores.md of the source code.",
            class_="muted",
        ),
    ]
    return page("Novelty and AI score", tag("article", content, class_="panel"))
