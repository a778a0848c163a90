"""What other programs read in the head of an author's page: Open Graph, the feed, oEmbed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.viewer.follow.numbers import in_words
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import isolated
from services.viewer.urls import page_of, part_of_page


def preview(profile: Mapping[str, Any], base: str) -> Html:
    """Elements for the head. base: the address of this server, scheme and host."""
    author_id = str(profile["author_id"])
    name = isolated(str(profile.get("name") or author_id))
    page = base + page_of(author_id)
    properties = {
        "og:type": "profile",
        "og:site_name": "scholarstream",
        "og:title": name,
        "og:description": in_words(profile) or "A live author profile",
        "og:url": page,
        "og:image": base + part_of_page(author_id, "card.svg"),
        "og:image:type": "image/svg+xml",
        "og:image:alt": f"The numbers of {name}",
    }
    oembed = f"{base}/oembed?url={quote(page, safe='')}&format=json"
    feed = part_of_page(author_id, "feed.atom")
    return join(
        tag("meta", name="description", content=f"{name}: {properties['og:description']}"),
        [tag("meta", property=key, content=value) for key, value in properties.items()],
        tag(
            "link", rel="alternate", type="application/atom+xml", title=f"What changes for {name}", href=feed
        ),
        tag("link", rel="alternate", type="application/json+oembed", title=name, href=oembed),
    )
