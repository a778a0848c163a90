"""Dead letters: listed with their reasons, shown with their bytes, sent again or dropped, each once."""

import json

import pytest

from services.admin import dead_letters
from services.producer.ingest import ingest
from services.runtime.startup import opened
from shared.errors import InputRefused, UsageError
from shared.log.port import Message, Partition
from shared.settings import Settings

HOME = Partition("dead-letters.v1", 0)
GOOD = b'{"event": "paper.published", "paper_id": "p1", "title": "T"}'


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


def letter(value, topic="papers.v1", offset=0, key=None, reason="wrong_type", **headers):
    named = {
        "reason": reason,
        "detail": "title: must be text – ü",
        "stage": "catalogue",
        "source_topic": topic,
        "source_partition": "0",
    }
    named |= {"source_offset": str(offset), **headers}
    return Message(key, value, tuple((name, text.encode()) for name, text in named.items()))


async def put(settings, *letters):
    async with opened(settings) as (log, _):
        await log.append({HOME: letters})


async def held(settings, topic):
    async with opened(settings) as (log, _):
        return await log.read(Partition(topic, 0), 0, max_records=10_000)


async def test_refused_lines_are_listed_and_shown(settings, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(GOOD + b'\n{"paper_id": "p2"}\n\xff\xfe\n')
    await ingest(settings, [str(tmp_path / "x.jsonl")], progress=False)
    first, second = await dead_letters.letters(settings, all=False)
    assert (first["state"], first["stage"], first["source_offset"], first["key"], first["bytes"]) == (
        "open",
        "intake",
        2,
        "p2",
        18,
    )
    assert "x.jsonl" in first["source_topic"] and first["reason"] and first["detail"]
    assert (await dead_letters.show(settings, first["number"]))["value"] == '{"paper_id": "p2"}'
    assert (await dead_letters.show(settings, second["number"]))["value_base64"] == "//4="
    json.dumps([first, second])


async def test_one_origin_is_one_letter_and_the_first_counts(settings):
    await put(
        settings,
        letter(b"1", offset=5),
        letter(b"2", offset=6),
        letter(b"3", offset=5),
        letter(b"4", topic="authors.v1", offset=5),
    )
    found = await dead_letters.letters(settings, all=True)
    assert [(one["source_topic"], one["source_offset"]) for one in found] == [
        ("papers.v1", 5),
        ("papers.v1", 6),
        ("authors.v1", 5),
    ]
    assert (await dead_letters.show(settings, found[0]["number"]))["value"] == "1"
    with pytest.raises(UsageError, match="no dead letter 2"):
        await dead_letters.show(settings, 2)


async def test_a_file_that_grew_has_its_old_letters_once(settings, tmp_path):
    path, bad = tmp_path / "odd @00c0ffee.jsonl", b'{"paper_id": "p2"}\n'
    for content in (
        GOOD + b"\n" + bad,
        GOOD + b"\n" + bad + GOOD + b"\n",
        GOOD + b"\n" + bad + GOOD + b"\n" + bad,
    ):
        path.write_bytes(content)
        await ingest(settings, [str(path)], progress=False)
    letters = await dead_letters.letters(settings, all=True)
    assert [(one["source_offset"], one["state"]) for one in letters] == [(2, "open"), (4, "open")], (
        "the same bytes in another line are another one"
    )
    await dead_letters.drop(settings, [letters[0]["number"]])
    path.write_bytes(path.read_bytes() + GOOD)
    await ingest(settings, [str(path)], progress=False)
    assert [one["source_offset"] for one in await dead_letters.letters(settings)] == [4], "closed is closed"
    path.write_bytes(GOOD + b'\n{"paper_id": "p3"}\n')
    await ingest(settings, [str(path)], progress=False)
    assert [(one["source_offset"], one["key"]) for one in await dead_letters.letters(settings)] == [
        (4, "p2"),
        (2, "p3"),
    ]


async def test_letters_of_two_files_are_two(settings, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(b'{"paper_id": "p2"}\n')
        await ingest(settings, [str(tmp_path / name)], progress=False)
    assert len(await dead_letters.letters(settings)) == 2


async def test_a_broken_array_sends_what_is_right_and_says_so(settings, tmp_path):
    path = tmp_path / "array.json"
    path.write_bytes(
        b"[" + GOOD + b', {"paper_id": "p2", "score": NaN},' + GOOD.replace(b"p1", b"p3") + b",]"
    )
    for _ in range(2):  # the second time nothing is sent again, and the message is the same
        with pytest.raises(
            InputRefused, match=r"element 2 is no JSON .*byte 63; a comma too many before ] at byte 156 "
        ) as refused:
            await ingest(settings, [str(path)], progress=False)
        assert refused.value.exit_code == 3
    assert [json.loads(record.value)["paper_id"] for record in await held(settings, "papers.v1")] == [
        "p1",
        "p3",
    ]
    [one] = await dead_letters.letters(settings)
    assert (await dead_letters.show(settings, one["number"]))["value"] == '{"paper_id": "p2", "score": NaN}'


async def test_dropped_letters_are_closed_once(settings):
    await put(settings, letter(b"1", offset=1), letter(b"2", offset=2), letter(b"3", offset=3))
    assert await dead_letters.drop(settings, [1]) == 1
    assert [one["number"] for one in await dead_letters.letters(settings, all=False)] == [0, 2]
    assert [one["state"] for one in await dead_letters.letters(settings, all=True)] == [
        "open",
        "dropped",
        "open",
    ]
    with pytest.raises(UsageError, match="dropped"):
        await dead_letters.drop(settings, [0, 1])
    assert await dead_letters.drop(settings, None) == 2
    assert (
        await dead_letters.letters(settings, all=False) == [] and await dead_letters.drop(settings, None) == 0
    )
    action = (await held(settings, HOME.topic))[3]
    assert (action.value, dict(action.headers)) == (b"", {"action": b"dropped", "of": b"1"})


async def test_a_letter_whose_event_is_good_goes_where_it_belongs(settings):
    """Refused by a smaller limit, or written under a wrong key: by content it is right now."""
    author = b'{"event": "author.described", "author_id": "a", "name": "A"}'
    await put(settings, letter(GOOD, key=b"wrong", offset=1), letter(author, topic="file:x@1", offset=2))
    assert await dead_letters.replay(settings, None) == 2
    [paper] = await held(settings, "papers.v1")
    [described] = await held(settings, "authors.v1")
    assert (paper.key, paper.value, described.key, described.value) == (b"p1", GOOD, b"a", author)
    assert await dead_letters.letters(settings, all=False) == []
    assert [one["state"] for one in await dead_letters.letters(settings, all=True)] == [
        "replayed",
        "replayed",
    ]
    assert await dead_letters.replay(settings, None) == 0
    with pytest.raises(UsageError, match="replayed"):
        await dead_letters.replay(settings, [0])


async def test_what_is_refused_again_stays_open_and_is_told(settings):
    await put(settings, letter(b"{", offset=1), letter(GOOD, offset=2), letter(b'{"paper_id": 7}', offset=3))
    with pytest.raises(InputRefused, match="1 sent, 2 refused again and still open") as refused:
        await dead_letters.replay(settings, None)
    assert "\n  0: " in str(refused.value) and "\n  2: " in str(refused.value)
    assert [one["number"] for one in await dead_letters.letters(settings, all=False)] == [0, 2]
    assert len(await held(settings, "papers.v1")) == 1 and len(await held(settings, HOME.topic)) == 4


async def test_many_letters(settings, monkeypatch):
    monkeypatch.setattr(dead_letters, "AT_ONCE", 7)
    lines = [b'{"paper_id": "p%d", "title": "T"}' % n if n % 5 else b"{%d" % n for n in range(50)]
    await put(settings, *(letter(line, offset=n) for n, line in enumerate(lines)))
    with pytest.raises(InputRefused, match=r"40 sent, 10 refused[\s\S]* and 5 more"):
        await dead_letters.replay(settings, None)
    assert [record.value for record in await held(settings, "papers.v1")] == [
        line for n, line in enumerate(lines) if n % 5
    ]
    assert len(await dead_letters.letters(settings, all=False)) == 10


async def test_a_letter_without_headers_is_one_too(settings):
    await put(settings, Message(None, b"x"), Message(b"k", b"y", (("reason", b"remote"),)))
    first, second = await dead_letters.letters(settings, all=False)
    assert (first["reason"], second["reason"], first["source_offset"], second["source_offset"]) == (
        None,
        "remote",
        0,
        1,
    )


async def test_actions_on_nothing_are_harmless(settings):
    await put(settings, *(Message(None, b"", (("action", b"dropped"), ("of", of))) for of in (b"77", b"x")))
    assert await dead_letters.letters(settings, all=True) == []


async def test_a_log_without_letters(settings):
    await put(settings)
    assert await dead_letters.letters(settings, all=True) == []
    with pytest.raises(UsageError, match="no dead letter 0"):
        await dead_letters.drop(settings, [0])
