"""oEmbed 1.0: what another site needs to show an author's card for the address of the page."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from services.viewer.follow.card import HEIGHT, SMALLEST, WIDTH, description
from services.viewer.urls import AUTHORS, author_of

CACHE_SECONDS = 300


def author_at(url: str, base: str) -> str | None:
    """The author whose page has this address. base: the address of this server, scheme and host.

    None: the address is not that of an author's page here.
    """
    try:
        asked, here = urlsplit(url), urlsplit(base)
        if asked.scheme not in ("http", "https") or asked.netloc.lower() != here.netloc.lower():
            return None
        if asked.path.rstrip("/") == AUTHORS:
            found = parse_qs(asked.query).get("id", [""])[0]
        elif asked.path.startswith(AUTHORS + "/"):
            found = author_of(asked.path.encode(), AUTHORS)[0]
        else:
            return None
        found.encode()
    except ValueError:
        return None
    return found or None


def answer(
    profile: Mapping[str, Any], *, page: str, card: str, base: str, within: tuple[int, int]
) -> dict[str, Any]:
    """The answer. page, card: absolute addresses; within: the widest and highest that the other site can
    show.
    """
    width = int(max(SMALLEST, min(WIDTH, within[0], within[1] * WIDTH / HEIGHT)))
    height = round(HEIGHT * width / WIDTH)
    words = description(profile)
    picture = f"{card}{'&' if '?' in card else '?'}width={width}"
    shown = (
        f'<a href="{escape(page)}"><img src="{escape(picture)}" alt="{escape(words)}" '
        f'width="{width}" height="{height}"></a>'
    )
    return {
        "version": "1.0",
        "type": "rich",
        "title": str(profile.get("name") or profile["author_id"]),
        "provider_name": "scholarstream",
        "provider_url": f"{base}/",
        "cache_age": CACHE_SECONDS,
        "html": shown,
        "width": width,
        "height": height,
    }
