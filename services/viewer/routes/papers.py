"""Addresses of papers: one, who cites it, what it cites, several, the newest."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import CURSOR, FIELDS, PAGE, Asked, Endpoint
from services.viewer.routes.lists import ABSTRACTS, PAPERS, PaperList, listed, wish
from services.viewer.store.rows import PaperPage
from services.viewer.web.answers import only
from services.viewer.web.parameters import words

MOST_IDS = 50  # of a batch
IDS = words("ids", "Only these papers, with all their fields.", most=MOST_IDS)


class Papers(PaperList, total=False):
    """A page of papers, or those of a batch."""

    unknown: list[str]


class PaperAddresses:
    """The addresses of papers."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "/papers", "The newest papers, or several by id", self.several, Papers,
                (IDS, ABSTRACTS, CURSOR, PAGE, FIELDS),
            ),
            Endpoint("/papers/{id}", "A paper with everything", self.paper, PaperPage, (FIELDS,),
                     errors=(404,)),
            Endpoint("/papers/{id}/citing", "Papers that cite it", self.citing, PaperList, PAPERS,
                     errors=(404,)),
            Endpoint(
                "/papers/{id}/references", "Papers that it cites", self.references, PaperList, PAPERS,
                errors=(404,),
                description="Published papers first. Of a paper with the state `unknown`, only the id is "
                            "known.",
            ),
        ]  # fmt: skip

    async def several(self, asked: Asked) -> Response:
        given, store = asked.given, self.context.store
        if given["ids"] is None:
            page = await store.newest(
                cursor=given["cursor"], limit=given["limit"], abstracts=given["abstracts"]
            )
            return await self.context.from_store(asked.request, listed(page, "papers", given))
        found, unknown = [], []
        for paper_id in given["ids"]:
            paper = await store.paper(paper_id)
            if paper is None or paper["state"] == "unknown":
                unknown.append(paper_id)
            else:
                found.append(only(paper, given["fields"]))
        value = {"papers": found, "next_cursor": None, "unknown": unknown}
        return await self.context.from_store(asked.request, value)

    async def paper(self, asked: Asked) -> Response:
        paper = await self.context.found(await self.context.store.paper(asked.id), "paper", asked.id)
        if paper["state"] == "unknown":
            raise HTTPException(
                HTTPStatus.NOT_FOUND,
                f"No record of the paper {asked.id!r} is in this log. {paper['citations']:,} papers cite it.",
            )
        return await self.context.from_store(asked.request, only(paper, asked.given["fields"]))

    async def citing(self, asked: Asked) -> Response:
        page = await self.context.store.citing(asked.id, **wish(asked.given))
        found = await self.context.found(page, "paper", asked.id)
        return await self.context.from_store(asked.request, listed(found, "papers", asked.given))

    async def references(self, asked: Asked) -> Response:
        page = await self.context.store.references(asked.id, **wish(asked.given))
        found = await self.context.found(page, "paper", asked.id)
        return await self.context.from_store(asked.request, listed(found, "papers", asked.given))
