"""All addresses of the HTTP interface, as routes."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from services.viewer.openapi.document import document
from services.viewer.openapi.page import OPENAPI, api_page
from services.viewer.routes.authors import AuthorAddresses
from services.viewer.routes.changes import ChangeAddresses
from services.viewer.routes.context import Context
from services.viewer.routes.endpoint import Endpoint
from services.viewer.routes.events import EventAddresses
from services.viewer.routes.fields import FieldAddresses
from services.viewer.routes.naming import named
from services.viewer.routes.papers import PaperAddresses
from services.viewer.routes.search import SearchAddresses
from services.viewer.routes.status import StatusAddresses
from services.viewer.urls import API
from services.viewer.web.answers import NO_CACHE, tagged_json
from shared.telemetry.http import ROUTE

AUTHORS = "/authors"
COLLECTIONS = (AUTHORS, "/papers", "/fields")  # of things with an id in the address
PAGE = "/docs/api"
GROUPS = (
    AuthorAddresses, PaperAddresses, FieldAddresses, SearchAddresses, ChangeAddresses, EventAddresses,
    StatusAddresses
)  # fmt: skip

Handler = Callable[[Request], Awaitable[Response]]


def endpoints(context: Context) -> list[Endpoint]:
    """Every address below /api/v1, in the order in which they are documented."""
    return [endpoint for group in GROUPS for endpoint in group(context).endpoints()]


def api_routes(context: Context) -> list[BaseRoute]:
    """The routes of the interface, of its description, and of the page that shows it."""
    found = {endpoint.path: endpoint for endpoint in endpoints(context)}
    routes: list[BaseRoute] = []
    for collection in COLLECTIONS:
        handler = _collection(collection, found)
        routes.append(Route(API + collection, handler, methods=["GET"]))
        of_one = "author" if collection == AUTHORS else "id"
        routes.append(Route(f"{API}{collection}/{{{of_one}:any}}", handler, methods=["GET"]))
    for path, endpoint in found.items():
        if not path.startswith(COLLECTIONS):
            routes.append(Route(API + path, _single(endpoint), methods=["GET"]))
    described = document(list(found.values()))
    shown = api_page(described)

    async def openapi(request: Request) -> Response:
        return tagged_json(request, described)

    async def page(request: Request) -> Response:
        return HTMLResponse(shown, headers=NO_CACHE)

    routes.append(Route(OPENAPI, openapi, methods=["GET"]))
    routes.append(Route(PAGE, page, methods=["GET"]))
    return routes


def _single(endpoint: Endpoint) -> Handler:
    async def handle(request: Request) -> Response:
        return await endpoint.answer_to(request)

    return handle


def _collection(collection: str, found: dict[str, Endpoint]) -> Handler:
    """Answers at /authors, at /authors/{id}, and at the parts of an author. Likewise for papers and
    fields.
    """
    head = f"{collection}/{{id}}"
    parts = {
        path.removeprefix(f"{head}/").replace("{name}", ""): path
        for path in found
        if path.startswith(f"{head}/")
    }

    async def handle(request: Request) -> Response:
        raw = (request.scope.get("raw_path") or request.url.path.encode()).split(b"?", 1)[0].rstrip(b"/")
        is_whole = raw == (API + collection).encode() and "id" not in request.query_params
        if is_whole and (collection != AUTHORS or "ids" in request.query_params):
            request.scope[ROUTE] = API + collection
            return await found[collection].answer_to(request)
        identity, part = named(request, API + collection, *parts)
        first, slash, name = part.partition("/")
        path = parts[first + slash] if part else head
        template = path.replace("{id}", "{author}") if collection == AUTHORS else path
        request.scope[ROUTE] = API + template.replace("{name}", "{metric}")
        return await found[path].answer_to(request, identity, name)

    return handle
