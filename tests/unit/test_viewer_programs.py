"""The HTTP interface for programs: every address in the OpenAPI document answers as the document says."""

import asyncio
import gzip
import zlib
from contextlib import asynccontextmanager
from urllib.parse import quote

import brotli
import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from services.viewer.store.lag import StoreLag
from services.viewer.store.store import Store
from services.viewer.web.access import Access
from services.viewer.web.compression import chosen
from services.viewer.web.rate_limit import client_of as client_address
from tests.stores import fill, publish, told, topics

BOTH = [{"author_id": "a:ada", "name": "Ada Lovelace"}, {"author_id": "x/papers, y", "name": "Bob"}]
PAPERS = [
    {"paper_id": f"p/{n}", "title": f"Title {n}", "published": f"20{10 + n}", "categories": ["cs.LG"],
     "venue": "V",
     "authors": BOTH[: 1 + n % 2], "references": [f"p/{m}" for m in range(n)], "abstract": "words " * 200}
    for n in range(7)
]  # fmt: skip


class Service:
    """What a viewer needs of its store, filled once."""

    def __init__(self, log, store: Store):
        self.store, self.lag, self.fraction = store, StoreLag(log, store), None


@asynccontextmanager
async def serving(tmp_path, *, access: Access = Access(), with_store: bool = True):
    log = await topics()
    profiles = [
        told("a:ada", "Ada Lovelace", [("p/0", 6)], h_index=3, field="LG", papers_by_year={"2010": 1}),
        told("x/papers, y", "Bob", [("p/1", 5)], field="LG"),
    ]
    change = {
        "author_id": "a:ada", "generation": 1, "version": 1, "as_of": None, "before": {"h_index": 2},
        "after": {"h_index": 3},
        "changed": ["h_index"], "causes": [{"kind": "cited", "paper_id": "p/0", "by": "p/6"}],
        "causes_total": 1,
    }  # fmt: skip
    await publish(log, PAPERS, profiles, [change])
    store = await fill(log, tmp_path)
    index = ProfileIndex(log)
    await index.catch_up()
    service = Service(log, store) if with_store else None
    app = application(Viewer(index, asyncio.Event(), None, service), access=access)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://viewer") as client:
        client.log = log
        yield client
    store.close()


async def test_the_document_is_openapi_and_every_address_answers_as_it_says(tmp_path):
    async with serving(tmp_path) as client:
        document = (await client.get("/openapi.json")).json()
        validate(document)
        given = {"authors": "a:ada", "papers": "p/3", "fields": "cs.LG", "q": "ada", "ids": "a:ada,nobody"}
        for path, methods in document["paths"].items():
            operation = methods["get"]
            (answer,) = operation["responses"]["200"]["content"].items()
            identity = quote(given.get(path.split("/")[1], ""), safe="")
            address = "/api/v1" + path.replace("{id}", identity).replace("{name}", "h_index")
            required = {
                one["name"]: given[one["name"]]
                for one in operation["parameters"]
                if one["required"] and one["in"] == "query"
            }
            got = await client.request(
                "HEAD" if answer[0] == "text/event-stream" else "GET", address, params=required
            )
            assert got.status_code == 200, (address, got.text)
            assert got.headers["content-type"].startswith(answer[0])
            if answer[0] != "application/json":
                continue
            if path not in ("/authors", "/authors/{id}"):  # snapshots by hand have not all fields
                schema = {**answer[1]["schema"], "components": document["components"]}
                jsonschema.Draft202012Validator(schema).validate(got.json())
            for one in operation["parameters"]:
                if one["in"] == "query":
                    wrong = await client.get(address, params=required | {one["name"]: ""})
                    assert wrong.status_code == 400 and wrong.json()["detail"].startswith(
                        f"{one['name']}: "
                    ), (address, one)
            tag = got.headers.get("etag")
            assert ("304" in operation["responses"]) == (tag is not None), path
            if tag:
                again = await client.get(address, params=required, headers={"If-None-Match": tag})
                assert again.status_code == 304 and not again.content
            if "404" in operation["responses"] and path.count("{"):
                missing = await client.get(
                    "/api/v1" + path.replace("{id}", "nobody").replace("{name}", "h_index")
                )
                assert (
                    missing.status_code == 404
                    and missing.headers["content-type"] == "application/problem+json"
                )
            head = await client.head(address, params=required)
            assert head.status_code == 200 and head.headers["content-type"] == got.headers["content-type"]
            options = await client.options(address)
            assert options.status_code == 204 and options.headers["allow"] == "GET, HEAD, OPTIONS"
            refused = await client.post(address)
            assert refused.status_code == 405 and refused.headers["allow"] == "GET, HEAD, OPTIONS"
            assert refused.headers["content-type"] == "application/problem+json"
        page = await client.get("/docs/api")
        assert page.status_code == 200 and all(path in page.text for path in document["paths"])
        assert "src=" not in page.text.replace('src="/static', "")


async def test_nothing_is_at_other_addresses(tmp_path):
    async with serving(tmp_path) as client:
        for method in ("GET", "POST", "OPTIONS"):
            answer = await client.request(method, "/api/v1/nothing")
            assert answer.status_code == 404 and answer.json()["status"] == 404


async def test_lists_have_pages_fields_sorts_and_the_lag(tmp_path):
    async with serving(tmp_path) as client:
        address, found, cursor = "/api/v1/authors/a:ada/papers", [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await client.get(address, params={"limit": 3, "sort": "date", **more})
            assert answer.headers["x-store-lag"] == "0"
            found += answer.json()["papers"]
            if not (cursor := answer.json()["next_cursor"]):
                break
        assert [one["paper_id"] for one in found] == [f"p/{n}" for n in range(6, -1, -1)]
        assert all(one["abstract"] is None for one in found)
        short = await client.get(
            address, params={"fields": "paper_id,year", "abstracts": "true", "year_to": 2011}
        )
        assert short.json()["papers"] == [
            {"paper_id": "p/0", "year": 2010},
            {"paper_id": "p/1", "year": 2011},
        ]
        for wrong in ("x", "eyJ", "W10", "WyJhdXRob3IgZGF0ZSJd", "bnVsbA", "é", "A" * 4096):
            answer = await client.get(address, params={"cursor": wrong})
            assert answer.status_code == 400 and "cursor" in answer.json()["detail"]
        other = await client.get(address, params={"limit": 1})
        answer = await client.get(address, params={"cursor": other.json()["next_cursor"], "sort": "title"})
        assert answer.status_code == 400
        answer = await client.get(address, params={"fields": "paper_id,nonsense"})
        assert answer.status_code == 400 and "nonsense" in answer.json()["detail"]
        await publish(client.log, [PAPERS[0]])
        missing = await client.get("/api/v1/papers/none")
        assert missing.status_code == 404


async def test_papers_name_who_cites_and_what_is_cited(tmp_path):
    async with serving(tmp_path) as client:
        paper = (await client.get("/api/v1/papers/p%2F3")).json()
        assert (paper["citations"], paper["references_total"], paper["citations_by_year"]) == (
            3,
            3,
            {"2014": 1, "2015": 1, "2016": 1},
        )
        assert [one["author_id"] for one in paper["authors"]] == ["a:ada", "x/papers, y"]
        citing = (await client.get("/api/v1/papers/p/3/citing?sort=date")).json()["papers"]
        assert [one["paper_id"] for one in citing] == ["p/6", "p/5", "p/4"]
        cited = (await client.get("/api/v1/papers/p%2F3/references?sort=title")).json()["papers"]
        assert [one["paper_id"] for one in cited] == ["p/0", "p/1", "p/2"]
        several = (await client.get("/api/v1/papers?ids=p/1,none&fields=title")).json()
        assert several == {"papers": [{"title": "Title 1"}], "next_cursor": None, "unknown": ["none"]}


@pytest.mark.parametrize(
    "query", ["ids=a:ada,x%2Fpapers%2C%20y", "ids=a:ada&ids=x/papers,%20y", "ids=x%2Fpapers%2C+y,a:ada,a:ada"]
)
async def test_a_batch_takes_ids_with_commas(tmp_path, query):
    async with serving(tmp_path) as client:
        answer = (await client.get(f"/api/v1/authors?{query}&fields=author_id")).json()
        found = {one["author_id"] for one in answer["authors"]}
        assert found == ({"a:ada", "x/papers, y"} if "%2C" in query else {"a:ada"})


async def test_an_author_whose_id_looks_like_a_part(tmp_path):
    async with serving(tmp_path) as client:
        whole = await client.get("/api/v1/authors/x%2Fpapers%2C%20y")
        assert whole.json()["author_id"] == "x/papers, y"
        papers = await client.get("/api/v1/authors/x%2Fpapers%2C%20y/papers?fields=paper_id")
        assert [one["paper_id"] for one in papers.json()["papers"]] == ["p/1", "p/3", "p/5"]
        why = await client.get("/api/v1/authors/a:ada/explain/papers")
        assert why.json()["metric"] == "papers"


async def test_without_a_store_profiles_and_names_still_answer(tmp_path):
    async with serving(tmp_path, with_store=False) as client:
        assert (await client.get("/api/v1/authors/a:ada")).status_code == 200
        assert [one["author_id"] for one in (await client.get("/api/v1/search?q=ada")).json()["matches"]] == [
            "a:ada"
        ]
        answer = await client.get("/api/v1/papers/p%2F3")
        assert (
            answer.status_code == 503
            and answer.headers["retry-after"]
            and "--store" in answer.json()["detail"]
        )


async def test_other_origins_may_read_where_the_setting_says_so(tmp_path):
    path = "/api/v1/authors/a:ada"
    async with serving(tmp_path) as client:
        answer = await client.get(path, headers={"Origin": "https://lab.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        asked = {"Origin": "https://lab.example", "Access-Control-Request-Method": "GET"}
        preflight = await client.options(
            path, headers=asked | {"Access-Control-Request-Headers": "if-none-match"}
        )
        assert preflight.status_code == 204 and "GET" in preflight.headers["access-control-allow-methods"]
        assert "If-None-Match" in preflight.headers["access-control-allow-headers"]
        wrong = await client.get("/api/v1/authors/nobody", headers={"Origin": "https://lab.example"})
        assert wrong.status_code == 404 and wrong.headers["access-control-allow-origin"] == "*"
        page = await client.get("/authors/a:ada", headers={"Origin": "https://lab.example"})
        assert "access-control-allow-origin" not in page.headers
    async with serving(tmp_path / "some", access=Access(("https://lab.example",))) as client:
        answer = await client.get(path, headers={"Origin": "https://lab.example"})
        assert (
            answer.headers["access-control-allow-origin"] == "https://lab.example"
            and "Origin" in answer.headers["vary"]
        )
        other = await client.get(path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers and "Origin" in other.headers["vary"]
    async with serving(tmp_path / "none", access=Access(())) as client:
        answer = await client.options(path, headers={"Origin": "https://lab.example"})
        assert answer.status_code == 204 and "access-control-allow-origin" not in answer.headers


async def test_answers_are_compressed_for_those_who_accept_it(tmp_path):
    async with serving(tmp_path) as client:
        path = "/api/v1/authors/a:ada/papers?abstracts=true"
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        for accepted, unpack in (
            ("gzip", gzip.decompress),
            ("br", brotli.decompress),
            ("gzip;q=0.5, br", brotli.decompress),
        ):
            async with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
                raw = b"".join([piece async for piece in answer.aiter_raw()])
            assert unpack(raw) == plain.content and len(raw) * 3 < len(plain.content)
            assert "Accept-Encoding" in answer.headers["vary"] and int(
                answer.headers["content-length"]
            ) == len(raw)
            tag = answer.headers["etag"]
            assert tag == "W/" + plain.headers["etag"]
            again = await client.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": tag})
            assert again.status_code == 304
        small = await client.get("/api/v1/authors/nobody", headers={"Accept-Encoding": "br"})
        assert "content-encoding" not in small.headers


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("", None), ("identity", None), ("gzip, br", "br"), ("gzip;q=1, br;q=0.2", "gzip"), ("*", "br"),
     ("br;q=0, *", "gzip"),
     ("gzip;q=0", None), ("identity, gzip;q=0.5", None), ("GZIP", "gzip"), (",;q=x,,", None)],
)  # fmt: skip
def test_which_coding_is_chosen(accepted, expected):
    assert chosen(accepted, ("br", "gzip")) == expected


async def test_one_client_asks_only_so_often(tmp_path):
    async with serving(tmp_path, access=Access(("*",), 3)) as client:
        answers = [await client.get("/api/v1/authors/a:ada") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
        assert answers[0].headers["ratelimit"] == '"default";r=2;t=20'
        refused = answers[3]
        assert refused.json()["status"] == 429 and 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["access-control-allow-origin"] == "*"
        assert (await client.get("/healthz")).status_code == 404  # not limited, and not served here
        assert (await client.get("/authors/a:ada")).status_code == 200


def test_a_client_is_an_address_or_a_network():
    addresses = [
        ("192.0.2.1", 1),
        ("::ffff:192.0.2.1", 1),
        ("2001:db8::1", 1),
        ("2001:db8::ffff:1", 5),
        ("", 0),
    ]
    found = [client_address({"client": one}) for one in addresses]
    assert found[0] == found[1] == "192.0.2.1" and found[2] == found[3] == "2001:db8::/64" and found[4] == ""
    assert client_address({"client": None}) == ""


async def test_a_stream_is_compressed_event_by_event():
    from services.viewer.web.compression import Compression

    pieces = []

    async def app(scope, receive, send):
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        for number in range(3):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})

    async def send(message):
        pieces.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", b"br, gzip")]}
    await Compression(app)(scope, None, send)
    unpack = zlib.decompressobj(31)
    assert [unpack.decompress(one["body"]) for one in pieces[1:]] == [b"data: %d\n\n" % n for n in range(3)]
