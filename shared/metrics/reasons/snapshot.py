"""Explanations from a snapshot alone. Pure.

A snapshot lists the most cited papers with some of their facts, not everything that a number rests on. So an explanation stands only where
the listed papers make the very number that the snapshot states; everywhere else it says what is lacking.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.metrics.fixed import MILLION
from shared.metrics.metric import COUNTED, NULL, REFERENCES
from shared.metrics.percentile import NO_VALUE
from shared.metrics.reasons import EXPLAINERS
from shared.metrics.reasons.reason import Derivation, Evidence, PaperFacts

SERIES = ("papers_by_year", "citations_by_year")  # beside the numbers of the bases, in a snapshot
LACKING = {
    "citations_nonself": "which citations are self-citations",
    "h_index_nonself": "which citations are self-citations",
    "citations_self": "which citations are by papers of the author",
    "citations_recent": "which paper was cited when",
    "h_index_recent": "which paper was cited when",
    "mean_citedness_2y": "which paper was cited when",
    "tori": "how many references the citing papers have",
    "riq": "how many references the citing papers have",
    "papers_first": "where in its list of authors the author stands",
    "papers_last": "where in its list of authors the author stands",
    "coauthors": "all authors of each paper",
}
# What the most cited papers make, however many there are behind them.
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
)  # whose next step needs no more papers than its value
PERCENTILES_TOLD = 3e-4  # of an AI score: as much may rounding all percentiles to six decimals, and the score to four, make out


class Explanation(NamedTuple):
    """value: as the snapshot states it; reason: how the listed papers make it, None where they cannot; lacking: then, why not, in words."""

    metric: str
    basis: str
    value: Any
    reason: Derivation | None
    lacking: str | None


def facts_of_paper(paper: Mapping[str, Any], source: str | None, **facts: Any) -> PaperFacts:
    """A paper of a snapshot. source: who counts its citations, None: they are counted from references;
    facts: of PaperFacts, from elsewhere."""
    said: dict[str, Any] = {"citations": paper["citations"]}
    standing = paper.get("standing") or {}
    cited = standing.get("citations")
    if source is not None:
        counted, cited = paper.get("citations_by_source", {}), paper.get("standing_by_source", {}).get(source)
        said = {"citations": counted.get(source, 0), "counted": source in counted}
    if cited is not None:
        percentile = NO_VALUE if cited["percentile"] is None else cited["percentile"]
        said |= {"percentile": percentile, "is_immature": cited["immature"], "is_pooled": cited["pooled"]}
    if standing:
        said["reasons"] = standing["novelty"]["reasons"]
    return PaperFacts(paper["paper_id"], paper["title"], paper["published"], **(said | facts))


def bases_of(profile: Mapping[str, Any], metric: str) -> list[str]:
    """The bases on which a snapshot has the number."""
    if metric in SERIES:
        return [REFERENCES]
    return [basis for basis, numbers in profile["metrics"].items() if metric in numbers]


def explain(profile: Mapping[str, Any], metric: str, basis: str = REFERENCES) -> Explanation:
    """profile: a snapshot; metric: a name of the registry; basis: one of bases_of. Error: KeyError for others."""
    value = profile[metric] if metric in SERIES else profile["metrics"][basis][metric]
    reason, lacking = _reason(profile, metric, basis, value)
    return Explanation(metric, basis, value, reason, lacking)


def _reason(
    profile: Mapping[str, Any], metric: str, basis: str, value: Any
) -> tuple[Derivation | None, str | None]:
    if metric in LACKING:
        return None, f"A snapshot does not tell {LACKING[metric]}."
    papers, total = profile["papers"], profile["papers_total"]
    is_cut = total > len(papers)
    if is_cut and (metric not in CORES or basis != REFERENCES):
        return None, _cut(profile, metric, basis, value)
    reason = EXPLAINERS[metric](_evidence(profile, basis))
    if is_cut and profile["metrics"][basis]["h_index"] >= len(papers):
        return None, _cut(profile, metric, basis, value)
    if not _same(metric, reason.value, value):
        return None, _cut(
            profile, metric, basis, value
        ) if is_cut else f"The listed papers make {_told(reason.value)}, not {_told(value)}."
    if is_cut and not (metric in STEPS and reason.next is not None and reason.next <= len(papers)):
        if metric in STEPS and value > len(
            papers
        ):  # papers thought up stand for real ones that are not listed
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
        return abs(made - stated) <= PERCENTILES_TOLD
    if metric in SERIES:
        return made == {year: count for year, count in stated.items() if count}
    return made == stated


def _cut(profile: Mapping[str, Any], metric: str, basis: str, value: Any) -> str:
    papers, total = profile["papers"], profile["papers_total"]
    said = f"It takes more than the {len(papers):,} most cited of {total:,} papers, and a snapshot lists no others."
    if metric == "citations" and basis == REFERENCES:
        said += f" These have {sum(paper['citations'] for paper in papers):,} of the {value:,} citations."
    return said


def _told(value: Any) -> str:
    return "no number" if value is None else "another series" if isinstance(value, Mapping) else f"{value:,}"
