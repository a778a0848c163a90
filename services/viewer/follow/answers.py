"""The handlers of badge, card, feed and oEmbed."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.viewer.follow import oembed
from services.viewer.follow.badge import badge
from services.viewer.follow.card import SMALLEST, THEMES, WIDEST, WIDTH, card
from services.viewer.follow.feed import feed
from services.viewer.follow.numbers import number_of
from services.viewer.profile_index import ProfileIndex
from services.viewer.snapshots import StoredSnapshot, not_shown
from services.viewer.urls import page_of, part_of_page
from services.viewer.web.answers import tagged
from shared.metrics.definitions import METRICS
from shared.metrics.metric import REFERENCES

BADGE, CARD, FEED = "badge.svg", "card.svg", "feed.atom"
PARTS = (BADGE, CARD, FEED)  # of the address of an author's page
# Another origin may show the pictures. A reader asks again after a minute, and gets 304 if nothing changed.
SHARED = {"Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin"}
SVG, ATOM = "image/svg+xml", "application/atom+xml"
LONGEST_URL = 4000

Read = Callable[[str], Awaitable[StoredSnapshot]]


class Follow:
    """read: the newest snapshot of an author, as pages read it. public_url: the address that other people
    use; None: that of each request.
    """

    def __init__(self, index: ProfileIndex, read: Read, public_url: str | None = None):
        self._index, self._read, self._public_url = index, read, public_url

    def base(self, request: Request) -> str:
        """The address of this server: scheme and host."""
        return self._public_url or f"{request.url.scheme}://{request.url.netloc}"

    async def part(self, request: Request, author_id: str, part: str) -> Response:
        """One of PARTS. Errors: HTTPException 400, 404, 503, LogUnavailable, NotShown."""
        if (other := self._index.redirect(author_id)) is not None:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(
                part_of_page(other, part) + query,
                HTTPStatus.PERMANENT_REDIRECT,
                {"Cache-Control": "no-cache"},
            )
        snapshot = await self._read(author_id)
        make = {BADGE: self._badge, CARD: self._card, FEED: self._feed}[part]
        try:
            return await make(request, author_id, snapshot, _parsed(snapshot))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise not_shown(author_id, f"version {snapshot.tag}") from None

    async def _badge(
        self, request: Request, author_id: str, snapshot: StoredSnapshot, profile: Mapping[str, Any]
    ) -> Response:
        metric = request.query_params.get("metric", "h_index")
        basis = request.query_params.get("basis")
        shown = number_of(profile, metric, basis)
        if shown is None:
            known = ", ".join(one.name for one in METRICS if one.values)
            text = f"metric: there is no {metric!r} on {basis or REFERENCES!r}; there are {known}"
            raise HTTPException(HTTPStatus.NOT_FOUND, text)
        return _tagged(request, badge(shown, str(profile.get("name") or author_id)), SVG)

    async def _card(
        self, request: Request, author_id: str, snapshot: StoredSnapshot, profile: Mapping[str, Any]
    ) -> Response:
        theme = request.query_params.get("theme", "light")
        if theme not in THEMES:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"theme: {' or '.join(THEMES)}")
        width = _number(request, "width", WIDTH, SMALLEST, WIDEST)
        return _tagged(
            request, card(profile, theme=theme, width=width, demo=bool(self._index.simulated)), SVG
        )

    async def _feed(
        self, request: Request, author_id: str, snapshot: StoredSnapshot, profile: Mapping[str, Any]
    ) -> Response:
        stored = await self._index.changes.of(author_id, (snapshot.generation, snapshot.version))
        changes = [(change.timestamp, orjson.loads(change.value)) for change in stored]
        base = self.base(request)
        written = feed(
            profile,
            changes,
            page=base + page_of(author_id),
            here=base + part_of_page(author_id, FEED),
            changed_ms=snapshot.timestamp,
        )
        return _tagged(request, written, ATOM)

    async def oembed(self, request: Request) -> Response:
        """/oembed. Errors: HTTPException 400, 404, 501, 503, LogUnavailable, NotShown."""
        if request.query_params.get("format", "json") != "json":
            raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, "format: json is the only one")
        url = request.query_params.get("url", "")
        if not url or len(url) > LONGEST_URL:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "url: the address of an author's page")
        within = (
            _number(request, "maxwidth", WIDTH, 1, 10_000),
            _number(request, "maxheight", 10_000, 1, 10_000),
        )
        base = self.base(request)
        asked = oembed.author_at(url, base)
        if asked is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "url: it is not the address of an author's page here")
        author_id = self._index.known(asked)
        author_id = self._index.redirect(author_id) or author_id
        snapshot = await self._read(author_id)
        try:
            answer = oembed.answer(
                _parsed(snapshot),
                page=base + page_of(author_id),
                card=base + part_of_page(author_id, CARD),
                base=base,
                within=within,
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise not_shown(author_id, f"version {snapshot.tag}") from None
        return _tagged(request, orjson.dumps(answer), "application/json")


def _parsed(snapshot: StoredSnapshot) -> Mapping[str, Any]:
    profile: Mapping[str, Any] = orjson.loads(snapshot.value)
    return profile


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number in the query. Error: HTTPException 400."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 10 and least <= int(given) <= most):
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"{name}: a number from {least} to {most}")
    return int(given)


def _tagged(request: Request, content: bytes, kind: str) -> Response:
    """The content with a tag made from it, or 304 if the client has it."""
    tag = blake2b(content, digest_size=8).hexdigest()
    return tagged(request, tag, lambda: Response(content, media_type=kind), SHARED)
