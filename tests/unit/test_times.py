"""Dates and times of real records, only as exact as told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.producer.text.times import (
    day_of,
    milliseconds,
    month_number,
    partial_date,
    told_date,
    without_first_days,
)

TOLD = {
    "2019": "2019",
    "2019-05": "2019-05",
    "2019/05/03": "2019-05-03",
    "2019-5-3": "2019-05-03",
    "2019-05-03T10:11:12Z": "2019-05-03",
    "2019/2020": "2019",
    "2014//": "2014",
    "2014/10//Spring": "2014-10",
    "Mon, 2 Apr 2007 19:18:42 GMT": "2007-04-02",
    "2019-13-01": "2019",
    "2019-02-30": "2019-02",
    "0999": None,
    "10000": None,
    "unknown": None,
    "": None,
    None: None,
}


@pytest.mark.parametrize(("text", "right"), TOLD.items())
def test_a_date_is_as_exact_as_told(text, right):
    assert told_date(text) == right


@pytest.mark.parametrize(
    ("parts", "right"),
    [
        ((2022, 4, 1), "2022-04-01"),
        ((2022, 4), "2022-04"),
        (("2022", "May"), "2022-05"),
        ((2022, "Sept."), "2022-09"),
        ((2022, 21), "2022"),
        ((2022, None, 3), "2022"),
        ((2022, 2, 30), "2022-02"),
        ((None,), None),
        ((999,), None),
        (("10000",), None),
        ((True,), None),
        ((2022, "Spring"), "2022"),
        ((2022, "mayor"), "2022"),
    ],
)
def test_a_date_of_parts(parts, right):
    assert partial_date(*parts) == right


def test_months():
    assert [month_number(text) for text in ("jan", "December", "7", "07", 12, "0", 13, "", None)] == [
        1, 12, 7, 7, 12, None, None, None, None,
    ]  # fmt: skip


def test_a_first_day_stands_for_the_whole():
    assert without_first_days("2019-01-01") == "2019"
    assert without_first_days("2019-05-01") == "2019-05"
    assert without_first_days("2019-05-02") == "2019-05-02"
    assert (without_first_days("2019-01"), without_first_days(None)) == ("2019-01", None)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-02-01", 1769904000000),
        ("2026-02-01T00:00:00", 1769904000000),
        ("2026-02-01T02:00:00+02:00", 1769904000000),
        ("2026-02-01T00:00:00.123456", 1769904000123),
        ("2026-02-01T04:19:59.206561", 1769919599206),
        ("2026-02-01T00:00:00Z", 1769904000000),
        ("1969-12-31", 0),
        ("no time", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_milliseconds(text, right):
    assert milliseconds(text) == right


def test_the_day_of_a_time():
    assert day_of(1769904000000) == "2026-02-01"
    assert day_of(0) is None and day_of(10**18) is None


@given(st.text(max_size=30) | st.from_regex(r"\d{1,5}[-/ ,]\w{1,4}[-/ ,]\d{1,5}", fullmatch=True))
def test_any_text_is_read(text):
    assert milliseconds(text) >= 0
    told = told_date(text)
    assert told is None or partial_date(*told.split("-")) == told
