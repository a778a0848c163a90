"""Addresses of fields."""

from typing import get_args

from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import CURSOR, FIELDS, PAGE, Asked, Endpoint
from services.viewer.routes.lists import ABSTRACTS, SORT, VENUE, YEARS, PaperList, listed, wish
from services.viewer.store.fields import By
from services.viewer.store.rows import AuthorCard, FieldCard, FieldPage
from services.viewer.web.answers import only
from services.viewer.web.parameters import choice

BY = choice("by", "The number to sort by, the largest first.", get_args(By), "h_index")


class Fields(TypedDict):
    """A page of fields."""

    fields: list[FieldCard]
    next_cursor: str | None


class FieldAuthors(TypedDict):
    """A page of authors."""

    authors: list[AuthorCard]
    next_cursor: str | None


class FieldAddresses:
    """The addresses of fields."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("/fields", "All fields, most papers first", self.fields, Fields, (CURSOR, PAGE, FIELDS)),
            Endpoint("/fields/{id}", "A field and how it grows", self.field, FieldPage, (FIELDS,),
                     errors=(404,)),
            Endpoint(
                "/fields/{id}/papers", "Papers of a field", self.papers, PaperList,
                (SORT, *YEARS, VENUE, ABSTRACTS, CURSOR, PAGE, FIELDS), errors=(404,),
            ),
            Endpoint(
                "/fields/{id}/authors", "Authors of a field", self.authors, FieldAuthors,
                (BY, CURSOR, PAGE, FIELDS),
                errors=(404,),
            ),
        ]  # fmt: skip

    async def fields(self, asked: Asked) -> Response:
        page = await self.context.store.fields(cursor=asked.given["cursor"], limit=asked.given["limit"])
        return await self.context.from_store(asked.request, listed(page, "fields", asked.given))

    async def field(self, asked: Asked) -> Response:
        field = await self.context.found(await self.context.store.field(asked.id), "field", asked.id)
        return await self.context.from_store(asked.request, only(field, asked.given["fields"]))

    async def papers(self, asked: Asked) -> Response:
        await self.context.found(await self.context.store.field(asked.id), "field", asked.id)
        page = await self.context.store.field_papers(asked.id, **wish(asked.given))
        return await self.context.from_store(asked.request, listed(page, "papers", asked.given))

    async def authors(self, asked: Asked) -> Response:
        given = asked.given
        await self.context.found(await self.context.store.field(asked.id), "field", asked.id)
        page = await self.context.store.field_authors(
            asked.id, by=given["by"], cursor=given["cursor"], limit=given["limit"]
        )
        return await self.context.from_store(asked.request, listed(page, "authors", given))
