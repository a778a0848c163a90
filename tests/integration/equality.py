"""Is what the service publishes the truth, for every author?"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.log import open_log
from shared.log.port import Message, Partition
from tests.integration.commands import exported_metrics, exported_profiles
from tests.oracle import EXTRAS, oracle

DAYS_AHEAD = 2  # the default of the setting
SERIES = ("papers_by_year", "citations_by_year")
CARD = (
    "paper_id",
    "title",
    "published",
    "field",
    "authors",
    "authors_total",
    "affiliations",
    "citations",
    "citations_by_source",
    "url",
    "doi",
    "venue",
)
SCORES = ("novelty", "ai_score")  # they have an oracle of their own, tests/score_oracle.py


def assert_equal_to_oracle(data_dir: Path, events: Iterable[bytes]) -> dict[str, dict]:
    """The CSV (every basis) and every snapshot say what the oracle says about `events` and the days in the
    log, which the service tells itself; returns the oracle's profiles. Events of later days than DAYS_AHEAD
    from now must be without effect.
    """
    days = [value for _, _, key, value, _ in records(data_dir, "authors.v1") if key == b"clock"]
    truth = oracle(
        [*events, *days], latest=(datetime.now(UTC).date() + timedelta(days=DAYS_AHEAD)).isoformat()
    )
    bases = {basis for profile in truth.values() for basis in profile["metrics"]}
    for basis in sorted(bases):
        assert_metrics_equal(exported_metrics(data_dir, basis), truth, basis)
    assert_profiles_equal(exported_profiles(data_dir), truth)
    return truth


def assert_metrics_equal(rows: Sequence[dict[str, str]], truth: dict[str, dict], basis: str) -> None:
    assert [row["author_id"] for row in rows] == sorted(row["author_id"] for row in rows)
    published = {row["author_id"]: row for row in rows}
    assert len(published) == len(rows), "an author has two rows"
    wrong = []
    for author, profile in truth.items():
        expected = profile["metrics"].get(basis)
        row = published.pop(author, None)
        if expected is None or (row is None and not must_be_published(profile)):
            continue
        got = (
            None
            if row is None
            else {metric: float(row[metric]) if row.get(metric) else None for metric in expected}
        )
        if row is None or got != expected or not expected.keys() <= row.keys():
            wrong.append((author, expected, got))
    assert not wrong, f"{len(wrong)} of {len(truth)} authors differ ({basis}): {wrong[:5]}"
    unknown = [row for row in published.values() if int(row["papers"] or 0)]
    assert not unknown, f"{len(unknown)} authors that nobody named: {unknown[:5]}"


def assert_profiles_equal(published: dict[str, dict], truth: dict[str, dict]) -> None:
    wrong = []
    for author, expected in truth.items():
        got = published.get(author)
        if got is None:
            if must_be_published(expected):
                wrong.append((author, "no snapshot"))
            continue
        wrong += [(author, *difference) for difference in differences(got, expected)]
    wrong += [(author, "nobody named") for author in published.keys() - truth.keys()]
    assert not wrong, f"{len(wrong)} differences: {wrong[:5]}"


def differences(got: dict, expected: dict) -> Iterable[tuple[str, object, object]]:
    """(what, published, expected) of all that differs between a snapshot and the oracle's profile."""
    if got.get("redirect") != expected["redirect"]:
        yield "redirect", got.get("redirect"), expected["redirect"]
    shown = expected["name"] or expected["author_id"].removeprefix("name:")
    for field, right in (
        ("name", shown),
        *((field, expected[field]) for field in ("papers_total", "field", "affiliations", *SERIES)),
    ):
        if got[field] != right:
            yield field, got[field], right
    if {extra: got[extra] for extra in EXTRAS if extra in got} != expected["extras"]:
        yield "extras", got, expected["extras"]
    if got["metrics"].keys() != expected["metrics"].keys():
        yield "bases", set(got["metrics"]), set(expected["metrics"])
    for basis in got["metrics"].keys() & expected["metrics"].keys():
        said, right = (
            {name: n for name, n in one["metrics"][basis].items() if name not in SCORES}
            for one in (got, expected)
        )
        if said != right:
            yield basis, said, right
    cards = [{field: card.get(field) for field in CARD} for card in got["papers"]]
    for place, card in enumerate(expected["papers"]):
        if place >= len(cards) or cards[place] != {field: card.get(field) for field in CARD}:
            yield f"papers[{place}]", cards[place : place + 1], card
    if len(cards) > len(expected["papers"]):
        yield "papers", len(cards), len(expected["papers"])
    reported = [
        {name: value for name, value in entry.items() if value is not None} for entry in got["reported"]
    ]
    if sorted(reported, key=lambda entry: entry["source"]) != expected["reported"]:
        yield "reported", reported, expected["reported"]
    flags = ["collective_author"] * expected["collective"] + expected["flags"]
    said = [code for code in got["flags"] if code != "self_citations_included"]  # of the score
    if said != flags:
        yield "flags", said, flags
    if got["provenance"]["coverage"]["references"] != expected["coverage"]:
        yield "coverage.references", got["provenance"]["coverage"], expected["coverage"]
    headline = got["headline"]
    if any(
        headline[metric] != got["metrics"][headline["basis"]][metric]
        for metric in ("papers", "citations", "h_index")
    ):
        yield "headline", headline, got["metrics"]


def must_be_published(profile: dict) -> bool:
    """Who wrote only superseded revisions, or was merged once, may have been seen or not; everybody else must
    be there.
    """
    return bool(profile["papers_total"] or profile["described"] or profile["reported"] or profile["redirect"])


def records(data_dir: Path, topic: str) -> list[tuple[int, int, bytes | None, bytes, dict[str, bytes]]]:
    """Everything a topic holds: (partition, offset, key, value, headers)."""

    async def read() -> list:
        log = open_log(f"sqlite:///{data_dir}/log.sqlite", create=False)
        try:
            found = []
            for number in range((await log.topics())[topic].partitions):
                partition = Partition(topic, number)
                position, end = (await log.bounds([partition]))[partition]
                while position < end and (batch := await log.read(partition, position)):
                    found += [
                        (number, record.offset, record.key, record.value, dict(record.headers))
                        for record in batch
                    ]
                    position = batch[-1].offset + 1
            return found
        finally:
            await log.close()

    return asyncio.run(read())


def append(data_dir: Path, topic: str, *messages: Message) -> None:
    """As anybody may write into a topic: partition 0."""

    async def write() -> None:
        log = open_log(f"sqlite:///{data_dir}/log.sqlite", create=False)
        try:
            await log.append({Partition(topic, 0): messages})
        finally:
            await log.close()

    asyncio.run(write())


def assert_versions_rise(data_dir: Path) -> None:
    """What a subscriber sees: for each author strictly rising versions, so none twice and none with two
    values.
    """
    for topic in ("author-profiles.v1", "author-metrics.v1"):
        held: dict[bytes, tuple[int, int]] = {}
        for number, offset, key, value, _ in records(data_dir, topic):
            record = json.loads(value)
            version = (record["generation"], record["version"])
            assert record["author_id"].encode() == key
            assert version > held.get(key, (0, -1)), (topic, number, offset, key, held.get(key), version)
            held[key] = version
        assert held, f"{topic} is empty"
