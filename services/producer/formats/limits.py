"""Cuts what a format found to what the contract takes, and counts each cut.

A long title or the 20,001st author of a real paper must not cost the whole paper.
"""

from collections.abc import Callable
from functools import lru_cache

from services.producer.formats.fields import Count, Record
from services.producer.formats.left_out import LeftOut
from shared.ids import ID_BYTES, visible

NAME = 500
LABEL = 100
# Texts that may be cut, and values that are nothing when cut. In characters.
TEXTS = {"title": 2_000, "abstract": 50_000, "venue": 1_000, "kind": 100, "reason": 2_000}
VALUES = {"doi": 300, "url": 2_000, "language": 35, "orcid": 100, "homepage": 2_000}
LONGEST = TEXTS | VALUES
LISTS = {"categories": 50, "authors": 20_000, "references": 20_000, "ids": 50, "aliases": 100}
AFFILIATIONS = 100


def fit(event: Record, leave_out: Count, latest: str) -> None:
    """Cuts an event in place. latest: the last day that a date of publication may be (YYYY-MM-DD)."""
    for name in event.keys() & LONGEST.keys():
        value = event[name]
        if isinstance(value, str) and len(value) > LONGEST[name]:
            event[name] = value[: TEXTS[name]].rstrip() if name in TEXTS else None
            leave_out(LeftOut.TEXT_CUT if name in TEXTS else LeftOut.FIELD_TOO_LONG)
    for name in event.keys() & LISTS.keys():
        if values := event[name]:
            _fit_list(event, name, values, LISTS[name], leave_out)
    published = event.get("published")
    if isinstance(published, str) and published > latest:
        event["published"] = None
        leave_out(LeftOut.DATE_AHEAD)


def _fit_list(event: Record, name: str, values: list[object], most: int, leave_out: Count) -> None:
    if name == "authors":
        for author in values:
            if isinstance(author, dict):
                _fit_author(author, leave_out)
    elif name == "categories":
        values = _kept(values, lambda value: bool(value) and len(value) <= LABEL, leave_out)
    elif name == "aliases":
        values = _kept(values, lambda value: bool(visible(value).strip()) and len(value) <= NAME, leave_out)
    elif not _are_short_ids(values):
        values = _kept(values, _is_id, leave_out)
    if len(values) > most:
        for _ in values[most:]:
            leave_out(LeftOut.LIST_CUT)
        values = values[:most]
        if name == "authors":
            event["authors_truncated"] = True
    event[name] = values


def _fit_author(author: Record, leave_out: Count) -> None:
    name = author.get("name")
    if isinstance(name, str) and len(name) > NAME:
        author["name"] = name[:NAME].rstrip()
        leave_out(LeftOut.NAME_CUT)
    places = author.get("affiliations")
    if places and (len(places) > AFFILIATIONS or not all(map(_is_place, places))):
        fitting = [place for place in places if visible(place).strip()]
        for place in fitting:
            if len(place) > NAME:
                leave_out(LeftOut.AFFILIATION)
        for _ in fitting[AFFILIATIONS:]:
            leave_out(LeftOut.AFFILIATION)
        author["affiliations"] = [place[:NAME].rstrip() for place in fitting[:AFFILIATIONS]]


@lru_cache(8_192)  # co-authors share affiliations
def _is_place(place: str) -> bool:
    """Whether an affiliation stays as it is."""
    return len(place) <= NAME and bool(visible(place).strip()) and place == place.rstrip()


def _are_short_ids(values: list[object]) -> bool:
    """Whether these are texts that are ids whatever characters they have; a long list is seen in one go."""
    if set(map(type, values)) != {str}:
        return False
    lengths = set(map(len, values))  # type: ignore[arg-type] # they are texts
    return min(lengths) > 0 and max(lengths) <= ID_BYTES // 4


def _kept(values: list[object], fits: Callable[[str], bool], leave_out: Count) -> list[object]:
    """The values that fit; the others are counted. Values of another type stay: the contract refuses them."""
    kept = [value for value in values if not isinstance(value, str) or fits(value)]
    for _ in range(len(values) - len(kept)):
        leave_out(LeftOut.FIELD_TOO_LONG)
    return kept


def _is_id(value: str) -> bool:
    return 0 < len(value) <= ID_BYTES // 4 or 0 < len(value.encode(errors="replace")) <= ID_BYTES
