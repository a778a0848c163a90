"""The addresses of the author's page: the page, what is new for an open one, and files of the papers."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.viewer.author_page.changed_parts import States
from services.viewer.author_page.files import FILES, PaperFiles
from services.viewer.author_page.query import view_of
from services.viewer.author_page.rendering import Pages
from services.viewer.routes.context import Context
from services.viewer.urls import page_of, part_of_page
from services.viewer.web.answers import NO_CACHE, tagged

FRESH = "fresh"  # a part of the page's address: what is new since a state
PARTS = (FRESH, *FILES)
LONGEST_STATE = 100  # characters of a state that are read


class AuthorPage:
    """The handlers."""

    def __init__(self, context: Context):
        self._context = context
        self._pages = Pages(context)
        self._states = States()
        self._files = PaperFiles(context)

    async def page(self, request: Request, author_id: str, base: str) -> Response:
        """The page. base: the address of this server. Errors: as `Pages.page`, HTTPException 400."""
        if (other := self._merged(request, author_id, "")) is not None:
            return other
        view = view_of(request)
        fresh = await self._pages.page(author_id, view, base)
        self._states.remember((author_id, view), fresh)
        return tagged(request, fresh.state, lambda: HTMLResponse(fresh.html))

    async def part(self, request: Request, author_id: str, part: str, base: str) -> Response:
        """One of PARTS. Errors: as `page`."""
        if (other := self._merged(request, author_id, part)) is not None:
            return other
        if part != FRESH:
            return await self._files.file(request, author_id, part)
        view = view_of(request)
        state = request.query_params.get("since", "")[:LONGEST_STATE]
        fresh = await self._pages.page(author_id, view, base)
        new = self._states.since((author_id, view), state, fresh)
        self._states.remember((author_id, view), fresh)
        return HTMLResponse(fresh.html if new is None else new, headers=NO_CACHE)

    def _merged(self, request: Request, author_id: str, part: str) -> Response | None:
        """The way to the author that this one is merged into. Not cached: a merge may be taken back."""
        other = self._context.index.redirect(author_id)
        if other is None:
            return None
        address = part_of_page(other, part) if part and part != FRESH else page_of(other)
        return RedirectResponse(address, HTTPStatus.PERMANENT_REDIRECT, NO_CACHE)
