"""The index of the viewer: what it holds, finds and tells, against plain dictionaries."""

import asyncio
import tracemalloc
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer import name_search, profile_index, subscriptions
from services.viewer.name_search import Budget, Match
from services.viewer.profile_index import ProfileIndex
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import TooManySubscribers, UnknownTopic
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition, Record
from tests.snapshots import erase, profile_topic, publish, snapshot


def record(offset: int, told: dict, **how) -> Record:
    return Record(
        offset, 1_700_000_000_000 + offset, told["author_id"].encode(), orjson.dumps(told, **how), ()
    )


def index_of(*told: dict) -> ProfileIndex:
    """An index that was given these snapshots, one after the other."""
    index = ProfileIndex(MemoryLog())
    index.take(0, [record(offset, one) for offset, one in enumerate(told)])
    return index


async def followed(log, stop: asyncio.Event):
    index = ProfileIndex(log)
    return index, asyncio.create_task(index.follow(stop))


# ---- holding


@given(
    st.lists(
        st.tuples(st.sampled_from(["a:1", "name:é", "b/c"]), st.integers(1, 2), st.integers(0, 5)),
        max_size=40,
    )
)
def test_holds_the_highest_version_in_whatever_order_they_come(arrivals):
    told = [
        snapshot(author, version, generation=generation, name=f"{author} at {n}")
        for n, (author, generation, version) in enumerate(arrivals)
    ]
    index = index_of(*told)
    best: dict[str, tuple] = {}
    for author, generation, version in arrivals:
        best[author] = max(best.get(author, (0, -1)), (generation, version))
    assert {author: index.versions(author) for author in best} == best
    assert len(index) == len(best)


async def test_ignores_a_version_that_is_not_above_the_held_one():
    log = await profile_topic(MemoryLog())
    await publish(log, snapshot("a:1", 7, name="Seven"))
    index = ProfileIndex(log)
    await index.catch_up()
    index.take(0, [record(90, snapshot("a:1", 7, name="Again")), record(91, snapshot("a:1", 6, name="Late"))])
    assert index.ignored == 2
    assert orjson.loads(await index.get("a:1"))["name"] == "Seven"


@pytest.mark.parametrize("partitions", [1, 3])
async def test_reads_snapshots_byte_for_byte(partitions):
    log = await profile_topic(MemoryLog(), partitions)
    told = [
        snapshot(f"a:{n}", n + 1, name=name)
        for n, name in enumerate(
            ['Q "quoted" \\ name', "Łukasz", ',"generation":9,"version":9', "\u2028", ""]
        )
    ]
    await publish(log, *told)
    index = ProfileIndex(log)
    await index.catch_up()
    assert index.caught_up
    assert index.fraction == 1.0
    for one in told:
        assert await index.get(one["author_id"]) == orjson.dumps(one)
        assert index.versions(one["author_id"]) == (1, one["version"])
    assert await index.get("a:none") is None
    assert index.authors() == [one["author_id"] for one in told]


async def test_takes_snapshots_that_another_publisher_writes_in_its_own_way():
    log = await profile_topic(MemoryLog())
    told = snapshot("a:1", 3, name="Ada")
    spaced = orjson.dumps(dict(reversed(told.items())), option=orjson.OPT_INDENT_2)
    await log.append({Partition(AUTHOR_PROFILES.name, 0): [Message(b"a:1", spaced)]})
    index = ProfileIndex(log)
    await index.catch_up()
    assert await index.get("a:1") == spaced
    assert [match.name for match in await index.search("ada")] == ["Ada"]


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"null", b'{"name":"x"}', b'{"name":"x","generation":"one","version":2}']
)
def test_passes_over_what_is_no_snapshot(value):
    index = ProfileIndex(MemoryLog())
    index.take(
        0,
        [
            Record(0, 0, b"a:1", value, ()),
            Record(1, 0, None, orjson.dumps(snapshot("a:1")), ()),
            record(2, snapshot("a:2")),
        ],
    )
    assert index.unreadable == 2
    assert index.authors() == ["a:2"]


async def test_finds_a_snapshot_that_was_replaced_since_it_was_indexed():
    log = await profile_topic(MemoryLog())
    await publish(log, snapshot("a:1", 1))
    index = ProfileIndex(log)
    await index.catch_up()
    await publish(log, snapshot("a:1", 2))
    index._authors.offset[0] = 77  # as if a compaction had taken away the record that the index knows
    assert (await index.read("a:1")).version == 2


async def test_says_so_when_nothing_was_ever_published():
    with pytest.raises(UnknownTopic, match="nothing was published"):
        await ProfileIndex(MemoryLog()).catch_up()


async def test_an_author_costs_at_most_300_bytes():
    authors = 40_000
    index = ProfileIndex(MemoryLog())
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for first in range(0, authors, 1000):
            index.take(
                0,
                [
                    record(n, snapshot(f"sim:a{n:08}", name=f"Sławomir van der Longname {n}"))
                    for n in range(first, first + 1000)
                ],
            )
        await index.search("sławomir")  # the folded names count as well
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / authors <= 300
    assert index.simulated == authors


def test_an_id_of_a_name_is_known_however_it_is_spelled():
    index = index_of(snapshot("name:big name"), snapshot("name:Odd"), snapshot("A"))
    assert index.known("name:Big\u200b  NAME") == "name:big name"
    assert [index.known(author_id) for author_id in ("name:Odd", "A", "a")] == ["name:Odd", "A", "a"]


# ---- searching


def people(*names: str) -> ProfileIndex:
    return index_of(*(snapshot(f"a:{n}", name=name) for n, name in enumerate(names)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lukasz", ["Łukasz Ślęzak"]),
        ("ŁUKASZ", ["Łukasz Ślęzak"]),
        ("slez luk", ["Łukasz Ślęzak"]),
        ("strasse", ["Jörg Straße"]),
        ("jorg", ["Jörg Straße"]),
        ("oneill", ["Conor O'Neill"]),
        ("o’neill conor", ["Conor O'Neill"]),
        ("jean luc", ["Jean-Luc Ångström"]),
        ("Angstrom, Jean-Luc", ["Jean-Luc Ångström"]),
        ("高橋", ["高橋 一郎"]),
        ("иван", ["Иван Йорданов"]),
        ("eill", ["Conor O'Neill"]),
        ("luc neill", []),
        ("", []),
        (" , ", []),
        ("zzz", []),
    ],
)
async def test_finds_names_without_regard_to_case_accents_and_order(text, found):
    index = people(
        "Łukasz Ślęzak", "Jörg Straße", "Conor O'Neill", "Jean-Luc Ångström", "高橋 一郎", "Иван Йорданов"
    )
    assert [match.name for match in await index.search(text)] == found


async def test_ranks_the_very_id_then_exact_names_then_beginnings_then_parts_then_papers():
    def of(author_id, name, papers):
        return snapshot(author_id, name=name, headline={"h_index": 1, "papers": papers, "citations": 1})

    index = index_of(
        of("a:part", "Joanna Li", 90),
        of("a:few", "Anna Adams", 2),
        of("a:many", "Anna Zwicky", 9),
        of("a:exact", "Anna", 1),
        of("anna", "Somebody Else", 1),
    )
    assert [match.author_id for match in await index.search("anna")] == [
        "anna",
        "a:exact",
        "a:many",
        "a:few",
        "a:part",
    ]
    assert [match.author_id for match in await index.search("anna", 2)] == ["anna", "a:exact"]
    assert (await index.search("zwicky")) == [Match("a:many", "Anna Zwicky", 9, 1)]
    assert await index.search("anna", 0) == []


async def test_finds_an_author_under_the_new_name_only():
    index = index_of(snapshot("a:1", 1, name="Marie Sklodowska"), snapshot("a:1", 2, name="Marie Curie"))
    assert await index.search("sklodowska") == []
    index.take(0, [record(9, snapshot("a:1", 3, name="Marie Skłodowska-Curie"))])
    assert [match.name for match in await index.search("sklodowska")] == ["Marie Skłodowska-Curie"]


@given(
    st.lists(st.text("abcÁß -'", max_size=8), max_size=30),
    st.text("abcÁß ", max_size=4),
)
def test_search_finds_what_a_plain_look_at_every_name_finds(names, text):
    def plain(name: str) -> list[str]:
        bare = unicodedata.normalize("NFKD", name).casefold().replace("'", "").replace("-", " ")
        return "".join(c for c in bare if not unicodedata.combining(c)).split()

    wanted = plain(text)
    expected = [
        f"a:{n}"
        for n, name in enumerate(names)
        if wanted and all(any(w in word for word in plain(name)) for w in wanted)
    ]
    index = people(*names)
    found = asyncio.run(index.search(text, 100))
    assert sorted(match.author_id for match in found) == sorted(expected)


@given(
    st.lists(
        st.sampled_from(["Ada Lovelace", "Ada", "Lovelace Ada", "Adam Smith", "Zoë Ada", "Smith"]),
        max_size=40,
    ),
    st.sampled_from(["ada", "a", "ada lovelace", "smith", "zoe"]),
    st.integers(0, 60),
)
async def test_a_bounded_search_finds_the_same_unless_its_budget_is_spent(names, text, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_search, "SEGMENT", 4)
        index = people(*names)
        budget = Budget(most)
        everything, found = await index.search(text, 100), await index.search(text, 100, budget)
        very = {match for match in everything if match.name.lower() == text}
        if not budget.spent:
            assert found == everything
        else:
            assert set(found) <= set(everything)
            assert len(set(found) - very) <= most + 4, "no more than a segment beyond the budget"
        assert very <= set(found), "the very name is found whatever the budget"


async def test_names_are_ready_before_the_first_search():
    log, stop = await profile_topic(MemoryLog()), asyncio.Event()
    count = 3 * name_search.SEGMENT
    await publish(
        log,
        *({"author_id": f"a:{n}", "name": f"Name {n}", "generation": 1, "version": 1} for n in range(count)),
    )
    index, folded = ProfileIndex(log), []
    fold_segment = index.name_search.folded
    index.name_search.folded = lambda segment: folded.append(segment) or fold_segment(segment)
    following = asyncio.create_task(index.follow(stop))
    async with asyncio.timeout(10):
        while len(folded) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert sorted(folded) == [0, 1, 2] and not index.name_search.stale_segments
    stop.set()
    await asyncio.wait_for(following, 5)


async def test_others_get_their_turn_while_the_log_is_being_read():
    log, stop = await profile_topic(MemoryLog()), asyncio.Event()
    await publish(
        log, *({"author_id": f"a:{n}", "name": "N", "generation": 1, "version": 1} for n in range(20_000))
    )
    index, turns, held = ProfileIndex(log), 0, []
    take = index.take
    index.take = lambda number, records: held.append((len(records), turns)) or take(number, records)
    following = asyncio.create_task(index.follow(stop))
    async with asyncio.timeout(30):
        while not index.caught_up:
            turns += 1
            await asyncio.sleep(0)
    assert max(count for count, _ in held) <= profile_index.READ_RECORDS
    assert len({turn for _, turn in held}) == len(held), "between two steps there is a turn"
    stop.set()
    await asyncio.wait_for(following, 5)


async def test_searches_every_segment(monkeypatch):
    monkeypatch.setattr(name_search, "SEGMENT", 4)
    index = people(*(f"Name{n:02} Both" for n in range(23)))
    for n in range(23):
        assert [match.author_id for match in await index.search(f"name{n:02}")] == [f"a:{n}"]
    assert len(await index.search("both", 50)) == 23


# ---- subscribing


async def test_a_subscriber_gets_new_versions_of_its_author_only():
    log, stop = await profile_topic(MemoryLog()), asyncio.Event()
    index, task = await followed(log, stop)
    with index.subscribe("a:1") as subscription:
        await publish(log, snapshot("a:1", 1), snapshot("a:2", 1))
        change = await subscription.next(5)
        assert (change.author_id, change.snapshot.version) == ("a:1", 1)
        await publish(log, snapshot("a:2", 2), snapshot("a:1", 5))
        change = await subscription.next(5)
        assert (change.snapshot.tag, orjson.loads(change.snapshot.value)) == ("1-5", snapshot("a:1", 5))
        assert await subscription.next(0.0) is None
    assert index.subscriptions == 0
    stop.set()
    await asyncio.wait_for(task, 1)


async def test_a_slow_subscriber_misses_versions_in_between_but_never_the_newest():
    index = ProfileIndex(MemoryLog())
    subscription = index.subscribe("a:1")
    index.take(0, [record(n, snapshot("a:1", n)) for n in range(1, 6)])
    assert (await subscription.next(1)).snapshot.version == 5
    assert await subscription.next(0.0) is None


async def test_a_subscription_to_everybody_is_bounded(monkeypatch):
    monkeypatch.setattr(subscriptions, "PENDING", 3)
    index = ProfileIndex(MemoryLog())
    subscription = index.subscribe()
    index.take(0, [record(n, snapshot(f"a:{n % 5}", n)) for n in range(10)])
    got = [
        (change.author_id, change.snapshot.version)
        for change in [await subscription.next(1) for _ in range(3)]
    ]
    assert got == [("a:2", 7), ("a:3", 8), ("a:4", 9)]
    assert subscription.dropped > 0


async def test_what_waits_for_a_client_that_does_not_read_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(subscriptions, "PENDING_BYTES", 10_000)
    log = await profile_topic(MemoryLog())
    index = ProfileIndex(log)
    await index.start()
    subscription = index.subscribe()
    await publish(
        log, *(snapshot(f"a:{n}", version, name="x" * 2000) for version in (1, 2, 3) for n in range(50))
    )
    while await index.advance():
        pass
    assert sum(len(one.value) for one in subscription._pending.values()) == subscription._bytes <= 10_000
    assert subscription.dropped
    newest = [(await subscription.next(1)).author_id for _ in range(len(subscription._pending))]
    assert newest[-1] == "a:49" and subscription._bytes == 0
    await publish(log, snapshot("a:1", 9, name="y" * 50_000))
    await index.advance()
    assert (await subscription.next(1)).snapshot.version == 9, "one waits whatever its size"


async def test_subscriptions_end_when_the_index_stops():
    log, stop = await profile_topic(MemoryLog()), asyncio.Event()
    index, task = await followed(log, stop)

    heard, subscription = asyncio.Event(), index.subscribe()

    async def listen() -> None:
        async for _ in subscription:
            heard.set()

    listening = asyncio.create_task(listen())
    await publish(log, snapshot("a:1"))
    await asyncio.wait_for(heard.wait(), 5)
    stop.set()
    await asyncio.wait_for(listening, 1)
    await asyncio.wait_for(task, 1)
    assert index.subscriptions == 0


async def test_subscribers_are_limited(monkeypatch):
    monkeypatch.setattr(subscriptions, "SUBSCRIPTIONS", 2)
    index = ProfileIndex(MemoryLog())
    first, _ = index.subscribe(), index.subscribe("a:1")
    with pytest.raises(TooManySubscribers):
        index.subscribe()
    first.close()
    first.close()
    index.subscribe()


# ---- merged authors


async def test_search_finds_whom_an_author_is_merged_into():
    new = snapshot("a:new", name="Steven Abney")
    old = snapshot("a:old", name="Steve Abney", papers_total=0, papers=[], redirect="a:new")
    index = index_of(old, new, snapshot("a:other", name="Abney Park"))
    assert (
        index.redirect("a:old") == "a:new"
        and index.redirect("a:new") is None
        and index.redirect("a:nobody") is None
    )
    assert [match.author_id for match in await index.search("steve abney")] == ["a:new"]
    assert [match.author_id for match in await index.search("abney")] == ["a:new", "a:other"]
    assert [match.name for match in await index.search("a:old")] == ["Steven Abney"]
    assert [match.author_id for match in await index.search("abney", 1)] == ["a:new"]
    index.take(0, [record(9, snapshot("a:old", 2, name="Steve Abney"))])
    assert index.redirect("a:old") is None
    assert {match.author_id for match in await index.search("steve")} == {"a:new", "a:old"}


@given(st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable()), st.text(max_size=20))
def test_a_redirect_is_read_from_the_end_of_a_snapshot_alone(other, title):
    tricky = f'{title}","redirect":"a:x"}}'
    papers = [{"paper_id": "p", "title": tricky, "citations": 0}]
    index = index_of(
        snapshot("a:1", papers=papers),
        snapshot("a:2", papers=papers, redirect=other),
        snapshot("a:3", homepage=tricky),
        snapshot(other),
    )
    assert index.redirect("a:2") == (None if other == "a:2" else other)
    assert [index.redirect(author) for author in ("a:1", "a:3") if author != other] == [None] * len(
        {"a:1", "a:3"} - {other}
    )


async def test_who_is_merged_into_somebody_unknown_is_shown_himself():
    index = index_of(snapshot("a:old", name="Ada", redirect="a:new"))
    assert index.redirect("a:old") is None
    assert [match.author_id for match in await index.search("ada")] == ["a:old"]


async def test_an_author_who_is_erased_while_a_reader_waits_is_unknown(monkeypatch):
    """The record that the index knew is gone; what follows is no newer snapshot but a tombstone."""
    log = await profile_topic(MemoryLog())
    await publish(log, snapshot("a:1"))
    index = ProfileIndex(log)
    await index.catch_up()
    reads = []

    async def compacted(_slot, author_id):
        reads.append(author_id)
        if len(reads) == 1:
            await erase(log, author_id)
            await index.advance()
        return None

    monkeypatch.setattr(index, "_read_at", compacted)
    assert await index.read("a:1") is None and reads == ["a:1"]
