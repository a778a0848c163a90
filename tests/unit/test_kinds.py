"""The setting `kinds` decides alone, in every format and on every way in."""

import asyncio

import orjson
import pytest

from services.producer.formats.left_out import LeftOut
from services.producer.ingest import ingest
from services.producer.main import produce
from services.producer.sources import FileSource
from services.runtime.layout import require_same_layout
from services.runtime.startup import opened
from shared.contracts.record_kinds import DEFAULT
from shared.contracts.topics import PAPERS
from shared.errors import UsageError
from shared.log.port import Partition
from shared.settings import Settings
from tests.push import intake

REVIEW = {
    "id": "https://openalex.org/W9",
    "title": "Review",
    "type": "peer-review",
    "updated_date": "2026-01-02",
}
COLUMNS = (
    "id",
    "title",
    "author",
    "pub_date",
    "venue",
    "volume",
    "issue",
    "page",
    "type",
    "publisher",
    "editor",
)
INSPIRE = "https://inspirehep.net/schemas/records/hep.json"


def of_crossref(kind):
    work = {"DOI": "10.1234/x", "type": kind, "title": ["T"], "is-referenced-by-count": 1}
    return orjson.dumps(work)


def of_datacite(kind):
    attributes = {"doi": "10.1234/x", "titles": [{"title": "T"}], "types": {"resourceTypeGeneral": kind}}
    return orjson.dumps({"id": "10.1234/x", "type": "dois", "attributes": attributes})


def of_inspire(kind):
    titles = [{"title": "T"}]
    return orjson.dumps({"control_number": 7, "titles": titles, "document_type": [kind], "$schema": INSPIRE})


def of_opencitations(kind):
    row = {"id": "doi:10.1234/x", "title": "T", "pub_date": "2001", "type": kind}
    return "\n".join([",".join(COLUMNS), ",".join(row.get(name, "") for name in COLUMNS), ""]).encode()


def of_dblp(tag):
    inside = "<author>Ada Lovelace</author><title>T.</title><year>2001</year>"
    return f'<dblp><{tag} key="x/y/1" mdate="2020-01-01">{inside}</{tag}></dblp>'.encode()


# Records that are left out by default: format, file, what its kind becomes.
RECORDS = [
    ("openalex", "a.json", orjson.dumps(REVIEW), "peer-review"),
    ("openalex", "b.json", orjson.dumps(REVIEW | {"type": "article", "is_paratext": True}), "paratext"),
    ("crossref", "c.json", of_crossref("component"), "component"),
    ("crossref", "d.json", of_crossref("book-series"), "book-series"),
    ("datacite", "e.json", of_datacite("PeerReview"), "peer-review"),
    ("datacite", "f.json", of_datacite("Collection"), "resource-collection"),
    ("inspire", "g.json", of_inspire("proceedings"), "proceedings"),
    ("bibtex", "h.bib", b"@proceedings{x, title={P}, year=2001, doi={10.1234/x}}", "proceedings"),
    ("opencitations", "i.csv", of_opencitations("journal issue"), "journal-issue"),
    ("dblp", "j.xml", of_dblp("proceedings"), "proceedings"),
    ("dblp", "k.xml", of_dblp("data"), "data-record"),
]


def published(source):
    return [
        event["kind"]
        for item in source.items()
        if item.raw and (event := orjson.loads(item.raw))["event"] == "paper.published"
    ]


@pytest.mark.parametrize(("name", "file", "raw", "kind"), RECORDS)
def test_a_format_leaves_out_what_the_setting_says(tmp_path, name, file, raw, kind):
    (tmp_path / file).write_bytes(raw)
    usual = FileSource(tmp_path / file, name)
    assert published(usual) == [] and usual.left_out == {LeftOut.KIND: 1}
    every = FileSource(tmp_path / file, name)
    every.count_kinds("all")
    assert published(every) == [kind] and LeftOut.KIND not in every.left_out
    assert every.identity != usual.identity, "the file has more to say"
    without = FileSource(tmp_path / file, name)
    without.count_kinds(f"all,-{kind}")
    assert published(without) == [] and without.left_out == {LeftOut.KIND: 1}


def test_a_kind_that_counts_by_default_can_be_left_out_in_every_format(tmp_path):
    (tmp_path / "a.ris").write_text("TY  - JOUR\nTI  - T\nDO  - 10.1234/x\nER  - \n")
    source = FileSource(tmp_path / "a.ris", "ris")
    [kind] = published(source)
    other = FileSource(tmp_path / "a.ris", "ris")
    other.count_kinds(f"all,-{kind}")
    assert published(other) == [] and other.left_out == {LeftOut.KIND: 1}


def test_a_left_out_record_is_not_refused_for_another_fault(tmp_path):
    (tmp_path / "a.bib").write_text("@proceedings{x, title={P}}")  # it has no id, and no namespace
    source = FileSource(tmp_path / "a.bib", "bibtex")
    assert not [item for item in source.items() if item.raw] and source.left_out == {LeftOut.KIND: 1}


async def kinds_in(settings):
    async with opened(settings) as (log, _):
        return [orjson.loads(one.value)["kind"] for one in await log.read(Partition(PAPERS.name, 0), 0)]


@pytest.mark.parametrize(("kinds", "there"), [(None, []), ("all", ["peer-review"])])
async def test_all_ways_in_agree(tmp_path, kinds, there):
    chosen = {} if kinds is None else {"kinds": kinds}
    (tmp_path / "works.json").write_bytes(orjson.dumps(REVIEW))
    source = f"openalex:{tmp_path / 'works.json'}"
    first = Settings(data_dir=tmp_path / "ingest", **chosen)
    report = await ingest(first, [source], progress=False)
    assert report["left_out"] == ({} if there else {str(LeftOut.KIND): 1})
    second = Settings(data_dir=tmp_path / "produce", **chosen)
    async with opened(second) as (log, _):
        report = await produce(log, second, [source], demo=False, stop=asyncio.Event())
        assert report["left_out"] == ({} if there else {str(LeftOut.KIND): 1})
    assert await kinds_in(first) == await kinds_in(second) == there
    async with intake(tmp_path / "post", **chosen) as service:
        answer = await service.send([REVIEW], query="?format=openalex")
        assert answer.json()["left_out"] == ({} if there else {str(LeftOut.KIND): 1})
        assert [orjson.loads(one.value)["kind"] for one in await service.records()] == there


async def test_ingest_follows_the_log(tmp_path):
    (tmp_path / "works.json").write_bytes(orjson.dumps(REVIEW))
    source = f"openalex:{tmp_path / 'works.json'}"
    running = Settings(data_dir=tmp_path, kinds="all")
    async with opened(running) as (log, layout):
        await require_same_layout(log, layout)
    assert (await ingest(Settings(data_dir=tmp_path), [source], progress=False))["papers"] == 1
    with pytest.raises(UsageError, match="computed with all, not with all,-paratext"):
        await ingest(Settings(data_dir=tmp_path, kinds="all,-paratext"), [source], progress=False)


def test_the_default_is_the_one_that_formats_use():
    assert FileSource.kinds == DEFAULT == Settings().kinds
