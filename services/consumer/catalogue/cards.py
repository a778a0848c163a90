"""Cards: what pages show of a paper."""

from collections.abc import Mapping
from typing import Any

import orjson

SHOWN_IF_GIVEN = ("venue", "doi", "url")
FIRST_AUTHORS = 3
FIRST_AFFILIATIONS = 3


def card_of(event: Mapping[str, Any], field: str, authors: list[dict[str, Any]]) -> bytes:
    """JSON without its last brace: the publisher adds the numbers.

    authors: the distinct authors of the event.
    """
    affiliations = dict.fromkeys([one for author in authors for one in author["affiliations"]])
    card = {
        "paper_id": event["paper_id"],
        "title": event["title"],
        "published": event["published"],
        "field": field or None,
        "authors": [author["name"] for author in authors[:FIRST_AUTHORS]],
        "authors_total": len(authors),
        "affiliations": list(affiliations)[:FIRST_AFFILIATIONS],
    }
    for name in SHOWN_IF_GIVEN:
        value = event[name]
        if value:
            card[name] = value
    return orjson.dumps(card)[:-1]
