"""What all addresses share: the index of snapshots, the store, and how they refuse to answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.runtime.retry_after import BUSY_SECONDS, retry_after
from services.viewer.name_search import Match
from services.viewer.profile_index import ProfileIndex
from services.viewer.snapshots import StoredSnapshot
from services.viewer.store.service import StoreService
from services.viewer.store.store import Store
from services.viewer.web.answers import tagged_json
from shared.errors import Busy, LogError

T = TypeVar("T")
Status = Callable[[], Awaitable[dict[str, Any]] | dict[str, Any]]
FindNames = Callable[[Request, str, int], Awaitable[tuple[list[Match], bool]]]


class Context:
    """stop: ends event streams. names: the search in names without a store. status: of the pipeline."""

    def __init__(
        self,
        index: ProfileIndex,
        stop: asyncio.Event,
        names: FindNames,
        status: Callable[[], Awaitable[dict[str, Any]]],
        service: StoreService | None,
    ):
        self.index, self.stop, self.names, self.status, self.service = index, stop, names, status, service

    # ---- snapshots

    def require_newest(self) -> None:
        """Refuses to answer while the index reads what was published before the start. Error: HTTPException
        503.

        Until then the index may hold older snapshots than other readers have already seen.
        """
        if not self.index.caught_up:
            share = f"{self.index.fraction:.0%}"
            text = (
                f"This viewer is catching up: the log is still being read ({share}). Try again in a moment."
            )
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after(BUSY_SECONDS))

    async def snapshot(self, author_id: str) -> StoredSnapshot:
        """The newest snapshot. Errors: HTTPException 404 and 503, LogUnavailable, NotShown."""
        self.require_newest()
        snapshot = await self.index.read(author_id)
        if snapshot is not None:
            return snapshot
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"There is no author with the id {author_id!r} in this log."
        )

    # ---- the store

    @property
    def store(self) -> Store:
        """Error: Busy if this viewer has no store."""
        if self.service is None:
            raise Busy("This viewer keeps no store, so it knows profiles alone (--store).")
        return self.service.store

    async def from_store(self, asked: Request, value: Any) -> Response:
        """JSON with an entity tag, and with the lag of the store in records as X-Store-Lag."""
        response = tagged_json(asked, value)
        if self.service is not None:
            with suppress(LogError):
                response.headers["X-Store-Lag"] = str((await self.service.lag.now())["records"])
        return response

    async def found(self, value: T | None, what: str, identity: str) -> T:
        """The value. Error: HTTPException 404 for None, with the lag of the store where it has one."""
        if value is not None:
            return value
        text = f"There is no {what} with the id {identity!r} in this log."
        if self.service is not None:
            with suppress(LogError):
                behind = (await self.service.lag.now())["records"]
                if behind:
                    text = f"{text} The store of this viewer is {behind:,} records behind the log."
        raise HTTPException(HTTPStatus.NOT_FOUND, text)
