"""Badge, card, Atom feed, oEmbed and previews of links, asked as other sites and feed readers ask for
them.
"""

import asyncio
import re
from xml.etree import ElementTree

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer.api import Viewer, application
from services.viewer.follow import oembed
from services.viewer.follow.badge import badge
from services.viewer.follow.card import card
from services.viewer.follow.feed import feed
from services.viewer.follow.numbers import number_of
from services.viewer.follow.text import fitted
from services.viewer.profile_index import ProfileIndex
from services.viewer.urls import page_of, part_of_page
from shared.contracts.topics import AUTHOR_METRICS
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from tests.snapshots import profile_topic, publish, snapshot, sygnowski
from tests.unit.test_viewer_api import ODD_IDS, Elements, client_of

SVG = "{http://www.w3.org/2000/svg}"
ATOM = "{http://www.w3.org/2005/Atom}"
EVIL = (
    "</title><script>alert(1)</script> \u202e]]>&amp; \x00\x1b\ufffe\ufdd0 \u0627\u0628\u062a 日本語 "
    + "é" * 300
)
CHANGE = {
    "author_id": "a:1",
    "generation": 1,
    "version": 1,
    "as_of": "2026-11-23",
    "before": {"citations": 4, "h_index": 1},
    "after": {"citations": 5, "h_index": 2},
    "changed": ["citations", "h_index"],
    "causes": [{"kind": "cited", "paper_id": "p:1", "by": "p:9"}],
    "causes_total": 1,
}


def texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


async def test_a_badge_shows_the_number_of_the_snapshot_and_says_it_to_screen_readers():
    async with client_of(sygnowski()) as client:
        answer = await client.get("/authors/a:sygnowski/badge.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert texts(answer.content) == ["h-index", "11"]
        root = ElementTree.fromstring(answer.content)
        assert root.get("aria-label") == "Jakub Sygnowski: h-index 11" == root.find(f"{SVG}title").text
        cited = await client.get("/authors/a:sygnowski/badge.svg?metric=citations")
        assert texts(cited.content) == ["citations", "812"]
        further = await client.get("/authors/a:sygnowski/badge.svg?metric=tori&basis=references")
        assert texts(further.content)[1] == "0.4"


async def test_a_card_shows_the_headline_and_says_what_is_simulated():
    async with client_of(sygnowski()) as client:
        shown = texts((await client.get("/authors/a:sygnowski/card.svg")).content)
        assert shown[:4] == ["Jakub Sygnowski", "\u2068deepmind · mila · LG\u2069", "11", "h-index"]
        assert shown[-1] == "counted live by scholarstream · as of 2026-11-23"
    async with client_of(sygnowski(), snapshot("sim:a1-0")) as client:
        shown = texts((await client.get("/authors/a:sygnowski/card.svg")).content)
        assert shown[-1] == "demo: the citations are simulated · as of 2026-11-23"


@pytest.mark.parametrize("part", ["badge.svg", "card.svg", "feed.atom"])
async def test_other_sites_may_show_it_and_keep_it_for_a_minute(part):
    async with client_of(sygnowski()) as client:
        path = f"/authors/a:sygnowski/{part}"
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        again = await client.get(path, headers={"If-None-Match": f'"x", {answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == answer.headers["etag"]


async def test_another_number_has_another_tag():
    moved = snapshot("a:1")["headline"] | {"h_index": 3}
    told = snapshot("a:1", headline=moved), snapshot("a:2", name="1"), snapshot("a:3", name="1")
    async with client_of(*told) as client:
        tags = [(await client.get(f"/authors/a:{n}/card.svg")).headers["etag"] for n in (1, 2, 3)]
        assert tags[0] != tags[1] == tags[2]


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/authors/a:1/badge.svg?metric=hindex", 404, "there is no &#x27;hindex&#x27;"),
        ("/authors/a:1/badge.svg?basis=counted:x", 404, "counted:x"),
        ("/authors/a:9/badge.svg", 404, "a:9"),
        ("/authors/a:1/card.svg?theme=blue", 400, "light or dark"),
        ("/authors/a:1/card.svg?width=²", 400, "a number from 200 to 1200"),
        ("/authors/a:1/card.svg?width=9999999999999", 400, "a number from 200 to 1200"),
        ("/oembed", 400, "url"),
        ("/oembed?format=xml&url=http://viewer/authors/a:1", 501, "json"),
        ("/oembed?url=http://elsewhere/authors/a:1", 404, "not the address"),
        ("/oembed?url=javascript://viewer/authors/a:1", 404, "not the address"),
        ("/oembed?url=http://viewer/search", 404, "not the address"),
        ("/oembed?url=http://viewer/authors/", 404, "not the address"),
        ("/oembed?url=http://[viewer/authors/a:1", 404, "not the address"),
        ("/oembed?url=http://viewer/authors/%25ff", 404, "not the address"),
        ("/oembed?url=http://viewer/authors/a:9", 404, "no author"),
        ("/oembed?url=http://viewer/authors/a:1&maxwidth=0", 400, "maxwidth"),
    ],
)
async def test_what_cannot_be_shown_is_said(path, code, said):
    async with client_of(snapshot("a:1")) as client:
        answer = await client.get(path)
        assert answer.status_code == code and said in answer.text


@pytest.mark.parametrize("author_id", ODD_IDS)
async def test_an_author_with_any_id_has_them(author_id):
    told = snapshot(author_id, name="Ada")
    async with client_of(told) as client:
        for part in ("badge.svg", "card.svg", "feed.atom"):
            answer = await client.get(part_of_page(author_id, part))
            assert answer.status_code == 200 and b"Ada" in answer.content
            ElementTree.fromstring(answer.content)
        asked = await client.get("/oembed", params={"url": "http://viewer" + page_of(author_id)})
        assert asked.json()["title"] == "Ada"


async def test_a_merged_author_leads_to_the_one_that_has_the_papers():
    merged = snapshot("a:old", 2, redirect="a:1")
    async with client_of(snapshot("a:1", name="Ada"), merged) as client:
        answer = await client.get("/authors/a:old/badge.svg?metric=papers")
        assert answer.status_code == 308
        assert answer.headers["location"] == "/authors/a:1/badge.svg?metric=papers"
        asked = await client.get("/oembed", params={"url": "http://viewer/authors/a:old"})
        assert asked.json()["title"] == "Ada"


async def test_a_snapshot_of_another_client_is_an_error_and_not_a_crash():
    told = snapshot("a:1") | {"headline": 7, "affiliations": 7, "papers": [1]}
    async with client_of(told) as client:
        for path in ("/authors/a:1/badge.svg", "/authors/a:1/card.svg", "/authors/a:1/feed.atom"):
            assert (await client.get(path)).status_code == 502


@given(st.text(max_size=120) | st.just(EVIL))
def test_any_text_stays_text_in_a_picture(name):
    told = snapshot("a:1", affiliations=[{"name": name, "papers": 1}], field=name) | {"name": name}
    for picture in (card(told), card(told, theme="dark", width=300), badge(number_of(told, "h_index"), name)):
        root = ElementTree.fromstring(picture)
        assert {element.tag for element in root.iter()} <= {
            SVG + tag for tag in ("svg", "title", "rect", "text")
        }
        for shown in ("".join(element.itertext()) for element in root.iter()):
            assert shown.count("\u2069") == sum(shown.count(opening) for opening in "\u2066\u2067\u2068")
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]", shown)


@given(st.text(max_size=80), st.integers(0, 300))
def test_a_text_that_is_too_wide_ends_in_dots(text, width):
    cut = fitted(text, width, 10).strip("\u2068\u2069")
    assert len(cut) <= len(text) + 2 * text.count("\u2068") + 5
    assert (
        width < 10 or not text.isascii() or not text.isprintable() or len(text) < 5 or len(cut) <= width / 2
    )


def test_a_letter_keeps_its_marks_when_a_text_is_cut():
    assert fitted("n\u0303" * 10, 30, 10).strip("\u2068\u2069") == "n\u0303" * 4 + "…"


# ---- feed


async def changing(*records: dict):
    log = await profile_topic(MemoryLog())
    await log.create([AUTHOR_METRICS.spec(1, 1)])
    await publish(log, snapshot("a:1", 2, name="Ada <&> \u202e"))
    messages = [Message(one["author_id"].encode(), orjson.dumps(one)) for one in records]
    await log.append({Partition(AUTHOR_METRICS.name, 0): messages})
    index = ProfileIndex(log)
    await index.catch_up()
    return index


async def test_a_feed_has_an_entry_for_each_change_with_its_cause():
    index = await changing(
        CHANGE, CHANGE | {"version": 2, "changed": ["citations"]}, CHANGE | {"author_id": "a:2"}
    )
    transport = httpx.ASGITransport(
        application(Viewer(index, asyncio.Event(), public_url="https://a.example"))
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://viewer") as client:
        answer = await client.get("/authors/a:1/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    root = ElementTree.fromstring(answer.content)
    ids = [entry.find(f"{ATOM}id").text for entry in root.iter(f"{ATOM}entry")]
    assert ids == ["urn:scholarstream:change:a%3A1:1-2", "urn:scholarstream:change:a%3A1:1-1"]
    first, second = root.iter(f"{ATOM}entry")
    assert first.find(f"{ATOM}title").text.strip("\u2068\u2069") == "citations 4 → 5"
    assert "h-index 1 → 2" in second.find(f"{ATOM}title").text
    assert "“On p:1” is cited by p:9" in second.find(f"{ATOM}content").text
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {
        "self": "https://a.example/authors/a:1/feed.atom",
        "alternate": "https://a.example/authors/a:1",
    }


def test_a_feed_has_what_atom_requires_of_it():
    """RFC 4287, 4.1.1 and 4.1.2: exactly one id, title and updated each, and an author."""
    written = feed(
        snapshot("a:1"), [(1_700_000_000_000, CHANGE)], page="http://v/p", here="http://v/f", changed_ms=5
    )
    root = ElementTree.fromstring(written)
    for element in (root, root.find(f"{ATOM}entry")):
        assert [len(element.findall(ATOM + name)) for name in ("id", "title", "updated")] == [1, 1, 1]
    assert root.find(f"{ATOM}author/{ATOM}name").text
    assert root.find(f"{ATOM}updated").text == "2023-11-14T22:13:20.000Z"
    assert (
        ElementTree.fromstring(feed(snapshot("a:1"), [], page="p", here="f", changed_ms=0)).find(
            ATOM + "entry"
        )
        is None
    )


# ---- previews


async def test_oembed_gives_the_card_within_the_size_that_is_asked_for():
    async with client_of(snapshot("a:1", name='Ada "<b>"')) as client:
        answer = await client.get("/oembed", params={"url": "http://viewer/authors/a:1", "maxwidth": 230})
        told = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert (told["version"], told["type"], told["width"], told["height"]) == ("1.0", "rich", 230, 80)
        elements = Elements(told["html"]).elements
        assert [tag for tag, _ in elements] == ["a", "img"]
        assert elements[0][1]["href"] == "http://viewer/authors/a:1"
        picture = await client.get(elements[1][1]["src"])
        assert ElementTree.fromstring(picture.content).get("width") == "230"


async def test_the_page_of_an_author_tells_other_programs_what_it_is():
    async with client_of(sygnowski()) as client:
        page = Elements((await client.get("/authors/a:sygnowski")).text).elements
        meta = {one["property"]: one["content"] for tag, one in page if tag == "meta" and "property" in one}
        assert (meta["og:title"], meta["og:type"]) == ("Jakub Sygnowski", "profile")
        assert meta["og:description"] == "h-index 11, papers 13, citations 812"
        links = {
            one.get("type"): one["href"]
            for tag, one in page
            if tag == "link" and one.get("rel") == "alternate"
        }
        for kind in ("application/atom+xml", "application/json+oembed"):
            assert (await client.get(links[kind])).headers["content-type"] == kind.replace(
                "json+oembed", "json"
            )
        assert (await client.get(meta["og:image"])).status_code == 200


@pytest.mark.parametrize("author_id", ODD_IDS)
def test_an_address_of_a_page_leads_back_to_its_author(author_id):
    assert oembed.author_at("http://viewer" + page_of(author_id), "http://viewer") == author_id
