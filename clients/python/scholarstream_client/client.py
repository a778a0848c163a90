"""The HTTP API of a scholarstream service, as a client sees it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, cast

import httpx2

from scholarstream_client.addresses import API, author
from scholarstream_client.answers import answer_of, error_of
from scholarstream_client.errors import Unavailable
from scholarstream_client.following import follow
from scholarstream_client.models import Change, Found, Paper, Profile
from scholarstream_client.waiting import BackOff

TRIES = 4  # of a request that the service cannot answer now
# The service sends a comment every 10 seconds. A stream that is silent for longer than this has ended.
TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
PAGE = 100  # papers that one request asks for


class Client:
    """A client of one service. Use it as `async with Client(address) as client`.

    address: for example http://127.0.0.1:8080; transport: for tests and proxies of one's own; first_pause:
    seconds before the second attempt.
    """

    def __init__(
        self,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx2.Timeout = TIMEOUT,
        transport: httpx2.AsyncBaseTransport | None = None,
        first_pause: float = 0.5,
    ):
        self._first_pause = first_pause
        self._http = httpx2.AsyncClient(
            base_url=address.rstrip("/"),
            headers={"User-Agent": "scholarstream-client/0.1.0", **(headers or {})},
            timeout=timeout,
            transport=transport,
            follow_redirects=True,
            limits=httpx2.Limits(max_connections=None),
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def profile(self, author_id: str) -> Profile:
        """The newest profile of an author. `redirect` in it names the author that it is merged into.

        Errors: NotFound, Refused, Unavailable.
        """
        return cast(Profile, await self._get(author(author_id)))

    async def changes(self, author_id: str) -> list[Change]:
        """The newest changes of an author's numbers, newest first. Errors: NotFound, Refused, Unavailable."""
        return cast(list[Change], await self._get(author(author_id, "changes")))

    async def explain(self, author_id: str, metric: str, basis: str = "references") -> dict[str, Any]:
        """The papers that make a number, and what the next step needs. Errors: NotFound, Refused,
        Unavailable.
        """
        path = author(author_id, f"explain/{metric}")
        return cast(dict[str, Any], await self._get(path, {"basis": basis}))

    async def search(self, words: str, limit: int = 20) -> list[Found]:
        """Authors by name, best match first. Errors: Refused, Unavailable."""
        answer = await self._get(f"{API}/search", {"q": words, "limit": str(limit)})
        return cast(list[Found], answer["matches"])

    async def papers(
        self, author_id: str, *, limit: int = PAGE, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[Paper]:
        """All papers of an author, page by page. A page is asked for when the one before is used up.

        limit: papers a page; query: sort and filters, as the API takes them. Errors: NotFound, Refused,
        Unavailable.
        """
        asked = {"limit": str(limit), **(query or {})}
        while True:
            page = await self._get(author(author_id, "papers"), asked)
            for paper in page["papers"]:
                yield cast(Paper, paper)
            if not (cursor := page.get("next_cursor")):
                return
            asked["cursor"] = cursor

    def follow(self, ids: Iterable[str]) -> AsyncGenerator[Profile, None]:
        """Each profile as it is now, and then whenever it changes. It never ends by itself.

        Versions of an author rise strictly. Connections that break are opened again, with growing pauses. Who
        leaves the loop early closes the connections with `contextlib.aclosing`. Errors: NotFound, Refused,
        ValueError for too many ids.
        """
        return follow(self._http, ids, self._first_pause)

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        pauses = BackOff(self._first_pause)
        for left in reversed(range(TRIES)):
            try:
                try:
                    return answer_of(await self._http.get(path, params=_joined(path, query)))
                except httpx2.TransportError as error:
                    raise error_of(error) from error
            except Unavailable as error:
                if not left:
                    raise
                await asyncio.sleep(pauses.next(error.retry_after))
        raise AssertionError("unreachable")


def _joined(path: str, query: Mapping[str, str] | None) -> httpx2.QueryParams | None:
    """The query of the path and the given one together; None keeps that of the path."""
    return None if query is None else httpx2.URL(path).params.merge(query)
