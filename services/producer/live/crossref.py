"""Crossref: works by a filter, page by page with a cursor, then those that were indexed since.

https://api.crossref.org: `filter=from-index-date:DAY` has everything that changed, also counts of citations.
The cursor may stay the same from page to page, and the last page is an empty one that has a cursor too.
Limits come with each answer.
"""

import re
from dataclasses import replace
from typing import Any, ClassVar

from services.producer.formats.containers import Container
from services.producer.live.address import Address
from services.producer.live.fetch import Fetcher
from services.producer.live.pages import Page, json_of, number_in, records_in, text_in
from services.producer.live.place import Place, begun, ended, overlapping, turned
from services.producer.live.times import day_of
from services.producer.text.times import told_date
from shared.errors import SourceFault

_SINCE = re.compile(r"(?:^|(?<=,))from-index-date:[^,]*,?")
_ROWS = "500"


class Crossref:
    """address: …/works?filter=…; contact: an e-mail address, for the polite pool."""

    NAME: ClassVar = "crossref"
    CONTAINER: ClassVar = Container.JSON
    GAP: ClassVar = 0.2
    LOST: ClassVar = frozenset({400, 404, 410})

    def __init__(self, address: Address, contact: str | None = None):
        self.address, self._contact = address, contact

    async def page(self, place: Place, fetcher: Fetcher) -> Page:
        if not place.began:
            place = replace(place, since=overlapping(place.complete))
        body = await fetcher.get(self._url(place), kind="json")
        message = json_of(body).get("message")
        items = message.get("items") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(items, list):
            raise SourceFault("the answer has no `message.items`; the address is not that of a list of works")
        place = begun(place, day_of(fetcher.clock.now()))
        cursor = text_in(message, "next-cursor")
        after = turned(
            place,
            token=cursor,
            days=_days(items),
            records=len(items),
            total=number_in(message, "total-results"),
        )
        return Page(records_in(body, items), after if items and cursor else ended(after))

    def _url(self, place: Place) -> str:
        filters = self.address.get("filter")
        if place.since:
            filters = ",".join(
                filter(None, (f"from-index-date:{place.since}", _SINCE.sub("", filters).strip(",")))
            )
        return self.address.url(
            filter=filters,
            rows=self.address.get("rows") or _ROWS,
            sort="indexed",
            order="asc",
            mailto=self._contact or "",
            cursor=place.token or "*",
        )


def _days(items: list[Any]) -> list[str]:
    """The day on which each work was indexed; [] when one does not tell."""
    days: list[str] = []
    for item in items:
        indexed = item.get("indexed") if isinstance(item, dict) else None
        day = str(indexed.get("date-time", ""))[:10] if isinstance(indexed, dict) else ""
        if len(day) != 10 or told_date(day) != day:
            return []
        days.append(day)
    return days
