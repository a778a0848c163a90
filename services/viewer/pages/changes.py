"""Why numbers changed: the newest records of author-metrics.v1 in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import isolated, title_of
from services.viewer.pages.metrics import HEADLINE, name_of
from services.viewer.pages.words import measure, moment, number, plural
from services.viewer.urls import api_of
from shared.metrics.metric import COUNTED

NUMBERS, REASONS, PAPERS = 4, 4, 3  # shown of a change: its numbers, its causes, the papers of one cause
SCORES = ("novelty", "ai_score")

Entry = Mapping[str, Any]


def changes_panel(profile: Entry, changes: Sequence[tuple[int, Entry]]) -> Html:
    """A fold, headed by the last change. changes: (milliseconds since the epoch, record), newest first."""
    titles = {paper["paper_id"]: isolated(title_of(paper)) for paper in profile.get("papers") or ()}
    lines = [_line(when, change, titles) for when, change in changes]
    last = _last(changes[0][1], titles) if changes else "none that this page remembers"
    listed = tag("ol", lines) if lines else tag("p", "author-metrics.v1 keeps changes for 30 days.")
    return tag(
        "details",
        tag(
            "summary",
            tag("b", "Last change"),
            " ",
            tag("span", last, data_live="changes.last", data_quiet=True, class_="last"),
        ),
        tag(
            "div",
            tag("div", listed, data_live="changes", data_quiet=True),
            tag(
                "p",
                tag("a", "These changes as JSON", href=api_of(profile["author_id"], "changes")),
                class_="muted",
            ),
            class_="fold",
        ),
        class_="panel changes",
    )


def _last(change: Entry, titles: Mapping[str, str]) -> str:
    why = reasons(change, titles)
    return "; ".join(moved(change)[:2]) + (f" — {why[0]}" if why else "")


def _line(when: int, change: Entry, titles: Mapping[str, str]) -> Html:
    exact, written = moment(when)
    numbers, why = moved(change), reasons(change, titles)
    first = sum(name in HEADLINE for name in change.get("changed") or ()) if change.get("before") else 0
    bold, plain, more = numbers[: min(first, NUMBERS)], numbers[first:NUMBERS], len(numbers) - NUMBERS
    return tag(
        "li",
        tag(
            "p",
            tag("time", written, datetime=exact),
            f" · version {number(change['version'])}",
            class_="muted",
        ),
        tag(
            "p",
            tag("b", "; ".join(bold)),
            "; " if bold and plain else None,
            "; ".join(plain),
            f" and {plural(more, 'more number')}" if more > 0 else None,
        ),
        tag("ul", [tag("li", one) for one in why]) if why else None,
    )


def moved(change: Entry) -> list[str]:
    """Every changed number as "citations 812 → 813", those of the headline first."""
    names = sorted(
        change.get("changed") or (),
        key=lambda name: HEADLINE.index(name) if name in HEADLINE else len(HEADLINE),
    )
    before, after = change.get("before") or {}, change.get("after") or {}
    if not before:
        names = [name for name in names if after.get(name)]  # a new author: only numbers above zero
    return [_moved(name, before.get(name), after.get(name), bool(before)) for name in names]


def _moved(name: str, before: Any, after: Any, is_known: bool) -> str:
    basis, _, metric = name.rpartition(".") if name.startswith(f"{COUNTED}:") else ("", "", name)
    title = name_of(metric) + (f" by {isolated(basis.removeprefix(COUNTED + ':'))}" if basis else "")
    old = "none" if before is None else measure(metric, before)
    new = "none" if after is None else measure(metric, after)
    return f"{title} {old} → {new}" if is_known else f"{title} {new}"


def reasons(change: Entry, titles: Mapping[str, str]) -> list[str]:
    """The causes in words, at most REASONS lines and the number of further causes.

    Causes of one kind about one paper share a line.
    """
    causes = change.get("causes") or ()
    if not causes:
        if not change.get("before"):
            return ["the author is new here"]
        alike = all(name.rpartition(".")[2] in SCORES for name in change.get("changed") or ())
        return ["the papers changed that these are compared with"] if alike else []
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for cause in causes:
        other = cause.get("other")
        about = cause.get("kind"), other, None if other else cause.get("paper_id")
        groups.setdefault(about, []).append(cause)
    listed = list(groups.values())[:REASONS]
    left = change.get("causes_total", len(causes)) - sum(len(group) for group in listed)
    rest = [f"and {plural(left, 'further cause')}"] if left > 0 else []
    return [_why(group, titles) for group in listed] + rest


def _why(causes: Sequence[Entry], titles: Mapping[str, str]) -> str:
    one = causes[0]
    kind, paper, other = one.get("kind"), _paper(one.get("paper_id"), titles), one.get("other")
    by = list(dict.fromkeys(cause["by"] for cause in causes if cause.get("by")))
    others = _some(by, titles)
    match kind:
        case "cited":
            return f"{paper} is cited by {others}" if by else f"{paper} is cited"
        case "uncited":
            return f"{paper} is no longer cited by {others}" if by else f"{paper} is no longer cited"
        case "published":
            return f"new paper {paper}"
        case "revised":
            return f"{paper}: a citing paper was revised, {others}" if by else f"{paper} was revised"
        case "withdrawn" | "retracted" | "reinstated" as done:
            return f"{paper} was {done}"
        case "counted":
            sources = dict.fromkeys(isolated(cause["source"]) for cause in causes if cause.get("source"))
            return f"{', '.join(sources) or 'a source'} counted the citations of {paper} anew"
        case "merged" | "separated":
            papers = _some([cause["paper_id"] for cause in causes if cause.get("paper_id")], titles)
            verb = "merged with" if kind == "merged" else "separated from"
            return f"{verb} {isolated(other or 'another author')}: {papers}"
        case "new_year":
            return "a new calendar year began"
    return str(kind).replace("_", " ")  # a kind of a later release


def _some(papers: Sequence[str], titles: Mapping[str, str]) -> str:
    more = len(papers) - PAPERS
    return ", ".join(_paper(name, titles) for name in papers[:PAPERS]) + (
        f" and {number(more)} more" if more > 0 else ""
    )


def _paper(paper_id: str | None, titles: Mapping[str, str]) -> str:
    if paper_id is None:
        return "a paper"
    return f"“{titles[paper_id]}”" if paper_id in titles else isolated(paper_id)
