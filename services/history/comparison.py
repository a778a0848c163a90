"""What changed for an author between two portfolios."""

from collections.abc import Callable, Mapping
from typing import Any

from services.history.portfolio import Portfolio

PAPER_FIELDS = ("paper_id", "title", "published", "citations")  # of a paper in a list of changes
# fields of a paper that change without a new revision
COMPUTED_FIELDS = {
    "citations",
    "novelty",
    "citations_by_source",
    "standing",
    "standing_by_source",
    "novelty_reported",
}
SERIES = ("citations_by_year", "papers_by_year")
Json = dict[str, Any]


def changes(before: Portfolio | None, after: Portfolio | None, is_withdrawn: Callable[[str], bool]) -> Json:
    """What differs between two portfolios. None: the author was not known.

    is_withdrawn: whether a paper of `before` that `after` does not have was withdrawn; else it left the
    author.
    """
    old, new = _papers_by_id(before), _papers_by_id(after)
    gone = [paper for paper_id, paper in old.items() if paper_id not in new]
    withdrawn = {paper["paper_id"] for paper in gone if is_withdrawn(paper["paper_id"])}
    return {
        "metrics": _metrics(before, after),
        "years": {
            name: _differences(_profile(before, name), _profile(after, name), nothing=0) for name in SERIES
        },
        "papers_added": [_short(paper) for paper_id, paper in new.items() if paper_id not in old],
        "papers_withdrawn": [_short(paper) for paper in gone if paper["paper_id"] in withdrawn],
        "papers_left": [_short(paper) for paper in gone if paper["paper_id"] not in withdrawn],
        "papers_revised": _revised(before, after),
        "citations": _citations(old, new),
    }


def _papers_by_id(portfolio: Portfolio | None) -> dict[str, Json]:
    return {paper["paper_id"]: paper for paper in (portfolio.papers if portfolio else ())}


def _profile(portfolio: Portfolio | None, name: str) -> Json:
    """One object of the profile; empty for an unknown author."""
    value: Json = portfolio.profile[name] if portfolio else {}
    return value


def _metrics(before: Portfolio | None, after: Portfolio | None) -> dict[str, Json]:
    old, new = _profile(before, "metrics"), _profile(after, "metrics")
    found = {
        basis: _differences(old.get(basis, {}), new.get(basis, {})) for basis in dict.fromkeys([*new, *old])
    }
    return {basis: numbers for basis, numbers in found.items() if numbers}


def _revised(before: Portfolio | None, after: Portfolio | None) -> list[Json]:
    """The papers with a new revision, and the fields that changed."""
    if before is None or after is None:
        return []
    old = _papers_by_id(before)
    return [
        _short(paper) | {"changed": sorted(_changed_fields(old[paper["paper_id"]], paper))}
        for paper in after.papers
        if paper["paper_id"] in old
        and before.revisions[paper["paper_id"]] != after.revisions[paper["paper_id"]]
    ]


def _citations(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Json]:
    """The papers whose citations changed, largest gain first."""
    moved = [
        {
            "paper_id": paper_id,
            "title": paper["title"],
            "before": old[paper_id]["citations"],
            "after": paper["citations"],
            "gained": paper["citations"] - old[paper_id]["citations"],
        }
        for paper_id, paper in new.items()
        if paper_id in old and paper["citations"] != old[paper_id]["citations"]
    ]
    return sorted(moved, key=lambda change: (-change["gained"], change["paper_id"]))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], nothing: Any = None) -> Json:
    """{name: {"before", "after"}} of the values that differ, in the order of `new`, then `old`."""
    pairs = {
        name: {"before": old.get(name, nothing), "after": new.get(name, nothing)}
        for name in dict.fromkeys([*new, *old])
    }
    return {name: pair for name, pair in pairs.items() if pair["before"] != pair["after"]}


def _short(paper: Mapping[str, Any]) -> Json:
    return {name: paper[name] for name in PAPER_FIELDS}


def _changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - COMPUTED_FIELDS
