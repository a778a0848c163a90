"""The host names that a service answers to, against DNS rebinding.

In that attack, the page of another site gives one of its names the address of this machine. The browser then
asks this service, and the header Host has the other site's name.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.telemetry.http import PROBES
from shared.telemetry.registry import Telemetry

MISDIRECTED = 421
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(:\d{1,5})?")
ANY = "*"


class HostNames:
    """Loopback names, the address of the connection, `bound` (the setting host), and `more` (names, *.suffix
    or *).
    """

    def __init__(self, bound: str, more: Iterable[str] = ()):
        self._names = {_plain(name) for name in ("localhost", bound, *more)}
        self._suffixes = tuple(name.removeprefix(ANY) for name in self._names if name.startswith("*."))

    def __contains__(self, name: str) -> bool:
        name = _plain(name)
        if ANY in self._names or name in self._names or name.endswith((".localhost", *self._suffixes)):
            return True
        address = _address(name)
        return address is not None and address.is_loopback

    def fit(self, host: str, server: str) -> bool:
        """Whether the service answers to `host`, the header as received.

        server: the local address of the connection.
        """
        found = HOST.fullmatch(host)
        if found is None:
            return False
        return found["name"] in self or (
            _address(found["name"]) is not None and _address(found["name"]) == _address(server)
        )


class HostCheck:
    """Answers 421 to any other name. Health and metrics answer to every name. refuse: makes the answer."""

    def __init__(
        self,
        app: ASGIApp,
        names: HostNames,
        refuse: Callable[[Request, Exception], Awaitable[Response]],
        telemetry: Telemetry | None = None,
    ):
        self.app, self.names, self.refuse, self.telemetry = app, names, refuse, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            host = Headers(scope=scope).get("host")  # HTTP/1.0 has none, and browsers do not use it
            if host is not None and not self.names.fit(host, (scope.get("server") or ("",))[0]):
                if self.telemetry is not None:
                    self.telemetry.http_refused_total.labels("host").inc()
                text = (
                    f"This service does not answer to the name {host[:100]!r}; "
                    "--http-hosts (SCHOLARSTREAM_HTTP_HOSTS) adds one."
                )
                answer = await self.refuse(Request(scope), HTTPException(MISDIRECTED, text))
                return await answer(scope, receive, send)
        await self.app(scope, receive, send)


def _plain(name: str) -> str:
    """The name in lower case, without brackets and without a dot at the end."""
    return name.lower().removeprefix("[").removesuffix("]").removesuffix(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address in `name`. None: it is not an address."""
    try:
        address = ipaddress.ip_address(_plain(name))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
