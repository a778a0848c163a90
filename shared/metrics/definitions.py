"""What each number means: the registry behind docs/metrics.md, the page and `provenance.definitions` of snapshots."""

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
)  # fmt: skip
from shared.metrics.fixed import MILLION
from shared.metrics.flags import FLAGS
from shared.metrics.metric import NULL, Aggregates, Metric
from shared.metrics.violations import VIOLATIONS

VERSION = "2026.3"  # of the definitions: changes whenever a number may come out differently for the same log

# The order is that of the columns of exports and of the page; those of the first release stand first.
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
    """The numbers of a basis ("references" or "counted"), in order."""
    return tuple(metric.name for metric in COMPUTED[basis])


def values(basis: str, aggregates: Aggregates) -> dict[str, np.ndarray]:
    """The numbers of some authors by name: int64, -1 where there is none, in millionths where the metric has decimals."""
    return {metric.name: metric.values(aggregates).astype(np.int64, copy=False) for metric in COMPUTED[basis]}


def published(basis: str, stored: np.ndarray) -> list[tuple[int | float | None, ...]]:
    """As people and JSON have them. stored: (authors, numbers of the basis) as `values` gives them."""
    columns = []
    for metric, column in zip(COMPUTED[basis], stored.T, strict=True):
        numbers = (column / MILLION).tolist() if metric.digits else column.tolist()
        if metric.null:
            numbers = [None if number < 0 else number for number in numbers]
        columns.append(numbers)
    return list(zip(*columns, strict=True))


def stored(basis: str, told: Mapping[str, int | float | None]) -> list[int]:
    """The other way round, of one author; numbers that an older version of the definitions did not have are none."""
    found = [(told.get(metric.name), metric.digits) for metric in COMPUTED[basis]]
    return [NULL if value is None else round(value * MILLION) if digits else value for value, digits in found]


def changed() -> bool:
    """Whether the newest version of the definitions changed what an older number means."""
    return any(metric.changed == VERSION for metric in METRICS)


RULES = (
    "A paper counts while its newest revision is published; a withdrawn paper counts for nobody, and neither do its references.",
    "An author of a paper is known by `author_id`, or else by the key of the name (docs/contracts.md). The same author twice on a "
    "paper counts once.",
    "A citation is a pair of papers that both count, the one in the references of the other. The same reference twice counts once; a "
    "reference of a paper to itself never counts; a reference to a paper that is not there counts as soon as the paper comes.",
    "A self-citation is a citation where both papers have an author in common, whoever that is.",
)

BASES = (
    ("references", "Citations counted from the references of the papers in the log."),
    (
        "counted:SOURCE",
        "The same papers, with the citations that SOURCE counts for each (`paper.counted`; the newest `as_of` stands, of equal ones the "
        "later in the log); 0 where it counts none. There are no figures without self-citations.",
    ),
    (
        "reported",
        "What a source says of the author as a whole (`author.reported`). Never mixed with ours; each figure is checked, see below.",
    ),
)


def definition_of(name: str) -> str | None:
    """The one-line definition of a metric, None for an unknown name."""
    metric = BY_NAME.get(name)
    return metric and metric.definition


def markdown() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        f"Definitions {VERSION}. Generated from `shared/metrics`; change it there and run `scholarstream schema --write`.",
        "",
        "## What counts",
        "",
        *(f"* {rule}" for rule in RULES),
        "",
        "## Bases",
        "",
        *(f"* `{name}`: {meaning}" for name, meaning in BASES),
        "",
        "## Numbers",
        "",
        "*n*: the author's papers; *c₁ ≥ c₂ ≥ … ≥ cₙ*: their citations, most cited first; an empty maximum is 0.",
        "",
        "The day is that of the newest `clock.ticked`; *Y* is its calendar year, *y₁* the year of the first dated paper, *aᵢ* the "
        "number of authors of paper i: distinct people, so authors who are merged count once (`people` of a paper in a snapshot, where "
        "they are fewer than those listed). Numbers with decimals are rounded to six. null: there is no such number.",
        "",
        "| name | definition | formula | source | unit | range | null | bases | of the day | since |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *map(_row, METRICS),
        "",
        "## Flags",
        "",
        "The codes in `flags`, in this order.",
        "",
        "| code | set when | says |",
        "|---|---|---|",
        *(f"| `{flag.code}` | {flag.meaning} | {flag.words} |" for flag in FLAGS),
        "",
        "## Checks of reported numbers",
        "",
        "The codes in `reported[].violations`, in this order. A check is made only where all its numbers are there.",
        "",
        "| code | says | kind |",
        "|---|---|---|",
        *(
            f"| `{v.code}` | {v.meaning} | {'impossible' if v.impossible else 'incomplete'} |"
            for v in VIOLATIONS
        ),
        "",
        "Impossible: no author has these figures together, or they contradict the log. Incomplete: the source tells or knows less than "
        "there is; its figure is too low.",
        "",
        "Series by year: a sum above the total cannot be. One below it is no contradiction: OpenAlex tells the last ten years only, Google "
        "Scholar the citations of some years, and what has no date is of no year. So it is told as what it is, an incomplete series.",
    ]
    return "\n".join(lines) + "\n"


def _row(m: Metric) -> str:
    told = (m.definition, _cell(m.formula), m.source, m.unit, m.span, m.null or "never", ", ".join(m.bases))
    return " | ".join([f"| `{m.name}`", *told, "yes" if m.dated else "no", f"{m.since} |"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
