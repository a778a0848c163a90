"""Crossref live: works since a day, with a cursor, at the pace that each answer tells."""

import pytest

from tests.live.play import Calls, World, playing, reply, said


def work(number: int, day: str, title: str = "A title") -> dict:
    return {
        "DOI": f"10.1000/{number}", "type": "journal-article", "title": [title],
        "author": [{"given": "Ada", "family": "Quill", "sequence": "first"}],
        "issued": {"date-parts": [[2020, 1, 2]]}, "is-referenced-by-count": number,
        "indexed": {"date-parts": [[2026, 11, 20]], "date-time": f"{day}T01:02:03Z", "timestamp": 1_795_000},
    }  # fmt: skip


def page(*works: dict, total: int, cursor: str | None = "c", **headers) -> bytes:
    message = {
        "facets": {},
        "next-cursor": cursor,
        "total-results": total,
        "items": works,
        "items-per-page": 500,
    }
    body = {"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message}
    return reply(body, **headers)


A, B, C = work(1, "2026-11-20"), work(2, "2026-11-20"), work(3, "2026-11-24")
FILTER = "/works?filter=from-index-date:2026-11-01,issn:1234-5678"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, contact="ann@example.org")


async def papers(world) -> list[str]:
    return [event["paper_id"] for event in await world.events() if event["event"] == "paper.published"]


async def test_works_come_by_a_cursor_that_may_stay_the_same_until_an_empty_page(world):
    answers = Calls(
        page(A, B, total=3),
        page(C, total=3),
        page(total=3),
        page(work(2, "2026-11-28", "New"), total=1),
        page(total=1),
    )
    async with playing(answers) as player:
        await world.run(f"crossref+{player.address}{FILTER}", days=1.5)
    assert [(one.query["cursor"], one.query["filter"]) for one in player.asked] == [
        ("*", "from-index-date:2026-11-01,issn:1234-5678"),
        ("c", "from-index-date:2026-11-01,issn:1234-5678"),
        ("c", "from-index-date:2026-11-01,issn:1234-5678"),
        ("*", "from-index-date:2026-11-27,issn:1234-5678"),
        ("c", "from-index-date:2026-11-27,issn:1234-5678"),
    ]
    assert {(one.query["mailto"], one.query["rows"], one.query["sort"]) for one in player.asked} == {
        ("ann@example.org", "500", "indexed")
    }
    assert await papers(world) == [f"doi:10.1000/{n}" for n in (1, 2, 3, 2)] and not said(world.states)


async def test_the_limit_that_an_answer_tells_is_kept(world):
    limits = {"X_Rate_Limit_Limit": "5", "X_Rate_Limit_Interval": "10s"}
    answers = Calls(page(A, total=2, **limits), page(B, total=2, **limits), page(total=2))
    async with playing(answers) as player:
        clock = await world.run(f"crossref+{player.address}{FILTER}")
    assert clock.waits[:2] == [2.0, 2.0]


async def test_a_lost_cursor_goes_back_to_the_last_complete_day(world):
    lost = reply({"status": "failed", "message": "Unable to parse 'cursorMark'"}, "400 Bad Request")
    async with playing(Calls(page(A, B, C, total=4), lost, page(C, total=1), page(total=1))) as player:
        await world.run(f"crossref+{player.address}/works?filter=issn:1234-5678")
    assert [one.query["filter"] for one in player.asked] == [
        "issn:1234-5678", "issn:1234-5678", *["from-index-date:2026-11-24,issn:1234-5678"] * 2
    ]  # fmt: skip
    assert await papers(world) == [f"doi:10.1000/{n}" for n in (1, 2, 3)]


async def test_a_list_that_ends_too_early_is_asked_again(world):
    async with playing(
        Calls(page(A, total=3), page(total=3), page(B, total=3), page(C, total=3), page(total=3))
    ) as player:
        await world.run(f"crossref+{player.address}{FILTER}")
    assert await papers(world) == [f"doi:10.1000/{n}" for n in (1, 2, 3)]
    assert any("after 1 of 3" in one for one in said(world.states))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (reply({"status": "ok", "message": "Hello"}), "no `message.items`"),
        (reply({"status": "ok", "message": {"items": {}}}), "no `message.items`"),
        (reply("Resource not found.", "503 Busy", "text/plain"), "status 503: Resource not found."),
        (reply("", "429 Slow", Retry_After="60"), "status 429"),
    ],
)
async def test_a_fault_is_waited_out_with_a_sentence(world, fault, sentence):
    async with playing(Calls(fault, page(A, total=1), page(total=1))) as player:
        await world.run(f"crossref+{player.address}{FILTER}")
    (told,) = said(world.states)
    assert sentence in told and await papers(world) == ["doi:10.1000/1"]
