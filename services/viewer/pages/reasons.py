"""Explanations of numbers in folds: one under each headline number, one in each line of all numbers.

Folds open without a script.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from services.viewer.explanations import command_of, explanation_if_any
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated, title_of
from services.viewer.pages.metrics import HEADLINE, has_open_definition, name_of
from services.viewer.pages.scores import REASONS, SCORES, rounded
from services.viewer.pages.words import basis_of, measure, number, plural
from services.viewer.urls import EXPLAIN, api_of
from shared.metrics.definitions import BY_NAME
from shared.metrics.metric import REFERENCES
from shared.metrics.reasons import Derivation
from shared.metrics.reasons.snapshot import Explanation

OF_THE_HEADLINE_BASIS = ("h_index", "citations", "ai_score")
ROWS, FEW, NEAREST = 20, 5, 5  # papers shown under the headline, in a line of all numbers, for the next step
WHOLE = ("h_index",)  # metrics with every paper shown under the headline
ELSEWHERE = ("papers",)  # metrics without a table: the page lists the papers anyway
ADD_UP = {
    "citations": "citations",
    "ai_score": "points",
    "e_index": "beyond",
}  # metric → column that adds up to it
MEANS = ("novelty",)  # metrics that are the mean of their column
WITH_RANK = ("hm_index",)  # metrics with a rank in short tables too, because it is not the number of the line
LEFT_OUT = ("share",)  # columns of rounded numbers that would not add up
BELOW = ("reasons", "cohort")  # columns of words, shown under the title
SPARE = ("weight",)  # columns that a narrow window hides
COHORTS = {
    "pooled": "compared with papers of all fields",
    "immature": "in a cohort that is too young to rank papers",
}
DIGITS = 2

Entry = Mapping[str, Any]


def shown(metric: str, value: Any) -> str:
    """A headline number as its tile shows it."""
    return rounded(metric, value) if metric in SCORES else measure(metric, value)


def whys(profile: Entry) -> Html:
    """The row of folds under the headline."""
    return tag(
        "div",
        [_why(profile, metric) for metric in HEADLINE],
        class_="whys",
        role="group",
        aria_label="Why these numbers",
    )


def _why(profile: Entry, metric: str) -> Html:
    headline = profile.get("headline") or {}
    value, basis = headline.get(metric), _basis_of(headline, metric)
    asked = "why none?" if value is None else f"why {shown(metric, value)}?"
    summary = tag(
        "summary",
        tag("span", f"{name_of(metric)}:", class_="of"),
        " ",
        tag("span", asked, data_live=f"why.{metric}", data_quiet=True),
    )
    found, key = explanation_if_any(profile, metric, basis), f"why.{metric}"
    other = _other(headline, metric, found)
    if other:
        said = join(tag("p", other, data_live=f"{key}.said", data_quiet=True), _empty(key))
    else:
        said = _said(profile, metric, found, key, None if metric in WHOLE else ROWS)
    body = tag(
        "div",
        said,
        _definition(metric),
        _more(profile, metric, basis, found, key),
        class_="fold",
        id=f"why-{metric}",
    )
    return tag("details", summary, body, name="why")


def _basis_of(headline: Entry, metric: str) -> str:
    return (headline.get("basis") if metric in OF_THE_HEADLINE_BASIS else None) or REFERENCES


def _other(headline: Entry, metric: str, found: Explanation | None) -> str | None:
    """The sentence for a headline that shows another number than the explained one.

    None: it shows the same.
    """
    if found is None or found.value == headline.get(metric):
        return None
    source = (headline.get("novelty_basis") or "").removeprefix("reported:")
    if metric == "novelty" and source:
        said = f"The headline shows the average of what {isolated(source)} says about the papers."
        return f"{said} Counted here, it is {measure(metric, found.value)}."
    return f"Counted here, it is {measure(metric, found.value)}; the headline has another number."


def fold_of(profile: Entry, metric: str, bases: Sequence[str]) -> Html:
    """A line of all numbers: name, meaning, and the folded explanation on every basis."""
    if metric not in BY_NAME:
        return join(name_of(metric))
    small = tag("small", BY_NAME[metric].definition) if has_open_definition(metric) else None
    headline, key = profile.get("headline") or {}, f"all.{metric}"
    first = bases[0]
    found = explanation_if_any(profile, metric, first)
    if metric in HEADLINE and first == _basis_of(headline, metric):
        said = tag("p", tag("a", "Why, at the top of the page", href=f"#why-{metric}"))
    else:
        said = _said(profile, metric, found, key, FEW)
    parts = [
        said,
        _definition(metric, brief=small is not None),
        *(_on_other_basis(profile, metric, basis, key) for basis in bases[1:]),
        _more(profile, metric, first, found, key),
    ]
    return tag(
        "details",
        tag("summary", tag("span", name_of(metric)), small),
        tag("div", parts, class_="fold"),
        id=key,
    )


def _on_other_basis(profile: Entry, metric: str, basis: str, key: str) -> Html | None:
    """The explanation on a further basis, in one sentence."""
    found = explanation_if_any(profile, metric, basis)
    if found is None:
        return None
    sentence = found.reason.sentence if found.reason else found.lacking
    name = tag("b", basis_of(basis).capitalize())
    return tag("p", name, ": ", sentence, data_live=f"{key}.{basis}", data_quiet=True)


# ---- the content of a fold


def _said(profile: Entry, metric: str, found: Explanation | None, key: str, limit: int | None) -> Html:
    """The sentence, the papers (at most `limit`) and the next step.

    The named parts are always the same, so that the script can update them.
    """
    if found is None or found.reason is None:
        why = "This profile does not have it." if found is None else found.lacking
        return join(tag("p", why, data_live=f"{key}.said", data_quiet=True), _empty(key))
    reason, listed = found.reason, profile.get("papers") or []
    note = f" All are {COHORTS[alike]}." if (alike := _cohort_of_all(reason)) else None
    if profile.get("papers_total", 0) > len(listed):
        total = number(profile["papers_total"])
        note = f" The author has {total} papers; the {number(len(listed))} most cited decide it."
    below = (
        join(" ", tag("a", "They are listed below.", href="#papers"))
        if metric in ELSEWHERE and reason.papers
        else None
    )
    table = None if metric in ELSEWHERE or not reason.papers else _table(metric, found.value, reason, limit)
    return join(
        tag("p", reason.sentence, note, below, data_live=f"{key}.said", data_quiet=True),
        tag("div", table, class_="scroll", data_live=f"{key}.papers", data_quiet=True),
        tag("div", _next(reason), data_live=f"{key}.next", data_quiet=True),
    )


def _cohort_of_all(reason: Derivation) -> str | None:
    """The doubt that all papers share, so that it is said once. None: they differ, or there is none."""
    cohorts = {paper.get("cohort") for paper in reason.papers}
    return next(iter(cohorts)) if len(cohorts) == 1 and cohorts <= COHORTS.keys() else None


def _empty(key: str) -> Html:
    return join(
        tag("div", class_="scroll", data_live=f"{key}.papers", data_quiet=True),
        tag("div", data_live=f"{key}.next", data_quiet=True),
    )


def _definition(metric: str, brief: bool = False) -> Html:
    known = BY_NAME[metric]
    return tag(
        "p",
        None if brief else join(known.definition, " "),
        tag("code", known.formula),
        f" — {known.source}.",
        class_="muted",
    )


def _more(profile: Entry, metric: str, basis: str, found: Explanation | None, key: str) -> Html:
    """Links to the explanation as JSON and from the whole log."""
    author_id = profile["author_id"]
    address = api_of(author_id, EXPLAIN + metric)
    if basis != REFERENCES:
        address += ("&" if "?" in address else "?") + f"basis={quote(basis, safe='')}"
    lead = (
        "This command explains it from the whole log: "
        if found is None or found.reason is None
        else "From the whole log, also as of another day: "
    )
    return tag(
        "p",
        lead,
        tag("code", apart(command_of(author_id, metric, basis))),
        " · ",
        tag("a", "as JSON", href=address, aria_label=f"Why this {name_of(metric)}, as JSON"),
        class_="muted",
        data_live=f"{key}.more",
        data_quiet=True,
    )


class _Columns(NamedTuple):
    """The columns of a table.

    ranked: with a rank; names: the number columns; summed: the one that adds up, if any.
    """

    ranked: bool
    names: Sequence[str]
    summed: str | None


def _table(metric: str, value: Any, reason: Derivation, limit: int | None) -> Html:
    """The papers that make the number.

    Papers that a short list leaves out share one line, so sums are complete.
    """
    columns = _Columns(
        "rank" in reason.columns and (limit != FEW or metric in WITH_RANK),
        [column for column in reason.columns if column not in (*LEFT_OUT, *BELOW, "rank")],
        ADD_UP.get(metric),
    )
    papers = [dict(paper) for paper in reason.papers]
    if columns.summed == "points":
        exact = adding_up([paper["points"] for paper in papers], value)
        for paper, points in zip(papers, exact, strict=True):
            paper["points"] = points
    few = papers if limit is None or len(papers) <= limit + 1 else papers[:limit]
    below = () if _cohort_of_all(reason) is not None else reason.columns
    lines = [_paper_line(paper, columns, _below(paper, below)) for paper in few]
    if rest := papers[len(few) :]:
        lines.append(_rest_line(rest, columns))
    heads = [tag("th", name.replace("_", " "), scope="col", class_=_class(name)) for name in columns.names]
    rank = columns.ranked and tag("th", "rank", scope="col", class_="rank")
    return tag(
        "table",
        tag("caption", f"What makes the {name_of(metric)}", class_="hidden"),
        tag("thead", tag("tr", rank, tag("th", "paper", scope="col"), heads)),
        tag("tbody", lines),
        _total_line(metric, value, papers, columns),
    )


def _paper_line(paper: Entry, columns: _Columns, below: Html | None) -> Html:
    return tag(
        "tr",
        columns.ranked and tag("td", measure("rank", paper["rank"]), class_="rank"),
        tag("th", apart(title_of(paper)), below, scope="row"),
        [tag("td", _cell(name, paper[name]), class_=_class(name)) for name in columns.names],
    )


def _rest_line(rest: Sequence[Entry], columns: _Columns) -> Html:
    """The line for all papers that are left out."""
    cells = [tag("td", _rest(name, rest, columns.summed), class_=_class(name)) for name in columns.names]
    name = tag("th", f"and {plural(len(rest), 'further paper')}", scope="row")
    return tag("tr", columns.ranked and tag("td", "…", class_="rank"), name, cells, class_="rest")


def _total_line(metric: str, value: Any, papers: Sequence[Entry], columns: _Columns) -> Html | None:
    """The sum or the mean. None: the metric is neither."""
    if columns.summed:
        name, of, end = "together", columns.summed, _sum(papers, columns.summed)
    elif metric in MEANS:
        name, of, end = "mean", metric, value
    else:
        return None
    cells = [tag("td", one == of and _cell(one, end), class_=_class(one)) for one in columns.names]
    rank = columns.ranked and tag("td", class_="rank")
    return tag("tfoot", tag("tr", rank, tag("th", name, scope="row"), cells))


def _class(column: str) -> str | None:
    return "spare" if column in SPARE else None


def adding_up(points: Sequence[float], total: float) -> list[float]:
    """The points to DIGITS decimals, such that they add up to the total as shown.

    Each one differs from its true value by at most one unit of the last digit.
    """
    ends, so_far = [], 0.0
    for one in points:
        so_far += one
        ends.append(round(so_far, DIGITS))
    ends[-1] = round(total, DIGITS)
    return [round(end - before, DIGITS) for before, end in zip([0.0, *ends], ends, strict=False)]


def _sum(papers: Sequence[Entry], column: str) -> Any:
    together = sum(paper[column] for paper in papers)
    return round(together, DIGITS) if isinstance(together, float) else together


def _rest(column: str, papers: Sequence[Entry], summed: str | None) -> str | None:
    """The cell for the papers that are left out: their sum, or the running sum at the last of them."""
    if column == summed:
        return _cell(column, _sum(papers, column))
    return _cell(column, papers[-1][column]) if column == "together" else None


def _cell(column: str, value: Any) -> str:
    if column == "percentile":
        return measure("novelty", value)
    if column == "points":
        return f"{value:,.{DIGITS}f}"
    if column == "year":
        return str(value)
    return "none" if column == "novelty" and value is None else measure(column, value)


def _below(paper: Entry, columns: Sequence[str]) -> Html | None:
    """Why the paper's part is uncertain, or why it has none."""
    said = [paper[column] for column in BELOW if column in columns and paper[column]]
    words = {**REASONS, **COHORTS}
    codes = [code for one in said for code in one.split(", ")]
    return (
        tag("small", "; ".join(words.get(code, code.replace("_", " ")) for code in codes)) if codes else None
    )


def _next(reason: Derivation) -> Html | None:
    """What the next step needs, and the papers that lack it."""
    if reason.next is None:
        return None
    lines = [
        f"“{isolated(title_of(paper))}” lacks {number(paper['lacks'])} (it has {number(paper['citations'])})"
        for paper in reason.nearest[:NEAREST]
    ]
    if rest := reason.nearest[NEAREST:]:
        lacking = number(sum(paper["lacks"] for paper in rest))
        lines.append(f"{plural(len(rest), 'further paper')}: {lacking} together")
    step = tag("p", tag("b", f"For {number(reason.next)}"), f": {reason.needs}.")
    return join(step, tag("ul", [tag("li", line) for line in lines]) if lines else None)
