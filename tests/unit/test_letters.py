"""A letter always fits its topic: what is too large is cut, and says how long it was and where the whole of
it is.
"""

from hashlib import sha256

import pytest

from services.admin import dead_letters
from services.producer.ingest import partition_counts
from services.runtime.startup import opened
from shared.contracts import letters
from shared.contracts.letters import letter
from shared.errors import InputRefused
from shared.log.kafka.topics import MESSAGE_BYTES
from shared.log.port import Message, Partition
from shared.settings import Settings

HOME, PAPERS = Partition("dead-letters.v1", 0), Partition("papers.v1", 0)
GOOD = b'{"event": "paper.published", "paper_id": "p1", "title": "T"}'


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def small(monkeypatch):
    """Letters above 1,000 bytes are cut to 100, and to 10 of their key."""
    for name, value in (("WHOLE_BYTES", 1_000), ("CUT_BYTES", 100), ("CUT_KEY_BYTES", 10)):
        monkeypatch.setattr(letters, name, value)


def made(key, value, detail="d"):
    return letter(
        key,
        value,
        reason="oversize",
        detail=detail,
        stage="catalogue",
        topic="papers.v1",
        partition=3,
        offset=7,
    )


def size(message):
    return (
        len(message.key or b"")
        + len(message.value)
        + sum(len(name.encode()) + len(value) for name, value in message.headers)
    )


@pytest.mark.parametrize(
    ("key", "value"), [(0, 75_497_371), (0, letters.WHOLE_BYTES), (9, letters.WHOLE_BYTES), (75_497_000, 99)]
)
def test_what_fits_papers_fits_dead_letters(key, value):
    message = made(b"k" * key, b"v" * value, detail="ü" * 100_000)
    assert size(message) + 2_000 < MESSAGE_BYTES, "with what Kafka puts around a record"
    whole = key + value <= letters.WHOLE_BYTES
    assert whole == (len(message.key) + len(message.value) == key + value)


def test_what_is_small_is_whole(small):
    message = made(b"k" * 500, b"v" * 500)
    assert (message.key, message.value) == (b"k" * 500, b"v" * 500)
    assert not any(name.startswith("original") for name, _ in message.headers)


def test_what_is_cut_says_what_it_was(small):
    value = b"v" * 2_000
    message = made(b"k" * 50, value)
    headers = dict(message.headers)
    assert (message.key, message.value) == (b"k" * 10, b"v" * 100)
    assert headers["original_bytes"] == b"2000" and headers["original_key_bytes"] == b"50"
    assert headers["original_sha256"] == sha256(value).hexdigest().encode()
    assert (headers["source_topic"], headers["source_partition"], headers["source_offset"]) == (
        b"papers.v1",
        b"3",
        b"7",
    )


def test_a_long_key_leaves_a_short_value_whole(small):
    message = made(b"k" * 2_000, b"v" * 90)
    assert (len(message.key), len(message.value)) == (10, 90) and "original_bytes" not in dict(
        message.headers
    )


async def test_a_cut_letter_is_not_sent_again(settings, small):
    async with opened(settings) as (log, _):
        await log.append({HOME: [made(b"p1", GOOD + b" " * 2_000), Message(b"p1", GOOD)]})
        assert (await partition_counts(log))["papers.v1"] == 1
    first, _ = await dead_letters.letters(settings)
    assert (first["bytes"], first["original_bytes"]) == (100, 2_000 + len(GOOD))
    with pytest.raises(
        InputRefused,
        match=r"1 sent, 1 refused[\s\S]*0: the letter holds only the first 100 of 2060 bytes.*papers.v1, "
        r"partition 3, at 7",
    ):
        await dead_letters.replay(settings)
    async with opened(settings) as (log, _):
        assert [record.value for record in await log.read(PAPERS, 0)] == [GOOD]
    assert [one["number"] for one in await dead_letters.letters(settings)] == [0]


# ---- letters of other clients

FORGED = [
    (("action", b"dropped"), ("of", b"9" * 5_000)),
    (("action", b"dropped"), ("of", "٣".encode())),
    (("action", b"dropped"), ("of", b"-1")),
    (("action", b"replayed"),),
    (("action", b"burnt"), ("of", b"0")),
    (("of", b"0"),),
    (("source_topic", b"papers.v1"), ("source_partition", b"x"), ("source_offset", b"0")),
    (("source_topic", b"papers.v1"), ("source_partition", b"9" * 5_000), ("source_offset", b"9" * 5_000)),
    (("source_topic", b"\xff"), ("source_offset", "²".encode())),
    (("source_topic", b"papers.v1"),),
    (("reason", b"\xff"), ("original_bytes", b"many")),
    (("", b""), ("reason", b"")),
]


@pytest.mark.parametrize("headers", FORGED)
async def test_forged_headers_are_no_more_than_headers(settings, headers):
    real = made(b"k", b"{")
    async with opened(settings) as (log, _):
        await log.append({HOME: [real, Message(None, b"[", headers)]})
    found = await dead_letters.letters(settings, all=True)
    assert (found[0]["number"], found[0]["state"]) == (0, "open")
    for one in found:
        await dead_letters.show(settings, one["number"])
    with pytest.raises(InputRefused):
        await dead_letters.replay(settings)
    await dead_letters.drop(settings)
    assert await dead_letters.letters(settings) == []


async def test_an_action_before_its_letter_closes_nothing(settings):
    async with opened(settings) as (log, _):
        await log.append(
            {HOME: [Message(None, b"", (("action", b"dropped"), ("of", b"1"))), made(b"k", b"{")]}
        )
    assert [one["number"] for one in await dead_letters.letters(settings)] == [1]


async def test_a_forged_letter_hides_no_real_one(settings):
    """It names the place of an event before that one is refused."""
    async with opened(settings) as (log, _):
        await log.append({PAPERS: [Message(b"k", b"{")]})
        real = letter(
            b"k", b"{", reason="malformed_json", detail="", stage="catalogue", topic="papers.v1", offset=0
        )
        await log.append({HOME: [real._replace(key=b"x", value=b"forged"), real]})
    assert [one["number"] for one in await dead_letters.letters(settings)] == [0, 1]
