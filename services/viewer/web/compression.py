"""Compresses answers for clients that accept it: br or gzip; event streams gzip, event by event."""

import asyncio
import re
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # it has no types
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TEXTS = ("application/json", "application/problem+json", "text/", "image/svg+xml")
STREAM = "text/event-stream"
LEAST_BYTES = 600  # a shorter answer fits into one packet anyway
GZIP_LEVEL, BROTLI_QUALITY, WINDOW = 5, 4, 31  # 31: zlib writes gzip
APART_BYTES = 256 << 10  # a longer answer is compressed in a thread
_PART = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*", re.ASCII)


def chosen(accepted: str, offered: tuple[str, ...]) -> str | None:
    """The coding that a client wants most; of equal ones the first that is offered. None: none (RFC 9110,
    12.5.3).
    """
    wishes: dict[str, float] = {}
    for part in accepted.lower().split(","):
        if match := _PART.fullmatch(part):
            wishes[match[1]] = float(match[2] or 1)
    wanted = {coding: wishes.get(coding, wishes.get("*", 0.0)) for coding in offered}
    best = max(offered, key=lambda coding: wanted[coding])
    return best if wanted[best] > 0 and wanted[best] >= wishes.get("identity", 0.0) else None


class Compression:
    """Compresses bodies that come in one piece, and event streams."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = Headers(scope=scope).get("accept-encoding", "") if scope["type"] == "http" else ""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        await self.app(scope, receive, _Sender(accepted, send))


class _Sender:
    """Sends one answer. `start` waits for the first piece of the body, which decides."""

    def __init__(self, accepted: str, send: Send):
        self._accepted, self._send = accepted, send
        self._start: Message | None = None
        self._pack: Callable[[bytes], bytes] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if not kind.startswith(TEXTS) or message["status"] in (204, 206, 304):
                return await self._send(message)
            self._start = message
            MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
            if kind.startswith(STREAM):
                await self._begin_stream(message)
            return None
        if self._pack is not None:
            message = {**message, "body": self._pack(message.get("body", b""))}
        elif self._start is not None:
            message = await self._whole(self._start, message)
            self._start = None
        await self._send(message)

    async def _begin_stream(self, start: Message) -> None:
        self._start = None
        if chosen(self._accepted, ("gzip",)):
            packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, WINDOW)
            self._pack = lambda body: packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH) if body else b""
            MutableHeaders(scope=start)["Content-Encoding"] = "gzip"
        await self._send(start)

    async def _whole(self, start: Message, message: Message) -> Message:
        """Sends the start. Returns the message with the body compressed."""
        body = message.get("body", b"")
        coding = chosen(self._accepted, ("br", "gzip"))
        headers = MutableHeaders(scope=start)
        if (
            coding
            and len(body) >= LEAST_BYTES
            and not message.get("more_body")
            and "content-encoding" not in headers
        ):
            if len(body) > APART_BYTES:
                body = await asyncio.to_thread(_packed, coding, body)
            else:
                body = _packed(coding, body)
            headers["Content-Encoding"], headers["Content-Length"] = coding, str(len(body))
            if (tag := headers.get("etag")) and not tag.startswith("W/"):
                headers["ETag"] = f"W/{tag}"  # other bytes than without compression
        await self._send(start)
        return {**message, "body": body}


def _packed(coding: str, body: bytes) -> bytes:
    if coding == "br":
        return bytes(brotli.compress(body, quality=BROTLI_QUALITY))
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, WINDOW)
    return packer.compress(body) + packer.flush()
