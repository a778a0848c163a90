"""The registry of metrics, behind docs/metrics.md, the page and `provenance.definitions` of snapshots."""

from collections.abc import Mapping

import numpy as np

from shared.metrics import (
    citedness,
    coauthors,
    e_index,
    egghe,
    hirsch,
    hm_index,
    i_index,
    m_index,
    positions,
    recent,
    scores,
    self_citations,
    series,
    shares,
    tori,
    totals,
)
from shared.metrics.fixed import MILLION
from shared.metrics.flags import FLAGS
from shared.metrics.metric import NULL, Aggregates, Metric
from shared.metrics.violations import VIOLATIONS

VERSION = "2026.3"  # of the definitions: it changes when a number may differ for the same log

# The order of columns in exports and of lines on the page. Metrics of the first release come first.
METRICS = (
    totals.PAPERS,
    totals.CITATIONS,
    hirsch.H_INDEX,
    egghe.G_INDEX,
    egghe.G_INDEX_UNCAPPED,
    i_index.I10_INDEX,
    i_index.I100_INDEX,
    self_citations.CITATIONS_NONSELF,
    self_citations.H_INDEX_NONSELF,
    self_citations.CITATIONS_SELF,
    totals.PAPERS_COUNTED,
    e_index.E_INDEX,
    hm_index.HM_INDEX,
    m_index.M_INDEX,
    recent.H5_INDEX,
    recent.CITATIONS_RECENT,
    recent.H_INDEX_RECENT,
    citedness.MEAN_CITEDNESS_2Y,
    tori.TORI,
    tori.RIQ,
    shares.PAPERS_NORMALIZED,
    shares.CITATIONS_NORMALIZED,
    positions.PAPERS_FIRST,
    positions.PAPERS_LAST,
    positions.PAPERS_SINGLE,
    coauthors.COAUTHORS,
    series.PAPERS_BY_YEAR,
    series.CITATIONS_BY_YEAR,
    scores.NOVELTY,
    scores.AI_SCORE,
)
BY_NAME = {metric.name: metric for metric in METRICS}
COMPUTED = {
    basis: tuple(m for m in METRICS if m.values and basis in m.bases) for basis in ("references", "counted")
}


def names(basis: str) -> tuple[str, ...]:
    """The names of the numbers on a basis ("references" or "counted"), in order."""
    return tuple(metric.name for metric in COMPUTED[basis])


def values(basis: str, aggregates: Aggregates) -> dict[str, np.ndarray]:
    """The numbers of some authors, name → int64 column: NULL for none, in millionths if the metric has
    decimals.
    """
    return {
        metric.name: metric.values(aggregates).astype(np.int64, copy=False)
        for metric in COMPUTED[basis]
        if metric.values
    }


def published(basis: str, stored: np.ndarray) -> list[tuple[int | float | None, ...]]:
    """The numbers as JSON has them: one tuple for each author.

    stored: an array (authors × numbers of the basis) with values as `values` returns them.
    """
    columns = []
    for metric, column in zip(COMPUTED[basis], stored.T, strict=True):
        numbers = (column / MILLION).tolist() if metric.digits else column.tolist()
        if metric.null:
            numbers = [None if number < 0 else number for number in numbers]
        columns.append(numbers)
    return list(zip(*columns, strict=True))


def stored(basis: str, numbers: Mapping[str, int | float | None]) -> list[int]:
    """The inverse of `published` for one author. A number that an older version did not have becomes NULL."""
    found = [(numbers.get(metric.name), metric.digits) for metric in COMPUTED[basis]]
    return [
        NULL if value is None else round(value * MILLION) if digits else int(value) for value, digits in found
    ]


def changed() -> bool:
    """Whether the newest version of the definitions changed the meaning of an older number."""
    return any(metric.changed == VERSION for metric in METRICS)


RULES = (
    "A paper counts while its newest revision is published. A withdrawn paper does not count, and its "
    "references do not.",
    "An author of a paper is identified by `author_id`, or else by the key of the name (docs/contracts.md). "
    "The same author twice on a paper counts once.",
    "A citation is a pair of papers that both count, where one references the other. The same reference "
    "twice counts once. A reference of a paper to itself never counts. A reference to a paper that is not in "
    "the log counts as soon as the paper arrives.",
    "The references of a paper are those of its record, and those that sources tell beside it "
    "(`paper.cites`), each once.",
    "A record of a `kind` that does not count (setting `kinds`) is as if it were removed, and its text is "
    "not read.",
    "A retracted paper does not count, unless the setting `retracted` is `count`.",
    "A self-citation is a citation between two papers that have an author in common.",
)

BASES = (
    ("references", "Citations counted from the references of the papers in the log."),
    (
        "counted:SOURCE",
        "The same papers, with the citations that SOURCE counts for each one (`paper.counted`), or 0. The "
        "newest `as_of` "
        "counts, of equal ones the later in the log. There are no numbers without self-citations.",
    ),
    (
        "reported",
        "What a source reports about the author as a whole (`author.reported`). These numbers are checked, "
        "see below, and never mixed with computed ones.",
    ),
)


def definition_of(name: str) -> str | None:
    """The one-line definition of a metric. None: the name is unknown."""
    metric = BY_NAME.get(name)
    return metric and metric.definition


HEAD = f"""# Metrics

Definitions {VERSION}. Generated from `shared/metrics`; change it there and run `scholarstream schema
--write`.

## What counts
"""
NOTATION = """
## Numbers

*n*: the author's papers; *c₁ ≥ c₂ ≥ … ≥ cₙ*: their citations, most cited first; an empty maximum is 0.

The day is that of the newest `clock.ticked`, and *Y* is its calendar year. *y₁* is the year of the first
dated paper. *aᵢ* is the number of authors of paper i. Merged authors count once (`people` of a paper in a
snapshot, where they are fewer than those listed). Numbers with decimals are rounded to six. null: there is no
such number.

| name | definition | formula | source | unit | range | null | bases | of the day | since |
|---|---|---|---|---|---|---|---|---|---|"""
FLAGS_HEAD = """
## Flags

The codes in `flags`, in this order.

| code | set when | meaning |
|---|---|---|"""
CHECKS_HEAD = """
## Checks of reported numbers

The codes in `reported[].violations`, in this order. A check is made only if all its numbers are there.

| code | meaning | kind |
|---|---|---|"""
CHECKS_FOOT = """
Impossible: no author can have these numbers together, or they contradict the log. Incomplete: the source
reports or knows less than there is, so its number is too low.

Series by year: a sum above the total is impossible. A sum below it is not: OpenAlex reports only the last ten
years, Google Scholar the citations of some years, and undated papers are in no year. Such a series is
incomplete."""


def markdown() -> str:
    """The text of docs/metrics.md."""
    lines = [
        HEAD,
        *(f"* {rule}" for rule in RULES),
        "",
        "## Bases",
        "",
        *(f"* `{name}`: {meaning}" for name, meaning in BASES),
        NOTATION,
        *map(_metric_line, METRICS),
        FLAGS_HEAD,
        *(f"| `{flag.code}` | {flag.meaning} | {flag.words} |" for flag in FLAGS),
        CHECKS_HEAD,
        *(
            f"| `{check.code}` | {check.meaning} | {'impossible' if check.impossible else 'incomplete'} |"
            for check in VIOLATIONS
        ),
        CHECKS_FOOT,
    ]
    return "\n".join(lines) + "\n"


def _metric_line(m: Metric) -> str:
    cells = (m.definition, _cell(m.formula), m.source, m.unit, m.span, m.null or "never", ", ".join(m.bases))
    return " | ".join([f"| `{m.name}`", *cells, "yes" if m.dated else "no", f"{m.since} |"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
