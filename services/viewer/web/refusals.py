"""Errors in words: problem details (RFC 9457) for programs, a page for people."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.runtime.retry_after import BUSY_SECONDS, retry_after
from services.viewer.pages.layout import message
from services.viewer.web.security import SECURITY
from shared.errors import Busy, LogUnavailable, NotShown, UsageError

log = structlog.get_logger("viewer")

AWAY = "The log that this viewer reads has not answered for a while. Nothing is lost; try again in a moment."
FOR_PROGRAMS = ("/api/", "/openapi.json")  # addresses that answer with problem details


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to an error."""
    code, text, more = _answer_to(request, error)
    title = HTTPStatus(code).phrase
    headers = {
        **SECURITY,
        **more,
    }  # set here too: Starlette answers unexpected errors outside of all middleware
    if request.url.path.startswith(FOR_PROGRAMS):
        body = orjson.dumps({"type": "about:blank", "title": title, "status": int(code), "detail": text})
        return Response(body, code, headers, media_type="application/problem+json")
    return HTMLResponse(message(title, text), code, headers)


def _answer_to(request: Request, error: Exception) -> tuple[int, str, Mapping[str, str]]:
    """(status code, text, headers) for an error."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail, error.headers or {}
    if isinstance(error, NotShown):
        return HTTPStatus.BAD_GATEWAY, str(error), {}
    if isinstance(error, LogUnavailable):
        text = str(error) if isinstance(error, Busy) else AWAY
        return HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after(BUSY_SECONDS)
    if isinstance(error, UsageError):
        return HTTPStatus.BAD_REQUEST, str(error), {}
    log.error("request failed", path=request.url.path, error=repr(error))
    return (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong. The log lines of this service say what.",
        {},
    )
