"""Explanations from a snapshot alone. Pure.

A snapshot lists the most cited papers with some of their facts. It does not have everything that a number
rests on. So a derivation is given only where the listed papers make exactly the number in the snapshot.
Everywhere else the explanation says what is missing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.metrics.fixed import MILLION
from shared.metrics.metric import COUNTED, NULL, REFERENCES
from shared.metrics.percentile import NO_VALUE
from shared.metrics.reasons import EXPLAINERS
from shared.metrics.reasons.reason import Derivation, Evidence, PaperFacts

SERIES = ("papers_by_year", "citations_by_year")  # a snapshot has them beside the numbers of the bases
LACKING = {
    "citations_nonself": "which citations are self-citations",
    "h_index_nonself": "which citations are self-citations",
    "citations_self": "which citations are by papers of the author",
    "citations_recent": "which paper was cited when",
    "h_index_recent": "which paper was cited when",
    "mean_citedness_2y": "which paper was cited when",
    "tori": "how many references the citing papers have",
    "riq": "how many references the citing papers have",
    "papers_first": "the position of the author in the byline",
    "papers_last": "the position of the author in the byline",
    "coauthors": "all authors of each paper",
}
# Metrics that the most cited papers decide, however many papers follow.
CORES = (
    "h_index",
    "g_index",
    "g_index_uncapped",
    "i10_index",
    "i100_index",
    "e_index",
    "hm_index",
    "m_index",
    "h5_index",
)
STEPS = (
    "h_index",
    "g_index",
    "g_index_uncapped",
    "i10_index",
    "i100_index",
)  # metrics with a next step that needs no more papers than the value
AI_SCORE_ROUNDING = (
    3e-4  # error of an AI score from percentiles rounded to six decimals and a score rounded to four
)


class Explanation(NamedTuple):
    """value: the number in the snapshot; reason: its derivation, or None; lacking: what is missing for one,
    in words.
    """

    metric: str
    basis: str
    value: Any
    reason: Derivation | None
    lacking: str | None


def facts_of_paper(paper: Mapping[str, Any], source: str | None, **facts: Any) -> PaperFacts:
    """The facts of a paper in a snapshot.

    source: of the citation counts; None: they are counted from references. facts: further fields of
    PaperFacts.
    """
    own: dict[str, Any] = {"citations": paper["citations"]}
    standing = paper.get("standing") or {}
    cited = standing.get("citations")
    if source is not None:
        counted, cited = paper.get("citations_by_source", {}), paper.get("standing_by_source", {}).get(source)
        own = {"citations": counted.get(source, 0), "counted": source in counted}
    if cited is not None:
        percentile = NO_VALUE if cited["percentile"] is None else cited["percentile"]
        own |= {"percentile": percentile, "is_immature": cited["immature"], "is_pooled": cited["pooled"]}
    if standing:
        own["reasons"] = standing["novelty"]["reasons"]
    return PaperFacts(paper["paper_id"], paper["title"], paper["published"], **(own | facts))


def bases_of(profile: Mapping[str, Any], metric: str) -> list[str]:
    """The bases on which the snapshot has the number."""
    if metric in SERIES:
        return [REFERENCES]
    return [basis for basis, numbers in profile["metrics"].items() if metric in numbers]


def explain(profile: Mapping[str, Any], metric: str, basis: str = REFERENCES) -> Explanation:
    """The explanation of a number in a snapshot.

    metric: a name of the registry; basis: one of `bases_of`. Error: KeyError for another metric or basis.
    """
    value = profile[metric] if metric in SERIES else profile["metrics"][basis][metric]
    reason, lacking = _reason(profile, metric, basis, value)
    return Explanation(metric, basis, value, reason, lacking)


def _reason(
    profile: Mapping[str, Any], metric: str, basis: str, value: Any
) -> tuple[Derivation | None, str | None]:
    if metric in LACKING:
        return None, f"A snapshot does not have {LACKING[metric]}."
    listed = len(profile["papers"])
    is_cut = profile["papers_total"] > listed
    if is_cut and (metric not in CORES or basis != REFERENCES):
        return None, _cut(profile, metric, basis, value)
    reason = EXPLAINERS[metric](_evidence(profile, basis))
    if is_cut and profile["metrics"][basis]["h_index"] >= listed:
        return None, _cut(profile, metric, basis, value)
    if not _same(metric, reason.value, value):
        lacking = f"The listed papers make {_shown(reason.value)}, not {_shown(value)}."
        return None, _cut(profile, metric, basis, value) if is_cut else lacking
    if is_cut and not (metric in STEPS and reason.next is not None and reason.next <= listed):
        if (
            metric in STEPS and value > listed
        ):  # the derivation would replace unlisted papers by fictitious ones
            return None, _cut(profile, metric, basis, value)
        reason = reason._replace(next=None, needs=None, nearest=())
    return reason, None


def _evidence(profile: Mapping[str, Any], basis: str) -> Evidence:
    source = basis.removeprefix(f"{COUNTED}:") if basis != REFERENCES else None
    rows = [facts_of_paper(paper, source, **_facts(paper)) for paper in profile["papers"]]
    return Evidence(rows, profile["citations_by_year"], int(profile["as_of"][:4]) if profile["as_of"] else 0)


def _facts(paper: Mapping[str, Any]) -> dict[str, Any]:
    novelty = paper.get("novelty")
    return {
        "authors": max(1, paper.get("people", paper["authors_total"])),
        "novelty": NULL if novelty is None else round(novelty * MILLION),
    }


def _same(metric: str, made: Any, stated: Any) -> bool:
    if metric == "ai_score" and made is not None and stated is not None:
        return bool(abs(made - stated) <= AI_SCORE_ROUNDING)
    if metric in SERIES:
        return bool(made == {year: count for year, count in stated.items() if count})
    return bool(made == stated)


def _cut(profile: Mapping[str, Any], metric: str, basis: str, value: Any) -> str:
    papers, total = profile["papers"], profile["papers_total"]
    text = (
        f"It takes more than the {len(papers):,} most cited of {total:,} papers, and a snapshot lists no "
        "others."
    )
    if metric == "citations" and basis == REFERENCES:
        text += f" These have {sum(paper['citations'] for paper in papers):,} of the {value:,} citations."
    return text


def _shown(value: Any) -> str:
    return "no number" if value is None else "another series" if isinstance(value, Mapping) else f"{value:,}"
