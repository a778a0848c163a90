"""Name and affiliations of an author, from tallies of bylines."""

from functools import lru_cache
from typing import NamedTuple

import orjson

from services.publisher.templates import template

AFFILIATIONS = 10  # shown in a snapshot
NO_AFFILIATIONS = b"[]"
json_of = orjson.dumps

AFFILIATION = template(b'{"name":%(name)s,"papers":%(papers)d}')


class Byline(NamedTuple):
    """An author as one paper names him: the name and the distinct affiliations."""

    name: str
    affiliations: tuple[str, ...]


@lru_cache(1 << 16)
def parse_byline(text: str) -> Byline:
    """text: JSON, [name, [affiliation, …]]."""
    name, affiliations = orjson.loads(text)
    return Byline(name, tuple(dict.fromkeys(affiliations)))


def name_and_affiliations(bylines: list[str], papers: list[int]) -> tuple[str | None, bytes]:
    """The most frequent name (ties: longest, then smallest), and affiliations as JSON, most papers first.

    bylines: distinct, as `parse_byline` reads them; papers: of each. The name is None without bylines.
    """
    if len(bylines) == 1:  # most authors have one byline
        name, affiliations = parse_byline(bylines[0])
        if not affiliations:
            return name, NO_AFFILIATIONS
        return name, _affiliations_json(dict.fromkeys(affiliations, papers[0]))
    names: dict[str, int] = {}
    counts: dict[str, int] = {}
    for text, count in zip(bylines, papers, strict=True):
        byline = parse_byline(text)
        names[byline.name] = names.get(byline.name, 0) + count
        for affiliation in byline.affiliations:
            counts[affiliation] = counts.get(affiliation, 0) + count
    best = min(names, key=lambda name: (-names[name], -len(name), name)) if names else None
    return best, _affiliations_json(counts)


def _affiliations_json(counts: dict[str, int]) -> bytes:
    ordered = list(counts.items())
    if len(ordered) > 1:
        ordered = sorted(ordered, key=lambda item: (-item[1], item[0]))[:AFFILIATIONS]
    return b"[%s]" % b",".join([AFFILIATION(name=json_of(name), papers=count) for name, count in ordered])
