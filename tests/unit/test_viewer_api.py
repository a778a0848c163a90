"""The viewer's HTTP interface, asked as a client asks it."""

import asyncio
import re
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.hosts import HostNames
from services.viewer import api
from services.viewer.api import Viewer, application
from services.viewer.explanations import explanation_of
from services.viewer.main import build_app
from services.viewer.profile_index import ProfileIndex
from services.viewer.programs import endpoints
from services.viewer.routes.search import QUERY_LENGTH
from services.viewer.urls import API, api_of, author_of, page_of, part_of
from shared.errors import LogUnavailable
from shared.log.memory import MemoryLog
from shared.log.port import Partition
from shared.metrics.reasons import EXPLAINERS
from shared.metrics.reasons.snapshot import CORES, LACKING
from shared.settings import Settings
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry
from tests.snapshots import SYGNOWSKI, paper, profile_topic, publish, snapshot, sygnowski

ODD_IDS = [
    "a/b",
    "Turing, Alan",
    "x/events",
    "name:émile zola",
    "a:1?id=2#3",
    "per%2Fcent",
    "..",
    ".",
    "a b+c",
    "日本/語",
    "<script>alert(1)</script>",
    "\x00\n",
    "'\"",
]


@asynccontextmanager
async def client_of(*told: dict, status=None, index: ProfileIndex | None = None):
    log = await profile_topic(MemoryLog())
    await publish(log, *told)
    if index is None:
        index = ProfileIndex(log)
        await index.catch_up()
    app = application(Viewer(index, asyncio.Event(), status))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://viewer") as client:
        yield client


class Elements(HTMLParser):
    """Every element's name and attributes, and all text."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


# ---- addresses


@given(st.text(min_size=1, max_size=20) | st.sampled_from(ODD_IDS))
def test_an_address_names_its_author(author_id):
    for address, collection, *parts in (
        (page_of(author_id), "/authors"),
        (api_of(author_id, "events"), "/api/v1/authors", "events"),
    ):
        assert address.isascii()
        url = httpx.URL("http://viewer" + address)
        if "?" in address:
            assert url.params["id"] == author_id
        else:
            assert author_of(url.raw_path, collection, *parts) == (author_id, parts[0] if parts else "")


@given(st.text(min_size=1, max_size=20) | st.sampled_from([*ODD_IDS, "x/explain/h_index", "explain/h_index"]))
def test_an_address_names_what_is_to_be_explained(author_id):
    address = api_of(author_id, "explain/h_index")
    url = httpx.URL("http://viewer" + address)
    if "?" in address:
        assert (url.params["id"], part_of(url.params["part"], "events", "explain/")) == (
            author_id,
            "explain/h_index",
        )
    else:
        assert author_of(url.raw_path, "/api/v1/authors", "events", "explain/") == (
            author_id,
            "explain/h_index",
        )


@pytest.mark.parametrize("author_id", ODD_IDS)
async def test_an_author_with_any_id_has_a_page_and_a_snapshot(author_id):
    told = snapshot(author_id, name="Ada")
    async with client_of(told) as client:
        page = await client.get(page_of(author_id))
        assert page.status_code == 200
        (article,) = [attributes for tag, attributes in Elements(page.text).elements if tag == "article"]
        events = httpx.URL(article["data-events"])
        assert (events.path, events.params["ids"]) == ("/api/v1/events", author_id)
        address = httpx.URL(article["data-fresh"]).copy_merge_params({"since": article["data-state"]})
        fresh = await client.get(address)
        assert fresh.status_code == 200 and len(fresh.content) < 200
        assert (await client.get(api_of(author_id))).json() == told
        assert (await client.get(api_of(author_id, "explain/papers"))).json()["value"] == 2


async def test_a_slash_need_not_be_escaped():
    async with client_of(snapshot("a/b/c")) as client:
        assert (await client.get("/authors/a/b/c")).status_code == 200
        assert (await client.get("/api/v1/authors/a/b/c")).json()["author_id"] == "a/b/c"


async def test_an_address_that_is_not_utf8_is_refused():
    async with client_of() as client:
        assert (await client.get("/authors/%ff")).status_code == 400
        assert (await client.get("/api/v1/authors/%ff")).json()["status"] == 400


# ---- snapshots


async def test_a_snapshot_comes_as_it_was_published_with_its_version_as_tag():
    told = snapshot("a:1", 7, generation=2)
    async with client_of(told) as client:
        answer = await client.get("/api/v1/authors/a:1", headers={"Accept-Encoding": "identity"})
        assert answer.content == orjson.dumps(told)
        assert answer.headers["etag"] == '"2-7"'
        assert answer.headers["content-type"] == "application/json"
        for known in ('"2-7"', 'W/"2-7"', '"1-1", "2-7"', "*"):
            again = await client.get("/api/v1/authors/a:1", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"2-7"')
        assert (
            await client.get("/api/v1/authors/a:1", headers={"If-None-Match": '"2-6"'})
        ).status_code == 200


# ---- why


async def test_an_explanation_has_the_papers_that_make_the_number_and_the_tag_of_its_snapshot():
    async with client_of(sygnowski()) as client:
        answer = await client.get(
            "/api/v1/authors/a:sygnowski/explain/h_index", headers={"Accept-Encoding": "identity"}
        )
        told = answer.json()
        assert answer.headers["content-type"] == "application/json" and answer.headers["etag"] == '"1-48213"'
        assert (told["value"], told["explained"], len(told["papers"]), told["next"]["value"]) == (
            11,
            True,
            11,
            12,
        )
        again = await client.get(
            "/api/v1/authors/a:sygnowski/explain/h_index", headers={"If-None-Match": '"1-48213"'}
        )
        assert again.status_code == 304
        cited = (await client.get("/api/v1/authors/a:sygnowski/explain/citations")).json()
        assert sum(entry["citations"] for entry in cited["papers"]) == cited["value"] == 812
        lacking = (await client.get("/api/v1/authors/a:sygnowski/explain/tori")).json()
        assert (lacking["explained"], lacking["papers"], lacking["next"], lacking["value"]) == (
            False,
            [],
            None,
            0.4,
        )
        assert lacking["lacking"] and lacking["command"] == "scholarstream explain a:sygnowski tori"


async def test_an_explanation_is_on_the_basis_that_is_asked_for():
    numbers = {"papers": 2, "papers_counted": 1, "citations": 44, "h_index": 1}
    papers = [paper("p:1", 3, citations_by_source={"open alex": 44}), paper("p:2", 2)]
    told = snapshot("a:1", papers=papers, metrics=snapshot("x")["metrics"] | {"counted:open alex": numbers})
    async with client_of(told) as client:
        path = "/api/v1/authors/a:1/explain/citations"
        assert (await client.get(path)).json()["value"] == 5
        other = (await client.get(path, params={"basis": "counted:open alex"})).json()
        assert (other["value"], other["basis"]) == (44, "counted:open alex")


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        (
            "/api/v1/authors/a:1/explain/hindex",
            404,
            "metric: there is no 'hindex'; there are papers, citations, h_index",
        ),
        ("/api/v1/authors/a:1/explain/", 404, "metric: there is no ''; there are papers"),
        ("/api/v1/authors/a:none/explain/h_index", 404, "There is no author with the id 'a:none'"),
        (
            "/api/v1/authors/a:1/explain/h_index?basis=counted:x",
            400,
            "basis: this profile has no h_index on 'counted:x'; it has it on ref",
        ),
        (
            "/api/v1/authors/a:1/explain/papers_counted",
            400,
            "basis: this profile has no papers_counted on 'references'",
        ),
    ],
)
async def test_what_cannot_be_explained_is_refused_with_what_would_be_right(path, code, said):
    async with client_of(snapshot("a:1")) as client:
        problem = (await client.get(path)).json()
        assert problem["status"] == code and problem["detail"].startswith(said), problem


async def test_the_last_changes_come_as_they_were_published():
    async with client_of(snapshot("a:1", 3)) as client:
        assert (await client.get("/api/v1/authors/a:1/changes")).json() == []
        assert (await client.get("/api/v1/authors/a:none/changes")).status_code == 404


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/authors/a:none", 404),
        ("/api/v1/authors/", 404),
        ("/api/v1/authors", 404),
        ("/api/v1/authors/a:none/events", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/search", 400),
        ("/api/v1/search?q=%20", 400),
        (f"/api/v1/search?q={'x' * (QUERY_LENGTH + 1)}", 400),
        ("/api/v1/search?q=a&limit=0", 400),
        ("/api/v1/search?q=a&limit=many", 400),
        ("/api/v1/search?q=a&limit=101", 400),
    ],
)
async def test_a_program_is_refused_with_problem_details(path, code):
    async with client_of(snapshot("a:1")) as client:
        answer = await client.get(path)
        assert answer.status_code == code
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == code
        assert problem["title"]
        assert problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/authors/a:none",
        "/authors/",
        "/nothing",
        "/static/nothing.css",
        "/static/..%2fapi.py",
        "/static/%2e%2e/api.py",
    ],
)
async def test_a_person_is_refused_with_a_page(path):
    async with client_of(snapshot("a:1")) as client:
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "<h1>" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/search",
        "/authors/a:1",
        "/api/v1/authors/a:1",
        "/api/v1/authors/a:1/explain/h_index",
        "/api/v1/search",
        "/api/v1/events",
        "/static/page.css",
    ],
)
async def test_nothing_can_be_changed(method, path):
    async with client_of(snapshot("a:1")) as client:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        allowed = await client.options(path)
        assert (allowed.status_code, allowed.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_head_tells_what_get_would():
    async with client_of(snapshot("a:1")) as client:
        for coding, tag in (("identity", '"1-1"'), ("gzip", 'W/"1-1"'), ("br", 'W/"1-1"')):
            asked = {"Accept-Encoding": coding}
            answer = await client.head("/api/v1/authors/a:1", headers=asked)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["etag"] == tag, "other bytes than without compression"
            assert answer.headers == (await client.get("/api/v1/authors/a:1", headers=asked)).headers


async def test_an_author_may_still_come_while_the_log_is_being_read():
    log = await profile_topic(MemoryLog())
    await publish(log, snapshot("a:1"))
    index = ProfileIndex(log)
    await index.start()
    async with client_of(index=index) as client:
        answer = await client.get("/authors/a:1")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "0%" in answer.text
        assert "still being read" in (await client.get("/search?q=ada")).text


@pytest.mark.parametrize("part", ["", "/events", "/changes", "/explain/h_index"])
async def test_nothing_older_than_what_was_public_is_served_while_the_log_is_being_read(part):
    log = await profile_topic(MemoryLog())
    index = ProfileIndex(log)
    stale, newest = [snapshot("a:1", version, name="Ada") for version in (1, 2)]
    await publish(log, stale, newest, snapshot("a:0", redirect="a:1"))
    await index.start()
    (first,) = await log.read(Partition("author-profiles.v1", 0), 0, max_records=1)
    index.take(0, [first])  # as far as it got; the second version was public before it started
    paths = [
        "/api/v1/authors/a:1" + part,
        "/api/v1/events",
        "/authors/a:1",
        "/authors/a:0",
        "/search?q=ada",
        "/api/v1/search?q=ada",
    ]
    async with client_of(index=index) as client:
        for path in paths:
            answer = await client.get(path)
            assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True), path
            assert "catching up" in answer.text and "0%" in answer.text
        assert index.subscriptions == 0
        assert (await client.get("/")).status_code == (await client.get("/api/v1/status")).status_code == 200
        await index.catch_up()
        assert (await client.get("/api/v1/authors/a:1")).json()["version"] == 2
        assert (await client.get("/search?q=ada")).status_code == 200


async def test_a_log_that_cannot_be_read_now_is_said_so():
    class Locked(MemoryLog):
        async def read(self, *_, **__):
            raise LogUnavailable("the file is locked")

    log = await profile_topic(Locked())
    index = ProfileIndex(log)
    await index.start()
    index._add(b"a:1", b'"Ada"')
    async with client_of(index=index) as client:
        for path in ("/api/v1/authors/a:1", "/api/v1/authors/a:1/events", "/authors/a:1"):
            answer = await client.get(path)
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
            assert "has not answered for a while" in answer.text, "words, and what the reader may do"
            assert "locked" not in answer.text and "Error" not in answer.text, (
                "what a library said is for the log of the service"
            )


async def test_an_error_of_ours_tells_nothing_of_itself():
    async with client_of(status=lambda: 1 / 0) as client:
        answer = await client.get("/api/v1/status")
        assert answer.status_code == 500
        assert "division" not in answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"


# ---- search, status, home


async def test_search_finds_authors():
    async with client_of(
        snapshot("a:1", name="Ada Łovelace"), snapshot("a:2", name="Emmy Noether")
    ) as client:
        answer = (await client.get("/api/v1/search", params={"q": "lovelace"})).json()
        assert answer["matches"] == [{"author_id": "a:1", "name": "Ada Łovelace", "papers": 2, "h_index": 2}]
        assert (answer["authors"], answer["complete"]) == (2, True)
        page = await client.get("/search", params={"q": "Ada"})
        assert ("a", {"href": "/authors/a:1"}) in Elements(page.text).elements
        assert "None of 2 authors has a name" in (await client.get("/search", params={"q": "zzz"})).text


async def test_a_few_searches_go_on_at_once_a_few_wait_and_the_rest_is_refused(monkeypatch):
    working, most, go_on = 0, 0, asyncio.Event()
    search = ProfileIndex.search

    async def slow(self, *words):
        nonlocal working, most
        working += 1
        most = max(most, working)
        await go_on.wait()
        working -= 1
        return await search(self, *words)

    monkeypatch.setattr(ProfileIndex, "search", slow)
    async with client_of(snapshot("a:1", name="Ada")) as client:
        path = "/api/v1/search?q=ada"
        accepted = [asyncio.create_task(client.get(path)) for _ in range(api.SEARCHES + api.SEARCHES_WAITING)]
        while working < api.SEARCHES:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for one in (path, "/search?q=ada"):
            refused = await client.get(one)
            assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
            assert "too many searches" in refused.text
        go_on.set()
        answers = await asyncio.wait_for(asyncio.gather(*accepted), 10)
        assert {answer.status_code for answer in answers} == {200}
        assert most == api.SEARCHES
        assert (await client.get(path)).status_code == 200


async def test_a_search_that_waits_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(api, "SEARCH_WAIT_SECONDS", 0.01)
    forever = asyncio.Event()

    async def stuck(*_):
        await forever.wait()
        return []

    monkeypatch.setattr(ProfileIndex, "search", stuck)
    async with client_of(snapshot("a:1", name="Ada")) as client:
        working = [asyncio.create_task(client.get("/search?q=ada")) for _ in range(api.SEARCHES)]
        while len(forever._waiters) < api.SEARCHES:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert (await client.get("/search?q=ada")).status_code == 503
        forever.set()
        assert {answer.status_code for answer in await asyncio.gather(*working)} == {200}


async def test_a_search_that_finds_too_many_says_so(monkeypatch):
    monkeypatch.setattr(api, "RANKED", 2)
    async with client_of(*(snapshot(f"a:{n}", name=f"Ada {n}") for n in range(1500))) as client:
        answer = (await client.get("/api/v1/search", params={"q": "ada"})).json()
        assert answer["complete"] is False and len(answer["matches"]) == 20
        assert "more letters" in (await client.get("/search", params={"q": "ada"})).text
        answer = (await client.get("/api/v1/search", params={"q": "ada 1499"})).json()
        assert answer["complete"] is True and answer["matches"][0]["name"] == "Ada 1499"


async def test_status_tells_the_viewer_and_what_it_was_given():
    async def status():
        return {"idle": True, "lag": 0}

    async with client_of(snapshot("a:1"), status=status) as client:
        told = (await client.get("/api/v1/status")).json()
        assert (told["idle"], told["viewer"]["authors"], told["viewer"]["caught_up"]) == (True, 1, True)
    async with client_of() as client:
        assert set((await client.get("/api/v1/status")).json()) == {"viewer"}


async def test_home_is_the_demo_author_or_the_search():
    async with client_of(sygnowski()) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (302, "/authors/a:sygnowski")
    async with client_of(snapshot("a:1")) as client:
        answer = await client.get("/")
        assert (answer.status_code, "<strong>1 author</strong> in this log" in answer.text) == (200, True)
    async with client_of() as client:
        assert "Nothing is published" in (await client.get("/")).text


async def test_the_whole_application_has_metrics_and_health():
    log = await profile_topic(MemoryLog())
    await publish(log, snapshot("a:1"))
    telemetry, health, stop = Telemetry(), Health(), asyncio.Event()
    app, index = build_app(log, None, registry=telemetry, health=health, stop=stop)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://viewer") as client:
        assert (await client.get("/readyz")).status_code == 503
        following = asyncio.create_task(index.follow(stop))
        with index.subscribe("a:1") as subscription:
            assert (await asyncio.wait_for(subscription.next(5), 5)).snapshot.version == 1
            assert "scholarstream_sse_clients 1.0" in (await client.get("/metrics")).text
        await publish(log, snapshot("a:2"))
        with index.subscribe("a:2") as subscription:
            await asyncio.wait_for(subscription.next(5), 5)
        assert (await client.get("/readyz")).json()["parts"]["viewer/0"]["state"] == "live"
        assert (await client.get("/healthz")).status_code == 200
        assert "scholarstream_sse_clients 0.0" in (await client.get("/metrics")).text
        assert (await client.get("/authors/a:1")).status_code == 200
        stop.set()
        await asyncio.wait_for(following, 5)


# ---- safety


@pytest.mark.parametrize(
    "path",
    ["/authors/a:1", "/api/v1/authors/a:1", "/search?q=a", "/nothing", "/static/page.js", "/static/page.css"],
)
async def test_every_answer_is_guarded(path):
    async with client_of(snapshot("a:1")) as client:
        headers = (await client.get(path)).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;"


async def test_nothing_from_the_log_becomes_markup():
    papers = [
        paper(
            EVIL,
            3,
            title=EVIL,
            published=EVIL,
            field=EVIL,
            authors=[EVIL],
            affiliations=[EVIL],
            url="javascript:alert(1)",
            doi=EVIL,
        ),
        paper("p:2", 1, url="data:text/html,<script>alert(1)</script>", citations_by_source={EVIL: 2}),
    ]
    numbers = snapshot("x")["metrics"]["references"]
    told = snapshot(
        EVIL,
        name=EVIL,
        as_of=EVIL,
        field=EVIL,
        affiliations=[{"name": EVIL, "papers": 1}],
        reported=[
            {"source": EVIL, "as_of": EVIL, "h_index": 3, "violations": [EVIL]},
            {"source": "b", "papers": 3, "violations": []},
        ],
        metrics={"references": numbers | {EVIL: 3}, f"counted:{EVIL}": numbers},
        flags=[EVIL],
        papers=papers,
        provenance={"definitions": EVIL, "coverage": {EVIL: 0.5}},
    )
    async with client_of(told) as client:
        for path in (
            page_of(EVIL),
            f"/search?q={httpx.QueryParams({'q': EVIL})['q']}",
            "/search?q=script",
            page_of(EVIL + "x"),
        ):
            page = Elements((await client.get(path)).text)
            assert {tag for tag, _ in page.elements} & {"img", "iframe", "object", "style"} == set()
            scripts = [attributes for tag, attributes in page.elements if tag == "script"]
            assert all(attributes["src"].startswith("/static/") for attributes in scripts)
            assert "alert(1)" not in "".join(text for text in page.text if "script" not in text)
            for _, attributes in page.elements:
                assert not any(name.startswith("on") or name == "style" for name in attributes)
                address = attributes.get("href") or attributes.get("src") or "/"
                assert address.startswith(("/", "#", "https://doi.org/", "http://viewer/oembed?")), address
        assert EVIL in "".join(Elements((await client.get(page_of(EVIL))).text).text)


async def test_pages_ask_nobody_else_for_anything():
    async with client_of(sygnowski()) as client:
        page = Elements((await client.get("/authors/a:sygnowski")).text)
        loaded = [
            attributes.get("src") or attributes["href"]
            for tag, attributes in page.elements
            if tag in ("script", "link", "img") and attributes.get("rel") != "alternate"
        ]
        assert loaded
        for address in loaded:
            assert address.startswith("/static/")
            answer = await client.get(address)
            assert answer.status_code == 200
            assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
            assert "https://" not in answer.text


async def test_the_page_is_complete_without_a_script():
    async with client_of(sygnowski()) as client:
        page = Elements((await client.get(page_of(SYGNOWSKI))).text)
        text = " ".join(" ".join(page.text).split())
        for told in (
            "Jakub Sygnowski",
            "LG",
            "13 papers",
            "no paper scored yet",
            "No model is involved",
            "reported 102",
            "9,483",
            "60%",
            "Jul 5, 2022",
            "deepmind · mila · oxford",
        ):
            assert told in text, told
        for told in sygnowski()["papers"]:
            assert told["title"] in text
            assert ("a", {"href": told["url"], "rel": "noopener noreferrer external"}) in page.elements
        labels = [
            attributes["aria-label"]
            for tag, attributes in page.elements
            if tag == "svg" and "aria-label" in attributes
        ]
        assert any("2016: 3; 2017: 8" in label for label in labels)


async def test_simulated_literature_is_labelled():
    async with client_of(sygnowski()) as client:
        assert "simulated" not in (await client.get(page_of(SYGNOWSKI))).text
    simulated = snapshot("sim:a1-0", papers=[paper("sim:1-0", 3)])
    async with client_of(sygnowski(), simulated) as client:
        assert "Citations come from a simulated literature" in (await client.get(page_of(SYGNOWSKI))).text
        page = (await client.get(page_of("sim:a1-0"))).text
        assert "Simulated author" in page
        assert page.count('class="chip simulated"') == 2


# ---- names of the service


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("127.0.0.1:8080", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("LocalHost.:8080", True),
        ("demo.localhost:8080", True),
        ("[::1]:8080", True),
        ("10.1.2.3", True),
        ("scholars.example.org", True),
        ("scholars.example.org:443", True),
        ("a.b.lab.example.org", True),
        ("192.0.2.7:8080", True),  # where the connection came to
        ("evil.example", False),
        ("evil.example:8080", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("evil-localhost", False),
        ("lab.example.org.evil.example", False),
        ("notlab.example.org", False),
        ("10.1.2.4", False),
        ("localhost:8080@evil.example", False),
        ("localhost, evil.example", False),
        ("localhost/", False),
        ("[::1", False),
        ("", False),
        ("\xe9", False),
    ],
)
def test_a_service_answers_to_its_own_names(host, fits):
    assert HostNames("10.1.2.3", ("scholars.example.org", "*.lab.example.org")).fit(host, "192.0.2.7") is fits


def test_a_star_is_any_name():
    assert HostNames("0.0.0.0", ("*",)).fit("anything.example", "")


@pytest.mark.parametrize(
    "path", ["/", "/authors/a:1", "/api/v1/status", "/api/v1/events", "/static/page.js", "/nothing"]
)
async def test_under_another_name_only_health_and_metrics_are_answered(path):
    log, telemetry = await profile_topic(MemoryLog()), Telemetry()
    await publish(log, snapshot("a:1"))
    app, index = build_app(log, Settings(), registry=telemetry, health=Health(), stop=asyncio.Event())
    await index.catch_up()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://evil.example"
    ) as client:
        refused = await client.get(path)
        assert refused.status_code == 421 and "--http-hosts" in refused.text
        assert refused.headers["content-security-policy"]
        for probe in ("/metrics", "/healthz"):
            assert (await client.get(probe)).status_code == 200
    assert index.subscriptions == 0
    assert telemetry.registry.get_sample_value("scholarstream_http_refused_total", {"reason": "host"}) == 1


# ---- merged authors


async def test_the_page_of_a_merged_author_is_elsewhere():
    told = snapshot("a:old", papers_total=0, papers=[], redirect="x/new one")
    async with client_of(told, snapshot("x/new one", name="New")) as client:
        answer = await client.get(page_of("a:old"))
        assert (answer.status_code, answer.headers["location"]) == (308, page_of("x/new one"))
        assert answer.headers["cache-control"] == "no-cache", "a merge may be taken back"
        assert "<h1><bdi>New</bdi></h1>" in (await client.get(page_of("a:old"), follow_redirects=True)).text
        assert (await client.get(api_of("a:old"))).json() == told, "programs are told, and decide themselves"


async def test_a_merged_author_whose_other_one_is_not_here_has_a_page():
    async with client_of(snapshot("a:old", redirect="a:new")) as client:
        assert (await client.get(page_of("a:old"))).status_code == 200


# ---- what docs/http.md says


def _documented(text: str) -> set[str]:
    """The addresses in the table. Further ones of a row stand beside the one before, or begin in /api/v1."""
    found = set()
    for row in re.findall(rf"^\| (`{API}[^|]*) \|", text, re.M):
        before, *more = (one.partition("?")[0] for one in re.findall("`([^`]+)`", row))
        found.add(before)
        collection = "/" + before.removeprefix(API).split("/")[1]
        for one in more:
            before = API + one if one.startswith(collection) else before.rpartition("/")[0] + one
            found.add(before)
    return {one.replace("{metric}", "{name}").replace("{field}", "{id}") for one in found}


def test_every_path_and_every_explanation_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
    viewer = Viewer(ProfileIndex(MemoryLog()), asyncio.Event())
    documented = _documented(text)
    for one in endpoints(viewer.context):
        assert API + one.path in documented, one.path
    for route in application(viewer).routes:
        if route.path.startswith(API):
            assert re.sub(r"{\w+:any}", "{id}", route.path) in documented, route.path
    lines = re.findall(r"^\| (`\w+`(?:, `\w+`){8,}) \|", text, re.M)
    cores, whole, never = (set(line.replace("`", "").split(", ")) for line in lines)
    assert cores == set(CORES) and never == set(LACKING) and whole == EXPLAINERS.keys() - cores - never
    assert all(f"`{field}`" in text for field in explanation_of(snapshot("a:1"), "h_index"))
