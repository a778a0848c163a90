"""OpenAlex live: by a filter, page by page, once and again; whatever its server does."""

import orjson
import pytest

from services.producer.live.fetch import Limits
from tests.live.play import DAY, Asked, Calls, World, playing, reply, said


def work(number: int, title: str = "A title", **more) -> dict:
    return {
        "id": f"https://openalex.org/W{number}", "title": title, "type": "article", "publication_year": 2020,
        "publication_date": "2020-05-17", "updated_date": "2026-11-01T00:00:00", "cited_by_count": number,
        "authorships": [{"author": {"id": "https://openalex.org/A9", "display_name": "Ann Doe"}}],
        "referenced_works": [], "ids": {},
    } | more  # fmt: skip


class List:
    """A list of works in pages of `size`; cursors are c1, c2, …"""

    def __init__(self, works: list[dict], size: int = 2):
        self.works, self.size = works, size

    def __call__(self, asked: Asked) -> bytes:
        at = 0 if asked.query["cursor"] == "*" else int(asked.query["cursor"][1:])
        return self.page(at)

    def page(self, at: int) -> bytes:
        here = self.works[at : at + self.size]
        following = f"c{at + self.size}" if at + self.size < len(self.works) else None
        return reply({"meta": {"count": len(self.works), "next_cursor": following}, "results": here})


WORKS = [work(number) for number in range(1, 6)]
NEWS = ("paper.published", "paper.counted")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def spec(player, path: str = "/works?filter=authorships.author.id:A9") -> str:
    return f"openalex+{player.address}{path}"


async def test_a_list_comes_in_whole_and_once(world):
    async with playing(List(WORKS)) as player:
        clock = await world.run(spec(player))
    assert [event["paper_id"] for event in await world.events() if event["event"] == NEWS[0]] == [
        f"openalex:W{number}" for number in range(1, 6)
    ]
    assert [one.query["cursor"] for one in player.asked] == ["*", "c2", "c4"]
    assert all(one.query["filter"] == "authorships.author.id:A9" for one in player.asked)
    assert all(one.query["per_page"] == "100" for one in player.asked)
    assert world.source.place == {
        "complete": "2026-11-28", "due": int(clock.end - DAY / 2 + DAY), "at": int(clock.end - DAY / 2),
    }  # fmt: skip
    assert not said(world.states)


async def test_a_second_reading_sends_what_changed_alone(world):
    """After a day the list is read again. What it tells again without a change is not sent again."""
    works = List(WORKS)

    def change(source, counts, stop):
        if source.records >= 5:
            works.works = [work(1, "Another title", updated_date="2026-11-29"), *WORKS[1:], work(6)]

    async with playing(works) as player:
        await world.run(spec(player), days=1.5, after_batch=change)
    sent = [event["paper_id"] for event in await world.events() if event["event"] == NEWS[0]]
    assert sent == [f"openalex:W{number}" for number in (1, 2, 3, 4, 5, 1, 6)]
    assert len(player.asked) == 6 and world.source.place["complete"] == "2026-11-29"


async def test_killed_in_the_middle_it_goes_on_as_if_nothing_had_been(world, tmp_path):
    """Stopped after each batch, and started anew: the same events as in one go, at the same places."""
    async with playing(List(WORKS, size=1)) as player:
        whole = World(tmp_path / "whole")
        await whole.run(spec(player))
        for _ in range(20):
            await world.run(spec(player), after_batch=lambda source, counts, stop: stop.set())
            if world.source.place.get("complete"):
                break
    assert world.source.place["complete"] and (await world.newest()) == (await whole.newest())
    assert world.state.position == whole.state.position == 5


async def test_a_crash_between_the_log_and_the_bookmark_repeats_a_page(world):
    """The bookmark never tells of a page whose events are not in the log."""
    async with playing(List(WORKS)) as player:
        await world.run(spec(player), after_batch=lambda source, counts, stop: stop.set())
        before = world.state.path.read_bytes()
        await world.run(spec(player), after_batch=lambda source, counts, stop: stop.set())
        world.state.path.write_bytes(before)  # as if the process had died before it was saved
        await world.run(spec(player))
    papers = [event["paper_id"] for event in await world.events() if event["event"] == NEWS[0]]
    assert sorted(set(papers)) == [f"openalex:W{number}" for number in range(1, 6)]
    assert world.source.place["complete"] == "2026-11-28"


async def test_a_key_and_an_address_go_with_each_request_and_into_nothing_else(tmp_path, capsys):
    world = World(tmp_path, openalex_key="sesame", contact="ann@example.org")
    async with playing(Calls(reply("not with sesame", "503 Busy"), List(WORKS))) as player:
        await world.run(spec(player))
    assert all(one.query["api_key"] == "sesame" for one in player.asked)
    assert all(one.query["mailto"] == "ann@example.org" for one in player.asked)
    assert "(mailto:ann@example.org)" in player.asked[0].headers["user-agent"]
    kept = [record.value + str(record.headers).encode() for record in await world.records()]
    everything = b"".join([*kept, world.state.path.read_bytes()]).decode() + "".join(capsys.readouterr())
    assert "sesame" not in everything + repr(world.source.__dict__) and "openalex+http" in everything


async def test_a_filter_by_the_day_of_a_change_moves_on(world):
    """For keys that may use it: the next reading begins a day before the last complete one."""
    async with playing(List(WORKS, size=9)) as player:
        await world.run(spec(player, "/works?filter=from_updated_date:2026-01-01,type:article"), days=1.5)
    assert [one.query["filter"] for one in player.asked] == [
        "from_updated_date:2026-01-01,type:article",
        "from_updated_date:2026-11-27,type:article",
    ]


async def test_a_work_that_cannot_be_used_is_a_dead_letter_with_its_own_bytes(world):
    odd = b'{"id": "https://openalex.org/W7",  "title": ["no", "text"], "authorships": [] }'
    whole = reply({"meta": {"count": 2, "next_cursor": None}, "results": [work(1)]})
    body = whole.partition(b"\r\n\r\n")[2].replace(b'"results":[', b'"results":[' + odd + b",")
    async with playing(Calls(reply(body))) as player:
        await world.run(spec(player))
    (letter,) = await world.letters()
    assert letter.value == odd and dict(letter.headers)["reason"] == b"wrong_type"
    assert {event["paper_id"] for event in await world.events()} == {"openalex:W1"}
    assert world.source.place["complete"]


SLOW = Limits(seconds=1.0)
LIMITS = {"a bomb": Limits(body=2_000), "slow loris": SLOW, "slow body": SLOW}
FAULTS = {
    "429 with seconds": (reply("slow", "429 Slow", Retry_After="7"), 7.0, "status 429: slow"),
    "429 with a date": (
        reply("slow", "429 Slow", Retry_After="Sat, 28 Nov 2026 12:00:30 GMT"), 30.0, "status 429"),
    "429 until the budget is new": (reply("", "429 Slow", X_RateLimit_Reset="3600"), 3600.0, "status 429"),
    "429 for a year": (reply("", "429 Slow", Retry_After="31536000"), DAY, "status 429"),
    "503": (reply("<h1>Busy</h1>", "503 Busy", "text/html"), 5.0, "status 503: Busy"),
    "401": (reply("{}", "401 Unauthorized"), 5.0, "set SCHOLARSTREAM_OPENALEX_KEY"),
    "403": (reply("", "403 Forbidden"), 5.0, "status 403"),
    "another kind": (reply("<html>Hello</html>", kind="text/html"), 5.0, "is text/html, not JSON"),
    "cut": (reply(b'{"meta": {}, "results": []}')[:-4], 5.0, "no answer: RemoteProtocolError"),
    "cut, as it says": (reply(b'{"meta": {}, "resu'), 5.0, "is cut, or is no JSON"),
    "an array": (reply("[]"), 5.0, "no object"),
    "no list": (reply('{"id": "https://openalex.org/W1"}'), 5.0, "not that of a list"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", 5.0, "no answer"),
    "nothing": (b"", 5.0, "no answer"),
    "slow loris": ((reply("{}")[:20], b""), 5.0, "within 1 s"),
    "slow body": ((reply("{}")[:-1], b""), 5.0, "within 1 s"),
    "to itself": (reply("", "301 Moved", Location="/works"), 5.0, "more than 5 redirects"),
    "to a file": (reply("", "302 Found", Location="file:///etc/passwd"), 5.0, "away from https"),
    "to nowhere": (reply("", "302 Found", Location="http://[::1"), 5.0, "no answer"),
    "a bomb": (reply(b"x" * 3000), 5.0, "larger than 2,000 bytes"),
    "an empty page": (reply({"meta": {"count": 5, "next_cursor": "c9"}, "results": []}), 5.0, "after 2 of 5"),
    "an early end": (reply({"meta": {"count": 5, "next_cursor": None}, "results": []}), 5.0, "after 2 of 5"),
    "a token of another type": (reply({"meta": {"next_cursor": 7}, "results": []}), 5.0, "next_cursor"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_waited_out_with_a_sentence(world, name):
    """One fault in the middle: the source waits as long as it is asked to, and then everything is there."""
    fault, wait, sentence = FAULTS[name]
    again = 6 if name == "to itself" else 1  # each redirect is a request
    works = List(WORKS[:3], size=2)
    limits = LIMITS.get(name)
    async with playing(Calls(works, *[fault] * again, works)) as player:
        clock = await world.run(spec(player), days=0.9 if wait < DAY else 1.9, limits=limits)
    assert len(await world.events()) == 6 and world.source.place["complete"]
    (told,) = said(world.states)
    assert sentence in told and world.states[-1] is None
    assert max(clock.waits[:-1]) == pytest.approx(wait, abs=1), clock.waits


@pytest.mark.parametrize("name", ["503", "nothing", "cut, as it says", "an early end"])
async def test_a_source_that_stays_away_is_asked_ever_more_seldom(world, name):
    """And never given up, never in a hurry, and never ahead of what it asks for."""
    async with playing(Calls(FAULTS[name][0])) as player:
        clock = await world.run(spec(player), days=0.5)
    assert clock.waits[:5] == [5.0, 10.0, 20.0, 40.0, 80.0] and max(clock.waits) == 3600.0
    assert len(player.asked) < 25 and not await world.events()


async def test_an_expired_cursor_begins_the_reading_again(world):
    works = List(WORKS)
    gone = reply({"error": "Invalid cursor"}, "400 Bad Request")
    async with playing(Calls(works, gone, works)) as player:
        await world.run(spec(player))
    assert [one.query["cursor"] for one in player.asked] == ["*", "c2", "*", "c2", "c4"]
    papers = [event["paper_id"] for event in await world.events() if event["event"] == NEWS[0]]
    assert papers == [f"openalex:W{number}" for number in range(1, 6)], "what was sent is not sent again"


async def test_a_cursor_that_expires_each_time_ends_in_no_busy_loop(world):
    works = List(WORKS)
    gone = reply("", "404 Not Found")
    async with playing(lambda asked: works(asked) if asked.query["cursor"] == "*" else gone) as player:
        await world.run(spec(player))
    assert len(player.asked) < 50 and not world.source.place.get("complete")


async def test_a_cursor_that_leads_in_a_circle_is_noticed(world):
    page = reply({"meta": {"count": 9, "next_cursor": "c1"}, "results": [work(1), work(2)]})
    async with playing(Calls(page)) as player:
        await world.run(spec(player))
    assert any("the same page again" in one for one in said(world.states)) and len(player.asked) < 60


async def test_a_redirect_is_followed(world):
    works = List(WORKS)
    moved = lambda asked: reply("", "301 Moved", Location=f"/new{asked.path}?cursor={asked.query['cursor']}")  # noqa: E731
    async with playing(lambda asked: works(asked) if "new" in asked.path else moved(asked)) as player:
        await world.run(spec(player))
    assert world.source.place["complete"] and len(player.asked) == 6


async def test_too_much_that_is_refused_rests_and_does_not_end_the_process(tmp_path):
    world = World(tmp_path, refused_run=3)
    bad = [work(number, title=["no text"]) for number in range(1, 6)]
    async with playing(List(bad, size=9)) as player:
        clock = await world.run(spec(player), days=1.5)
    assert any("too much is refused" in one for one in said(world.states))
    assert DAY in clock.waits and len(player.asked) == 2


async def test_what_is_no_strict_json_comes_in_all_the_same(world):
    """Half of a surrogate pair, and NaN: a page that holds one must not stop the source for ever."""
    odd = b'{"meta": {"count": 2, "next_cursor": null}, "results": [%s, %s]}'
    half = orjson.dumps(work(1)).replace(b"A title", b"A \\ud800 title")
    body = odd % (half, orjson.dumps(work(2, fwci=None)).replace(b'"fwci":null', b'"fwci":NaN'))
    async with playing(Calls(reply(body))) as player:
        await world.run(spec(player))
    assert {event["paper_id"] for event in await world.events()} == {"openalex:W1", "openalex:W2"}
    assert not said(world.states) and not await world.letters()


async def test_a_proxy_comes_from_the_environment(world, monkeypatch):
    async with playing(List(WORKS)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        await world.run("openalex+http://127.0.0.1:9/works")
    assert world.source.place["complete"] and len(proxy.asked) == 3


@pytest.mark.parametrize(
    ("kinds", "papers"), [(None, {"openalex:W1"}), ("all", {"openalex:W1", "openalex:W2"})]
)
async def test_the_setting_kinds_holds_for_live_sources_too(tmp_path, kinds, papers):
    world = World(tmp_path, **({"kinds": kinds} if kinds else {}))
    async with playing(List([work(1), work(2, type="peer-review")])) as player:
        await world.run(spec(player))
    assert {event["paper_id"] for event in await world.events()} == papers
