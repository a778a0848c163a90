"""One attempt to send a message."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from services.viewer.webhooks.addresses import NotPublic, Resolve, public_addresses, resolve
from services.viewer.webhooks.hooks import Hook
from services.viewer.webhooks.signing import headers_of

SECONDS = 15.0  # for one attempt in all
ADDRESSES = 3  # of a host that are tried
GONE = 410  # the receiver wants no more (Standard Webhooks, "Deliverability")
NOTE = 300  # characters of a note


class Outcome(NamedTuple):
    """What became of an attempt. note: why it failed, in words; gone: the receiver wants no more."""

    delivered: bool
    note: str = ""
    gone: bool = False


class Post:
    """Sends messages. It never follows a redirect, and it connects to the very address that was checked.

    find: resolves a host; clock: seconds since the epoch; transport: for tests.
    """

    def __init__(
        self,
        find: Resolve = resolve,
        clock: Callable[[], float] = time.time,
        transport: httpx2.AsyncBaseTransport | None = None,
    ):
        self._find, self._clock = find, clock
        # trust_env: a proxy from the environment would connect to addresses that nobody checked.
        self._http = httpx2.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=SECONDS
        )

    async def __call__(self, hook: Hook, message: str, body: bytes) -> Outcome:
        """Sends one message. It raises nothing: an error is an outcome."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._send(hook, message, body)
        except TimeoutError:
            return Outcome(False, f"no answer within {SECONDS:g} s")
        except (NotPublic, OSError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            return Outcome(False, f"{type(error).__name__}: {error}"[:NOTE])

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def _send(self, hook: Hook, message: str, body: bytes) -> Outcome:
        url = httpx2.URL(hook.url)
        host, port = url.host, url.port or (443 if url.scheme == "https" else 80)
        if hook.allow_private:
            found = await self._find(host, port)
        else:
            found = await public_addresses(host, port, self._find)
        headers = headers_of(message, int(self._clock()), body, hook.secret) | {
            "host": urlsplit(hook.url).netloc
        }
        failure: Exception = OSError(f"{host} has no address")
        for address in list(dict.fromkeys(found))[:ADDRESSES]:
            there = url.copy_with(host=str(address))
            # The certificate is checked against the name, not against the address.
            sending = self._http.stream(
                "POST", there, content=body, headers=headers, extensions={"sni_hostname": host}
            )
            try:
                async with sending as response:  # the body of the answer is not read
                    return _outcome(response.status_code)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(True)
    if 300 <= status < 400:
        return Outcome(False, f"status {status}: redirects are not followed")
    return Outcome(False, f"status {status}", gone=status == GONE)
