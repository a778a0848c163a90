"""What each number means: the registry behind docs/metrics.md, the page and `provenance.definitions` of snapshots."""

from typing import NamedTuple

from shared.metrics.violations import VIOLATIONS

VERSION = "2026.1"  # of the definitions: changes whenever a number may come out differently for the same log


class Metric(NamedTuple):
    """One number of an author. formula: c₁ ≥ c₂ ≥ … are the citations of the author's n papers, most cited first."""

    name: str
    title: str
    definition: str
    formula: str
    source: str
    unit: str


_HIRSCH = "Hirsch, PNAS 102:16569, 2005"
_EGGHE = "Egghe, Scientometrics 69:131, 2006"

METRICS = (
    Metric("papers", "papers", "How many papers of the author count now.", "n", "papers.v1", "papers"),
    Metric("citations", "citations", "How often other papers cite the author's papers.", "Σ cᵢ", "references of the papers", "citations"),
    Metric("h_index", "h-index", "The largest h with h papers of at least h citations each.", "max {h : c_h ≥ h}", _HIRSCH, "papers"),
    Metric("g_index", "g-index", "The largest g, at most the number of papers, with g² citations in the g most cited papers together.",
           "max {g ≤ n : c₁ + … + c_g ≥ g²}", _EGGHE, "papers"),
    Metric("g_index_uncapped", "g-index, uncapped", "The g-index where g may exceed the papers there are: missing ones have no citations.",
           "max {g : c₁ + … + c_min(g, n) ≥ g²}", _EGGHE, "papers"),
    Metric("i10_index", "i10-index", "How many papers have at least 10 citations.", "|{i : cᵢ ≥ 10}|", "Google Scholar, 2011", "papers"),
    Metric("i100_index", "i100-index", "How many papers have at least 100 citations.", "|{i : cᵢ ≥ 100}|", "as the i10-index", "papers"),
    Metric("citations_nonself", "citations without self-citations", "Citations by papers that share no author with the cited paper.",
           "Σ sᵢ, where sᵢ ≤ cᵢ leaves self-citations out", "references of the papers", "citations"),
    Metric("h_index_nonself", "h-index without self-citations", "The h-index of the citations without self-citations.",
           "max {h : s_h ≥ h}, s ordered anew", _HIRSCH, "papers"),
    Metric("papers_counted", "papers counted", "Of the author's papers, how many the source gives a count for; only in `counted:SOURCE`.",
           "|{i : the source counts paper i}|", "paper.counted", "papers"),
    Metric("papers_by_year", "papers by year", "Papers by the year of publication; undated papers are in no year.",
           "|{i : year of i = y}|", "papers.v1", "papers a year"),
    Metric("citations_by_year", "citations by year", "Citations by the year of the citing paper; those by undated papers are in no year.",
           "|{citations : year of the citing paper = y}|", "references of the papers", "citations a year"),
    Metric("novelty", "novelty", "Not computed yet; shown as sources report it.", "", "", "0 to 1"),
    Metric("ai_score", "AI score", "Not computed yet; shown as sources report it.", "", "", "0 to 100"),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}

RULES = (
    "A paper counts while its newest revision is published; a withdrawn paper counts for nobody, and neither do its references.",
    "An author of a paper is known by `author_id`, or else by name: the key is `name:` and the name in Unicode NFKC, case folded, spaces "
    "collapsed. The same author twice on a paper counts once.",
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
        "| name | definition | formula | source | unit |",
        "|---|---|---|---|---|",
        *(f"| `{m.name}` | {m.definition} | {_cell(m.formula)} | {m.source} | {m.unit} |" for m in METRICS),
        "",
        "## Checks of reported numbers",
        "",
        "The codes in `reported[].violations`, in this order. A check is made only where all its numbers are there.",
        "",
        "| code | says | kind |",
        "|---|---|---|",
        *(f"| `{v.code}` | {v.meaning} | {'impossible' if v.impossible else 'incomplete'} |" for v in VIOLATIONS),
        "",
        "Impossible: the figures contradict each other, or the log. Incomplete: the source knows less than the log; its figure is too low.",
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
