"""What a metric is called and means, and what is wrong with a reported one: the words of shared.metrics, for the page."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.viewer.pages.isolation import isolated
from services.viewer.pages.words import basis_of, measure, plural
from shared.metrics import definitions, violations

BESIDE_OTHERS = {"novelty": "Novelty"}  # as it stands next to "AI score"
COUNTS = {
    "papers": "paper",
    "citations": "citation",
    "citations_nonself": "citation without self-citations",
    "papers_counted": "paper counted",
}
SERIES = ("papers_by_year", "citations_by_year")
FIRST_RELEASE = "2026.1"
VOWELS = ("a", "e", "h-", "i", "o", "u")  # an h-index


class Finding(NamedTuple):
    """A check of a reported number that failed. impossible: it cannot be; else it is too low, or not all. sentence: why."""

    metric: str
    impossible: bool
    sentence: str

    @property
    def mark(self) -> str:
        if self.impossible:
            return "impossible"
        return "incomplete" if self.metric in SERIES else "too few" if self.metric in COUNTS else "too low"


def name_of(metric: str) -> str:
    known = definitions.BY_NAME.get(metric)
    return BESIDE_OTHERS.get(metric) or (known.title if known else metric.replace("_", " "))


def definition_of(metric: str) -> str | None:
    return definitions.definition_of(metric)


def told_at_once(metric: str) -> bool:
    """Whether the definition stands beside the number: those of the first release."""
    return metric not in definitions.BY_NAME or definitions.BY_NAME[metric].since == FIRST_RELEASE


def why_missing(metric: str, values: Mapping[str, Any], basis: str) -> str | None:
    """Why a basis has no such number, None where it has one."""
    known = definitions.BY_NAME.get(metric)
    if known is None or values.get(metric) is not None:
        return None
    return (
        f"No number {known.null}."
        if metric in values and known.null
        else f"{basis_of(basis).capitalize()}: not told there."
    )


def findings(reported: Mapping[str, Any], computed: Mapping[str, Any]) -> list[Finding]:
    """What the codes of a reported entry say. A code of a later release is about the metric that it begins with."""
    found = []
    for code in reported.get("violations") or ():
        known = violations.BY_CODE.get(code)
        metric = (
            known.needs[0] if known else max((m for m in reported if code.startswith(m)), key=len, default="")
        )
        found.append(
            Finding(metric, known is None or known.impossible, violations.explain(code, reported, computed))
        )
    return found


def question(finding: Finding, value: float | Mapping[str, int], source: str | None) -> str:
    """ "Why an h-index of 102 is impossible", "Why 3 papers, reported by SOURCE, are too few"; of a series: "Why papers by year, 14 in
    2019–2026, are incomplete"."""
    name = (
        definitions.BY_NAME[finding.metric].title
        if finding.metric in definitions.BY_NAME
        else finding.metric.replace("_", " ")
    )
    if isinstance(value, Mapping):
        what, verb = f"{name}, {measure(finding.metric, value)}{',' if source is None else ''}", "are"
    elif finding.metric in COUNTS:
        what, verb = plural(value, COUNTS[finding.metric], name), "is" if value == 1 else "are"
    else:
        what, verb = (
            f"{'an' if name.lower().startswith(VOWELS) else 'a'} {name} of {measure(finding.metric, value)}",
            "is",
        )
    return f"Why {what}{f', reported by {isolated(source)},' if source else ''} {verb} {finding.mark}"
