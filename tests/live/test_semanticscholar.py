"""Semantic Scholar live: a data set of a release, then the differences, through links that end."""

import gzip

import orjson
import pytest

from services.producer.live.opening import open_live
from services.producer.sources import source as source_module
from shared.errors import UsageError
from shared.settings import Settings
from tests.live.play import Asked, World, playing, reply, said


def paper(number: int, title: str = "A title") -> dict:
    return {
        "corpusid": number, "externalids": {}, "title": title, "year": 2020, "citationcount": number,
        "authors": [{"authorId": "9", "name": "Ada Quill"}], "updated": None,
    }  # fmt: skip


def packed(*records: dict) -> bytes:
    return gzip.compress(b"".join(orjson.dumps(record) + b"\n" for record in records))


class Releases:
    """Two releases and the difference between them. latest: the newest. files: their bytes by path."""

    def __init__(self):
        self.latest, self.has_diffs, self.links, self.address = "2026-11-17", True, 0, ""
        self.files = {
            "/f/17-a.gz": packed(paper(1), paper(2)),
            "/f/17-b.gz": packed(paper(3)),
            "/f/24-a.gz": packed(paper(1, "New"), paper(3), paper(4)),
            "/f/up.gz": packed(paper(1, "New"), paper(4)),
            "/f/gone.gz": packed({"corpusid": 2}),
        }
        self.faults: list[bytes] = []  # answers to the next requests for files

    def __call__(self, asked: Asked) -> bytes:
        match asked.path.removeprefix("/datasets/v1/").split("/"):
            case ["release", "latest"]:
                return reply({"release_id": self.latest, "README": "", "datasets": []})
            case ["release", release, "dataset", "papers"]:
                files = self.signed(*(path for path in self.files if f"/{release[-2:]}-" in path))
                return reply({"name": "papers", "description": "", "README": "", "files": files[::-1]})
            case ["diffs", "2026-11-17", "to", "2026-11-24", "papers"] if self.has_diffs:
                diff = {"from_release": "2026-11-17", "to_release": "2026-11-24"}
                files = {"update_files": self.signed("/f/up.gz"), "delete_files": self.signed("/f/gone.gz")}
                return reply({"dataset": "papers", "diffs": [diff | files]})
            case ["", "f", _]:
                if self.faults:
                    return self.faults.pop(0)
                return reply(self.files[asked.path], kind="application/gzip")
        return reply({"message": "Not Found"}, "404 Not Found")

    def signed(self, *paths: str) -> list[str]:
        self.links += 1
        return [f"{self.address}{path}?X-Amz-Signature={self.links}" for path in paths]


@pytest.fixture
async def played():
    releases = Releases()
    async with playing(releases) as player:
        releases.address = player.address
        yield releases, player


def spec(player) -> str:
    return f"semanticscholar+{player.address}/datasets/v1?dataset=papers"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, semanticscholar_key="sesame")


async def test_a_release_comes_in_and_then_the_difference(world, played):
    releases, player = played

    def release(source, counts, stop):
        releases.latest = "2026-11-24"

    await world.run(spec(player), days=1.5, after_batch=release)
    events = await world.events()
    published = [(one["paper_id"], one["title"]) for one in events if one["event"] == "paper.published"]
    assert published == [("s2:1", "A title"), ("s2:2", "A title"), ("s2:3", "A title"), ("s2:1", "New"),
                         ("s2:4", "A title")]  # fmt: skip
    assert (events[-1]["event"], events[-1]["paper_id"]) == ("paper.withdrawn", "s2:2")
    assert [one["as_of"][:10] for one in events if one["event"] == "paper.counted"][-1] == "2026-11-24"
    assert world.source.place["complete"] == "2026-11-24" and not said(world.states)
    keys = {one.path.startswith("/f/"): one.headers.get("x-api-key") for one in player.asked}
    assert keys == {True: None, False: "sesame"}, "the key is not for the host of the files"


async def test_without_a_new_release_nothing_is_asked_for_but_its_name(world, played):
    _, player = played
    await world.run(spec(player), days=3.5)
    first = [one.path for one in player.asked].index("/f/17-b.gz") + 1
    assert [one.path for one in player.asked[first:]] == ["/datasets/v1/release/latest"] * 3


async def test_a_difference_that_is_not_there_any_more_means_everything_anew(world, played):
    releases, player = played
    await world.run(spec(player))
    releases.latest, releases.has_diffs = "2026-11-24", False
    await world.run(spec(player), days=1.5)
    papers = [one["paper_id"] for one in await world.events() if one["event"] == "paper.published"]
    assert papers == ["s2:1", "s2:2", "s2:3", "s2:1", "s2:3", "s2:4"]
    assert world.source.place["complete"] == "2026-11-24"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            reply("<Error>Request has expired</Error>", "403 Forbidden", "application/xml"),
            "Request has expired",
        ),
        (reply(packed(paper(1), paper(2))[:-9]), "ends early or is damaged"),
        (reply(packed(paper(1), paper(2)))[:-9], "no answer"),
        (reply("<html>Sorry</html>", kind="text/html"), "is a page of HTML"),
    ],
)
async def test_a_link_that_ended_and_a_file_that_was_cut_are_asked_for_anew(world, played, fault, sentence):
    releases, player = played
    releases.faults = [fault]
    await world.run(spec(player))
    papers = [one["paper_id"] for one in await world.events() if one["event"] == "paper.published"]
    assert papers == ["s2:1", "s2:2", "s2:3"] and world.source.place["complete"]
    (told,) = said(world.states)
    assert sentence in told
    files = [one.query["X-Amz-Signature"] for one in player.asked if one.path == "/f/17-a.gz"]
    assert len(set(files)) == 2, "with new links"


async def test_stopped_in_a_file_it_goes_on_in_it_even_when_a_release_is_newer(world, played, monkeypatch):
    monkeypatch.setattr(source_module, "BATCH_ITEMS", 1)
    releases, player = played
    for _ in range(3):
        await world.run(spec(player), after_batch=lambda source, counts, stop: stop.set())
        if "complete" not in world.source.place:
            assert world.source.place["began"] == "2026-11-17"
        releases.latest = "2026-11-24"
    papers = [one["paper_id"] for one in await world.events() if one["event"] == "paper.published"]
    assert papers == ["s2:1", "s2:2", "s2:3"] and world.source.place["complete"] == "2026-11-17"


def test_a_data_set_whose_records_do_not_stand_alone_is_refused():
    with pytest.raises(UsageError, match="papers and authors can be followed"):
        open_live("semanticscholar+https://api.example.org/datasets/v1?dataset=citations", Settings())
