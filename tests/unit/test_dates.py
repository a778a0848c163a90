"""How far ahead of its append time an event may be dated: the stages, `verify` and the truth of the tests
agree.
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consumer.catalogue.stage import Catalogue
from services.consumer.directory.stage import Directory
from services.verify.events import since_1970
from services.verify.refusals import check_day
from shared.contracts.dates import ANY, check_date, instant
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.log.port import Record
from shared.stages.session import Session
from shared.stages.stage import Layout
from tests.oracle import day_of, micros

DAY_MS = 86_400_000
NOON = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp() * 1000)


def tick(day: str) -> dict:
    return {"event": "clock.ticked", "author_id": "clock", "date": day}


def counted(day: str) -> dict:
    return {"event": "paper.counted", "paper_id": "p", "source": "s", "as_of": day, "citations": 1}


def reported(day: str) -> dict:
    return {"event": "author.reported", "author_id": "a", "source": "s", "as_of": day, "metrics": {}}


def refuses(check, *args) -> InputRefused | None:
    try:
        check(*args)
    except InputRefused as refused:
        return refused
    return None


@pytest.mark.parametrize("make", [tick, counted, reported])
@pytest.mark.parametrize(
    ("day", "appended", "days", "refused"),
    [
        ("2026-11-30", NOON, 2, False),
        ("2026-12-01", NOON, 2, True),
        ("2026-12-01", NOON, 3, False),
        ("9999-12-31", NOON, 2, True),
        ("9999-12-31", NOON, ANY, False),
        ("9999-12-31", -1, ANY, False),
        ("1000-01-01", NOON, 1, False),
        ("2026-11-30", int(datetime(2026, 11, 28, tzinfo=UTC).timestamp() * 1000), 2, False),
        ("2026-11-30", int(datetime(2026, 11, 28, tzinfo=UTC).timestamp() * 1000) - 1, 2, True),
        ("1970-01-03", 0, 2, False),
        ("1970-01-04", 0, 2, True),
        ("1970-01-03", -1, 2, True),
        ("2026-11-28", -(10**17), 2, True),
        ("9999-12-31", 2**63 - 1, 1, False),
    ],
)
def test_days_ahead_are_counted_from_the_day_of_the_append_time(make, day, appended, days, refused):
    found = refuses(check_date, make(day), appended, days)
    assert (found is not None) == refused == (refuses(check_day, make(day), appended, days) is not None)
    if found:
        assert found.reason == Reason.DATED_AHEAD and found.field in ("as_of", "date") and day in str(found)


@pytest.mark.parametrize("make", [counted, reported])
@pytest.mark.parametrize(
    ("time", "refused"),
    [
        ("2026-11-30T23:59:59.999999999Z", False),
        ("2026-12-01T00:00:00Z", True),
        ("2026-12-01T01:59:59+02:00", False),
        ("2026-11-30T20:00:00-04:00", True),
        ("9999-12-31T23:59:59-23:59", True),
    ],
)
def test_a_time_is_as_far_ahead_as_its_day_in_utc(make, time, refused):
    found = refuses(check_date, make(time), NOON, 2)
    assert (found is not None) == refused == (refuses(check_day, make(time), NOON, 2) is not None)
    assert refused == (day_of(make(time)) > "2026-11-30")
    for check in (check_date, check_day):
        assert refuses(check, make(time), NOON, ANY) is None


offsets = st.integers(-1439, 1439).map(
    lambda minutes: f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
)
instants = st.builds(
    lambda at, digits, zone: f"{at:%Y-%m-%dT%H:%M:%S}{digits}{zone}",
    st.datetimes(datetime(1000, 1, 1)),
    st.just("") | st.integers(0, 10**9 - 1).map(lambda n: f".{n}"),
    st.sampled_from(["Z", "z"]) | offsets,
) | st.dates(date(1000, 1, 1)).map(str)  # fmt: skip


@given(instants, instants)
def test_three_ways_to_order_instants_agree(one, other):
    orders = [(at(one) < at(other), at(one) == at(other)) for at in (instant, since_1970, micros)]
    assert orders[0] == orders[1] == orders[2]
    assert instant(one) == since_1970(one) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-11-27", "2026-11-27T00:00:00.000001Z"),
        ("2026-11-27T23:59:59Z", "2026-11-28"),
        ("2026-11-28T00:30:00+02:00", "2026-11-27T23:00:00Z"),
        ("2026-11-27t23:00:00.5z", "2026-11-27T22:00:00.6-01:00"),
    ],
)
def test_the_newest_instant_counts(earlier, later):
    for order in ([earlier, later], [later, earlier]):
        session = run(Catalogue, "p", [(counted(at) | {"citations": order.index(at)}, NOON) for at in order])
        assert session.stage.paper.counted_at[0].of("instant", np.array([0]))[0] == instant(later)
        assert session.stage.counters["stale_revisions"] == (order[0] == later)
        session = run(Directory, "a", [(reported(at), NOON) for at in order])
        assert later in orjson.dumps(session.stage._json_of(0).decode()).decode()


def test_the_reason_says_what_would_be_right():
    found = refuses(check_date, counted("2206-01-05"), NOON, 2)
    assert found.field == "as_of"
    assert (
        found.hint
        == "2206-01-05 is 65,416 days after 2026-11-28, the day on which the record was appended; at most 2 "
        "are taken"
    )


def test_other_dates_are_left_alone():
    for event in (
        {"paper_id": "p", "published": "9999-12-31"},
        {"event": "author.described", "author_id": "a", "name": "A"},
    ):
        check_date(event, 0, 1)
        check_day(event, 0, 1)


@given(
    st.dates(date(1000, 1, 1)),
    st.integers(-1, 2**47) | st.dates(date(1970, 1, 1)).map(lambda day: (day.toordinal() - 719_163) * DAY_MS),
    st.integers(1, ANY),
    st.sampled_from([tick, counted, reported]),
)
def test_three_ways_to_say_it_agree(day, appended, days, make):
    event = make(day.isoformat())
    by_stages = refuses(check_date, event, appended, days) is not None
    assert by_stages == (refuses(check_day, event, appended, days) is not None)
    try:
        latest = (
            (datetime(1970, 1, 1) + timedelta(milliseconds=appended) + timedelta(days=days))
            .date()
            .isoformat()
        )
    except OverflowError:
        latest = "9999-12-31"
    assert by_stages == (day_of(event) > latest)


def run(kind, key: str, stated: list[tuple[dict, int]], days: int = 2, batch: int = 1_000) -> Session:
    session = Session(kind(0, Layout(days_ahead=days), "f"))
    records = [
        Record(at, appended, key.encode(), orjson.dumps(event), ())
        for at, (event, appended) in enumerate(stated)
    ]
    for start in range(0, len(records), batch):
        session.step(records[start : start + batch])
    return session


@pytest.mark.parametrize("batch", [1, 2, 1_000])
def test_the_directory_refuses_what_is_dated_too_far_ahead(batch):
    """By the record's own append time, whatever came before it and however records are cut into batches."""
    stated = [
        (tick("2026-11-28"), NOON), (tick("9999-12-31"), NOON), (tick("2026-11-30"), NOON),
        (tick("2027-01-01"), NOON),
        (tick("2026-12-02"), NOON + 2 * DAY_MS), (tick("2026-12-03"), 0),
    ]  # fmt: skip
    session = run(Directory, "clock", stated, batch=batch)
    assert session.stage.day == 20261202
    assert [(one.record.offset, one.reason) for one in session.stage.refused] == [
        (at, "dated_ahead") for at in (1, 3, 5)
    ]
    assert session.stage.refused[0].detail.startswith("date: 9999-12-31 is ")

    session = run(
        Directory, "a", [(reported("2026-11-28"), NOON), (reported("2206-01-01"), NOON)], batch=batch
    )
    assert [one.record.offset for one in session.stage.refused] == [1]


@pytest.mark.parametrize("batch", [1, 1_000])
def test_the_catalogue_refuses_what_is_dated_too_far_ahead(batch):
    """A count of the far future does not hide the ones after it."""
    stated = [
        (counted("2206-01-05"), NOON),
        (counted("2026-11-28"), NOON),
        ({"paper_id": "p", "title": "T", "published": "9999"}, NOON),
    ]
    session = run(Catalogue, "p", stated, batch=batch)
    assert [(one.record.offset, one.reason) for one in session.stage.refused] == [(0, "dated_ahead")]
    assert (
        session.stage.paper.counted_at[0].of("instant", np.array([0]))[0] == instant("2026-11-28")
        and session.stage.counters["stale_revisions"] == 0
    )
    session = run(Catalogue, "p", stated, days=ANY, batch=batch)
    assert session.stage.refused == [] and session.stage.counters["stale_revisions"] == 1


def test_a_day_never_goes_back():
    """Neither the state nor what the other stages hear: an earlier day after a later one changes nothing
    (rule D4).
    """
    days = ["2026-11-23", "2026-11-22", "2026-11-23", "2025-12-31", "2026-11-24", "2026-11-23"]
    session = run(Directory, "clock", [(tick(day), NOON) for day in days], batch=1)
    assert session.stage.day == 20261124
    heard = Session(Directory(0, Layout(), "f"))
    said = []
    for at, day in enumerate(days):
        heard.step([Record(at, NOON, b"clock", orjson.dumps(tick(day)), ())])
        said.append(bool(heard.flush()))
    assert said == [True, False, False, False, True, False]
