"""Feeds as HTTP answers."""

from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from services.viewer.follow.answers import ATOM, SHARED
from services.viewer.web.answers import tagged


def atom(request: Request, written: bytes) -> Response:
    """A feed with a tag made from its bytes, or 304. A reader may keep it for a minute."""
    tag = blake2b(written, digest_size=8).hexdigest()
    return tagged(request, tag, lambda: Response(written, media_type=ATOM), SHARED)
