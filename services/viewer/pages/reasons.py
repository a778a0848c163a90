"""Why a number is what it is, in folds: one under each headline number, one in each line of all numbers. They open without a script."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from services.viewer.explanations import command_of, explanation_if_any
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated, title_of
from services.viewer.pages.metrics import name_of, told_at_once
from services.viewer.pages.scores import REASONS, SCORES, told
from services.viewer.pages.words import basis_of, measure, number, plural
from services.viewer.urls import EXPLAIN, api_of
from shared.metrics.definitions import BY_NAME
from shared.metrics.metric import REFERENCES
from shared.metrics.reasons import Reason
from shared.metrics.reasons.snapshot import Explanation

HEADLINE = ("h_index", "papers", "citations", "novelty", "ai_score")
OF_THE_HEADLINE_BASIS = ("h_index", "citations", "ai_score")
ROWS, FEW, NEAREST = (
    20,
    5,
    5,
)  # papers told under the headline, in a line of all numbers, of those that lack something
WHOLE = ("h_index",)  # told to the last paper under the headline
ELSEWHERE = ("papers",)  # the page lists them anyway
ADD_UP = {
    "citations": "citations",
    "ai_score": "points",
    "e_index": "beyond",
}  # metric → the column whose sum makes it
MEANS = ("novelty",)
RANK_TELLS = ("hm_index",)  # more than the order does, so a narrow table has it too
LEFT_OUT = ("share",)  # rounded: they would not add up
BELOW = ("reasons", "cohort")  # columns that are words: they stand under the title
SPARE = ("weight",)  # columns that a narrow window has no room for
COHORTS = {
    "pooled": "compared with papers of all fields",
    "immature": "in a cohort too young to tell papers apart",
}
DIGITS = 2

Entry = Mapping[str, Any]


def shown(metric: str, value: Any) -> str:
    """A headline number as its tile has it."""
    return told(metric, value) if metric in SCORES else measure(metric, value)


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
    """Where the headline shows another number than the one that could be explained."""
    if found is None or found.value == headline.get(metric):
        return None
    source = (headline.get("novelty_basis") or "").removeprefix("reported:")
    if metric == "novelty" and source:
        said = f"The headline shows the average of what {isolated(source)} says about the papers."
        return f"{said} Counted here, it is {measure(metric, found.value)}."
    return f"Counted here, it is {measure(metric, found.value)}; the headline has another number."


def fold_of(profile: Entry, metric: str, bases: Sequence[str]) -> Html:
    """A line of all numbers: its name, what it means, and folded the reason, on every basis."""
    small = tag("small", BY_NAME[metric].definition) if told_at_once(metric) and metric in BY_NAME else None
    if metric not in BY_NAME:
        return join(name_of(metric), small)
    headline, key = profile.get("headline") or {}, f"all.{metric}"
    first, parts = bases[0], []
    found = explanation_if_any(profile, metric, first)
    if metric in HEADLINE and first == _basis_of(headline, metric):
        parts.append(tag("p", tag("a", "Why, at the top of the page", href=f"#why-{metric}")))
    else:
        parts.append(_said(profile, metric, found, key, FEW))
    parts.append(_definition(metric, brief=bool(small)))
    for basis in bases[1:]:
        if (other := explanation_if_any(profile, metric, basis)) is not None:
            sentence = other.reason.sentence if other.reason else other.lacking
            parts.append(
                tag(
                    "p",
                    tag("b", basis_of(basis).capitalize()),
                    ": ",
                    sentence,
                    data_live=f"{key}.{basis}",
                    data_quiet=True,
                )
            )
    parts.append(_more(profile, metric, first, found, key))
    return tag(
        "details",
        tag("summary", tag("span", name_of(metric)), small),
        tag("div", parts, class_="fold"),
        id=key,
    )


# ---- what a fold says


def _said(profile: Entry, metric: str, found: Explanation | None, key: str, limit: int | None) -> Html:
    """The sentence, the papers (all of them, or `limit`) and the next step; the same named parts whatever there is to say."""
    if found is None or found.reason is None:
        why = "This profile does not tell." if found is None else found.lacking
        return join(tag("p", why, data_live=f"{key}.said", data_quiet=True), _empty(key))
    reason, listed = found.reason, profile.get("papers") or []
    note = f" All are {COHORTS[alike]}." if (alike := _cohort_of_all(reason)) else None
    if profile.get("papers_total", 0) > len(listed):
        note = f" {number(profile['papers_total'])} papers there are; the {number(len(listed))} most cited ones settle it."
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


def _cohort_of_all(reason: Reason) -> str | None:
    """What makes every paper's percentile doubtful alike: said once."""
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
    """Where there is more: as JSON, and from the whole log."""
    author_id = profile["author_id"]
    address = api_of(author_id, EXPLAIN + metric)
    if basis != REFERENCES:
        address += ("&" if "?" in address else "?") + f"basis={quote(basis, safe='')}"
    lead = (
        "The whole log tells it: "
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


def _table(metric: str, value: Any, reason: Reason, limit: int | None) -> Html:
    """The papers that make the number. What a short list leaves out stands in one line, so that sums are whole."""
    columns = [column for column in reason.columns if column not in (*LEFT_OUT, *BELOW, "rank")]
    ranked = "rank" in reason.columns and (limit != FEW or metric in RANK_TELLS)
    summed = ADD_UP.get(metric)
    papers = [dict(paper) for paper in reason.papers]
    if summed == "points":
        for paper, points in zip(
            papers, adding_up([paper["points"] for paper in papers], value), strict=True
        ):
            paper["points"] = points
    alike = _cohort_of_all(reason) is not None
    few = papers if limit is None or len(papers) <= limit + 1 else papers[:limit]
    rest = papers[len(few) :]
    lines = [
        tag(
            "tr",
            ranked and tag("td", measure("rank", paper["rank"]), class_="rank"),
            tag("th", apart(title_of(paper)), None if alike else _below(paper, reason.columns), scope="row"),
            [tag("td", _cell(column, paper[column]), class_=_class(column)) for column in columns],
        )
        for paper in few
    ]
    if rest:
        cells = [tag("td", _rest(column, rest, summed), class_=_class(column)) for column in columns]
        name = tag("th", f"and {plural(len(rest), 'further paper')}", scope="row")
        lines.append(tag("tr", ranked and tag("td", "…", class_="rank"), name, cells, class_="rest"))
    total = None
    if summed or metric in MEANS:
        name, of, end = ("together", summed, _sum(papers, summed)) if summed else ("mean", metric, value)
        cells = [tag("td", column == of and _cell(column, end), class_=_class(column)) for column in columns]
        total = tag(
            "tfoot", tag("tr", ranked and tag("td", class_="rank"), tag("th", name, scope="row"), cells)
        )
    heads = [tag("th", column.replace("_", " "), scope="col", class_=_class(column)) for column in columns]
    head = tag(
        "tr", ranked and tag("th", "rank", scope="col", class_="rank"), tag("th", "paper", scope="col"), heads
    )
    return tag(
        "table",
        tag("caption", f"What makes the {name_of(metric)}", class_="hidden"),
        tag("thead", head),
        tag("tbody", lines),
        total,
    )


def _class(column: str) -> str | None:
    return "spare" if column in SPARE else None


def adding_up(points: Sequence[float], total: float) -> list[float]:
    """The points to DIGITS decimals, each within one unit of the last of what it is, so that they add up to the total as it is shown."""
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
    """Of the papers that are not told: their sum, or how far a running sum comes with the last of them."""
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
    """What makes the paper's part doubtful, or why it has none."""
    said = [paper[column] for column in BELOW if column in columns and paper[column]]
    words = {**REASONS, **COHORTS}
    codes = [code for one in said for code in one.split(", ")]
    return (
        tag("small", "; ".join(words.get(code, code.replace("_", " ")) for code in codes)) if codes else None
    )


def _next(reason: Reason) -> Html | None:
    """What the next step needs, and which papers lack it."""
    if reason.next is None:
        return None
    lines = [
        tag(
            "li",
            f"“{isolated(title_of(paper))}” lacks {number(paper['lacks'])} (it has {number(paper['citations'])})",
        )
        for paper in reason.nearest[:NEAREST]
    ]
    rest = reason.nearest[NEAREST:]
    if rest:
        lines.append(
            tag(
                "li",
                f"{plural(len(rest), 'further paper')}: {number(sum(paper['lacks'] for paper in rest))} together",
            )
        )
    step = tag("p", tag("b", f"For {number(reason.next)}"), f": {reason.needs}.")
    return join(step, tag("ul", lines) if lines else None)
