"""Addresses of authors: snapshots, explanations, changes, papers, co-authors, batches, events."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.explanations import explanation_of
from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import CURSOR, EVENTS, FIELDS, PAGE, Asked, Endpoint
from services.viewer.routes.ids import ids_of, ids_parameter
from services.viewer.routes.lists import PAPERS, POSITION, PaperList, listed, wish
from services.viewer.snapshots import StoredSnapshot, not_shown
from services.viewer.sse import EventStream, profile_events
from services.viewer.store.rows import AuthorFacets, CoauthorCard
from services.viewer.web.answers import json_of, only, tagged, tagged_json
from services.viewer.web.parameters import text
from shared.contracts.profiles import Change, Profile
from shared.errors import UnknownMetric, UsageError
from shared.metrics.metric import REFERENCES

MOST_IDS = 50  # of a batch
IDS = ids_parameter(MOST_IDS, "Authors.", required=True)
BASIS = text(
    "basis", "Whose counts: references, or counted:SOURCE.", most=200, right="references or counted:SOURCE"
)

log = structlog.get_logger("viewer")


class Profiles(TypedDict):
    """The snapshots of a batch."""

    authors: list[Profile]
    unknown: list[str]


class Coauthors(TypedDict):
    """A page of co-authors."""

    coauthors: list[CoauthorCard]
    next_cursor: str | None


class Explanation(TypedDict, total=False):
    """Why a number is what it is; docs/http.md describes the fields."""

    author_id: str
    metric: str
    basis: str
    value: float | None
    explained: bool
    sentence: str | None
    papers: list[dict[str, Any]]
    lacking: str | None


class AuthorAddresses:
    """The addresses of authors."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("/authors", "Snapshots of several authors", self.batch, Profiles, (IDS, FIELDS)),
            Endpoint(
                "/authors/{id}", "The newest snapshot of an author", self.snapshot, Profile, (FIELDS,),
                errors=(404, 502)
            ),
            Endpoint(
                "/authors/{id}/papers", "All papers of an author", self.papers, PaperList,
                (*PAPERS, POSITION), errors=(404,)
            ),
            Endpoint(
                "/authors/{id}/coauthors", "Co-authors, most papers together first", self.coauthors,
                Coauthors,
                (CURSOR, PAGE, FIELDS), errors=(404,),
            ),
            Endpoint(
                "/authors/{id}/facets", "What the papers can be filtered by", self.facets, AuthorFacets,
                (FIELDS,), errors=(404,)
            ),
            Endpoint(
                "/authors/{id}/changes", "The newest changes with their causes, 5 at most", self.changes,
                list[Change],
                errors=(404, 502), tagged=False,
            ),
            Endpoint(
                "/authors/{id}/explain/{name}", "Why a number is what it is", self.explain, Explanation,
                (BASIS,),
                errors=(404, 502),
            ),
            Endpoint(
                "/authors/{id}/events", "The snapshot, then every newer one, as events `profile`",
                self.events, Profile,
                media=EVENTS, errors=(404, 502), tagged=False,
                description="`Last-Event-ID` skips the version that the client has.",
            ),
        ]  # fmt: skip

    async def batch(self, asked: Asked) -> Response:
        self.context.require_newest()
        found: dict[str, Any] = {}
        unknown = []
        for author_id in ids_of(asked.request, self.context.index, IDS):
            snapshot = await self.context.index.read(self.context.index.known(author_id))
            if snapshot is None:
                unknown.append(author_id)
            else:
                with shown(author_id, snapshot):
                    found[author_id] = only(orjson.loads(snapshot.value), asked.given["fields"])
        return tagged_json(asked.request, {"authors": list(found.values()), "unknown": unknown})

    async def snapshot(self, asked: Asked) -> Response:
        author_id = self.context.index.known(asked.id)
        snapshot = await self.context.snapshot(author_id)
        names = asked.given["fields"]
        if names is None:
            return tagged(
                asked.request, snapshot.tag, lambda: Response(snapshot.value, media_type="application/json")
            )
        with shown(author_id, snapshot):
            value = only(orjson.loads(snapshot.value), names)
        return tagged_json(asked.request, value)

    async def papers(self, asked: Asked) -> Response:
        author_id = self.context.index.known(asked.id)
        page = await self.context.store.papers_of(author_id, **wish(asked.given))
        found = await self.context.found(page, "author", asked.id)
        return await self.context.from_store(asked.request, listed(found, "papers", asked.given))

    async def coauthors(self, asked: Asked) -> Response:
        given = asked.given
        author_id = self.context.index.known(asked.id)
        page = await self.context.store.coauthors(author_id, cursor=given["cursor"], limit=given["limit"])
        found = await self.context.found(page, "author", asked.id)
        return await self.context.from_store(asked.request, listed(found, "coauthors", given))

    async def facets(self, asked: Asked) -> Response:
        facets = await self.context.store.facets(self.context.index.known(asked.id))
        found = await self.context.found(facets, "author", asked.id)
        return await self.context.from_store(asked.request, only(found, asked.given["fields"]))

    async def changes(self, asked: Asked) -> Response:
        author_id = self.context.index.known(asked.id)
        snapshot = await self.context.snapshot(author_id)
        changes = await self.context.index.changes.of(author_id, (snapshot.generation, snapshot.version))
        return json_of([orjson.Fragment(change.value) for change in changes])

    async def explain(self, asked: Asked) -> Response:
        author_id = self.context.index.known(asked.id)
        snapshot = await self.context.snapshot(author_id)
        with shown(author_id, snapshot):
            try:
                explanation = explanation_of(
                    orjson.loads(snapshot.value), asked.name, asked.given["basis"] or REFERENCES
                )
            except UnknownMetric as error:
                raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
            except UsageError as error:
                raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
        return tagged(asked.request, snapshot.tag, lambda: json_of(explanation))

    async def events(self, asked: Asked) -> Response:
        context, author_id = self.context, self.context.index.known(asked.id)
        context.require_newest()
        # Before the read, so that no version is missed in between.
        subscription = context.index.subscribe(author_id)
        try:
            snapshot = await context.snapshot(author_id)
        except BaseException:
            subscription.close()
            raise
        seen = asked.request.headers.get("last-event-id")
        return EventStream(profile_events(subscription, snapshot, seen, context.stop), subscription)


@contextmanager
def shown(author_id: str, snapshot: StoredSnapshot) -> Iterator[None]:
    """Error: NotShown for a snapshot or a change record that does not follow the contract."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        log.error("a snapshot cannot be shown", author=author_id, version=snapshot.tag, error=repr(error))
        raise not_shown(author_id, f"version {snapshot.tag}") from None
