"""The search. Without a store, or while it is made, it finds authors by name alone."""

from typing import Any

from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import CURSOR, Asked, Endpoint
from services.viewer.routes.lists import ABSTRACTS
from services.viewer.store.rows import AuthorCard, PaperCard
from services.viewer.web.answers import json_of
from services.viewer.web.parameters import integer, text
from shared.contracts.checks import NAME_LENGTH
from shared.errors import LogUnavailable

QUERY_LENGTH = NAME_LENGTH  # characters
FOUND, MOST_FOUND = 20, 100  # matches of a search: the default, the most
QUERY = text(
    "q", "Names, ids, ORCID, DOI, or words of titles and abstracts.", most=QUERY_LENGTH,
    right=f"a name or parts of one, 1 to {QUERY_LENGTH} characters", required=True,
)  # fmt: skip
LIMIT = integer("limit", "Authors, and papers, of a page.", least=1, most=MOST_FOUND, default=FOUND)


class Found(TypedDict):
    """What a search finds. authors: how many there are to search. matches: authors that fit."""

    query: str
    authors: int
    complete: bool
    corrected: bool
    matches: list[AuthorCard]
    papers: list[PaperCard]
    next_cursor: str | None


class SearchAddresses:
    """The address of the search."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "/search", "Authors and papers, best match first", self.search, Found,
                (QUERY, LIMIT, CURSOR, ABSTRACTS),
                description="Without a store, or while it is made, it finds names alone: `matches` then have "
                "`author_id`, `name`, `papers` and `h_index`, and `complete` is false.",
            )
        ]  # fmt: skip

    async def search(self, asked: Asked) -> Response:
        given, context = asked.given, self.context
        context.require_newest()
        if context.service is not None:
            try:
                found = await context.store.search(
                    given["q"], cursor=given["cursor"], limit=given["limit"], abstracts=given["abstracts"]
                )
            except LogUnavailable:
                if given["cursor"]:
                    raise
            else:
                response = await context.from_store(asked.request, self._answer(given["q"], dict(found)))
                return response
        matches, cut = await context.names(asked.request, given["q"], given["limit"])
        answer = self._answer(given["q"], {"authors": [match._asdict() for match in matches]})
        return json_of({**answer, "complete": context.index.caught_up and not cut})

    def _answer(self, query: str, found: dict[str, Any]) -> dict[str, Any]:
        return {
            "query": query,
            "authors": len(self.context.index),
            "complete": self.context.index.caught_up and found.get("complete", False),
            "corrected": found.get("corrected", False),
            "matches": found["authors"],
            "papers": found.get("papers", []),
            "next_cursor": found.get("next_cursor"),
        }
