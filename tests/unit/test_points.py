"""Points of a log's past: what they mean, and what is said of those that mean nothing."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from services.history import cuts as points
from services.history.cuts import Cut, cut_at
from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import UsageError
from shared.log import memory
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition

HOUR = 3_600_000
MIDNIGHT = 1_764_201_600_000  # 2025-11-27T00:00:00Z
TIMES = [MIDNIGHT - 30 * HOUR, MIDNIGHT - 24 * HOUR, MIDNIGHT - 1, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + HOUR]


async def log_of(
    monkeypatch, partitions: int = 1, empty: bool = False, times: Sequence[int] = TIMES
) -> MemoryLog:
    """Six papers at these times in every partition, one author at midnight."""
    log, now = MemoryLog(), 0
    monkeypatch.setattr(memory, "time", SimpleNamespace(time_ns=lambda: now * 1_000_000))
    await log.create([topic.spec(partitions, 1) for topic in (PAPERS, AUTHORS)])
    for now in () if empty else times:  # noqa: B007 (the clock reads it)
        await log.append({Partition(PAPERS.name, n): [Message(b"p", b"{}")] for n in range(partitions)})
    now = MIDNIGHT
    if not empty:
        await log.append({Partition(AUTHORS.name, 0): [Message(b"a", b"{}")]})
    return log


@pytest.mark.parametrize(
    ("day", "papers", "authors"),
    [
        ("2025-11-24", 0, 0),
        ("2025-11-25", 1, 0),
        ("2025-11-26", 4, 0),
        ("2025-11-27", 6, 1),
        ("2199-01-01", 6, 1),
    ],
)
async def test_a_day_is_its_end_in_utc_by_the_times_of_appending(day, papers, authors, monkeypatch):
    log = await log_of(monkeypatch)
    assert await cut_at(log, day) == {Partition("papers.v1", 0): papers, Partition("authors.v1", 0): authors}


@pytest.mark.parametrize(
    ("day", "papers"),
    [("0001-01-01", 0), ("2025-11-25", 1), ("2025-11-26", 4), ("2025-11-27", 4), ("2025-11-28", 4)],
)
async def test_after_a_clock_was_set_back_a_day_ends_where_times_first_reach_its_end(
    day, papers, monkeypatch
):
    """The fifth paper came while the clock was two days ahead, the sixth when it was right again."""
    log = await log_of(monkeypatch, times=[*TIMES[:4], MIDNIGHT + 72 * HOUR, MIDNIGHT + HOUR])
    assert (await cut_at(log, day))[Partition("papers.v1", 0)] == papers


@pytest.mark.parametrize("ahead", [0, 48])
async def test_a_day_that_is_not_over_is_now(ahead, monkeypatch):
    """Whatever times its records have: they are there, so they came before the end of the day."""
    log = await log_of(monkeypatch, times=[*TIMES[:4], MIDNIGHT + ahead * HOUR, MIDNIGHT + HOUR])
    monkeypatch.setattr(points, "time", SimpleNamespace(time_ns=lambda: (MIDNIGHT + 2 * HOUR) * 1_000_000))
    assert await cut_at(log, "2025-11-27") == await cut_at(log, "now") == await cut_at(log, "2025-11-28")
    assert (await cut_at(log, "2025-11-26"))[Partition("papers.v1", 0)] == 4


async def test_a_day_of_a_log_with_nothing_in_it(monkeypatch):
    log = await log_of(monkeypatch, empty=True)
    assert set((await cut_at(log, "2025-11-26")).values()) == {0}


@pytest.mark.parametrize(
    ("point", "papers", "authors"),
    [
        ("3", 3, 1),
        ("3,0", 3, 0),
        ("papers.v1:0=3", 3, 1),
        ("authors.v1:0=0,papers.v1:0=2", 2, 0),
        ("now", 6, 1),
        ("0", 0, 1),
    ],
)
async def test_positions_and_what_they_leave_out(point, papers, authors, monkeypatch):
    """What is not named counts as a whole; a cut as text is a point that names it."""
    log = await log_of(monkeypatch)
    cut = await cut_at(log, point)
    assert list(cut.items()) == [(Partition("papers.v1", 0), papers), (Partition("authors.v1", 0), authors)]
    assert str(cut) == f"papers.v1:0={papers},authors.v1:0={authors}" and await cut_at(log, str(cut)) == cut


async def test_of_several_partitions(monkeypatch):
    log = await log_of(monkeypatch, partitions=2)
    assert list((await cut_at(log, "papers.v1:1=2")).values()) == [6, 2, 1, 0]
    with pytest.raises(UsageError, match=r"several partitions.*papers\.v1:0=1200,papers\.v1:1=1200"):
        await cut_at(log, "3")


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("yesterday", r"names no point.*a day \(2026-11-23\), now, or positions \(papers"),
        ("", "names no point"),
        ("-1", "names no point"),
        ("1,2,3", "names no point"),
        ("2025-02-30", "no day of the calendar"),
        ("9999-12-31", "no day of the calendar"),
        ("7", "ends at 6: 7 is not yet"),
        ("papers.v1:1=0", "there is no papers.v1:1 among the inputs; there are papers.v1:0, authors.v1:0"),
        ("paper-changes.g1:0=1", "among the inputs"),
        ("papers.v1:0=1,papers.v1:0=2", "two positions of papers.v1:0"),
        ("papers.v1:0=one", "names no point"),
    ],
)
async def test_what_is_no_point_is_said_so(point, said, monkeypatch):
    log = await log_of(monkeypatch)
    with pytest.raises(UsageError, match=said):
        await cut_at(log, point)


async def test_a_log_without_inputs():
    with pytest.raises(UsageError, match=r"no papers\.v1 in this log"):
        await cut_at(MemoryLog(), "now")


def test_cuts_are_ordered_in_part():
    one, two = Partition("papers.v1", 0), Partition("papers.v1", 1)
    assert Cut({one: 3, two: 3}).includes(Cut({one: 3, two: 2}))
    assert not Cut({one: 3, two: 1}).includes(Cut({one: 2, two: 2}))
