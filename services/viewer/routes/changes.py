"""Changes of numbers: of all authors, of one, and who moved within a day."""

from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import CURSOR, FIELDS, PAGE, Asked, Endpoint
from services.viewer.routes.lists import listed
from services.viewer.store.rows import ChangeCard
from services.viewer.web.answers import only_of
from services.viewer.web.parameters import text

AUTHOR = text("author", "Only of this author.", most=256, right="the id of an author")


class Changes(TypedDict):
    """A page of changes."""

    changes: list[ChangeCard]
    next_cursor: str | None


class Moved(TypedDict):
    """Authors that moved, each once."""

    authors: list[ChangeCard]


class ChangeAddresses:
    """The addresses of changes."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "/changes", "Changes of numbers with their causes, newest first", self.changes, Changes,
                (AUTHOR, CURSOR, PAGE, FIELDS), errors=(404,),
                description="The newest 50,000 changes; of each at most 5 causes. Of a new author the "
                            "headline alone.",
            ),
            Endpoint(
                "/changes/today", "Who moved within 24 hours, the h-index that rose most first", self.today,
                Moved,
                (PAGE, FIELDS),
            ),
        ]  # fmt: skip

    async def changes(self, asked: Asked) -> Response:
        given = asked.given
        author_id = given["author"] and self.context.index.known(given["author"])
        page = await self.context.store.changes(author_id, cursor=given["cursor"], limit=given["limit"])
        found = await self.context.found(page, "author", given["author"] or "")
        return await self.context.from_store(asked.request, listed(found, "changes", given))

    async def today(self, asked: Asked) -> Response:
        moved = await self.context.store.moved_today(limit=asked.given["limit"])
        value = {"authors": only_of(moved, asked.given["fields"])}
        return await self.context.from_store(asked.request, value)
