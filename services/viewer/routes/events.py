"""The event stream of headlines: of all authors, of some, of a field; when certain numbers changed."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import EVENTS, Asked, Endpoint
from services.viewer.routes.ids import ids_of, ids_parameter
from services.viewer.sse import EventStream, Fits, Headlines
from services.viewer.subscriptions import NewSnapshot, Subscription
from services.viewer.web.parameters import text, words
from shared.contracts.profiles import Headline

MOST_IDS = 200  # authors of one stream
REPLAYED = 20_000  # records that a resumed stream reads, at most
LATEST = 2**53

IDS = ids_parameter(MOST_IDS, "Only these authors. The stream begins with their newest headlines.")
FIELD = text("field", "Only authors of this field: cs.LG, or LG as in snapshots.", most=100, right="a field")
METRICS = words(
    "metrics", "Only snapshots in which one of these numbers changed; events then have them.", most=30
)


class HeadlineEvent(TypedDict, total=False):
    """The data of an event `headline`."""

    author_id: str
    generation: int
    version: int
    headline: Headline
    metrics: dict[str, float | None]


class EventAddresses:
    """The address of the stream."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "/events", "New snapshots as events `headline`", self.events, HeadlineEvent,
                (IDS, FIELD, METRICS),
                media=EVENTS, tagged=False,
                description="`Last-Event-ID` continues a stream: snapshots since then come first, of each "
                            "author the "
                f"newest. Of more than {REPLAYED:,} records the newest come, behind an event `gap`.",
            )
        ]  # fmt: skip

    async def events(self, asked: Asked) -> Response:
        context, given = self.context, asked.given
        context.require_newest()
        asked_for = ids_of(asked.request, context.index, IDS) if given["ids"] else []
        ids = [context.index.known(author_id) for author_id in asked_for]
        subscription = context.index.subscribe_to(ids) if ids else context.index.subscribe()
        try:
            missed, complete = await self._missed(asked.request.headers.get("last-event-id"), ids)
        except BaseException:
            subscription.close()
            raise
        return self._stream(subscription, missed, complete, given)

    def _stream(
        self, subscription: Subscription, missed: Sequence[NewSnapshot], complete: bool, given: dict[str, Any]
    ) -> Response:
        fits = self._fits(given["field"], given["metrics"])
        lines = Headlines(subscription, self.context.stop, fits, given["metrics"] or ())
        return EventStream(lines.events(missed, complete), subscription)

    async def _missed(self, seen: str | None, ids: Sequence[str]) -> tuple[list[NewSnapshot], bool]:
        """What comes first: of some authors the newest snapshots, of all those since the client's
        last event.
        """
        since = int(seen) if seen and seen.isdecimal() and seen.isascii() and len(seen) < 17 else None
        if not ids:
            return await self.context.index.since(since, REPLAYED) if since is not None else ([], True)
        found = []
        for author_id in ids:
            snapshot = await self.context.index.read(author_id)
            if snapshot is not None and snapshot.timestamp >= (since or 0):
                found.append(NewSnapshot(author_id, snapshot))
        return found, True

    def _fits(self, field: str | None, metrics: Sequence[str] | None) -> Fits | None:
        if field is None and not metrics:
            return None

        async def fits(new: NewSnapshot, content: dict[str, Any]) -> bool:
            if field is not None and not await self._has_field(new.author_id, content, field):
                return False
            return not metrics or await self._moved(new.author_id, content, metrics)

        return fits

    async def _has_field(self, author_id: str, content: dict[str, Any], field: str) -> bool:
        """A snapshot has the part after the last dot; the store tells categories with the same end apart."""
        if content.get("field") != field.rpartition(".")[2]:
            return False
        if "." not in field or self.context.service is None:
            return True
        card = await self.context.service.store.author(author_id)
        return card is None or card["field"] in (None, field)

    async def _moved(self, author_id: str, content: dict[str, Any], metrics: Sequence[str]) -> bool:
        """Whether the change record of this snapshot names one of the metrics."""
        version = content["generation"], content["version"]
        changes = await self.context.index.changes.of(author_id, version)
        if not changes or changes[0].version != version:
            return False
        return bool(set(metrics) & set(orjson.loads(changes[0].value).get("changed", ())))
