"""Lets pages of other origins read the API (CORS, WHATWG Fetch). Nothing but reading exists here."""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.viewer.web.methods import ALLOWED
from shared.settings import ANY_ORIGIN

OPEN = ("/api/", "/openapi.json")  # addresses that other origins may read
EXPOSED = "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, X-Store-Lag"
ASKED = "Accept, If-None-Match, Last-Event-ID, Cache-Control"  # headers that a page may send
DAY_SECONDS = "86400"  # a browser remembers the permission


class Cors:
    """Adds the headers for allowed origins. A request without the header Origin gets them too where any is
    allowed, so that caches may share the answer.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]):
        self.app, self.origins = app, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.origins or not scope["path"].startswith(OPEN):
            return await self.app(scope, receive, send)
        asked = Headers(scope=scope)
        origin = ANY_ORIGIN if ANY_ORIGIN in self.origins else asked.get("origin", "")
        allowed = origin in self.origins

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if ANY_ORIGIN not in self.origins:
                    headers.add_vary_header("Origin")
                if allowed:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = EXPOSED
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                    if scope["method"] == "OPTIONS":
                        headers["Access-Control-Allow-Methods"] = ALLOWED
                        headers["Access-Control-Allow-Headers"] = ASKED
                        headers["Access-Control-Max-Age"] = DAY_SECONDS
            await send(message)

        await self.app(scope, receive, send_with_headers)
