"""OpenAlex: a list of works or authors by a filter, page by page with a cursor.

https://developers.openalex.org/guides/page-through-results. A pass reads the whole list, because the filter
by the day of a change (`from_updated_date`) belongs to paid keys; with it in the address, later passes begin
a day before the last one that was complete.
"""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import ClassVar

from services.producer.formats.containers import Container
from services.producer.live.address import Address
from services.producer.live.fetch import Fetcher
from services.producer.live.pages import Page, json_of, number_in, records_in, text_in
from services.producer.live.place import Place, begun, ended, overlapping, turned
from services.producer.live.times import day_of
from shared.errors import SourceFault

_SINCE = re.compile(r"(?<![\w.])(from_updated_date|from_created_date):[0-9-]+")
_FIRST = "*"


class OpenAlex:
    """address: …/works?filter=…; key: of the API, None without one; contact: an e-mail address."""

    NAME: ClassVar = "openalex"
    CONTAINER: ClassVar = Container.JSON
    GAP: ClassVar = 0.2
    LOST: ClassVar = frozenset({400, 404, 410})

    def __init__(self, address: Address, key: str | None = None, contact: str | None = None):
        self.address, self._key, self._contact = address, key, contact

    async def page(self, place: Place, fetcher: Fetcher) -> Page:
        if not place.began:
            place = replace(place, since=overlapping(place.complete))
        try:
            body = await fetcher.get(self._url(place), kind="json")
        except SourceFault as fault:
            if fault.status == HTTPStatus.UNAUTHORIZED and self._key is None:
                hint = "OpenAlex wants a key: set SCHOLARSTREAM_OPENALEX_KEY"
                raise SourceFault(f"{fault}; {hint}", wait=fault.wait, status=fault.status) from None
            raise
        told = json_of(body)
        results, meta = told.get("results"), told.get("meta")
        if not isinstance(results, list) or not isinstance(meta, dict):
            raise SourceFault("the answer has no `results` and `meta`; the address is not that of a list")
        place = begun(place, day_of(fetcher.clock.now()))
        cursor = text_in(meta, "next_cursor")
        after = turned(place, token=cursor, days=[], records=len(results), total=number_in(meta, "count"))
        if not cursor or not results:
            after = ended(after)
        return Page(records_in(body, results), after)

    def _url(self, place: Place) -> str:
        more = {"cursor": place.token or _FIRST, "api_key": self._key or "", "mailto": self._contact or ""}
        if not self.address.get("per_page") and not self.address.get("per-page"):
            more["per_page"] = "100"
        if place.since and (filters := self.address.get("filter")):
            more["filter"] = _SINCE.sub(rf"\1:{place.since}", filters)
        return self.address.url(**more)
