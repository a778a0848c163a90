"""Why numbers changed: the newest records of author-metrics.v1 in words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from services.viewer.pages.html import Child, Html, join, tag
from services.viewer.pages.isolation import isolated, title_of
from services.viewer.pages.metrics import HEADLINE, name_of
from services.viewer.pages.stored import NOT_STORED, Stored
from services.viewer.pages.words import day_of, measure, moment, number, plural
from services.viewer.store.rows import ChangeCard
from services.viewer.urls import API, api_of, paper_page_of, part_of_page, with_query
from shared.metrics.metric import COUNTED

NUMBERS, REASONS, PAPERS = 4, 4, 3  # shown of a change: its numbers, its causes, the papers of one cause
SCORES = ("novelty", "ai_score")
MOST = 200  # changes behind the link

Entry = Mapping[str, Any]
Dated: TypeAlias = tuple[int, Entry]  # (milliseconds since the epoch, change record)
Say: TypeAlias = Callable[[str | None], Html | str]  # names a paper by its id


def changes_panel(profile: Entry, changes: Sequence[Dated], stored: Stored = NOT_STORED) -> Html:
    """A fold, headed by the last change: a history by day.

    changes: (milliseconds since the epoch, record), newest first. The store adds older ones.
    """
    titles = {paper["paper_id"]: isolated(title_of(paper)) for paper in profile.get("papers") or ()}
    view = stored.view
    if view is not None:
        titles |= {key: isolated(title_of({"title": title})) for key, title in view.titles.items()}
        changes = sorted([*changes, *_others(changes, view.changes)], key=_version, reverse=True)
    say = _linked(titles) if view is not None else _plain(titles)
    last = _last(changes[0][1], titles) if changes else "none that this page remembers"
    author_id = profile["author_id"]
    links: list[Child] = [tag("a", "These changes as JSON", href=api_of(author_id, "changes"))]
    if view is not None:
        more = with_query(f"{API}/changes", author=author_id, limit=MOST)
        links += [" · ", tag("a", "more of them", href=more)]
    links += [" · ", tag("a", "as a feed", href=part_of_page(author_id, "feed.atom"))]
    return tag(
        "details",
        tag(
            "summary",
            tag("b", "What changed"),
            " ",
            tag("span", last, data_live="changes.last", data_quiet=True, class_="last"),
        ),
        tag(
            "div",
            tag("div", _days(changes, say), data_live="changes", data_quiet=True),
            tag("p", links, class_="muted"),
            class_="fold",
        ),
        class_="panel changes",
        id="changes",
    )


def _version(dated: Dated) -> tuple[int, int]:
    return dated[1]["generation"], dated[1]["version"]


def _others(changes: Sequence[Dated], cards: Sequence[ChangeCard]) -> list[Dated]:
    """The changes of the store that are not among `changes`, as records."""
    seen = {f"{change['generation']}-{change['version']}" for _, change in changes}
    return [(milliseconds(card["at"]), _record(card)) for card in cards if card["version"] not in seen]


def _record(card: ChangeCard) -> Entry:
    generation, _, version = card["version"].partition("-")
    numbers = card["changed"]
    is_new = all(before is None for before, _ in numbers.values())
    return {
        "generation": int(generation),
        "version": int(version),
        "changed": list(numbers),
        "before": {} if is_new else {name: pair[0] for name, pair in numbers.items()},
        "after": {name: pair[1] for name, pair in numbers.items()},
        "causes": card["causes"],
        "causes_total": card["causes_total"],
    }


def _days(changes: Sequence[Dated], say: Say) -> list[Html]:
    """The changes, a list for each day."""
    if not changes:
        return [tag("p", "author-metrics.v1 keeps changes for 30 days.")]
    days: dict[str, list[Html]] = {}
    for when, change in changes:
        days.setdefault(day_of(when), []).append(_line(when, change, say))
    return [join(tag("h3", written), tag("ol", lines)) for written, lines in days.items()]


def _last(change: Entry, titles: Mapping[str, str]) -> str:
    why = reasons(change, titles)
    return "; ".join(moved(change)[:2]) + (f" — {why[0]}" if why else "")


def _line(when: int, change: Entry, say: Say) -> Html:
    exact, written = moment(when)
    numbers, why = moved(change), _reasons(change, say)
    first = sum(name in HEADLINE for name in change.get("changed") or ()) if change.get("before") else 0
    bold, plain, more = numbers[: min(first, NUMBERS)], numbers[first:NUMBERS], len(numbers) - NUMBERS
    return tag(
        "li",
        tag(
            "p",
            tag("time", written.rpartition(", ")[2], datetime=exact, title=written),
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


def milliseconds(at: str) -> int:
    """Milliseconds since the epoch of a time in ISO 8601."""
    return round(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() * 1000)


def _moved(name: str, before: Any, after: Any, is_known: bool) -> str:
    basis, _, metric = name.rpartition(".") if name.startswith(f"{COUNTED}:") else ("", "", name)
    title = name_of(metric) + (f" by {isolated(basis.removeprefix(COUNTED + ':'))}" if basis else "")
    old = "none" if before is None else measure(metric, before)
    new = "none" if after is None else measure(metric, after)
    return f"{title} {old} → {new}" if is_known else f"{title} {new}"


def reasons(change: Entry, titles: Mapping[str, str]) -> list[str]:
    """The causes in words, at most REASONS lines and the number of further causes.

    Causes of one kind about one paper share a line. titles: of papers by id; others are named by their id.
    """
    return ["".join(map(str, line)) for line in _reasons(change, _plain(titles))]


def _reasons(change: Entry, say: Say) -> list[Sequence[Html | str]]:
    causes = change.get("causes") or ()
    if not causes:
        if not change.get("before"):
            return [["the author is new here"]]
        alike = all(name.rpartition(".")[2] in SCORES for name in change.get("changed") or ())
        return [["the papers changed that these are compared with"]] if alike else []
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for cause in causes:
        other = cause.get("other")
        about = cause.get("kind"), other, None if other else cause.get("paper_id")
        groups.setdefault(about, []).append(cause)
    listed = list(groups.values())[:REASONS]
    left = change.get("causes_total", len(causes)) - sum(len(group) for group in listed)
    rest: list[Sequence[Html | str]] = [[f"and {plural(left, 'further cause')}"]] if left > 0 else []
    return [_why(group, say) for group in listed] + rest


def _why(causes: Sequence[Entry], say: Say) -> Sequence[Html | str]:
    """The causes of a group in one sentence, in pieces."""
    one = causes[0]
    kind, paper, other = one.get("kind"), say(one.get("paper_id")), one.get("other")
    by = list(dict.fromkeys(cause["by"] for cause in causes if cause.get("by")))
    others = _some(by, say)
    match kind:
        case "cited":
            return [paper, " is cited by ", *others] if by else [paper, " is cited"]
        case "uncited":
            return [paper, " is no longer cited by ", *others] if by else [paper, " is no longer cited"]
        case "published":
            return ["new paper ", paper]
        case "revised":
            return [paper, ": a citing paper was revised, ", *others] if by else [paper, " was revised"]
        case "withdrawn" | "retracted" | "reinstated" as done:
            return [paper, f" was {done}"]
        case "counted":
            sources = dict.fromkeys(isolated(cause["source"]) for cause in causes if cause.get("source"))
            return [f"{', '.join(sources) or 'a source'} counted the citations of ", paper, " anew"]
        case "merged" | "separated":
            papers = _some([cause["paper_id"] for cause in causes if cause.get("paper_id")], say)
            verb = "merged with" if kind == "merged" else "separated from"
            return [f"{verb} {isolated(other or 'another author')}: ", *papers]
        case "new_year":
            return ["a new calendar year began"]
    return [str(kind).replace("_", " ")]  # a kind of a later release


def _some(papers: Sequence[str], say: Say) -> list[Html | str]:
    more = len(papers) - PAPERS
    pieces: list[Html | str] = []
    for paper in papers[:PAPERS]:
        pieces += [", ", say(paper)]
    return pieces[1:] + ([f" and {number(more)} more"] if more > 0 else [])


def _plain(titles: Mapping[str, str]) -> Say:
    """Names a paper in plain text."""

    def say(paper_id: str | None) -> str:
        if paper_id is None:
            return "a paper"
        return f"“{titles[paper_id]}”" if paper_id in titles else isolated(paper_id)

    return say


def _linked(titles: Mapping[str, str]) -> Say:
    """Names a paper with a link to its page, where the store knows it."""
    plain = _plain(titles)

    def say(paper_id: str | None) -> Html | str:
        text = plain(paper_id)
        return tag("a", text, href=paper_page_of(paper_id)) if paper_id in titles and paper_id else text

    return say
