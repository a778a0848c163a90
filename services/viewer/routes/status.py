"""The status of the pipeline, of this viewer and of its store."""

from contextlib import suppress
from typing import Any

from starlette.responses import Response
from typing_extensions import TypedDict

from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import Asked, Endpoint
from services.viewer.web.answers import json_of
from shared.errors import LogError


class Status(TypedDict, total=False):
    """As `scholarstream status --json`, and what the viewer has read. store: null without one."""

    viewer: dict[str, Any]


class StatusAddresses:
    """The address of the status."""

    def __init__(self, context: Context):
        self.context = context

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("/status", "What the service does now", self.status, Status, tagged=False)]

    async def status(self, asked: Asked) -> Response:
        index = self.context.index
        viewer: dict[str, Any] = {
            "authors": len(index),
            "caught_up": index.caught_up,
            "fraction": round(index.fraction, 4),
            "listeners": index.subscriptions,
        }
        if (service := self.context.service) is not None:
            store: dict[str, Any] = {"complete": False, "fraction": service.fraction}
            with suppress(LogError):
                lag = await service.lag.now()
                store = {"complete": True, "behind": lag, **await service.store.counts()}
            viewer["store"] = store
        return json_of({**await self.context.status(), "viewer": viewer})
