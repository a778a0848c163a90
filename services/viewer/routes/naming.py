"""Which author, paper or field an address names, and which part of it."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.viewer.urls import author_of, part_of


def named(request: Request, collection: str, *parts: str) -> tuple[str, str]:
    """(id, part) from the request's path, or from ?id= and ?part= where a path cannot hold the id."""
    try:
        raw = _raw_path(request)
        if _is_at(raw, collection):
            identity, part = request.query_params.get("id", ""), request.query_params.get("part", "")
        else:
            identity, part = author_of(raw, collection, *parts)
        identity.encode()
    except UnicodeError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The address is not UTF-8.") from None
    if not identity:
        raise HTTPException(HTTPStatus.NOT_FOUND, "The address names nothing.")
    return identity, part_of(part, *parts)


def names_none(request: Request, collection: str) -> bool:
    """Whether the address is that of the collection itself."""
    return _is_at(_raw_path(request), collection) and "id" not in request.query_params


def _raw_path(request: Request) -> bytes:
    return request.scope.get("raw_path") or request.url.path.encode()


def _is_at(raw_path: bytes, collection: str) -> bool:
    return raw_path.split(b"?", 1)[0].rstrip(b"/") == collection.encode()
