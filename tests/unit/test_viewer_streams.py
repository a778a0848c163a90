"""The event stream of headlines: filters, and going on where a client ended."""

import asyncio
from urllib.parse import urlencode, urlsplit

import orjson
from starlette.requests import Request

from services.viewer.profile_index import ProfileIndex
from services.viewer.routes.endpoint import Asked
from services.viewer.routes.events import EventAddresses
from services.viewer.urls import events_of
from tests.stores import publish, told, topics


class Context:
    """What the stream needs of a viewer."""

    service = None

    def __init__(self, index):
        self.index, self.stop = index, asyncio.Event()

    def require_newest(self):
        pass


async def opened(index, seen: str | None = None, **given):
    """The lines of a stream."""
    headers = [(b"last-event-id", seen.encode())] if seen else []
    query = urlencode({"ids": ",".join(given.get("ids", ()))}, safe=",").encode()
    request = Request({"type": "http", "headers": headers, "query_string": query})
    asked = Asked(request, "", "", {"ids": None, "field": None, "metrics": None, **given})
    answer = await EventAddresses(Context(index)).events(asked)
    return answer.body_iterator


async def events(lines, count: int) -> list[tuple[str, dict]]:
    """The next `count` events as (id, data)."""
    found = []
    async with asyncio.timeout(20):
        while len(found) < count:
            text = (await anext(lines)).decode()
            if "event: " in text:
                fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
                found.append((fields.get("id"), orjson.loads(fields["data"])))
    return found


async def following(*profiles):
    log = await topics()
    await publish(log, profiles=profiles)
    index = ProfileIndex(log)
    await index.catch_up()
    return log, index


async def test_a_stream_of_some_authors_begins_with_them():
    log, index = await following(told("a", "A"), told("b", "B"), told("c", "C"))
    lines = await opened(index, ids=["a", "new", "c"])
    assert [data["author_id"] for _, data in await events(lines, 2)] == ["a", "c"]
    await publish(log, profiles=[told("b", "B", version=2), told("new", "N"), told("a", "A", version=2)])
    await index.catch_up()
    assert [(data["author_id"], data["version"]) for _, data in await events(lines, 2)] == [
        ("new", 1),
        ("a", 2),
    ]
    await lines.aclose()


async def test_a_stream_goes_on_where_a_client_ended():
    log, index = await following(told("a", "A"))
    lines = await opened(index)
    assert (await anext(lines)).startswith(b"retry")
    await publish(log, profiles=[told("a", "A", version=2), told("b", "B")])
    await index.catch_up()
    seen = (await events(lines, 1))[0][0]
    await lines.aclose()
    assert seen
    await publish(log, profiles=[told("b", "B", version=2), told("c", "C")])
    await index.catch_up()
    again = await opened(index, seen)
    found = {(data["author_id"], data["version"]) for _, data in await events(again, 3)}
    assert found >= {("b", 2), ("c", 1)} and ("b", 1) not in found  # some may come again, none is missed
    await again.aclose()


async def test_a_stream_of_a_field_and_of_metrics():
    def change(author_id, version, name):
        return {"author_id": author_id, "generation": 1, "version": version, "as_of": None,
                "before": {name: 0}, "after": {name: 1},
                "changed": [name], "causes": [], "causes_total": 0}  # fmt: skip

    log, index = await following()
    await index.changes.start()
    lines = await opened(index, field="cs.LG", metrics=["h_index"])
    assert (await anext(lines)).startswith(b"retry")
    await publish(
        log,
        profiles=[told("a", "A", field="LG"), told("b", "B", field="CL"), told("c", "C", field="LG")],
        changes=[change("a", 1, "citations"), change("b", 1, "h_index"), change("c", 1, "h_index")],
    )
    await index.catch_up()
    ((_, data),) = await events(lines, 1)
    assert data["author_id"] == "c" and data["metrics"] == {"h_index": 2}
    await lines.aclose()


async def test_the_stream_of_a_page_knows_an_id_with_a_comma():
    _, index = await following(told("Turing, Alan", "A"), told("b", "B"))
    query = urlsplit(events_of(["Turing, Alan"])).query.encode()
    request = Request({"type": "http", "headers": [], "query_string": query})
    asked = Asked(request, "", "", {"ids": "given", "field": None, "metrics": None})
    lines = (await EventAddresses(Context(index)).events(asked)).body_iterator
    assert [data["author_id"] for _, data in await events(lines, 1)] == ["Turing, Alan"]
    await lines.aclose()
