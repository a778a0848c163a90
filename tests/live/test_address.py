"""How live sources are named, what their bookmark keeps, and what they leave out as unchanged."""

import pytest

from services.producer.items import SourceItem
from services.producer.live.address import is_live, parsed
from services.producer.live.manners import pause_after, told_gap, told_wait
from services.producer.live.opening import open_live
from services.producer.live.place import (
    FIRST,
    Place,
    ended,
    in_words,
    overlapping,
    place_of,
    restarted,
    turned,
)
from services.producer.live.unchanged import Unchanged
from services.producer.sources import open_sources
from shared.errors import SourceFault, UsageError
from shared.settings import Settings
from tests.live.play import NOON


def test_an_address_is_one_text_however_it_is_written():
    one = parsed("openalex+https://API.example.org/works/?filter=a:1,b:2|3&x=")
    assert str(one) == "openalex+https://api.example.org/works?filter=a:1,b:2|3&x="
    assert parsed(str(one)) == one
    assert one.url(cursor="a b+c", filter="new") == (
        "https://api.example.org/works?x=&cursor=a+b%2Bc&filter=new"
    )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("openalex+http://api.example.org/works", "http is for servers of this machine alone"),
        ("openalex+https:", "a live source is openalex+https://HOST/PATH"),
        ("openalex+https://", "a live source is"),
        ("openalex+https://[::1", "the address is not right"),
        ("openalex+https://h:x/", "the address is not right"),
        ("openalex+https://a:b@example.org/works", "a user or a password"),
        ("openalex+https://example.org/works?api_key=1", "SCHOLARSTREAM_OPENALEX_KEY"),
        ("openalex+https://example.org/works?mailto=a@b.c", "SCHOLARSTREAM_CONTACT"),
        ("openalex+https://example.org/" + "a" * 2000, "2,000 characters"),
        ("dblp+https://example.org/", "there is no live source dblp; there are "),
        ("openalex+https://exa\nmple.org/", "a live source is"),
    ],
)
def test_a_wrong_address_is_refused_with_what_would_be_right(spec, sentence):
    with pytest.raises(UsageError, match=sentence.replace("+", r"\+")):
        open_live(spec, Settings())


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_servers_of_this_machine_may_speak_http(host):
    assert parsed(f"arxiv+http://{host}/oai").base == f"http://{host}/oai"


def test_a_live_source_is_not_for_ingest():
    assert is_live("openalex+https://example.org") and not is_live("openalex:works") and not is_live("a+b:c")
    with pytest.raises(UsageError, match="never ends; give it to run"):
        open_sources("openalex+https://api.example.org/works")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None), ({"retry-after": "soon"}, None), ({"retry-after": ""}, None),
        ({"retry-after": "12"}, 12), ({"retry-after": "-3"}, None), ({"retry-after": "9" * 19}, 86_400),
        ({"retry-after": "1" * 400}, None), ({"retry-after": "٣"}, None),
        ({"retry-after": "Sat, 28 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Sat, 28 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 99 Nov 9999 99:00:00 GMT"}, None),
        ({"x-ratelimit-reset": str(int(NOON) + 90)}, 90), ({"x-ratelimit-reset": "45"}, 45),
    ],
)  # fmt: skip
def test_a_wait_is_read_as_seconds_date_or_moment(headers, wait):
    assert told_wait(headers, NOON) == wait


@pytest.mark.parametrize(
    ("limit", "interval", "gap"),
    [("50", "1s", 0.02), ("10", "60", 6), ("0", "1s", None), ("", "1s", None), ("5", "soon", None)],
)
def test_a_limit_is_a_gap_between_requests(limit, interval, gap):
    assert told_gap({"x-rate-limit-limit": limit, "x-rate-limit-interval": interval}) == gap


def test_pauses_grow_to_an_hour():
    assert [pause_after(n, 1.0) for n in (1, 2, 3)] == [5, 10, 20] and pause_after(1, 0.0) == 2.5
    assert pause_after(10_000, 1.0) == 3600


# ---- places


def test_a_place_comes_back_from_its_bookmark():
    place = Place("2026-01-01", "2026-02-01", "2025-12-31", "t", "2026-01-05", False, 3, 30, 40, 1, 5, 6, 7)
    assert place_of(place.kept()) == place and place_of({}) == place_of(None) == FIRST
    assert in_words(place) == "complete to 2026-01-01; page 3, 30 of 40 records, 5 of the next"


@pytest.mark.parametrize(
    "kept",
    [{"x": 1}, {"token": 1}, {"pages": -1}, {"pages": 1 << 60}, {"pages": True}, {"token": "t" * 20_000},
     {"is_ordered": 1}, {"since": None}],
)  # fmt: skip
def test_a_damaged_place_is_refused(kept):
    with pytest.raises(ValueError, match="place"):
        place_of(kept)


def test_a_lost_token_goes_back_to_the_last_complete_day():
    place = turned(
        Place(began="2026-11-28", token="a"), token="b", days=["2026-01-01", "2026-01-03"], records=2
    )
    assert restarted(place) == Place(began="2026-11-28", since="2026-01-03", restarts=1)
    mixed = turned(place, token="c", days=["2026-01-02"], records=1)
    assert restarted(mixed).since == "", "records in another order tell of no complete day"


def test_a_bookmark_of_another_hand_is_no_day():
    assert overlapping("2026-03-01") == "2026-02-28" and overlapping("") == overlapping("soon") == ""
    assert overlapping("0001-01-01") == ""


def test_a_short_list_is_read_again_and_in_the_end_not_called_complete():
    short = Place(complete="2026-11-01", began="2026-11-28", records=90, total=100)
    with pytest.raises(SourceFault, match="after 90 of 100 records"):
        ended(short)
    assert ended(restarted(restarted(short))).complete == "2026-11-28"  # without a count nothing is missing
    again = Place(complete="2026-11-01", began="2026-11-28", records=90, total=100, restarts=2)
    assert ended(again).complete == "2026-11-01"


# ---- what is unchanged


def item(paper: str, title: str) -> SourceItem:
    return SourceItem(1, b'{"paper_id": "%s", "title": "%s"}' % (paper.encode(), title.encode()))


def test_a_record_is_known_when_it_was_the_last_word():
    known = Unchanged().is_known
    assert not known([item("p", "A")]) and known([item("p", "A")])
    assert not known([item("p", "B")]) and not known([item("p", "A")]), "A after B is news again"
    assert not known([item("p", "A"), item("q", "A")]) and known([item("p", "A"), item("q", "A")])
    assert not known([item("q", "A")]) and not known([item("p", "A"), item("q", "A")])
    assert not known([]) and not known([SourceItem(1, b"")]) and not known([SourceItem(1, b"")])


def test_only_so_much_is_remembered():
    unchanged = Unchanged(most=2)
    for paper in "abc":
        unchanged.is_known([item(paper, "A")])
    assert unchanged.is_known([item("c", "A")]) and not unchanged.is_known([item("a", "A")])
