"""Answers for programs: JSON, entity tags, parts of objects."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

NO_CACHE = {"Cache-Control": "no-cache"}  # a client asks each time, with the tag that it has


def json_of(value: Any) -> Response:
    """JSON without a tag."""
    return Response(
        orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), media_type="application/json", headers=NO_CACHE
    )


def tagged(
    request: Request, tag: str, make: Callable[[], Response], caching: Mapping[str, str] = NO_CACHE
) -> Response:
    """The response, or 304 if the client has this version. caching: headers that say how it may keep it."""
    headers = {"ETag": f'"{tag}"', **caching}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if "*" in known or headers["ETag"] in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = make()
    response.headers.update(headers)
    return response


def tagged_json(request: Request, value: Any) -> Response:
    """JSON with a tag made from its bytes."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    tag = blake2b(body, digest_size=12).hexdigest()
    return tagged(request, tag, lambda: Response(body, media_type="application/json"))


def only(value: Mapping[str, Any], names: Sequence[str] | None) -> Mapping[str, Any]:
    """The named fields of an object. None: all. Error: HTTPException 400 for a field that it does not
    have.
    """
    if names is None:
        return value
    wrong = [name for name in names if name not in value]
    if wrong:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, f"fields: there is no {wrong[0]!r:.60} here; there are {', '.join(value)}"
        )
    return {name: value[name] for name in names}


def only_of(values: Sequence[Mapping[str, Any]], names: Sequence[str] | None) -> list[Mapping[str, Any]]:
    """The named fields of each object."""
    return [only(value, names) for value in values]
