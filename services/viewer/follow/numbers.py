"""The numbers of a snapshot that badge, card and previews show."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.viewer.pages.metrics import HEADLINE, name_of
from services.viewer.pages.words import measure
from shared.metrics import definitions
from shared.metrics.metric import REFERENCES

Entry = Mapping[str, Any]


class Shown(NamedTuple):
    """A number with its name, both in words for people."""

    name: str
    value: str


def number_of(profile: Entry, metric: str, basis: str | None = None) -> Shown | None:
    """The number of a metric. None: there is no such metric, or no such basis.

    basis: None takes the headline's number; a metric that is not in the headline is that of references.
    """
    known = definitions.BY_NAME.get(metric)
    if known is None or not known.values:
        return None
    if basis is None:
        headline: Entry = profile.get("headline") or {}
        basis = REFERENCES
        if metric in headline:
            return Shown(name_of(metric), measure(metric, headline[metric]))
    values = (profile.get("metrics") or {}).get(basis)
    if values is None or metric not in values:
        return None
    return Shown(name_of(metric), measure(metric, values[metric]))


def headline(profile: Entry) -> list[Shown]:
    """The numbers of the headline, in the order of the page."""
    return [shown for metric in HEADLINE if (shown := number_of(profile, metric)) is not None]


def in_words(profile: Entry) -> str:
    """The headline as one sentence: "h-index 11, papers 13, citations 812"."""
    return ", ".join(f"{one.name} {one.value}" for one in headline(profile) if one.value != "–")
