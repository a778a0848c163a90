"""What changed for an author between two portfolios."""

from collections.abc import Callable, Mapping
from typing import Any

from services.history.portfolio import Portfolio

TOLD = ("paper_id", "title", "published", "citations")
# of a paper in a list: not what its revisions say
NUMBERS = {
    "citations",
    "novelty",
    "citations_by_source",
    "standing",
    "standing_by_source",
    "novelty_reported",
}


def changes(before: Portfolio | None, after: Portfolio | None, is_withdrawn: Callable[[str], bool]) -> dict:
    """What differs, in the order in which people ask. None: the author was not known. Of papers that went, is_withdrawn tells why."""
    old, new = (
        {paper["paper_id"]: paper for paper in (one.papers if one else ())} for one in (before, after)
    )
    gone = [paper for name, paper in old.items() if name not in new]
    both = [(old[name], paper) for name, paper in new.items() if name in old]
    moved = [(was, now) for was, now in both if was["citations"] != now["citations"]]
    moved.sort(key=lambda pair: (pair[0]["citations"] - pair[1]["citations"], pair[1]["paper_id"]))
    return {
        "metrics": _metrics(before, after),
        "years": {series: _moved(*((one.profile[series] if one else {}) for one in (before, after)), nothing=0) for series in _SERIES},
        "papers_added": [_told(paper) for name, paper in new.items() if name not in old],
        "papers_withdrawn": [_told(paper) for paper in gone if is_withdrawn(paper["paper_id"])],
        "papers_left": [_told(paper) for paper in gone if not is_withdrawn(paper["paper_id"])],
        "papers_revised": [
            _told(now) | {"changed": sorted(_fields_that_differ(was, now))}
            for was, now in both
            if before.revisions[was["paper_id"]] != after.revisions[now["paper_id"]]
        ],
        "citations": [
            {"paper_id": now["paper_id"], "title": now["title"], "before": was["citations"], "after": now["citations"],
             "gained": now["citations"] - was["citations"]}
            for was, now in moved
        ],
    }  # fmt: skip


_SERIES = ("citations_by_year", "papers_by_year")


def _metrics(before: Portfolio | None, after: Portfolio | None) -> dict[str, dict]:
    old, new = (one.profile["metrics"] if one else {} for one in (before, after))
    found = {basis: _moved(old.get(basis, {}), new.get(basis, {})) for basis in dict.fromkeys([*new, *old])}
    return {basis: numbers for basis, numbers in found.items() if numbers}


def _moved(old: Mapping[str, Any], new: Mapping[str, Any], nothing: Any = None) -> dict[str, dict]:
    """{name: {"before", "after"}} of what differs, in the order of `new`, then `old`."""
    pairs = {
        name: {"before": old.get(name, nothing), "after": new.get(name, nothing)}
        for name in dict.fromkeys([*new, *old])
    }
    return {name: pair for name, pair in pairs.items() if pair["before"] != pair["after"]}


def _told(paper: Mapping[str, Any]) -> dict:
    return {name: paper[name] for name in TOLD}


def _fields_that_differ(was: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)} - NUMBERS
