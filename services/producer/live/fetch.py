"""GET requests to a source, with a limit for everything: time, bytes, redirects, requests in a second.

Proxies and certificates come from the environment, as httpx2 has it: HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE.
"""

import asyncio
import functools
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import IO, NamedTuple

import httpx2

from services.producer.live.manners import told_gap, told_wait
from services.producer.live.times import Clock
from shared.errors import SourceFault
from shared.plain import clean

FAILED = "failed"  # instead of a status, when there is no answer
_REDIRECTS = (301, 302, 303, 307, 308)
_SHOWN = 200  # characters of an answer in a message
_HEAD = 4_096  # bytes of a refusal that are read
_TAG = re.compile(r"<[^>]*>")


class Limits(NamedTuple):
    """seconds: of one answer in all. silence: seconds without a byte. body: bytes, unpacked. file: bytes of a
    file, as they come; file_seconds: in all. redirects: of one request.
    """

    seconds: float = 300.0
    silence: float = 90.0  # arXiv needs half a minute for the first page of a harvest
    body: int = 64 << 20
    file: int = 64 << 30
    file_seconds: float = 6 * 3600.0
    redirects: int = 5


class Fetcher:
    """One connection to a source. One request runs at a time, and `gap` seconds lie between two.

    contact: an e-mail address that the source may write to. secrets: texts that no message shows. on_answer:
    called with the status of each answer, FAILED when there is none.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        gap: float,
        contact: str | None = None,
        secrets: Sequence[str] = (),
        limits: Limits | None = None,
    ):
        self.clock, self.gap, self.limits = clock, gap, limits or Limits()
        self._secrets = secrets
        self.on_answer: Callable[[str], None] = lambda status: None
        agent = f"scholarstream/{metadata.version('scholarstream')}"
        self._agent = agent + (f" (mailto:{contact})" if contact else "")
        self._http: httpx2.AsyncClient | None = None
        self._free = 0.0  # the moment from which the last answer allows the next request
        self._last = 0.0  # the moment of the last request

    async def get(self, url: str, *, kind: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The body of the answer to a request.

        kind: a word of its content type, "json" or "xml". headers: for the host of this address alone. Error:
        SourceFault.
        """
        body = bytearray()
        async with self._answer(url, headers or {}, self.limits.seconds) as response:
            told = response.headers.get("content-type", "")
            if told and kind not in told.lower():
                raise SourceFault(f"the answer is {clean(told)[:60]}, not {kind.upper()}")
            async for piece in response.aiter_bytes():
                body.extend(piece)
                if len(body) > self.limits.body:
                    raise SourceFault(f"the answer is larger than {self.limits.body:,} bytes")
            return bytes(body)

    async def download(self, url: str, file: IO[bytes]) -> None:
        """Writes the bytes of an answer into a file, as they come. Error: SourceFault."""
        size = 0
        async with self._answer(url, {}, self.limits.file_seconds) as response:
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > self.limits.file:
                    raise SourceFault(f"the file is larger than {self.limits.file:,} bytes")
                file.write(piece)

    async def close(self) -> None:
        """Closes the connection. The next request opens another one."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @asynccontextmanager
    async def _answer(
        self, url: str, headers: Mapping[str, str], seconds: float
    ) -> AsyncIterator[httpx2.Response]:
        """The good answer at the end of all redirects. Error: SourceFault, whatever goes wrong."""
        await self._turn()
        try:
            async with asyncio.timeout(seconds):
                async with self._followed(url, headers) as response:
                    yield response
        except TimeoutError:
            self.on_answer(FAILED)
            raise SourceFault(f"there is no whole answer within {seconds:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError) as error:
            self.on_answer(FAILED)
            # The text of an error may hold the address with the key, so the kind of error must do.
            what = str(error) if isinstance(error, httpx2.TransportError | OSError) else ""
            raise SourceFault(
                f"no answer: {type(error).__name__}{what and ': '}{clean(what)[:_SHOWN]}"
            ) from None

    @asynccontextmanager
    async def _followed(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpx2.Response]:
        here, own = httpx2.URL(url), httpx2.URL(url)
        for _ in range(self.limits.redirects + 1):
            more = headers if _origin(here) == _origin(own) else {}  # a key is for its own host alone
            async with self._client().stream("GET", here, headers={**more}) as response:
                self.on_answer(str(response.status_code))
                self._free = self.clock.now() + (told_gap(response.headers) or 0)
                if response.status_code == 200:
                    yield response
                    return
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    raise await self._refusal(response)
                there = here.join(response.headers["location"])
            if there.scheme not in ("https", here.scheme):
                raise SourceFault("a redirect leads away from https")
            here = there
            await self._turn()
        raise SourceFault(f"more than {self.limits.redirects} redirects follow one another")

    async def _turn(self) -> None:
        """Waits until a request may begin."""
        now = self.clock.now()
        wait = min(max(self._free, self._last + self.gap) - now, 3_600.0)
        if wait > 0:
            await self.clock.until(now + wait, asyncio.Event())
        self._last = self.clock.now()

    async def _refusal(self, response: httpx2.Response) -> SourceFault:
        text = b""
        async for piece in response.aiter_bytes():
            text += piece[: _HEAD - len(text)]
            if len(text) >= _HEAD:
                break
        words = " ".join(_TAG.sub(" ", clean(text.decode(errors="replace"))).split())
        for secret in self._secrets:
            words = words.replace(secret, "…")
        words = words[:_SHOWN]
        status = response.status_code
        wait = told_wait(response.headers, self.clock.now())
        return SourceFault(f"status {status}{words and ': '}{words}", wait=wait, status=status)

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(
                follow_redirects=False,
                timeout=self.limits.silence,
                headers={"user-agent": self._agent, "accept-encoding": "gzip"},
                limits=httpx2.Limits(max_connections=1),
                verify=_trusted(),
            )
        return self._http


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates of the environment. To read them takes a tenth of a second."""
    return httpx2.create_ssl_context()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
