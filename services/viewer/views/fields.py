"""The page of a field, its feed, and the list of all fields."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from services.viewer.follow.paper_feed import paper_feed
from services.viewer.pages.field import Wanted, field_page
from services.viewer.pages.field_list import fields_page, unknown_field
from services.viewer.pages.field_names import field_in_words
from services.viewer.pages.following import POLL
from services.viewer.routes.endpoint import CURSOR
from services.viewer.routes.fields import BY
from services.viewer.routes.lists import FIRST_YEAR, LAST_YEAR, SORT
from services.viewer.routes.naming import named, names_none
from services.viewer.store.papers import Filters
from services.viewer.urls import FEED, FIELDS, feed_of_field, field_page_of
from services.viewer.views.feeds import atom
from services.viewer.views.site import Site, html
from services.viewer.web.parameters import integer, read_all
from shared.telemetry.http import ROUTE

YEAR = integer("year", "Papers of this year.", least=FIRST_YEAR, most=LAST_YEAR)
AUTHORS = CURSOR._replace(name="authors", description="The page of the authors.")
PAPERS = CURSOR._replace(name="papers", description="The page of the papers.")
SHOWN, LISTED = 15, 100  # authors and papers of a field's page; fields of the list


class FieldPages:
    """Fields."""

    def __init__(self, site: Site):
        self.site = site

    async def fields(self, request: Request) -> Response:
        """/fields, /fields/{field} and /fields/{field}/feed.atom."""
        if names_none(request, FIELDS):
            request.scope[ROUTE] = FIELDS
            return await self.all(request)
        code, part = named(request, FIELDS, FEED)
        request.scope[ROUTE] = f"{FIELDS}/{{field}}{'/' if part else ''}{part}"
        return await (self.feed(request, code) if part else self.field(request, code))

    async def all(self, request: Request) -> Response:
        cursor = read_all(request, (CURSOR,))["cursor"]
        store = await self.site.store()
        return html(
            request,
            fields_page(await store.fields(cursor=cursor, limit=LISTED), cursor, [await self.site.note()]),
        )

    async def field(self, request: Request, code: str) -> Response:
        given = read_all(request, (BY, SORT, YEAR, AUTHORS, PAPERS))
        wanted = Wanted(**given)
        store = await self.site.store()
        field, authors, papers = await asyncio.gather(
            store.field(code),
            store.field_authors(code, by=wanted.by, cursor=wanted.authors, limit=SHOWN),
            store.field_papers(
                code,
                sort=wanted.sort,
                filters=Filters(wanted.year, wanted.year),
                cursor=wanted.papers,
                limit=SHOWN,
            ),
        )
        if field is None:
            return await self._unknown(request, code)
        written = field_page(
            field,
            wanted,
            authors=authors,
            papers=papers,
            until=self.site.until,
            notes=[await self.site.note()],
            events=POLL if wanted.is_first else None,
        )
        return html(request, written)

    async def feed(self, request: Request, code: str) -> Response:
        """The papers of the field that came last."""
        store, base = await self.site.store(), self.site.follow.base(request)
        arrived = await store.newest_of_field(code)
        if arrived is None:
            return await self._unknown(request, code)
        written = paper_feed(
            arrived,
            identity=("field", code),
            title=f"New papers: {field_in_words(code)}",
            page=base + field_page_of(code),
            here=base + feed_of_field(code),
            base=base,
        )
        return atom(request, written)

    async def _unknown(self, request: Request, code: str) -> Response:
        store = await self.site.store()
        return html(request, unknown_field(code, await store.fields_alike(code)), HTTPStatus.NOT_FOUND)
