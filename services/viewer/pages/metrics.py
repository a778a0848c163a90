"""Names and meanings of metrics, and failed checks of reported numbers, in the words of shared.metrics."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.viewer.pages.isolation import isolated
from services.viewer.pages.words import basis_of, measure, plural
from shared.metrics import definitions, violations

HEADLINE = ("h_index", "papers", "citations", "novelty", "ai_score")  # in the order of the page
BESIDE_OTHERS = {"novelty": "Novelty"}  # with a capital, as "AI score" has one
COUNTS = {
    "papers": "paper",
    "citations": "citation",
    "citations_nonself": "citation without self-citations",
    "papers_counted": "paper counted",
}
SERIES = ("papers_by_year", "citations_by_year")
FIRST_RELEASE = "2026.1"
VOWELS = ("a", "e", "h-", "i", "o", "u")  # "an h-index"


class Finding(NamedTuple):
    """A failed check of a reported number.

    impossible: False for a number that is only too low; sentence: why.
    """

    metric: str
    impossible: bool
    sentence: str

    @property
    def mark(self) -> str:
        """The finding in one or two words."""
        if self.impossible:
            return "impossible"
        return "incomplete" if self.metric in SERIES else "too few" if self.metric in COUNTS else "too low"


def name_of(metric: str) -> str:
    """The name of a metric on the page."""
    known = definitions.BY_NAME.get(metric)
    return BESIDE_OTHERS.get(metric) or (known.title if known else metric.replace("_", " "))


def definition_of(metric: str) -> str | None:
    """The one-line definition. None: the metric is unknown."""
    return definitions.definition_of(metric)


def has_open_definition(metric: str) -> bool:
    """Whether the definition stands open beside the number, as for the metrics of the first release."""
    return metric not in definitions.BY_NAME or definitions.BY_NAME[metric].since == FIRST_RELEASE


def why_missing(metric: str, values: Mapping[str, Any], basis: str) -> str | None:
    """Why a basis does not have this number. None: it has one."""
    known = definitions.BY_NAME.get(metric)
    if known is None or values.get(metric) is not None:
        return None
    return (
        f"No number {known.null}."
        if metric in values and known.null
        else f"{basis_of(basis).capitalize()}: there is no such number."
    )


def findings(reported: Mapping[str, Any], computed: Mapping[str, Any]) -> list[Finding]:
    """The failed checks of a reported entry.

    A code of a later release is about the metric that it begins with.
    """
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
    """The heading above the reasons, for example "Why an h-index of 102 is impossible".

    With a source: "Why 3 papers, reported by SOURCE, are too few". A series: "Why papers by year, 14 in
    2019–2026, are incomplete".
    """
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
