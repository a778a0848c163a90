"""The page of a paper, and the list of the newest ones."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.viewer.follow.paper_preview import paper_preview
from services.viewer.pages.following import POLL
from services.viewer.pages.paper import Lists, Wanted, cited_only, paper_page, papers_page, unknown_paper
from services.viewer.routes.endpoint import CURSOR
from services.viewer.routes.lists import SORT
from services.viewer.routes.naming import named, names_none
from services.viewer.store.rows import PaperPage
from services.viewer.urls import PAPERS, events_of
from services.viewer.views.site import Site, html
from services.viewer.web.parameters import read_all
from shared.errors import LogError, NotShown
from shared.telemetry.http import ROUTE

CITED_BY = CURSOR._replace(name="cited_by", description="The page of the papers that cite it.")
REFERENCES = CURSOR._replace(name="references", description="The page of those that it cites.")
CITING, CITED, NEWEST = 20, 20, 30  # papers of a list
LOOKED_AT = 3  # authors whose snapshots may have the grounds of the novelty
FOLLOWED = 40  # authors whose changes the open page follows
EMPTY: dict[str, Any] = {"items": [], "next_cursor": None}


class PaperPages:
    """Papers."""

    def __init__(self, site: Site):
        self.site = site

    async def papers(self, request: Request) -> Response:
        """/papers and /papers/{id}."""
        if names_none(request, PAPERS):
            request.scope[ROUTE] = PAPERS
            return await self.newest(request)
        request.scope[ROUTE] = f"{PAPERS}/{{paper}}"
        return await self.paper(request, named(request, PAPERS)[0])

    async def newest(self, request: Request) -> Response:
        cursor = read_all(request, (CURSOR,))["cursor"]
        store = await self.site.store()
        papers = await store.newest(cursor=cursor, limit=NEWEST)
        events = None if cursor else POLL
        return html(request, papers_page(papers, cursor, [await self.site.note()], events))

    async def paper(self, request: Request, paper_id: str) -> Response:
        given = read_all(request, (SORT, CITED_BY, REFERENCES))
        wanted = Wanted(given["sort"], given["cited_by"], given["references"])
        store = await self.site.store()
        paper, citing, cited = await asyncio.gather(
            store.paper(paper_id),
            store.citing(paper_id, sort=wanted.sort, cursor=wanted.cited_by, limit=CITING),
            store.references(paper_id, cursor=wanted.references, limit=CITED),
        )
        if paper is None or (paper["state"] == "unknown" and not paper["citations"]):
            return html(request, unknown_paper(paper_id, await self.site.note()), HTTPStatus.NOT_FOUND)
        if paper["state"] == "unknown":
            return html(request, cited_only(paper, citing or EMPTY, wanted.cited_by), HTTPStatus.NOT_FOUND)
        written = paper_page(
            paper,
            Lists(citing or EMPTY, cited or EMPTY),
            wanted,
            evidence=await self._evidence(paper),
            until=self.site.until,
            notes=[await self.site.note()],
            events=_events(paper) if wanted.is_first else None,
            head=paper_preview(paper, self.site.follow.base(request)),
        )
        return html(request, written, HTTPStatus.GONE if paper["state"] == "withdrawn" else HTTPStatus.OK)

    async def _evidence(self, paper: PaperPage) -> Mapping[str, Any] | None:
        """The paper in the newest snapshot of one of its authors. None: none of the first ones lists it."""
        index = self.site.context.index
        for person in paper["authors"][:LOOKED_AT] if index.caught_up else ():
            try:
                snapshot = await index.read(person["author_id"])
                listed = orjson.loads(snapshot.value).get("papers") or () if snapshot is not None else ()
                for one in listed:
                    if one["paper_id"] == paper["paper_id"]:
                        return dict(one)
            except (LogError, NotShown, ValueError, KeyError, TypeError, AttributeError):
                continue  # the page does without the grounds
        return None


def _events(paper: PaperPage) -> str | None:
    """The stream that tells when the authors' numbers move: with each citation of the paper they do."""
    ids = [one["author_id"] for one in paper["authors"][:FOLLOWED]]
    return events_of(ids) if ids else None
