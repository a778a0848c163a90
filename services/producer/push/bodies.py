"""The body of a request: read within bounds of size and time, unpacked within a bound of size."""

import asyncio
import io
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from services.producer.push.answers import refusal
from services.producer.push.room import Place
from services.producer.readers.unpack import DAMAGE, GZIP, ZSTANDARD, unpacked

SILENT_SECONDS = 20.0  # the longest wait for the next bytes
SLOWEST = 32 << 10  # bytes a second, on average, that must come after the first SILENT_SECONDS
WINDOW = 8 << 20  # bytes that zstd may refer back (RFC 9659)
MARKS = {"gzip": GZIP, "zstd": ZSTANDARD}
_PIECE = 1 << 16


async def read_body(request: Request, place: Place, most: int) -> bytes:
    """The body as sent. Errors: HTTPException 408, 413, 429; ClientDisconnect."""
    told = request.headers.get("content-length", "")
    if told.isdecimal():
        _check_size(int(told), most)
        place.require(int(told))
    loop = asyncio.get_running_loop()
    began, pieces, size = loop.time(), list[bytes](), 0
    stream = aiter(request.stream())
    while True:
        at_last = min(loop.time() + SILENT_SECONDS, began + SILENT_SECONDS + size / SLOWEST)
        try:
            async with asyncio.timeout_at(at_last):
                piece = await anext(stream)
        except StopAsyncIteration:
            return b"".join(pieces)
        except TimeoutError:
            detail = f"The body came too slowly: {size:,} bytes in {loop.time() - began:.0f} s."
            raise refusal(HTTPStatus.REQUEST_TIMEOUT, detail, Connection="close") from None
        size += len(piece)
        _check_size(size, most)
        place.add(len(piece))
        pieces.append(piece)


def _check_size(size: int, most: int) -> None:
    if size > most:
        detail = (
            f"The body has more than {most:,} bytes, the limit of this service (--intake-body-bytes). "
            "Nothing was taken; send fewer events at once."
        )
        raise refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def unpacked_body(raw: bytes, coding: str, most: int) -> bytes:
    """The body unpacked. coding: "", gzip or zstd; a packed file is told by its first bytes too.

    Errors: HTTPException 400 for a damaged body, 413 above `most` bytes.
    """
    if coding and raw and not raw.startswith(MARKS[coding]):
        detail = f"The body is not packed with {coding}, as Content-Encoding says."
        raise refusal(HTTPStatus.BAD_REQUEST, detail)
    if not raw.startswith((GZIP, ZSTANDARD)):
        _check_unpacked(len(raw), most)
        return raw
    stream = unpacked(io.BufferedReader(io.BytesIO(raw)), WINDOW)
    pieces, size = list[bytes](), 0
    try:
        while piece := stream.read1(_PIECE):
            size += len(piece)
            _check_unpacked(size, most)
            pieces.append(piece)
    except DAMAGE as error:
        detail = f"The packed body is damaged or cut ({error}). Nothing was taken."
        raise refusal(HTTPStatus.BAD_REQUEST, detail) from None
    body = b"".join(pieces)
    if body.startswith((GZIP, ZSTANDARD)):
        raise refusal(HTTPStatus.BAD_REQUEST, "The body is packed twice; pack it once.")
    return body


def _check_unpacked(size: int, most: int) -> None:
    if size > most:
        detail = (
            f"The body has more than {most:,} bytes unpacked, the limit of this service "
            "(--intake-unpacked-bytes). Nothing was taken; send fewer events at once."
        )
        raise refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


__all__ = ["ClientDisconnect", "read_body", "unpacked_body"]
