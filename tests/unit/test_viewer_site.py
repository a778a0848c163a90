"""The pages beside that of an author: front, search, papers, fields, comparison, feeds."""

import html
import re
from collections import Counter, deque
from html.parser import HTMLParser
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from services.viewer.pages import compare
from services.viewer.pages.novelty import novelty_in_words
from services.viewer.pages.paper import history
from services.viewer.store import feeds
from services.viewer.store.place import StorePlace
from services.viewer.store.store import Store
from services.viewer.urls import comparison_of, field_page_of, page_of, paper_page_of, search_for
from services.viewer.views import site as site_view
from tests.sites import (
    ADA,
    BOB,
    CITED_ONLY,
    DOI,
    EMMY,
    FIRST,
    LARGE,
    MARKUP,
    RETRACTED,
    SIMULATED,
    WITHDRAWN,
    site,
)
from tests.stores import told

ATOM = "{http://www.w3.org/2005/Atom}"
PAGES = (
    "/search",
    search_for("wang"),
    search_for(MARKUP),
    "/papers",
    paper_page_of(FIRST),
    paper_page_of(LARGE),
    paper_page_of(MARKUP),
    paper_page_of(SIMULATED),
    paper_page_of(RETRACTED),
    "/fields",
    field_page_of("cs.LG"),
    field_page_of(MARKUP),
    "/compare",
    comparison_of([ADA, BOB, MARKUP]),
)


ALIKE = 5  # addresses of one kind that are followed
APART = ("/metrics", "/healthz", "/docs/", "/api/")  # not pages of this application, or tested elsewhere


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a store that is filled once."""
    return tmp_path_factory.mktemp("viewer-store")


@pytest.fixture
async def viewer(folder):
    async with site(folder) as client:
        yield client


class Elements(HTMLParser):
    """Every element's name and attributes, and the text of the page."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.pieces: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[\u2066-\u2069]", "", " ".join(" ".join(self.pieces).split()))

    def listed(self) -> list[str]:
        return [attributes["data-key"] for _, attributes in self.elements if "data-key" in attributes]

    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]


async def opened(viewer, path: str, code: int = 200) -> Elements:
    answer = await viewer.get(path)
    assert answer.status_code == code, answer.text
    return Elements(answer.text)


# ---- the front page


async def test_the_front_page_says_what_the_log_holds_who_moved_and_what_is_new(viewer):
    page = await opened(viewer, "/search")
    assert "33 papers, 8 authors and 440 citations in this log." in page.text
    assert "Ada Lovelace h-index 8 → 9; citations 31 → 32" in page.text
    newest, fields = page.text.index("Newest papers"), page.text.index("All fields")
    assert page.text.index("elpmis") > newest and "Machine Learning · cs.LG" in page.text[newest:fields]
    assert "Analysis of PDEs · math.AP" in page.text and "Applications · stat.AP" in page.text
    assert page.text.count("simulated literature") == 1, "the demo says so once"
    assert [tag for tag, attributes in page.elements if attributes.get("role") == "search"] == ["form"]


# ---- the search


async def test_authors_and_papers_are_found_however_they_are_written(viewer):
    expected = {
        "wang": ["a:wang-1", "a:wang-2"],
        "Wang, Jun": ["a:wang-1", "a:wang-2"],
        "Wang J": ["a:wang-1", "a:wang-2"],
        "lovelase": [ADA],
        "AUGUSTA": [ADA],
        "0000-0002-1825-0097": [ADA],
        "briain": [BOB],
        DOI: ["p/5"],
        "https://doi.org/" + DOI.lower(): ["p/5"],
        "a paper of many": [LARGE],
    }
    for query, found in expected.items():
        keys = (await opened(viewer, search_for(query))).listed()
        assert [key for key in keys if not key.startswith("p/") or key in found][: len(found)] == found, query


async def test_namesakes_are_told_apart(viewer):
    page = await opened(viewer, search_for("jun wang"))
    assert "Fudan University · " in page.text and "University of Oslo · " in page.text
    assert "1992–2018" in page.text and "2003" in page.text
    boxes = [attributes for tag, attributes in page.elements if attributes.get("type") == "checkbox"]
    assert [box["value"] for box in boxes] == ["a:wang-1", "a:wang-2"], "they can be marked and compared"


async def test_a_search_has_pages_and_says_when_it_forgave_errors(viewer):
    first = await opened(viewer, search_for("engines"))
    onwards = next(link for link in first.links() if "cursor=" in link)
    second = await opened(viewer, onwards)
    papers = [set(page.listed()) for page in (first, second)]
    assert len(papers[0]) == 20 and len(papers[1]) == 10 and not papers[0] & papers[1]
    assert search_for("engines") in second.links()
    assert "typing errors are forgiven" in (await opened(viewer, search_for("lovelase"))).text
    assert "No paper has all these words" in (await opened(viewer, search_for("zzz qqq"))).text
    assert (await viewer.get(search_for("engines") + "&cursor=wrong")).status_code == 400


# ---- papers


async def test_the_page_of_a_paper_says_everything_that_is_known_of_it(viewer):
    page = await opened(viewer, paper_page_of(FIRST))
    for said in (
        "On analytical engines, part 0", "Notes of the Society", "Jan 1990",
        "Artificial Intelligence · cs.AI",
        "An engine that weaves algebraic patterns", "Cited by 32 papers in this log",
        "The record names no references", "Novelty 83%",
        "2,214 papers like it (1990, Machine Learning · cs.LG)", "1,200 of its 3,000 word pairs",
        "provisional: its text is short", "One record, of", "It was not revised.",
    ):  # fmt: skip
        assert said in page.text, said
    assert page_of(ADA) in page.links() and "/api/v1/papers/p%2F0" in page.links()
    (label,) = [
        attributes["aria-label"] for tag, attributes in page.elements if tag == "svg" and "role" in attributes
    ]
    assert label.startswith("Citations by year of the citing paper: 1991: 1; ")
    assert any(attributes.get("id") == "cited-by" for _, attributes in page.elements)


async def test_the_lists_of_a_paper_have_orders_and_pages(viewer):
    path = paper_page_of(FIRST)
    newest = await opened(viewer, path + "?sort=date")
    assert newest.listed()[:2] == [SIMULATED, MARKUP]
    onwards = next(link for link in newest.links() if "cited_by=" in link)
    assert onwards.endswith("#cited-by") and "sort=date" in onwards
    rest = await opened(viewer, onwards.partition("#")[0])
    shown = [set(page.listed()) for page in (newest, rest)]
    assert [len(keys) for keys in shown] == [20, 12] and not shown[0] & shown[1]
    last = await opened(viewer, paper_page_of("p/29"))
    assert "In this log: 29 of 29 references." in last.text
    assert len(last.listed()) == 20 and any("references=" in link for link in last.links())
    assert (await viewer.get(path + "?sort=size")).status_code == 400


async def test_a_long_byline_is_folded_and_says_what_is_missing(viewer):
    page = await opened(viewer, paper_page_of(LARGE))
    assert "and 25 more" in page.text and "Person 43" in page.text
    assert "the record does not have the whole list" in page.text


async def test_ids_are_links(viewer):
    assert "https://doi.org/10.1234/ABC.5" in (await opened(viewer, paper_page_of("p/5"))).links()
    assert "https://arxiv.org/abs/2101.00001" in (await opened(viewer, paper_page_of(RETRACTED))).links()


async def test_a_paper_that_does_not_count_has_the_right_status_and_words(viewer):
    for paper_id, code, said in (
        (
            RETRACTED,
            200,
            "This paper was retracted. It counts no more, for no author. The reason given: The data were",
        ),
        (
            WITHDRAWN,
            410,
            "This paper was withdrawn. It counts no more, for no author. The reason given: The author",
        ),
        (CITED_ONLY, 404, "No record of the paper doi:10.1000/cited-only is in this log"),
        (CITED_ONLY, 404, "Cited by 1 paper in this log"),
        (MARKUP + "2", 404, "Cited by 1 paper"),
        ("nothing", 404, "There is no paper with the id 'nothing' in this log, and no paper cites it."),
        ("..", 404, "There is no paper with the id '..'"),
    ):
        page = await opened(viewer, paper_page_of(paper_id), code)
        assert said in page.text, page.text


def test_a_history_is_told_in_words():
    paper = {"revisions": 3, "revision": 2, "changed_at": "2026-02-03T04:05:06.000Z", "state": "withdrawn",
             "retracted": True, "language": "fr"}  # fmt: skip
    assert history(paper) == [
        "3 records changed it, the last one on Feb 3, 2026.", "Revision 2 is the newest.",
        "The newest record withdraws it.", "It is retracted.", "Language of the text: fr.",
    ]  # fmt: skip
    assert history(paper | {"revisions": 0}) == ["No record of it is in this log."]


def test_a_novelty_is_told_with_its_grounds():
    pooled = {
        "reasons": ["pooled_cohort"],
        "new_pairs": 2,
        "pairs": 5,
        "cohort": "novelty/2016/en/full",
        "cohort_size": 40,
    }
    said = " ".join(novelty_in_words({"novelty": 0.5}, {"novelty": 0.5, "standing": {"novelty": pooled}}))
    assert "40 papers like it (2016, of all fields)" in said and "2 of its 5 word pairs" in said
    assert "provisional: compared with papers of all fields" in said
    assert "do not list it" in " ".join(novelty_in_words({"novelty": 0.5}, None))
    lacking = {"novelty": None, "standing": {"novelty": {"reasons": ["undated"]}}}
    assert novelty_in_words({"novelty": None}, lacking) == ["It has no novelty: it has no date."]
    assert novelty_in_words({"novelty": None}, None) == ["It has no novelty yet."]


async def test_a_paper_tells_other_programs_what_it_is(viewer):
    page = await opened(viewer, paper_page_of("p/5"))
    meta = {attributes.get("property") or attributes.get("name"): attributes.get("content")
            for tag, attributes in page.elements if tag == "meta"}  # fmt: skip
    assert meta["og:title"] == meta["citation_title"] == "On analytical engines, part 5"
    assert meta["og:type"] == "article" and meta["og:url"] == "http://viewer/papers/p%2F5"
    assert "Ada Lovelace" in meta["og:description"] and "24 citations" in meta["og:description"]
    assert (meta["citation_doi"], meta["citation_publication_date"]) == (DOI, "1995/06")


# ---- fields


async def test_a_field_is_whole_and_in_words(viewer):
    page = await opened(viewer, field_page_of("stat.AP"))
    assert "Applications stat.AP" in page.text
    assert {key for key in page.listed() if key.startswith("p/")} == {"p/26", "p/29"}, "not those of math.AP"
    growth = await opened(viewer, field_page_of("cs.LG"))
    assert "Papers by year: 1990: 1; 1991: 1" in " ".join(
        attributes.get("aria-label", "") for _, attributes in growth.elements
    )
    of_1995 = await opened(viewer, field_page_of("cs.LG") + "?year=1995&sort=date&by=novelty")
    assert [key for key in of_1995.listed() if key.startswith("p/")] == ["p/5"]
    onwards = next(link for link in growth.links() if "papers=" in link)
    assert onwards.endswith("#papers")
    rest = await opened(viewer, onwards.partition("#")[0])
    shown = [{key for key in page.listed() if key.startswith("p/")} for page in (growth, rest)]
    assert len(shown[0]) == 15 and shown[1] and not shown[0] & shown[1]


@pytest.mark.parametrize(
    ("code", "meant"), [("AP", {"math.AP", "stat.AP"}), ("CS.lg", {"cs.LG"}), ("no.XX", set())]
)
async def test_an_unknown_field_leads_to_those_that_may_be_meant(viewer, code, meant):
    page = await opened(viewer, field_page_of(code), 404)
    assert {link for link in page.links() if link.startswith("/fields/")} == {
        field_page_of(one) for one in meant
    }


# ---- comparison


async def test_a_comparison_has_coverage_beside_each_number_and_says_what_is_unlike(viewer):
    page = await opened(viewer, comparison_of([ADA, BOB, EMMY]))
    for said in (
        "90% of references known", "references: not known", "50% of papers scored", "1 of 2 papers counted",
        "Counted by openalex", "no counts", "The fields differ.", "from 1990 to 2019", "known by name alone",
        "The citations differ in what they rest on.",
    ):  # fmt: skip
        assert said in page.text, said
    assert comparison_of([BOB, EMMY]) in page.links(), "Ada can be removed"


def test_like_authors_are_not_warned_of():
    one, other = (told(f"a:{n}", "A", [("p", n)], papers_by_year={"2010": 1}) for n in (1, 2))
    assert compare.unlike([one, other]) == []


async def test_a_comparison_takes_ids_in_every_form(viewer):
    names = ["Ada Lovelace", "Bob Ó Briain"]
    for path in (
        comparison_of([ADA, BOB]),
        f"/compare?ids={ADA}&ids={quote(BOB)}",
        f"/compare?ids=a:old,{quote(BOB)},{ADA}",  # a merged author is the other one
    ):
        heads = re.findall(r'<th scope="col"><a[^>]*><bdi>(.*?)</bdi>', (await viewer.get(path)).text)
        assert sorted(heads) == names, path
    page = await opened(viewer, comparison_of([ADA, "nobody"]))
    assert (
        "There is no author with the id 'nobody'" in page.text
        and "Add authors until there are 2 to 5" in page.text
    )
    assert (await viewer.get(comparison_of([f"a:{n}" for n in range(6)]))).status_code == 400


async def test_an_author_is_added_to_a_comparison_by_name(viewer):
    page = await opened(viewer, comparison_of([ADA]) + "&add=wang")
    assert {comparison_of([ADA, f"a:wang-{n}"]) for n in (1, 2)} <= set(page.links())
    answer = await viewer.get(f"/compare?ids={ADA}&add=a:wang-2")
    assert (answer.status_code, answer.headers["location"]) == (303, comparison_of([ADA, "a:wang-2"]))
    assert "No author has a name" in (await opened(viewer, "/compare?add=zzz")).text


# ---- feeds


@pytest.mark.parametrize(
    ("page", "feed", "newest"),
    [
        (field_page_of("cs.LG"), "/fields/cs.LG/feed.atom", SIMULATED),
        (search_for("engines"), "/search/feed.atom?q=engines", "p/29"),
        (search_for("zzz"), "/search/feed.atom?q=zzz", None),
    ],
)
async def test_fields_and_searches_have_a_feed(viewer, page, feed, newest):
    """RFC 4287, 4.1.1 and 4.1.2: exactly one id, title and updated each, and an author."""
    shown = await opened(viewer, page)
    assert feed in [
        attributes["href"] for tag, attributes in shown.elements if attributes.get("rel") == "alternate"
    ]
    answer = await viewer.get(feed)
    assert answer.headers["content-type"] == "application/atom+xml"
    root = ElementTree.fromstring(answer.content)
    entries = root.findall(f"{ATOM}entry")
    for element in (root, *entries):
        assert [len(element.findall(ATOM + name)) for name in ("id", "title", "updated")] == [1, 1, 1]
    assert root.find(f"{ATOM}author/{ATOM}name").text
    addresses = [entry.find(f"{ATOM}link").get("href") for entry in entries]
    assert addresses[:1] == ([f"http://viewer{paper_page_of(newest)}"] if newest else [])
    again = await viewer.get(feed, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_the_feed_of_a_large_field_is_the_same(viewer, monkeypatch):
    """It is read from the newest papers of the log instead of those of the field."""
    small = (await viewer.get("/fields/cs.LG/feed.atom")).content
    monkeypatch.setattr(feeds, "LARGE", 1)
    assert (await viewer.get("/fields/cs.LG/feed.atom")).content == small


async def test_what_has_no_feed_says_so(viewer):
    assert (await viewer.get("/search/feed.atom")).status_code == 400
    assert (await viewer.get("/fields/none/feed.atom")).status_code == 404


# ---- all of them


async def test_text_of_the_log_stays_text_on_every_page(viewer):
    for path in PAGES:
        _is_safe((await viewer.get(path)).text)


def _is_safe(text: str) -> None:
    page = Elements(text)
    assert {tag for tag, _ in page.elements} & {"img", "iframe", "object", "style"} == set()
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        address = attributes.get("href") or attributes.get("src") or "/"
        assert address.startswith(("/", "#", "https://doi.org/", "https://arxiv.org/abs/")), address
        assert tag != "script" or attributes["src"].startswith("/static/")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), "an id stands once"
    hidden = r'(data-[a-z]+|id|value|href|for)="[^"<>]*$'
    for place in re.finditer("\u202e", text):
        before = text[: place.start()]
        near = re.search(r"(<bdi>[^<]*|\u2068[^\u2069]*)$", before) or re.search(hidden, before)
        assert near, html.unescape(before[-120:])


async def test_every_page_has_a_tag_and_head_tells_what_get_would(viewer):
    asked = {"Accept-Encoding": "identity"}
    for path in (*PAGES, "/search/feed.atom?q=a", "/fields/cs.LG/feed.atom"):
        answer = await viewer.get(path, headers=asked)
        assert answer.status_code == 200 and answer.headers["etag"], path
        again = await viewer.get(path, headers=asked | {"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        head = await viewer.head(path, headers=asked)
        assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers), path


async def test_a_page_asks_the_store_a_few_bounded_questions(viewer, monkeypatch):
    asked, ask = [], Store._ask

    async def counted(self, question, *given, **how):
        asked.append(question)
        return await ask(self, question, *given, **how)

    monkeypatch.setattr(Store, "_ask", counted)
    for path in PAGES:
        await viewer.get("/search")  # the lag is known for a second
        asked.clear()
        assert (await viewer.get(path)).status_code == 200
        assert len(asked) <= 5, (path, asked)


async def test_no_link_leads_nowhere(viewer):
    """Follows the links of all pages, a few of each kind. Addresses with the same parameters are alike."""
    refused = {paper_page_of(CITED_ONLY), paper_page_of(MARKUP + "2")}
    seen, left, kinds = set(), deque(["/search"]), Counter()
    while left:
        path = left.popleft()
        answer = await viewer.get(path)
        # The 45 people of one paper have no profiles in this log.
        assert answer.status_code == (404 if path in refused or "name:person" in path else 200), path
        for link in (
            Elements(answer.text).links() if answer.headers["content-type"].startswith("text/html") else ()
        ):
            address = link.partition("#")[0]
            kind = re.sub("=[^&]*", "", re.sub("^(/[a-z]+/)[^?]*", r"\1", address))
            if address.startswith("/") and address not in seen and kinds[kind] < ALIKE and kind not in APART:
                seen.add(address)
                kinds[kind] += 1
                left.append(address)
    assert {"/papers/", "/fields/", "/authors/", "/papers", "/fields", "/compare", "/scores"} <= set(kinds)


# ---- a store that lags, is being made, or is off


async def test_without_a_store_pages_say_so(folder):
    async with site(folder, with_store=False) as viewer:
        for path in (
            "/papers",
            "/fields",
            paper_page_of(FIRST),
            field_page_of("cs.LG"),
            "/search/feed.atom?q=a",
        ):
            assert "keeps no store" in (await opened(viewer, path, 503)).text
        found = await opened(viewer, search_for("lovelace"))
        assert page_of(ADA) in found.links() and "keeps no store" in found.text
        assert "keeps no store" in (await opened(viewer, "/search")).text
        assert "Ada Lovelace" in (await opened(viewer, comparison_of([ADA, BOB]))).text


async def test_while_the_store_is_made_pages_say_so(viewer, tmp_path):
    viewer.store.place = StorePlace(tmp_path)
    viewer.service.fraction = 0.43
    answer = await viewer.get("/papers")
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert "is being made (43% done)" in answer.text
    front = await opened(viewer, "/search")
    assert "is being made (43% done)" in front.text and "8 authors in this log" in front.text
    found = await opened(viewer, search_for("lovelace"))
    assert page_of(ADA) in found.links() and "is being made" in found.text


async def test_a_store_that_lags_says_so_on_every_page(viewer, monkeypatch):
    monkeypatch.setattr(site_view, "MANY_RECORDS", -1)
    for path in (
        "/search",
        "/papers",
        paper_page_of(FIRST),
        field_page_of("cs.LG"),
        "/fields",
        search_for("wang"),
    ):
        assert "0 records behind the log" in (await opened(viewer, path)).text, path
