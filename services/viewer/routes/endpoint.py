"""An address of the HTTP interface: its parameters, its answer, and what answers. OpenAPI is made from it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from services.viewer.web.parameters import Parameter, integer, read_all, text, words

JSON, EVENTS = "application/json", "text/event-stream"
LIMIT, MOST = 20, 200  # items of a page: the default, the most

CURSOR = text(
    "cursor", "The `next_cursor` of the page before.", most=4096, right="a cursor of the page before"
)
PAGE = integer("limit", "Items of a page.", least=1, most=MOST, default=LIMIT)
FIELDS = words("fields", "Only these fields of each object.", most=100)


class Asked(NamedTuple):
    """A question. id: of the author, paper or field in the address; name: what stands behind, e.g. a
    metric.
    """

    request: Request
    id: str
    name: str
    given: dict[str, Any]


class Endpoint(NamedTuple):
    """An address below /api/v1. path: as OpenAPI writes it, with {id} and perhaps {name}.

    answer: the type of its JSON; errors: status codes with a problem document, beside 400, 429 and 503.
    """

    path: str
    summary: str
    handler: Callable[[Asked], Awaitable[Response]]
    answer: Any
    parameters: tuple[Parameter, ...] = ()
    media: str = JSON
    errors: tuple[int, ...] = ()
    tagged: bool = True
    description: str = ""

    async def answer_to(self, request: Request, identity: str = "", name: str = "") -> Response:
        """The answer. Error: HTTPException 400 for wrong parameters; others of the handler."""
        return await self.handler(Asked(request, identity, name, read_all(request, self.parameters)))
