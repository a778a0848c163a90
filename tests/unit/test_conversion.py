"""Records of formats become events: how the format is found, how events of one record stay together, what is
cut.
"""

import json
from collections import Counter
from types import SimpleNamespace

import orjson
import pytest

from services.producer.conversion import OWN, converted
from services.producer.formats import registry
from services.producer.formats.containers import Container
from services.producer.formats.left_out import LeftOut
from services.producer.formats.limits import fit
from services.producer.ingest import ingest
from services.producer.sources import FileSource, SourceItem, open_source, open_sources
from services.producer.sources.source import BATCH_ITEMS, take_batch
from services.producer.validation import Intake
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import InputRefused, UsageError
from shared.log.port import Partition
from shared.settings import Settings


def shelf_events(record, leave_out, namespace=None):
    """A format of these tests: {"shelf": id, "book": title, "times": n} makes n events."""
    if record.get("book") == "none":
        leave_out(LeftOut.KIND)
        return []
    if record.get("book") == "odd":
        raise ZeroDivisionError("a shape that nobody thought of")
    if not isinstance(record.get("book"), str):
        raise InputRefused("wrong_type", "book", "must be a string (shelf record)")
    paper = {"event": "paper.published", "title": record["book"], "authors": [{"name": "A"}]}
    return [
        paper | {"paper_id": f"{namespace or record['shelf']}.{n}"} for n in range(record.get("times", 1))
    ]


def edge(record, leave_out):
    return (
        (record["citing"], record["cited"])
        if record.get("cited")
        else leave_out(LeftOut.REFERENCE_WITHOUT_ID)
    )


def group(citing, cited, leave_out):
    return {"event": "paper.published", "paper_id": citing, "title": "T", "references": cited}


SHELF = SimpleNamespace(
    __name__="shelf", NAME="shelf", CONTAINER=Container.JSON, NAMESPACED=True, events=shelf_events,
    recognises=lambda record: "shelf" in record,
)  # fmt: skip
EDGES = SimpleNamespace(
    __name__="edges", NAME="edges", CONTAINER=Container.CSV, edge=edge, group=group,
    recognises=lambda record: record.keys() >= {"citing", "cited"},
)  # fmt: skip


@pytest.fixture(autouse=True)
def formats(monkeypatch):
    registry.names.cache_clear()
    monkeypatch.setattr(registry, "formats", lambda: (SHELF, EDGES))
    yield
    registry.names.cache_clear()


@pytest.fixture
def write(tmp_path):
    def write(*records, name="records.jsonl"):
        lines = [one if isinstance(one, bytes) else orjson.dumps(one) for one in records]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\n".join(lines))
        return tmp_path / name

    return write


def told(path, name=None, after=0):
    """(position, number, last, paper_id or raw or reason) of each item."""
    found = []
    for item in FileSource(path, name).items(after):
        what = str(item.refusal.reason) if item.refusal else item.raw
        if not item.refusal and item.raw.startswith(b"{"):
            what = orjson.loads(item.raw).get("paper_id", item.raw)
        found.append((item.position, item.number, item.last, what))
    return found


OURS = b'{"paper_id": "p",  "title": "T"}'

# ---- which format


def test_a_record_of_a_format_is_not_ours_because_it_has_our_id(write):
    path = write({"paper_id": "x", "shelf": "s", "book": "B"}, OURS)
    assert told(path) == [(1, 1, True, "s.0"), (2, 1, True, "p")]
    assert told(path, OWN) == [(1, 1, True, "x"), (2, 1, True, "p")]


def test_our_id_must_stand_at_the_top(write):
    with pytest.raises(UsageError, match="cannot tell what"):
        told(write({"text": 'it says "paper_id"', "deep": {"paper_id": "p"}}))


def test_a_line_that_begins_with_our_event_is_not_read_twice(write, monkeypatch):
    monkeypatch.setattr(SHELF, "recognises", lambda record: 1 / 0)
    assert told(write(b'{"event":"paper.published","paper_id":"p","title":"T"}'))[0][3] == "p"


def test_the_first_records_tell(write):
    unknown = [{"what": n} for n in range(19)]
    assert len(told(write(*unknown, OURS))) == 20
    with pytest.raises(UsageError, match="events:, edges:, shelf:"):
        told(write(*unknown, {"what": 19}, OURS))


def test_with_its_name_a_record_may_lack_what_tells_it(write):
    path = write({"book": "B"}, [1], b"{broken", OURS)
    assert [what for *_, what in told(path, "shelf")] == [
        "unusable_record", "unusable_record", "malformed_json", "wrong_type",
    ]  # fmt: skip


def test_files_of_a_container_that_no_format_has(write):
    with pytest.raises(UsageError, match="holds XML, but shelf comes as JSON"):
        told(write(b"<a/>"), "shelf")
    with pytest.raises(InputRefused, match="no format has the columns a, b, c"):
        told(write(b"a,b,c\n1,2,3\n", name="x.csv"))
    with pytest.raises(UsageError, match="no source 'shelv:x'"):
        open_source("shelv:x")


# ---- several events of one record


def test_events_of_a_record_have_one_position(write):
    path = write(
        {"shelf": "a", "book": "B", "times": 3}, {"shelf": "b", "book": "none"}, {"shelf": "c", "book": "B"}
    )
    assert told(path) == [
        (1, 1, False, "a.0"), (1, 2, False, "a.1"), (1, 3, True, "a.2"), (2, 1, True, b""),
        (3, 1, True, "c.0"),
    ]  # fmt: skip
    source = FileSource(path)
    assert [item.position for item in source.items(after=1)] == [2, 3]
    assert (source.records, source.left_out) == (2, {LeftOut.KIND: 1})


def test_a_batch_never_ends_within_a_record(write):
    records = [{"shelf": f"{n}", "book": "B", "times": 7} for n in range(700)]
    items = FileSource(write(*records)).items()
    sizes, ends = [], []
    while batch := take_batch(items)[0]:
        sizes.append(len(batch))
        ends.append(batch[-1].last)
    assert sum(sizes) == 4_900 and all(ends) and BATCH_ITEMS <= sizes[0] < BATCH_ITEMS + 7


def intake():
    limits = SimpleNamespace(
        max_event_bytes=10_000, days_ahead=2, refused_share=1.0, refused_window=100, refused_run=90
    )
    return Intake("file:x", {PAPERS.name: 1, AUTHORS.name: 1}, limits)


def test_later_events_of_a_position_are_numbered_in_their_id(write):
    records = [
        {"shelf": "a", "book": "B", "times": 3},
        {"shelf": "b", "book": "none"},
        {"shelf": "c", "book": "B"},
    ]
    taken = intake().take(list(FileSource(write(*records)).items()))
    ids = [dict(message.headers)["ce_id"] for message in taken.batches[Partition(PAPERS.name, 0)]]
    assert ids == [b"file:x:1", b"file:x:1.2", b"file:x:1.3", b"file:x:3"]
    assert taken.kinds == {"paper.published": 4}


def test_a_dead_letter_has_the_record_as_it_came(write):
    odd = [{"shelf": "a", "book": 7}, {"shelf": "b", "book": "odd"}, {"shelf": "x" * 300, "book": "B"}]
    taken = intake().take(list(FileSource(write(*odd)).items()))
    letters = taken.batches[Partition(DEAD_LETTERS.name, 0)]
    assert [orjson.loads(letter.value) for letter in letters] == odd
    assert [dict(letter.headers)["reason"] for letter in letters] == [
        b"wrong_type", b"unusable_record", b"limit_exceeded",
    ]  # fmt: skip
    assert dict(letters[0].headers)["detail"] == b"book: must be a string (shelf record)"
    again = converted(1, letters[0].value)
    assert again[0].refusal is not None, "a replay reads it as the format does"
    assert converted(2, OURS) == [SourceItem(2, OURS)]


# ---- edges


def test_rows_of_edges_become_one_event_for_each_citing_paper(write):
    path = write(b"citing,cited,x", b"b,1,", b"a,2,", b"b,3,", b"a,,", name="edges.csv")
    assert told(path)[:4] == [(n, 1, True, b"") for n in range(1, 5)]
    assert told(path)[4:] == [(5, 1, True, "a"), (6, 1, True, "b")]
    assert orjson.loads(list(FileSource(path).items())[-1].raw)["references"] == ["1", "3"]
    assert told(path, after=5) == [*told(path)[:4], (6, 1, True, "b")], "the groups need every edge again"


# ---- limits


def test_what_is_too_long_is_cut_and_counted():
    left_out: Counter[str] = Counter()
    event = {
        "title": "t" * 2_001, "abstract": "a", "url": "u" * 2_001, "published": "2031",
        "categories": ["", "c", "l" * 101],
        "authors": [{"name": "n" * 501, "affiliations": ["", "p" * 501]}] * 1 + [{"name": "B"}] * 20_000,
        "references": ["r" * 257, "é" * 128, "é" * 129, "", "ok"], "ids": [f"i{n}" for n in range(51)],
    }  # fmt: skip
    fit(event, lambda what: left_out.update([what]), "2028-11-28")
    assert (len(event["title"]), event["url"], event["published"], event["categories"]) == (
        2_000,
        None,
        None,
        ["c"],
    )
    assert len(event["authors"]) == 20_000 and event["authors_truncated"] is True and len(event["ids"]) == 50
    assert (len(event["authors"][0]["name"]), len(event["authors"][0]["affiliations"][0])) == (500, 500)
    assert event["references"] == ["é" * 128, "ok"]
    assert left_out == {
        LeftOut.TEXT_CUT: 1, LeftOut.FIELD_TOO_LONG: 6, LeftOut.DATE_AHEAD: 1, LeftOut.NAME_CUT: 1,
        LeftOut.AFFILIATION: 1, LeftOut.LIST_CUT: 2,
    }  # fmt: skip


@pytest.mark.parametrize("record", [{"title": 3, "authors": [1], "references": [2, None], "ids": {}}, {}])
def test_limits_leave_other_types_to_the_contract(record):
    before = json.loads(json.dumps(record))
    fit(record, lambda _: None, "2028")
    assert record == before


def test_half_a_surrogate_pair_does_no_harm(write):
    [item] = FileSource(write(b'{"shelf": "a", "book": "\\ud800"}')).items()
    assert orjson.loads(item.raw)["title"] == "?"


# ---- folders


OPENALEX = {
    "entries": [{"url": f"s3://openalex/data/works/updated_date={day}/part_000.gz"} for day in (1, 2, 3)]
}


def test_a_folder_is_its_files_in_order(write, tmp_path):
    for name in (
        "b/2.jsonl",
        "b/1.jsonl.gz",
        "a.json",
        "notes.txt",
        ".hidden.jsonl",
        "b/part_000.gz",
        "LICENSE",
    ):
        write(OURS, name=name)
    names = [str(source.path.relative_to(tmp_path)) for source in open_sources(str(tmp_path))]
    assert names == ["a.json", "b/1.jsonl.gz", "b/2.jsonl", "b/part_000.gz"]
    assert {source.format for source in open_sources(f"shelf:{tmp_path}")} == {"shelf"}
    with pytest.raises(UsageError, match="has 4 files"):
        open_source(str(tmp_path))


def test_the_files_of_a_manifest_are_read_and_no_others(write, tmp_path, capsys):
    for day in (2, 3, 4):
        write(OURS, name=f"works/updated_date={day}/part_000.gz")
    write(OPENALEX, name="works/manifest")
    write(OURS, name="authors/part_000.gz")
    names = [str(source.path.relative_to(tmp_path)) for source in open_sources(str(tmp_path))]
    assert names == [
        "authors/part_000.gz", "works/updated_date=2/part_000.gz", "works/updated_date=3/part_000.gz",
    ]  # fmt: skip
    said = capsys.readouterr().err
    assert "1 files of the manifest are not here" in said and "updated_date=1/part_000.gz" in said
    assert "1 files are not in the manifest" in said


# ---- the whole way


async def test_a_report_says_what_became_of_everything(write, tmp_path):
    records = [
        {"shelf": "a", "book": "B", "times": 2},
        {"shelf": "b", "book": "none"},
        {"shelf": "c", "book": 7},
    ]
    own = {"event": "paper.published", "paper_id": "p", "title": "T", "year": 2020, "author": ["X"], "x": 1}
    report = await ingest(Settings(data_dir=tmp_path / "data"), [str(write(*records, own))], progress=False)
    assert report["records"] == 4 and report["events"] == {"paper.published": 3}
    assert report["left_out"] == {str(LeftOut.KIND): 1} and report["refused_by_reason"] == {"wrong_type": 1}
    assert report["unknown_fields"] == {"author": 1, "x": 1, "year": 1}


async def test_unknown_fields_are_named_once_with_what_was_meant(write, tmp_path, capsys):
    own = {"event": "paper.published", "paper_id": "p", "title": "T", "year": 2020, "author": ["X"]}
    path = write(*[own | {"paper_id": f"p{n}"} for n in range(5)])
    await ingest(Settings(data_dir=tmp_path / "data"), [str(path)])
    said = capsys.readouterr().err
    assert said.count("unknown fields: author, year; did you mean authors, published?") == 1


async def test_a_source_that_ends_in_left_out_records_is_finished(write, tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    path = str(write({"shelf": "a", "book": "B"}, *[{"shelf": "b", "book": "none"}] * 10))
    first = await ingest(settings, [path], progress=False)
    assert first["sources"][0]["position"] == 11
    again = await ingest(settings, [path], progress=False)
    assert again["sources"][0]["status"] == "already ingested"


async def test_a_namespace_reaches_the_format(write, tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    path = f"shelf:{write({'shelf': 'a', 'book': 'B'})}"
    for namespace in ("one", "two"):
        report = await ingest(settings, [path], progress=False, namespace=namespace)
        assert report["sent"] == 1, "another namespace makes other events"
