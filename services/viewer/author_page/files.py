"""An author's papers as files: BibTeX, CSV, JSON. They are streamed, part by part."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.viewer.author_page import bibtex, tables
from services.viewer.author_page.query import view_of
from services.viewer.routes.context import Context
from services.viewer.store.rows import PaperCard
from services.viewer.web.answers import NO_CACHE
from shared.errors import Busy

MOST = 20_000  # papers of a file
STEP = 100  # papers of one question to the store
AT_ONCE = 4  # files that are written at the same time


class Format(NamedTuple):
    """A format. write: pieces of the file, for parts of the list as they come; `last` says that it ends."""

    media: str
    begin: str
    write: Callable[[Sequence[PaperCard], bool], str]
    end: str = ""


FILES: Mapping[str, Format] = {
    "papers.bib": Format("application/x-bibtex", "", bibtex.write),
    "papers.csv": Format("text/csv", tables.CSV_HEAD, tables.write_csv),
    "papers.json": Format("application/json", tables.JSON_BEGIN, tables.write_json, tables.JSON_END),
}


class PaperFiles:
    """Writes files from the store."""

    def __init__(self, context: Context):
        self._context = context
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def file(self, request: Request, author_id: str, name: str) -> Response:
        """A file of all papers that the query asks for, MOST at most.

        Errors: Busy without a store or with too much to do; HTTPException 404.
        """
        store, view = self._context.store, view_of(request)
        if self._turns.locked():
            raise Busy("Too many files are being written; try again in a few seconds.")
        kind = FILES[name]

        async def part(cursor: str | None) -> tuple[Sequence[PaperCard], str | None]:
            page = await store.papers_of(
                author_id,
                sort=view.sort,
                filters=view.filters,
                cursor=cursor,
                limit=STEP,
                abstracts=True,
                everyone=True,
            )
            if page is None:
                raise HTTPException(
                    HTTPStatus.NOT_FOUND, f"There is no author with the id {author_id!r} in this log."
                )
            return page["items"], page["next_cursor"]

        first, cursor = await part(None)

        async def pieces() -> AsyncIterator[str]:
            async with self._turns:
                papers, following, written = first, cursor, 0
                yield kind.begin
                while True:
                    written += len(papers)
                    is_last = following is None or written >= MOST
                    yield kind.write(papers, is_last)
                    if is_last:
                        break
                    papers, following = await part(following)
                yield kind.end

        disposition = f'attachment; filename="{name}"'
        return StreamingResponse(
            pieces(), media_type=kind.media, headers={**NO_CACHE, "Content-Disposition": disposition}
        )
