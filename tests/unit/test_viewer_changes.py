"""Why numbers moved, as the page tells it: the newest records of author-metrics.v1, bounded, in words."""

import asyncio
import re
from html import unescape

import orjson
import pytest

from services.viewer.change_records import change_in
from services.viewer.pages.changes import REASONS, moved, reasons
from services.viewer.pages.profile import profile_page
from services.viewer.profile_index import ProfileIndex
from services.viewer.recent_changes import KEPT, RecentChanges
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.ids import partitions_of
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.stages import causes
from tests.foreign_changes import changes_of_others
from tests.snapshots import paper, snapshot

TITLES = {"p:1": "On One"}


def change(
    author_id: str, version: int, *told: dict, generation: int = 1, total: int | None = None, **numbers
) -> dict:
    """A record of author-metrics.v1. numbers: name → (before, after)."""
    numbers = numbers or {"citations": (version - 1, version)}
    return {
        "author_id": author_id,
        "generation": generation,
        "version": version,
        "as_of": "2026-11-23",
        "before": {name: before for name, (before, _) in numbers.items()},
        "after": {name: after for name, (_, after) in numbers.items()},
        "changed": list(numbers),
        "causes": list(told),
        "causes_total": len(told) if total is None else total,
    }


async def log_of(*changes: dict, partitions: int = 1) -> MemoryLog:
    log = MemoryLog()
    await log.create([AUTHOR_METRICS.spec(partitions, 1), AUTHOR_PROFILES.spec(partitions, 1)])
    await publish_changes(log, *changes)
    return log


async def publish_changes(log, *changes: dict) -> None:
    partitions = (await log.topics())[AUTHOR_METRICS.name].partitions
    for told in changes:
        key = told["author_id"].encode()
        place = Partition(AUTHOR_METRICS.name, int(partitions_of([key], partitions)[0]))
        await log.append({place: [Message(key, orjson.dumps(told))]})


async def versions(recent: RecentChanges, author_id: str, upto: int = 1000) -> list[int]:
    return [orjson.loads(one.value)["version"] for one in await recent.of(author_id, (1, upto))]


# ---- which


async def test_the_newest_changes_of_an_author_come_newest_first_and_are_few():
    told = [change(author, version) for version in range(1, 9) for author in ("a:1", "a:2", "a:3")]
    recent = RecentChanges(await log_of(*told, partitions=3))
    assert await versions(recent, "a:1") == [8, 7, 6, 5, 4] and KEPT == 5
    assert await versions(recent, "a:2", upto=6) == [6, 5, 4]
    assert await versions(recent, "a:none") == []


async def test_a_change_is_there_as_soon_as_its_snapshot_is():
    log = await log_of(change("a:1", 1))
    recent = RecentChanges(log)
    assert await versions(recent, "a:1") == [1]
    await publish_changes(log, change("a:1", 2))
    await recent.start()  # whoever follows the log may come after a page
    assert await versions(recent, "a:1") == [2, 1]


async def test_a_start_reads_no_more_than_the_tail_and_remembers_no_more_than_it_should():
    log = await log_of(
        *[change("a:1", version) for version in range(1, 11)], change("a:2", 11), change("a:3", 12)
    )
    recent = RecentChanges(log, tail=4)
    assert await versions(recent, "a:1") == [10, 9]
    recent = RecentChanges(log, authors=2)
    assert [await versions(recent, author) for author in ("a:1", "a:2", "a:3")] == [[], [11], [12]]


async def test_a_change_of_a_later_generation_is_not_told_with_an_older_snapshot():
    recent = RecentChanges(await log_of(change("a:1", 9), change("a:1", 2, generation=2)))
    assert await versions(recent, "a:1") == [9]
    newest, _ = await recent.of("a:1", (2, 2))
    assert orjson.loads(newest.value)["generation"] == 2


async def test_what_is_no_change_is_passed_over():
    log = await log_of(change("a:1", 1))
    await log.append(
        {
            Partition(AUTHOR_METRICS.name, 0): [
                Message(b"a:1", value) for value in (b"", b"[]", b'{"version":2}')
            ]
        }
    )
    assert await versions(RecentChanges(log), "a:1") == [1]


@pytest.mark.parametrize("wrong", changes_of_others(change("a:1", 2, {"kind": "cited", "paper_id": "p"})))
async def test_a_page_stands_whatever_another_client_called_a_change(wrong):
    log = await log_of(change("a:1", 1))
    await log.append({Partition(AUTHOR_METRICS.name, 0): [Message(b"a:1", orjson.dumps(wrong))]})
    stored = await RecentChanges(log).of("a:1", (1, 1000))
    assert [orjson.loads(one.value) for one in stored] == [change("a:1", 1)]


def test_fields_of_a_change_may_be_missing():
    least = {"author_id": "a", "generation": 1, "version": 2}
    assert change_in(b"a", orjson.dumps(least)) == least
    assert change_in(b"a", orjson.dumps(change("a", 1))) == change("a", 1)
    assert change_in(None, orjson.dumps(least)) is None and change_in(b"b", orjson.dumps(least)) is None


async def test_a_log_without_changes_has_none():
    assert await RecentChanges(MemoryLog()).of("a:1", (1, 1)) == []


async def test_who_follows_the_log_follows_the_changes():
    log, stop = await log_of(), asyncio.Event()
    index = ProfileIndex(log)
    read = asyncio.Event()
    read_on = index.changes.read_on

    async def tell(partition):
        found = await read_on(partition)
        if index.changes.positions[partition] == 3:
            read.set()
        return found

    index.changes.read_on = tell
    following = asyncio.create_task(index.follow(stop))
    await publish_changes(log, *[change("a:1", version) for version in range(1, 4)])
    await asyncio.wait_for(read.wait(), 10)
    assert await versions(index.changes, "a:1") == [3, 2, 1]
    stop.set()
    await asyncio.wait_for(following, 10)


# ---- in words


def test_numbers_are_told_from_to_those_of_the_headline_first():
    told = change(
        "a:1",
        2,
        e_index=(1.0, 2.5),
        citations=(812, 813),
        m_index=(None, 0.5),
        **{"counted:s.citations": (1, 2)},
    )
    assert moved(told) == [
        "citations 812 → 813",
        "e-index 1 → 2.5",
        "m-index none → 0.5",
        "citations by s 1 → 2",
    ]
    assert moved(told | {"before": {}}) == ["citations 813", "e-index 2.5", "m-index 0.5", "citations by s 2"]


def test_every_kind_of_cause_has_words():
    more = {
        "counted": {"source": "s"},
        "merged": {"other": "a:old"},
        "separated": {"other": "a:old"},
        "cited": {"by": "p:9"},
    }
    said = {
        kind: reasons(change("a:1", 1, {"kind": kind, "paper_id": "p:1"} | more.get(kind, {})), TITLES)[0]
        for kind in causes.KINDS
    }
    assert said == {
        "cited": "“On One” is cited by p:9",
        "uncited": "“On One” is no longer cited",
        "published": "new paper “On One”",
        "revised": "“On One” was revised",
        "withdrawn": "“On One” was withdrawn",
        "retracted": "“On One” was retracted",
        "reinstated": "“On One” was reinstated",
        "counted": "s counted the citations of “On One” anew",
        "new_year": "a new calendar year began",
        "merged": "merged with a:old: “On One”",
        "separated": "separated from a:old: “On One”",
    }
    assert reasons(change("a:1", 1, {"kind": "struck_off", "paper_id": "p:1"}), TITLES) == ["struck off"]


def test_causes_of_one_paper_are_one_line_and_none_is_lost():
    cited = [{"kind": "cited", "paper_id": "p:1", "by": f"q:{n}"} for n in range(7)]
    assert reasons(change("a:1", 1, *cited), TITLES) == ["“On One” is cited by q:0, q:1, q:2 and 4 more"]
    many = [{"kind": "published", "paper_id": f"p:{n}"} for n in range(20)]
    lines = reasons(change("a:1", 1, *many, total=35), {})
    assert len(lines) == REASONS + 1 and lines[-1] == f"and {35 - REASONS} further causes"


def test_what_has_no_cause_of_its_own_says_why():
    assert reasons(change("a:1", 1) | {"before": {}}, {}) == ["the author is new here"]
    assert reasons(change("a:1", 1, novelty=(0.1, 0.2), ai_score=(None, 3.0)), {}) == [
        "the papers changed that these are compared with"
    ]
    assert reasons(change("a:1", 1), {}) == []


def test_the_page_tells_the_last_changes_and_why():
    told = snapshot("a:1", papers=[paper("p:1", 3, title="On One"), paper("p:2", 2)])
    last = [
        (
            1_700_000_000_000,
            change("a:1", 9, {"kind": "cited", "paper_id": "p:1", "by": "<b>"}, citations=(812, 813)),
        )
    ]
    page = profile_page(told, last, tag_of="1-1", changed_ms=1, demo=False)
    panel = page.partition('class="panel changes"')[2].partition("</details>")[0]
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", panel)).split())
    assert "What changed citations 812 → 813 — “On One” is cited by <b>" in text and "&lt;b&gt;" in panel
    assert "Nov 14, 2023 22:13:20 UTC · version 9" in text
    none = profile_page(told, [], tag_of="1-1", changed_ms=1, demo=False)
    assert "none that this page remembers" in none
