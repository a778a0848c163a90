"""Explains a number of a snapshot, for programs and for the page (docs/http.md)."""

import shlex
from collections.abc import Mapping
from typing import Any

from shared.errors import UnknownMetric, UsageError
from shared.metrics.definitions import BY_NAME
from shared.metrics.metric import REFERENCES
from shared.metrics.reasons.snapshot import Explanation, bases_of, explain

Profile = Mapping[str, Any]


def explanation_of(profile: Profile, metric: str, basis: str = REFERENCES) -> dict[str, Any]:
    """The explanation as JSON, with the shape that docs/http.md defines.

    Errors: UnknownMetric; UsageError for a basis on which the profile does not have this number.
    """
    if metric not in BY_NAME:
        raise UnknownMetric(f"metric: there is no {metric!r}; there are {', '.join(BY_NAME)}")
    if basis not in (bases := bases_of(profile, metric)):
        there = f"it has it on {', '.join(bases)}" if bases else "it has it on no basis"
        raise UsageError(f"basis: this profile has no {metric} on {basis!r}; {there}")
    found, known = explain(profile, metric, basis), BY_NAME[metric]
    none: dict[str, Any] = {"sentence": None, "columns": [], "papers": [], "next": None}
    return {
        **{name: profile[name] for name in ("author_id", "name", "generation", "version", "as_of")},
        "metric": metric,
        "basis": basis,
        "title": known.title,
        "definition": known.definition,
        "formula": known.formula,
        "source": known.source,
        "unit": known.unit,
        "explained": found.reason is not None,
        **(found.reason.as_json() if found.reason else none),
        "value": found.value,
        "lacking": found.lacking,
        "papers_listed": len(profile["papers"]),
        "papers_total": profile["papers_total"],
        "command": command_of(profile["author_id"], metric, basis),
    }


def explanation_if_any(profile: Profile, metric: str, basis: str) -> Explanation | None:
    """The explanation for the page.

    None: the profile does not have this number, or does not follow the contract.
    """
    try:
        return explain(profile, metric, basis) if basis in bases_of(profile, metric) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def command_of(author_id: str, metric: str, basis: str = REFERENCES) -> str:
    """The shell command that explains the number from the whole log."""
    options = ["--basis", basis] if basis != REFERENCES else []
    return shlex.join(["scholarstream", "explain", author_id, metric, *options])
