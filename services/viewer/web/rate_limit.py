"""Limits how often one client asks: a bucket of requests that fills again all the time.

Headers: RateLimit and RateLimit-Policy, as in the IETF draft "RateLimit header fields for HTTP" (httpapi).
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.retry_after import retry_after

LIMITED = ("/api/", "/openapi.json", "/docs/")
WINDOW_SECONDS = 60
CLIENTS = 20_000  # that are remembered: those that asked last


class _Bucket(NamedTuple):
    """left: requests that the client may make at the time `at` (seconds)."""

    left: float
    at: float


class RateLimit:
    """rate: requests in WINDOW_SECONDS; 0: any number. clock: in seconds. refuse: makes the answer to an
    error.
    """

    def __init__(
        self,
        app: ASGIApp,
        rate: int,
        refuse: Callable[[Request, Exception], Awaitable[Response]],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.app, self.rate, self.refuse, self.clock = app, rate, refuse, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._policy = f'"default";q={rate};w={WINDOW_SECONDS}'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limited = scope["type"] == "http" and self.rate and scope["path"].startswith(LIMITED)
        if not limited:
            return await self.app(scope, receive, send)
        left = self._take(client_of(scope))
        missing = self.rate - max(0.0, left)
        full_in = math.ceil(missing * WINDOW_SECONDS / self.rate)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = self._policy
                headers["RateLimit"] = f'"default";r={max(0, int(left))};t={full_in}'
            await send(message)

        if left >= 0:
            return await self.app(scope, receive, send_with_headers)
        wait = max(1, math.ceil(-left * WINDOW_SECONDS / self.rate))
        error = HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"More than {self.rate} requests in {WINDOW_SECONDS} seconds came from this address; ask again "
            f"in {wait} s.",
            retry_after(wait),
        )
        answer = await self.refuse(Request(scope), error)
        await answer(scope, receive, send_with_headers)

    def _take(self, client: str) -> float:
        """What is left to the client after this request; below 0: it is refused, and costs nothing."""
        now = self.clock()
        bucket = self._buckets.pop(client, None)
        left = float(self.rate)
        if bucket is not None:
            left = min(left, bucket.left + (now - bucket.at) * self.rate / WINDOW_SECONDS)
        self._buckets[client] = _Bucket(left - 1 if left >= 1 else left, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return left - 1


def client_of(scope: Scope) -> str:
    """The IPv4 address, or the /64 of an IPv6 address: one customer has at least that."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
