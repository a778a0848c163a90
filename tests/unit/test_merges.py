"""Joining author ids: one pair, a file of pairs, and suggestions that nobody has applied yet."""

import csv
import io

import orjson
import pytest

from services.admin.merge_evidence import SHARED_BY
from services.admin.merge_suggestions import suggest_merges
from services.admin.merges import merge_file, merge_pair, separate
from services.producer.ingest import ingest
from services.runtime.startup import opened
from shared.errors import UsageError
from shared.log.port import Partition
from shared.settings import Settings

IRI = "0000-0002-1825-0097"  # ORCID's own example of an iD


def paper(paper_id, *authors, **fields):
    """authors: (name, id) each; "" is no id."""
    signed = [{"name": name} | ({"author_id": key} if key else {}) for name, key in authors]
    return {"paper_id": paper_id, "title": "T", "authors": signed} | fields


def described(author_id, orcid=IRI, **fields):
    return {"event": "author.described", "author_id": author_id, "name": "Ada", "orcid": orcid} | fields


def merged(author_id, into, **fields):
    return {"event": "author.merged", "author_id": author_id, "into": into} | fields


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def told(settings, tmp_path):
    """Sends events."""

    async def tell(*events):
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"\n".join(map(orjson.dumps, events)))
        assert (await ingest(settings, [f"events:{path}"], progress=False))["refused"] == 0

    return tell


async def claims(settings):
    """The claims in the log, without their revisions; these rise."""
    async with opened(settings, read_only=True) as (log, _):
        found = [orjson.loads(record.value) for record in await log.read(Partition("authors.v1", 0), 0)]
    revisions = [event.pop("revision") for event in found]
    assert revisions == sorted(revisions) and min(revisions) > 1_700_000_000_000
    return found


async def suggested(settings, **options):
    out = io.StringIO()
    counts = await suggest_merges(settings, out, **options)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(rows) == counts.written
    return rows, counts


async def pairs(settings, **options):
    return [(row["author_id"], row["into"]) for row in (await suggested(settings, **options))[0]]


async def test_a_pair_is_merged_and_parted(settings, told):
    await told(paper("p", ("Ada", "a:1"), ("Ada", "a:2")))
    report = await merge_pair(settings, "a:1", "a:2")
    assert (report["author_id"], report["into"], report["unknown"]) == ("a:1", "a:2", ["a:1", "a:2"])
    assert (await separate(settings, "a:1"))["events"] == {"author.separated": 1}
    assert await claims(settings) == [
        merged("a:1", "a:2"),
        {"event": "author.separated", "author_id": "a:1"},
    ]


async def test_an_id_is_not_merged_into_itself(settings, told):
    await told(paper("p", ("Ada", "a:1")))
    with pytest.raises(UsageError, match="itself"):
        await merge_pair(settings, "name:Ada  King", "name:ada king")


async def test_a_log_that_is_not_there_is_not_made(settings):
    with pytest.raises(Exception, match="no log") as error:
        await merge_pair(settings, "a:1", "a:2")
    assert error.value.__class__.__module__ == "shared.errors"
    assert not settings.data_dir.exists()


async def test_a_file_of_pairs_is_merged_and_parted(settings, told, tmp_path):
    await told(paper("p", ("Ada", "a:1")))
    path = tmp_path / "pairs.csv"
    path.write_text("author_id,into,note\na:1,a:2,same person\na:3,,\nname:bo,a:4,\n")
    report = await merge_file(settings, str(path), progress=False)
    assert (report["authors"], report["refused"], report["records"]) == (2, 1, 3)
    await merge_file(settings, str(path), undo=True, progress=False)
    assert await claims(settings) == [
        merged("a:1", "a:2"),
        merged("name:bo", "a:4"),
        {"event": "author.separated", "author_id": "a:1"},
        {"event": "author.separated", "author_id": "name:bo"},
    ]


async def test_one_orcid_in_two_descriptions(settings, told):
    await told(
        described("a:2"),
        described("a:1", f"https://orcid.org/{IRI}"),
        described("a:3", "0000-0002-1825-0098"),  # a wrong check digit
        described("a:4"),
        described("a:4", None, revision=1),
    )
    rows, counts = await suggested(settings)
    assert counts == (1, 0)
    assert rows == [
        {"author_id": "a:2", "into": "a:1", "name": "Ada", "into_name": "Ada", "orcid": IRI, "works": "0",
         "example": ""}
    ]  # fmt: skip


async def test_the_orcid_stays_where_papers_are_signed_with_it(settings, told):
    await told(described("a:1"), paper("p", ("Ada", f"orcid:{IRI}")))
    assert await pairs(settings) == [("a:1", f"orcid:{IRI}")]


async def test_the_same_place_and_name_in_two_records_of_one_work(settings, told):
    await told(
        paper("w1", ("Ada K.", "a:1"), ("Bo", "a:2"), ("Cy", "a:3"), ids=["doi:10.1/x", "pmid:7"]),
        paper("doi:10.1/x", ("ADA  K.", "b:1"), ("Bo", ""), ("Cyd", "b:3"), ids=["pmid:7"]),
        paper("w2", ("Ada K.", "a:1"), ids=["doi:10.1/y"]),
        paper("w3", ("Ada K.", "b:1"), ids=["doi:10.1/y"]),
        paper("w4", ("Bo", "b:9"), ("Ada K.", "b:8"), ids=["doi:10.1/x"]),  # a list of another length
        paper("w5", ("Ada K.", "b:7"), ids=["doi:10.1/z"]),  # another work
    )
    rows, counts = await suggested(settings)
    assert counts == (1, 1)
    row = rows[0]
    assert (row["author_id"], row["into"], row["orcid"], row["works"]) == ("b:1", "a:1", "", "2")
    assert row["name"] in ("Ada K.", "ADA  K.") and row["example"] in ("doi:10.1/x w1", "w2 w3")
    assert await pairs(settings, names=True) == [("b:1", "a:1"), ("name:bo", "a:2")]


async def test_only_what_counts_is_evidence(settings, told):
    """A withdrawn record and an older revision tell nothing; a retracted one does."""
    same = {"ids": ["doi:10.1/x"]}
    await told(
        paper("w1", ("Ada", "a:1"), **same),
        paper("w2", ("Ada", "a:2"), revision=1, **same),
        {"event": "paper.withdrawn", "paper_id": "w2", "revision": 1},
        paper("w3", ("Ada", "a:3"), revision=1, **same),
        paper("w3", ("Ada", "a:4"), **same),
        {"event": "paper.withdrawn", "paper_id": "w3", "revision": 9, "kind": "retracted"},
    )
    assert await pairs(settings) == [("a:3", "a:1")]


async def test_an_id_that_many_records_share_is_no_evidence(settings, told):
    many = [paper(f"w{n}", ("Ada", f"a:{n}"), ids=["doi:10.1/x"]) for n in range(SHARED_BY + 1)]
    await told(*many, *(described(f"b:{n}") for n in range(SHARED_BY + 1)))
    assert await pairs(settings) == []


async def test_what_was_joined_or_parted_is_not_suggested_again(settings, told):
    records = [paper(f"w{n}", ("Ada", f"a:{n}"), ids=["doi:10.1/x"]) for n in (1, 2, 3)]
    await told(*records, merged("a:2", "c:1"), merged("c:1", "a:1"))
    assert await pairs(settings) == [("a:3", "a:1")]
    await merge_pair(settings, "a:3", "a:1")
    assert await pairs(settings) == []
    await separate(settings, "a:3")
    assert await pairs(settings) == []
    await told(*records, merged("a:1", "a:2", revision=1))  # a loop: its smallest member counts
    assert await pairs(settings) == []


async def test_suggestions_are_a_merge_file(settings, told, tmp_path):
    await told(described("=1+1"), described("a:2"), described("name:Ada, Countess"))
    path = tmp_path / "pairs.csv"
    with path.open("w") as out:
        await suggest_merges(settings, out, names=True)
    assert "'=1+1" in path.read_text()  # no spreadsheet computes it
    await merge_file(settings, str(path), progress=False)
    assert await pairs(settings, names=True) == []
