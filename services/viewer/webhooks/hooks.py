"""What a webhook is: where it sends, about whom and about which numbers."""

import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from shared.errors import UsageError
from shared.metrics import definitions
from shared.metrics.metric import COUNTED

MOST_AUTHORS, LONGEST_URL = 100, 2000
SECRET, SECRET_BYTES = "whsec_", 32  # the form and size that Standard Webhooks gives a secret
ANY_NUMBER = "any"


class Hook(NamedTuple):
    """A webhook.

    when: names of metrics as change records have them, or ANY_NUMBER; allow_private: may send to http and to
    addresses that are not public; created_ms: milliseconds since the epoch.
    """

    id: str
    url: str
    authors: tuple[str, ...]
    when: tuple[str, ...]
    secret: str
    allow_private: bool
    created_ms: int

    def wants(self, change: Mapping[str, Any]) -> bool:
        """Whether a change record is to be sent. The author is already known to fit."""
        changed = change.get("changed")
        return isinstance(changed, list) and (
            ANY_NUMBER in self.when or not set(self.when).isdisjoint(changed)
        )


def new_hook(
    url: str, authors: Iterable[str], when: Iterable[str], *, allow_private: bool, now_ms: int
) -> Hook:
    """A webhook with a new id and secret. Error: UsageError, which says what would be right."""
    about = tuple(dict.fromkeys(authors))
    if not 1 <= len(about) <= MOST_AUTHORS or not all(about):
        raise UsageError(f"--author: 1 to {MOST_AUTHORS} author ids")
    return Hook(
        f"wh_{secrets.token_hex(8)}",
        _right_url(url, allow_private),
        about,
        tuple(dict.fromkeys(map(_right_metric, when))) or (ANY_NUMBER,),
        SECRET + b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
        allow_private,
        now_ms,
    )


def _right_url(url: str, allow_private: bool) -> str:
    schemes = ("https", "http") if allow_private else ("https",)
    try:
        parts = urlsplit(url)
        right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.username is not None or parts.password is not None or parts.fragment:
        more = "" if allow_private else "; --allow-private also allows http and private addresses"
        raise UsageError(
            f"URL: {url!r} is not right; it must be https://HOST/PATH, without a user or #{more}"
        )
    if len(url) > LONGEST_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise UsageError(f"URL: at most {LONGEST_URL} characters of ASCII without blanks")
    return url


def _right_metric(name: str) -> str:
    plain = name.rpartition(".")[2] if name.startswith(f"{COUNTED}:") else name
    if name != ANY_NUMBER and plain not in definitions.BY_NAME:
        known = ", ".join([ANY_NUMBER, *definitions.BY_NAME])
        raise UsageError(f"--when: there is no {name!r}; there are {known}, and counted:SOURCE.METRIC")
    return name
