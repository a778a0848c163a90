"""What other clients wrote into the public outputs: the viewer, the reading commands and the publisher pass
it over.
"""

import orjson
import pytest

from services.publisher.messages import facts_of
from services.publisher.stage import ERASED, Profiles
from services.viewer.profile_index import ProfileIndex
from services.viewer.snapshots import head_of
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import NotShown
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition, Record
from shared.stages.stage import Layout

HERE = Partition(AUTHOR_PROFILES.name, 0)
GOOD = b'{"author_id":"a","name":"A","generation":1,"version":3,"headline":{"h_index":1,"papers":2}}'
FOREIGN = [
    (b"a", b""),
    (b"a", b"null"),
    (b"a", b"[]"),
    (b"a", b"{}"),
    (b"a", b"\xff\xfe"),
    (None, GOOD),
    (b"\xff", GOOD),
    (b"b", GOOD),
    (b"a", GOOD.replace(b'"version":3', b'"version":' + b"9" * 5_000)),
    (b"a", GOOD.replace(b'"generation":1', b'"generation":99999999999')),
    (b"a", b'{"author_id": "a", "name": 7, "generation": 1, "version": 4}'),
    (b"a", b'{"author_id": "a", "name": "A", "generation": true, "version": 4}'),
    (b"a", b'{"author_id": "a", "name": "A", "generation": 1, "version": 4.5}'),
    (b"\xff", b'{"author_id":"\xff","name":"A","generation":1,"version":3}'),
]


@pytest.mark.parametrize(("key", "value"), FOREIGN)
def test_what_is_no_snapshot_has_no_head(key, value):
    assert head_of(key, value) is None


@pytest.mark.parametrize("escaped", [b"a", b"\\u0061"])
def test_a_snapshot_is_under_its_author(escaped):
    assert head_of(b"a", GOOD.replace(b'"a"', b'"' + escaped + b'"')) == (b'"A"', 1, 3)


@pytest.mark.parametrize("open_text", [b'{"author_id":"', b'{"author_id":"a","name":"'])
def test_a_text_without_an_end_is_given_up_at_once(open_text):
    """Tried in every way it would take 2^100000 steps."""
    assert head_of(b"a", open_text + b"x" * 100_000) is None


async def index_of(*records):
    log = MemoryLog()
    await log.create([AUTHOR_PROFILES.spec(1, 1)._replace(compacted=False)])
    await log.append({HERE: [Message(key, value) for key, value in records]})
    index = ProfileIndex(log)
    await index.catch_up()
    return index


async def test_the_index_keeps_the_good_ones():
    index = await index_of((b"a", GOOD), *FOREIGN[1:])
    assert index.authors() == ["a"] and index.unreadable == len(FOREIGN) - 1
    assert await index.get("a") == GOOD and [m.author_id for m in await index.search("a")] == ["a"]


@pytest.mark.parametrize(
    "name", [b'"\\q a b"', b'"raw \x01 a b"', b'"\xff\xfe a b"', b'"\\ud800 a b"', b'"\\u12 a b"']
)
async def test_a_name_that_is_no_json_holds_no_search(name):
    odd = b'{"author_id":"odd","name":' + name + b',"generation":1,"version":3}'
    index = await index_of((b"a", GOOD), (b"odd", odd))
    assert [match.author_id for match in await index.search("a")] == ["a", "odd"]
    assert [match.author_id for match in await index.search("b")] == ["odd"]
    index.name_search.stale_segments.add(0)
    index.name_search.prepare_some()


async def test_no_alias_finds_an_erased_author():
    described = GOOD[:-1] + b',"papers":[],"provenance":{"x":1},"aliases":["Maiden Name"]}'
    index = await index_of((b"a", described))
    assert [match.author_id for match in await index.search("maiden")] == ["a"]
    index = await index_of((b"a", described), (b"a", b""))
    assert await index.search("maiden") == []
    again = GOOD.replace(b'"version":3', b'"version":4')
    index = await index_of((b"a", described), (b"a", b""), (b"a", again))
    assert await index.search("maiden") == [] and len(await index.search("a")) == 1


async def test_a_tombstone_takes_an_author_away():
    index = await index_of((b"a", GOOD), (b"b", b""), (b"a", b""))
    assert (index.authors(), len(index), index.unreadable, await index.get("a"), await index.search("a")) == (
        [],
        0,
        1,
        None,
        [],
    )
    index = await index_of((b"a", GOOD), (b"a", b""), (b"a", GOOD))
    assert index.authors() == ["a"] and await index.get("a") == GOOD and len(await index.search("a")) == 1


async def test_what_only_begins_as_a_snapshot_is_said_so():
    index = await index_of((b"a", GOOD[:-2]))
    with pytest.raises(NotShown, match=r"author-profiles\.v1.*offset 0"):
        await index.get("a")


def snapshot(author="a", generation=1, version=3, digest=b"7", **changed):
    metrics = {"references": {"papers": 1, "citations": 0, "h_index": 0}}
    value = {"author_id": author, "generation": generation, "version": version, "metrics": metrics} | changed
    return Record(
        0, 0, author.encode(), orjson.dumps(value), (("digest", digest),) if digest is not None else ()
    )


def test_a_snapshot_of_ours_tells_what_is_public():
    assert facts_of(snapshot())[:4] == ("a", 1, 3, 7)


WRONG = [
    snapshot(digest=None),
    snapshot(digest=b"x"),
    snapshot(digest=b"9" * 5_000),
    snapshot(digest=b"9" * 30),
    snapshot(version="3"),
    snapshot(version=2**63),
    snapshot(generation=None),
    snapshot(metrics=None),
    snapshot(metrics={"references": 7}),
    snapshot(metrics={"references": {"papers": "1"}}),
    snapshot(metrics={"references": {"papers": 2**60}}),
    snapshot(metrics={"references": {}, "counted:s": []}),
    snapshot()._replace(key=b"b"),
    snapshot()._replace(key=None),
    snapshot()._replace(value=b""),
    snapshot()._replace(value=b"[1]"),
]


@pytest.mark.parametrize("record", WRONG)
def test_the_publisher_learns_from_its_own_only(record):
    assert facts_of(record) is None


def test_an_erased_author_gets_no_version_of_before():
    """Only a tombstone is left, and it tells no version: nothing is published again up to what the log has
    now.
    """
    stage = Profiles(0, Layout())
    stage._learn({"author_key": {"key": ["a", "b"]}})
    stage.learn_public({"a": (ERASED, 0, {}, {}), "later": (ERASED, 0, {}, {})})
    stage.author.version.data[:2] = 5, 6
    assert stage.has_erased and stage.publish(stage.pending.take()) == []
    stage.place_erased()
    assert stage.public.version.view.tolist() == [5, 0] and not stage.has_erased and not stage.unplaced
    stage.learn_public({"a": (ERASED, 0, {}, {})})
    assert stage.public.version.view.tolist() == [5, 0], "the version that is known stays"
