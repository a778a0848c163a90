"""What an answer of the service means."""

from typing import Any

import httpx2

from scholarstream_client.errors import ClientError, NotFound, Refused, Unavailable
from scholarstream_client.waiting import retry_after

BUSY = (429, 502, 503, 504)


def answer_of(response: httpx2.Response) -> Any:
    """The JSON of an answer that was read. Errors: as `require_success`, and ClientError if it is no JSON."""
    require_success(response)
    try:
        return response.json()
    except ValueError:
        raise ClientError(
            f"{response.request.url} is not the HTTP API of scholarstream: its answer is no JSON"
        ) from None


def require_success(response: httpx2.Response) -> None:
    """Errors: NotFound, Refused, Unavailable, from a response that was read and is no success."""
    if response.is_success:
        return
    text = _detail(response)
    if response.status_code in BUSY:
        raise Unavailable(text, retry_after(response.headers.get("Retry-After")))
    raise (NotFound if response.status_code == 404 else Refused)(response.status_code, text)


def error_of(error: httpx2.TransportError) -> Unavailable:
    """The error for a connection that failed."""
    return Unavailable(f"no answer: {error or type(error).__name__}")


def _detail(response: httpx2.Response) -> str:
    """`detail` of a problem document (RFC 9457), else the name of the status."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase or "no reason given"
