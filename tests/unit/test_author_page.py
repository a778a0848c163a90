"""The author's page with the store: lists, links, files, and what an open page is sent."""

import asyncio
import csv
import io
import re
from contextlib import asynccontextmanager
from html import unescape

import bibtexparser
import httpx
import pytest

from services.viewer.api import Viewer, application
from services.viewer.author_page import bibtex
from services.viewer.pages.bylines import short_byline
from services.viewer.pages.curves import ranked, steps
from services.viewer.pages.field_names import NAMES, field_chip
from services.viewer.pages.html import tag
from services.viewer.pages.pager import pager
from services.viewer.profile_index import ProfileIndex
from services.viewer.store.fill.rules import Rules
from tests.author_pages import ADA, COUNTED, RETRACTED, ada, event, literature
from tests.browser.opening import Service
from tests.snapshots import paper, snapshot
from tests.stores import fill, publish, topics

ENTRY = re.compile(r'<li data-key="([^"]*)"')


@asynccontextmanager
async def served(log, store):
    index = ProfileIndex(log)
    await index.catch_up()
    service = None if store is None else Service(log, store)
    app = application(Viewer(index, asyncio.Event(), None, service))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://viewer") as client:
        client.index = index
        yield client


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    log, store = asyncio.run(literature(tmp_path_factory.mktemp("store")))
    yield log, store
    store.close()


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def entries(page: str) -> list[str]:
    return ENTRY.findall(page.partition("Retracted, so not counted")[0])


async def test_every_paper_is_on_one_page_of_the_list(made):
    async with served(*made) as client:
        for sort in ("citations", "date", "novelty", "title"):
            seen = []
            for page in (1, 2, 3):
                answer = await client.get(f"/authors/{ADA}?sort={sort}&page={page}")
                seen += entries(answer.text)
            assert len(seen) == len(COUNTED) and set(seen) == {f"p:{n}" for n in COUNTED}, sort
        first = (await client.get(f"/authors/{ADA}")).text
        assert entries(first)[:2] == ["p:119", "p:118"]
        assert "Papers 1 to 50 of 119. Most cited first." in first
        assert '<a href="/authors/a:ada?page=2#papers" rel="next" class="step">' in first
        beyond = text_of((await client.get(f"/authors/{ADA}?page=9")).text)
        assert "There is no page 9; there are 119 papers." in beyond


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("field=stat.AP", [n for n in COUNTED if n % 3 == 1]),
        ("field=math.AP", [n for n in COUNTED if n % 3 == 2]),
        ("year_from=2000&year_to=2001", [n for n in COUNTED if n % 30 in (10, 11)]),
        ("venue=Notes&year_from=&position=single", [n for n in COUNTED if n % 3 == 0]),
        ("position=last&year_to=1991", [n for n in COUNTED if n % 3 == 1 and n % 30 < 2]),
        ("position=first&field=math.AP", []),
    ],
)
async def test_filters_keep_what_fits(made, query, numbers):
    async with served(*made) as client:
        page = (await client.get(f"/authors/{ADA}?{query}")).text
        assert sorted(entries(page)) == sorted(f"p:{n}" for n in numbers)[: len(entries(page))]
        told = f"{len(numbers)} papers fit." if numbers else "No paper fits."
        assert told in text_of(page) and "Show all" in page


async def test_wrong_queries_and_unknown_authors_get_words(made):
    async with served(*made) as client:
        for query, words in (
            ("sort=x", "sort: citations, date, novelty or title"),
            ("page=0", "page: a number"),
        ):
            answer = await client.get(f"/authors/{ADA}?{query}")
            assert (answer.status_code, words in text_of(answer.text)) == (400, True)
        assert (await client.get("/authors/nobody")).status_code == 404
        assert (await client.get("/authors/nobody/papers.csv")).status_code == 404


async def test_an_entry_has_links_marks_and_the_author_in_bold(made):
    async with served(*made) as client:
        page = (await client.get(f"/authors/{ADA}")).text
        entry = page[page.index('data-key="p:119"') : page.index('data-key="p:118"')]
        assert "Emmy Noether, Grace Hopper, A. Lovelace et al. (7)" in text_of(entry).replace(" ,", ",")
        assert "<b><bdi>A. Lovelace</bdi></b>" in entry
        for link in ("/authors/a:emmy", "/papers/p:119", "/papers/p:119#cited-by", "/fields/math.AP"):
            assert f'href="{link}"' in entry
        assert "Analysis of PDEs · math.AP" in entry and "<summary>Abstract" in entry
        assert 'href="/papers/p:119">the whole abstract' in entry
        assert "Journal of &lt;b&gt;Engines&lt;/b&gt;" in page and "<b>Engines" not in page
        assert "Machine Learning · cs.LG" in page
        assert "on papers also as A. Lovelace" in text_of(page)
        co = text_of(page[page.index("<h2>Co-authors") :])
        assert co.startswith("Co-authors Emmy Noether 79 papers, 1991–2019 Grace Hopper 40 papers")
        assert "“On engine 060” is cited by “After 1”" in text_of(page)


async def test_retracted_papers_are_marked_whether_they_count_or_not(made, tmp_path):
    log, store = made
    async with served(log, store) as client:
        page = (await client.get(f"/authors/{ADA}?page=3")).text
        section = page[page.index("Retracted, so not counted") :]
        assert "On engine 007" in section and "retracted</span>" in section
    counting = await fill(log, tmp_path, Rules(retracted="count"))
    async with served(log, counting) as client:
        page = (await client.get(f"/authors/{ADA}?page=3")).text
        assert "Retracted, so not counted" not in page
        entry = page[page.index(f'data-key="{RETRACTED}"') :][:300]
        assert "retracted</span>" in entry
    counting.close()


async def test_without_a_store_the_snapshot_is_shown_and_the_page_says_so(made):
    async with served(made[0], None) as client:
        page = (await client.get(f"/authors/{ADA}")).text
        assert "keeps no store" in page and len(entries(page)) == 100
        assert "The 100 most cited ones" in text_of(page) and "/papers/p:119" not in page
        assert "<b><bdi>Ada Lovelace</bdi></b> et al. (7)" in page, "named though he is not among the first"
        assert (await client.get(f"/authors/{ADA}/papers.csv")).status_code == 503


async def test_files_hold_every_paper_and_what_the_filters_leave(made):
    async with served(*made) as client:
        answer = await client.get(f"/authors/{ADA}/papers.json?sort=title")
        listed = answer.json()["papers"]
        assert [one["paper_id"] for one in listed] == [f"p:{n}" for n in COUNTED]
        assert len(listed[5]["authors"]) == len(event(5)["authors"])
        table = list(csv.DictReader(io.StringIO((await client.get(f"/authors/{ADA}/papers.csv")).text)))
        assert {row["paper_id"]: int(row["citations"]) for row in table} == {f"p:{n}": n for n in COUNTED}
        raw = (await client.get(f"/authors/{ADA}/papers.bib?field=math.AP")).text
        library = bibtexparser.parse_string(raw)
        assert not library.failed_blocks
        (engine,) = [one for one in library.entries if one.key == "p:5"]
        assert engine.fields_dict["author"].value.split(" and ") == [
            "Emmy Noether", "Grace Hopper", "Mary Somerville", "Sofia K", "A. Lovelace", "Hedy L", "Lise M"
        ]  # fmt: skip
        assert engine.fields_dict["year"].value == "1995"
        assert 'attachment; filename="papers.bib"' in answer.headers["content-disposition"].replace(
            "json", "bib"
        )


def test_odd_texts_do_not_break_a_bibtex_file():
    card = {
        "paper_id": "doi:10.1/é {x}", "title": "50% of {Σ} \\ & co", "published": "2020-05", "year": 2020,
        "venue": None, "kind": None, "doi": "10.1/{x}", "url": None, "abstract": "a\n\nb}",
        "authors": [{"author_id": "a", "name": "Simon and Sons", "position": 1}], "authors_total": 9,
    }  # fmt: skip
    library = bibtexparser.parse_string(bibtex.entry(card))
    assert not library.failed_blocks and len(library.entries) == 1
    assert library.entries[0].fields_dict["author"].value == "{Simon and Sons} and others"
    assert library.entries[0].fields_dict["month"].value == "5"


async def test_an_open_page_is_sent_what_changed(made):
    log, store = made
    async with served(log, store) as client:
        page = (await client.get(f"/authors/{ADA}")).text
        state = re.search('data-state="([^"]+)"', page)[1]
        address = f"/authors/{ADA}/fresh?since="
        same = (await client.get(address + state)).text
        assert len(same) < 120 and state in same
        newer = ada(2)
        newer["headline"]["citations"] += 1
        await publish(log, [], [newer])
        await client.index.advance()
        sent = (await client.get(address + state)).text
        live = re.findall('data-live="([^"]+)"', sent)
        assert {"headline.citations", "version"} <= set(live) and "places" not in live
        assert len(sent) < len(page) / 5 and "<ol data-list" not in sent
        assert (await client.get(address + "forgotten")).text.startswith("<!doctype html>")
        await publish(log, [], [ada(3) | {"name": "Ada King"}])
        await client.index.advance()
        assert (await client.get(address + state)).text.startswith("<!doctype html>"), "the title changed too"


def test_parts_of_markup_are_known_by_name():
    cell = tag("td", "x", data_live="a")
    entry = tag("li", tag("span", data_live="inner"), data_key="k")
    whole = tag("div", cell, data_whole="w", data_shape="s")
    root = tag("div", [whole, None, (entry,)], "text")
    assert dict(root.parts) == {"data_live=a": cell, "data_whole=w s": whole, "data_key=k": entry}


def test_fields_have_names_and_codes_do_not_collide():
    assert NAMES["stat.AP"] == "Applications" and NAMES["math.AP"] == "Analysis of PDEs"
    assert "Machine Learning · cs.LG" in field_chip("cs.LG") and 'href="/fields/cs.LG"' in field_chip("cs.LG")
    assert "Applications" not in field_chip("AP", whole=False) and "href" not in field_chip("AP", whole=False)
    assert "Robotics &lt;x&gt;" in field_chip("Robotics <x>")


def test_bylines_name_the_author_wherever_he_stands():
    people = [{"author_id": f"a:{n}", "name": f"N{n}", "position": n} for n in (1, 2, 3, 7, 9)]
    assert text_of(short_byline(people, 9, {"a:7"})) == "N1 , N2 , N7 et al. (9)"
    assert text_of(short_byline(people[:3], 3, {"a:2"})) == "N1 , N2 , N3"
    assert text_of(short_byline(people, 9)) == "N1 , N2 , N3 et al. (9)"
    assert text_of(short_byline(people[:3], 3, cut=True)) == "N1 , N2 , N3 et al."
    assert short_byline([], 0) == "no authors listed"


def test_pagers_lead_everywhere():
    nav = pager(5, 20, lambda page: f"?page={page}")
    assert re.findall(r'href="\?page=(\d+)"', nav) == ["4", "1", "3", "4", "6", "7", "20", "6"]
    assert pager(1, 1, str) is None


def test_pictures_say_what_they_show():
    figure = ranked([9, 5, 3, 3, 0], 5, 3, 4, "key")
    label = unescape(re.search('aria-label="([^"]+)"', figure)[1])
    assert label == (
        "Citations of the papers by rank: 9, 5, 3, 3, 0; h-index 3: 3 papers of at least 3 citations; "
        "g-index 4: the 4 most cited have at least 4 on average"
    )
    assert "h 3" in figure and "g 4" in figure
    over = steps("h-index over time", [(0, None, 1), (86_400_000, 1, 3)], 2 * 86_400_000, "key")
    assert "Jan 1, 1970: 1; Jan 2, 1970: 3" in over
    assert "is remembered" in steps("h", [], 0, "key") and "No paper is cited" in ranked([0], 1, 0, 0, "key")


async def test_unusual_authors_are_told_in_words(tmp_path):
    log = await topics()
    alone = snapshot("name:ada lovelace", name="Ada Lovelace")
    none = snapshot("a:none", name="None", papers=[], papers_total=0)
    lost = snapshot("a:lost", name="Lost", papers=[], papers_total=0, redirect="a:nobody")
    merged = snapshot("a:old", name="Old", papers=[], papers_total=0, redirect="a:none")
    await publish(log, [], [alone, none, lost, merged])
    async with served(log, None) as client:
        assert "known by name alone" in (await client.get("/authors/name:ada lovelace")).text
        assert "No paper counts for this author at present." in (await client.get("/authors/a:none")).text
        assert 'merged into <a href="/authors/a:nobody">' in (await client.get("/authors/a:lost")).text
        answer = await client.get("/authors/a:old")
        assert (answer.status_code, answer.headers["location"]) == (308, "/authors/a:none")
        answer = await client.get("/authors/a:old/papers.bib")
        assert (answer.status_code, answer.headers["location"]) == (308, "/authors/a:none/papers.bib")


async def test_a_store_that_is_behind_is_told(made, monkeypatch):
    log, store = made
    async with served(log, store) as client:
        await publish(log, [], [ada(9)])
        await client.index.advance()
        page = (await client.get(f"/authors/{ADA}")).text
        assert "data-behind" in page

        async def seen(_self):
            return {"records": 1234, "seconds": 60.0}

        monkeypatch.setattr("services.viewer.store.lag.StoreLag.now", seen)
        page = (await client.get(f"/authors/{ADA}?sort=date")).text
        assert "The store of this viewer is 1,234 records behind the log." in page


def test_a_paper_of_a_snapshot_alone_has_the_author_in_bold():
    from services.viewer.pages.author_papers import card_of

    told = snapshot("a:j", name="Jakub Sygnowski", aliases=["Kuba S"])
    for names, total, bold in (
        (["X", "J. Sygnowski"], 2, "J. Sygnowski"),
        (["X", "Y", "Z"], 40, "Jakub Sygnowski"),
        (["Kuba S"], 1, "Kuba S"),
        (["X", "Y"], 2, None),
    ):
        card = card_of(paper("p", 1, authors=names, authors_total=total), told, "Jakub Sygnowski")
        own = [one["name"] for one in card["authors"] if one["author_id"] == "a:j"]
        assert own == ([bold] if bold else [])
