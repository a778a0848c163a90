"""Which methods an address takes: all of them are read only."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

ALLOWED = "GET, HEAD, OPTIONS"


class Methods:
    """Answers OPTIONS, and refuses what is not read only. refuse: makes the answer to an error."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Sequence[BaseRoute],
        refuse: Callable[[Request, Exception], Awaitable[Response]],
    ):
        self.app, self.routes, self.refuse = app, routes, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        reading = {**scope, "method": "GET"}
        answer: Response
        found = (route.matches(reading) for route in self.routes)
        served = next((matched for match, matched in found if match == Match.FULL), None)
        scope.update(served or {})  # the request is counted at its address
        if served is None:
            error = HTTPException(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
            answer = await self.refuse(Request(scope), error)
        elif scope["method"] == "OPTIONS":
            answer = Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": ALLOWED})
        else:
            error = HTTPException(
                HTTPStatus.METHOD_NOT_ALLOWED, "This service is only read: GET and HEAD.", {"Allow": ALLOWED}
            )
            answer = await self.refuse(Request(scope), error)
        await answer(scope, receive, send)
