"""What all pages share: the index, the store and what is to be said of it, tags, the present year."""

import time
from datetime import UTC, datetime
from hashlib import blake2b
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.runtime.retry_after import BUSY_SECONDS, retry_after
from services.viewer.follow.answers import Follow
from services.viewer.routes.context import Context
from services.viewer.store.store import Store
from services.viewer.web.answers import NO_CACHE, tagged
from shared.errors import Busy, LogError

MANY_RECORDS, MANY_SECONDS = 1_000, 60  # behind the log: pages say so beyond
NO_STORE = "This viewer keeps no store (--store), so it knows authors alone: no papers, fields or changes."
AWAY = "The store of this viewer does not answer at present. Try again in a moment."


class Site:
    """context: what all addresses share; follow: knows the address of this server."""

    def __init__(self, context: Context, follow: Follow):
        self.context, self.follow = context, follow

    @property
    def demo(self) -> bool:
        """Whether the log has a simulated literature."""
        return bool(self.context.index.simulated)

    @property
    def until(self) -> int:
        """The present year: charts end with it."""
        return datetime.fromtimestamp(time.time(), UTC).year

    # ---- what is to be said

    @property
    def reading(self) -> str | None:
        """That the log is still being read; None once it is."""
        index = self.context.index
        if index.caught_up:
            return None
        return f"The log is still being read ({index.fraction:.0%}); more authors will follow."

    async def note(self) -> str | None:
        """What is to be said of the store: that there is none, that it is being made, or that it lags."""
        service = self.context.service
        if service is None:
            return NO_STORE
        try:
            service.store.place.current()
        except Busy:
            return self._being_made()
        try:
            lag = await service.lag.now()
        except LogError:
            return AWAY
        if lag["records"] <= MANY_RECORDS and (lag["seconds"] or 0) <= MANY_SECONDS:
            return None
        behind = f"{lag['records']:,} records behind the log"
        return f"The lists of this viewer are {behind}; they may be older than the numbers of authors."

    def _being_made(self) -> str:
        fraction = self.context.service.fraction if self.context.service is not None else None
        done = f" ({fraction:.0%} done)" if fraction is not None else ""
        return f"The store of this viewer is being made{done}. Papers, fields and changes come after that."

    # ---- the store

    async def store(self) -> Store:
        """The store, for pages that are nothing without it. Error: HTTPException 503, in words."""
        service = self.context.service
        if service is None:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NO_STORE)
        try:
            service.store.place.current()
        except Busy:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE, self._being_made(), retry_after(BUSY_SECONDS)
            ) from None
        return service.store


def html(request: Request, written: str, status: int = HTTPStatus.OK) -> Response:
    """A page with a tag made from its bytes, or 304. A page that is an error has no tag."""
    body = written.encode()
    if status != HTTPStatus.OK:
        return HTMLResponse(body, status, NO_CACHE)
    return tagged(request, blake2b(body, digest_size=12).hexdigest(), lambda: HTMLResponse(body))
