"""Clocks that are wrong, and slips of dates, through real services: what they may do, and how what they did
is taken back.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.contracts.topics import AUTHORS, PAPERS
from shared.log.port import Message
from tests.integration.commands import (
    exported_metrics,
    exported_profiles,
    run_to_idle,
    scholarstream,
    write_events,
)
from tests.integration.equality import append, assert_equal_to_oracle, records

# Moves the clocks of one process; the interpreter runs it at its start.
SHIFT = """
import datetime, os, time
seconds = int(float(os.environ["SHIFT_DAYS"]) * 86400)
now, nanos, real = time.time, time.time_ns, datetime.datetime
time.time = lambda: now() + seconds
time.time_ns = lambda: nanos() + seconds * 10**9
class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=seconds)
datetime.datetime = Shifted
"""


@pytest.fixture
def shifted(tmp_path):
    """days → the environment of a process whose clock is so far ahead."""
    folder = tmp_path / "shift"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIFT)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return lambda days: {"PYTHONPATH": path, "SHIFT_DAYS": str(days)}


def today(ahead: int = 0) -> str:
    return (datetime.now(UTC).date() + timedelta(ahead)).isoformat()


def paper(name: str, *authors: str, cites=(), **more) -> dict:
    written = [{"author_id": author, "name": author.title()} for author in authors]
    return {
        "paper_id": name,
        "title": f"On {name}",
        "authors": written,
        "references": list(cites),
        "published": "2020-01-01",
    } | more


def counted(name: str, day: str, citations: int) -> dict:
    return {"event": "paper.counted", "paper_id": name, "source": "oa", "as_of": day, "citations": citations}


def reported(author: str, day: str, papers: int) -> dict:
    return {
        "event": "author.reported",
        "author_id": author,
        "source": "s",
        "as_of": day,
        "metrics": {"papers": papers},
    }


def tick(day: str) -> dict:
    return {"event": "clock.ticked", "author_id": "clock", "date": day}


def message(event: dict) -> Message:
    return Message(event.get("paper_id", event.get("author_id")).encode(), json.dumps(event).encode())


LAST_YEAR = str(datetime.now(UTC).year - 1)
GOOD = [paper("k1", "k"), paper("k2", "l", cites=["k1"], published=LAST_YEAR)]
PAPERS_AHEAD, PAPERS_AFTER = [counted("k1", "2206-01-05", 10)], [counted("k1", today(1), 25)]
AUTHORS_AHEAD = [tick("9999-12-31"), reported("k", "2206-01-05", 999)]
AUTHORS_AFTER = [reported("k", today(), 1)]
FROM_SOURCES = [*GOOD, *PAPERS_AHEAD, *AUTHORS_AHEAD, *PAPERS_AFTER, *AUTHORS_AFTER]


def assert_right(data) -> None:
    """Nothing of what is dated far ahead counts, and nothing of it hides what came later."""
    profile = exported_profiles(data)["k"]
    assert profile["as_of"] == today() and profile["metrics"]["references"]["citations_recent"] == 1
    assert [one["papers"] for one in profile["reported"]] == [1]
    [row] = [row for row in exported_metrics(data, "counted:oa") if row["author_id"] == "k"]
    assert row["citations"] == "25"
    assert_equal_to_oracle(data, [json.dumps(event).encode() for event in FROM_SOURCES])
    scholarstream("verify", data_dir=data)


def letters(data) -> list[dict]:
    return json.loads(scholarstream("dead-letters", "list", "--json", data_dir=data).stdout)


def test_a_source_may_not_date_events_far_ahead(tmp_path):
    """They are letters with a reason; sent again they stay open, unless the limit is another one."""
    data = tmp_path / "data"
    run_to_idle(
        data, write_events(tmp_path / "e.jsonl", [json.dumps(event).encode() for event in FROM_SOURCES])
    )
    assert_right(data)
    found = letters(data)
    assert [(one["reason"], one["key"]) for one in found] == [
        ("dated_ahead", key) for key in ("k1", "clock", "k")
    ]
    assert (
        f"2206-01-05 is {(date(2206, 1, 5) - datetime.now(UTC).date()).days:,} days after {today()}"
        in found[0]["detail"]
    )
    said = scholarstream("dead-letters", "replay", "--all", data_dir=data, expect=3).stderr
    assert "0 sent, 3 refused again and still open" in said and "at most 2 are taken" in said
    scholarstream("dead-letters", "replay", str(found[0]["number"]), "--days-ahead", "100000", data_dir=data)
    run_to_idle(data)
    assert len(letters(data)) == 3, "the stages refuse it all the same: a letter of their own"
    assert_right(data)


def test_what_others_write_into_the_topics_is_refused_there(tmp_path):
    data = tmp_path / "data"
    run_to_idle(data)
    append(data, PAPERS.name, *map(message, [*GOOD, *PAPERS_AHEAD, *PAPERS_AFTER]))
    append(data, AUTHORS.name, *map(message, [*AUTHORS_AHEAD, *AUTHORS_AFTER]))
    run_to_idle(data)
    assert_right(data)
    assert {(one["source_topic"], one["source_offset"]) for one in letters(data)} == {
        (PAPERS.name, 2),
        (AUTHORS.name, 1),
        (AUTHORS.name, 2),
    }


def test_a_new_generation_takes_back_what_was_taken_without_the_limit(tmp_path):
    """The way out for a log in which a clock of the far future stands: nothing is cut, it is read again."""
    data = tmp_path / "data"
    without = {"SCHOLARSTREAM_DAYS_AHEAD": "4000000"}
    source = write_events(tmp_path / "e.jsonl", [json.dumps(event).encode() for event in FROM_SOURCES])
    run_to_idle(data, source, env=without)
    before = exported_profiles(data)["k"]
    assert before["as_of"] == "9999-12-31" and before["metrics"]["counted:oa"]["citations"] == 10
    scholarstream("verify", data_dir=data)  # what a log was computed with is in the log
    said = scholarstream("run", "--exit-when-idle", "--port", "0", data_dir=data, expect=2).stderr
    assert "days_ahead was 4000000, is 2" in said and "--generation 2" in said
    scholarstream("run", "--generation", "2", "--exit-when-idle", "--port", "0", data_dir=data)
    assert_right(data)
    run_to_idle(data)
    assert_right(data)


def test_a_clock_that_is_years_ahead_is_not_believed(tmp_path, shifted):
    """The service goes on, says why, and says the right day once the clock is right."""
    data = tmp_path / "data"
    run_to_idle(data, write_events(tmp_path / "1.jsonl", [json.dumps(GOOD[0]).encode()]))
    said = run_to_idle(
        data, write_events(tmp_path / "2.jsonl", [json.dumps(GOOD[1]).encode()]), env=shifted(3650)
    ).stderr
    assert "3,650 days after" in said and "scholarstream ingest -" in said and "Correct the clock" in said
    said = run_to_idle(data).stderr
    assert "disagree" not in said
    days = [
        json.loads(value)["date"] for _, _, key, value, _ in records(data, AUTHORS.name) if key == b"clock"
    ]
    assert days == [today()]
    profile = exported_profiles(data)["k"]
    assert profile["as_of"] == today() and profile["metrics"]["references"]["citations"] == 1
    scholarstream("verify", data_dir=data)


def test_as_of_after_a_clock_was_set_back(tmp_path, shifted):
    """Two papers of yesterday, one by a clock that was two days ahead, two of today: all are there, whatever
    their times say.
    """
    data = tmp_path / "data"
    for number, days in enumerate([-1, -1, 2, 0, 0]):
        source = write_events(tmp_path / f"{number}.jsonl", [json.dumps(paper(f"j{number}", "j")).encode()])
        scholarstream("ingest", source, data_dir=data, env=shifted(days))
    run_to_idle(data)
    for ahead, papers in ((-1, 2), (0, 5), (1, 5)):
        said = scholarstream("profile", "j", "--as-of", today(ahead), "--json", data_dir=data).stdout
        assert json.loads(said)["papers_total"] == papers
    found = json.loads(scholarstream("compare", "j", today(-1), today(), "--json", data_dir=data).stdout)
    assert len(found["papers_added"]) == 3 and found["papers_withdrawn"] == []
