"""What the intake answers: counts, or a problem document (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.runtime.retry_after import BUSY_SECONDS, retry_after
from shared.errors import LogUnavailable

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
AWAY = (
    "The log did not answer in time, so it is not known whether it has these events. Send the same request "
    "again: equal events change nothing."
)

log = structlog.get_logger("intake")


def answer(value: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    """JSON."""
    return Response(orjson.dumps(value), status, HEADERS, "application/json")


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> Response:
    """A problem document. more: further members."""
    value = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status)}
    body = orjson.dumps(value | {"detail": detail} | dict(more or {}))
    return Response(body, status, {**HEADERS, **(headers or {})}, "application/problem+json")


def refusal(status: int, detail: str, **headers: str) -> HTTPException:
    """An error with this answer. headers: their names with _ for -."""
    return HTTPException(status, detail, {name.replace("_", "-"): value for name, value in headers.items()})


def busy(detail: str) -> HTTPException:
    """429: the same request may succeed later."""
    return HTTPException(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after(BUSY_SECONDS))


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to an error."""
    if isinstance(error, HTTPException):
        return problem(error.status_code, error.detail, error.headers)
    if isinstance(error, LogUnavailable):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, AWAY, retry_after(BUSY_SECONDS))
    log.error("request failed", path=request.url.path, error=repr(error))
    detail = "Something went wrong. The log lines of this service say what."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
