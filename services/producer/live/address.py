"""The address of a live source on the command line: NAME+https://HOST/PATH?QUERY."""

import ipaddress
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from shared.errors import UsageError

_SECRETS = {
    "api_key": "set the key as SCHOLARSTREAM_OPENALEX_KEY",
    "mailto": "set the address as SCHOLARSTREAM_CONTACT",
}
_LONGEST = 2000


class Address(NamedTuple):
    """name: of the format. base: scheme, host and path, without a slash at the end. query: its parameters.

    As a text it is the same for every way to write it, so that one source has one bookmark.
    """

    name: str
    base: str
    query: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.name}+{self.url()}"

    def url(self, **more: str) -> str:
        """The address of a request. more: further parameters; they replace those of the same name."""
        pairs = [(name, value) for name, value in self.query if name not in more]
        pairs += [(name, value) for name, value in more.items() if value]
        return self.base + ("?" + urlencode(pairs, safe=":,*|") if pairs else "")

    def get(self, name: str) -> str:
        """The value of a parameter; "" without it."""
        return dict(self.query).get(name, "")


def is_live(spec: str) -> bool:
    """Whether a source is named as a live one: openalex+https://…"""
    return spec.partition(":")[0].endswith(("+https", "+http"))


def parsed(spec: str) -> Address:
    """The address in NAME+https://HOST/PATH?QUERY. Error: UsageError that says what would be right."""
    name, _, url = spec.partition("+")
    if len(spec) > _LONGEST:
        raise UsageError(f"the address of a source has at most {_LONGEST:,} characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{spec}: the address is not right: {error}") from None
    if not host or url != url.strip() or not url.isprintable():
        raise UsageError(f"{spec}: a live source is {name}+https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{name}+https: an address with a user or a password is not taken")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(f"{spec}: http is for servers of this machine alone; use {name}+https://{host}/…")
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    for secret, instead in _SECRETS.items():
        if any(key == secret for key, _ in query):  # the address is in messages, and in the log for ever
            raise UsageError(f"{name}+https: {secret} is not taken from the address; {instead}")
    return Address(name, _base(parts), query)


def _base(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
