"""As of: the stages run again over any cut of the inputs say what a service says that stopped there, with
whatever checkpoints.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consumer.aliases.stage import Aliases
from services.consumer.authors.stage import Authors
from services.consumer.catalogue.stage import Catalogue
from services.consumer.citations.stage import Citations
from services.consumer.cohorts.stage import Cohorts
from services.consumer.directory.stage import Directory
from services.history.commands import reason_of
from services.history.portfolio import portfolio_at
from services.history.replay import Replay, in_order
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from services.scorer.terms import Terms
from shared.contracts.topics import AUTHOR_CHANGES, AUTHOR_PROFILES
from shared.errors import ScholarstreamError, UsageError
from shared.log.port import Partition
from shared.metrics.reasons import EXPLAINERS
from shared.metrics.reasons.snapshot import CORES, LACKING
from shared.metrics.reasons.snapshot import explain as explain_from
from shared.stages.packs import decode
from shared.stages.stage import Layout
from tests import score_oracle
from tests.integration.equality import differences, must_be_published
from tests.integration.literatures import simulated
from tests.literature import encode, event_lists
from tests.oracle import oracle
from tests.score_oracle import Parameters
from tests.stages.past import Past, Shelf, prefix, random_cut, raw_events, without_version
from tests.stages.test_scores import HISTORIES, limits
from tests.streams import disturbed


async def at(past: Past, author: str, *cuts, store=None, log=None, said=None):
    """The author at each of these cuts, by one replay."""
    log = log or await past.log()
    replay = Replay(
        log,
        past.layout,
        author,
        store=store,
        report=lambda line, fraction=None: said is None or said.append(line),
    )
    return replay, [await portfolio_at(replay, cut) for cut in cuts]


def assert_as_published(portfolio, published: dict | None) -> None:
    if portfolio is None or published is None:
        assert portfolio is None and published is None
    else:
        assert without_version(portfolio.profile) == without_version(published)


@settings(max_examples=80)
@given(event_lists, st.sampled_from([(1, 1), (3, 2), (1, 3)]), st.integers(0, 10**6))
def test_any_cut_says_what_a_service_says_that_stopped_there(events, partitions, seed):
    """With the checkpoints that a life of crashes leaves, and without; the oracle has the last word."""
    past, dice = Past(Layout(*partitions), seed), random.Random(seed)
    for event in events:  # one after the other, so that there are checkpoints everywhere
        past.tell(encode(event))
    cut = random_cut(past, dice)
    made, truth = prefix(past, cut), oracle(raw_events(past, cut))

    async def check():
        log = await past.log()
        for author in sorted(past.profiles):
            for store in (past.store, None):
                _, [portfolio] = await at(past, author, cut, store=store, log=log)
                if (
                    author not in truth
                    or must_be_published(truth[author])
                    or (portfolio and author in made.profiles)
                ):
                    assert_as_published(
                        portfolio, made.profiles.get(author)
                    )  # else they may have been seen or not
                if portfolio is not None and author in truth:
                    assert list(differences(portfolio.profile, truth[author])) == []

    asyncio.run(check())


@settings(max_examples=40)
@given(HISTORIES, st.sampled_from([Layout(), Layout(3, 2, terms=2, cohorts=2)]), st.integers(0, 10**6))
def test_scores_at_any_cut_are_those_of_what_had_come_by_then(events, layout, seed):
    """No day has made the tables of the service exact there; the answer is as if one had."""
    past, dice = Past(layout, seed), random.Random(seed)
    small, parameters = (
        limits(smallest=2, reference=1, settled=3),
        Parameters(cohort=2, reference=1, settled=3),
    )
    with small[0], small[1]:
        for event in events:
            past.tell(encode(event))
        cut = random_cut(past, dice)

        async def check():
            log, found = await past.log(), {}
            for author in sorted(past.profiles):
                _, [portfolio] = await at(past, author, cut, store=dice.choice((past.store, None)), log=log)
                if portfolio is not None:
                    found[author] = portfolio.profile
            assert list(score_oracle.differences(found, raw_events(past, cut), parameters)) == []

        asyncio.run(check())


def test_who_was_merged_by_then_is_shown_as_the_service_shows_him():
    """An empty profile of his own, with whom he is."""
    made = Past(Layout(2, 2), seed=3)
    made.tell(encode({"paper_id": "p", "title": "p", "authors": [{"author_id": "a:old", "name": "A"}]}))
    before = made.cut()
    made.tell(encode({"event": "author.merged", "author_id": "a:old", "into": "a:new", "revision": 1}))
    _, [then, now] = asyncio.run(at(made, "a:old", before, made.cut()))
    assert then.profile["papers_total"] == 1 and "redirect" not in then.profile
    assert now.profile["papers_total"] == 0 and now.profile["redirect"] == "a:new"
    assert_as_published(now, made.profiles["a:old"])


@pytest.fixture(scope="module")
def past() -> Iterator[Past]:
    made = Past(Layout(2, 2), seed=5, saves=0.2, dies=0.1)
    events = disturbed(simulated(150), seed=5)
    small = limits(smallest=4, reference=10, settled=40)
    with small[0], small[1]:
        for first in range(0, len(events), 20):
            made.tell(*events[first : first + 20])
        for day in (
            "2026-12-30",
            "2026-12-31",
        ):  # the first may let papers in; after the second all tables are exact
            made.tell(encode({"event": "clock.ticked", "author_id": "clock", "date": day}))
        yield made


def authors_of(past: Past, count: int, seed: int = 1) -> list[str]:
    return random.Random(seed).sample(sorted(past.profiles), count)


@pytest.mark.parametrize("seed", range(6))
def test_checkpoints_only_save_time(past, seed):
    cut = random_cut(past, random.Random(seed)) if seed else past.cut()
    made = prefix(past, cut)

    async def check():
        log = await past.log()
        for author in authors_of(past, 4, seed):
            for store in (
                None,
                past.store,
                Shelf(dict(random.Random(seed).sample(sorted(past.store.held.items()), 9))),
            ):
                _, [portfolio] = await at(past, author, cut, store=store, log=log)
                assert_as_published(portfolio, made.profiles.get(author))

    asyncio.run(check())


def test_checkpoints_do_save_time(past):
    """At the end every stage starts from a checkpoint, and next to nothing is read."""
    asyncio.run(_read_little(past))


async def _read_little(past):
    log, store = await past.log(), Shelf(dict(past.store.held))
    for session in past.sessions:
        store.write(session.stage.name, session.stage.partition, session.position.next, session.save())
    read, records = log.read, []

    async def counted(partition, *args, **more):
        found = await read(partition, *args, **more)
        records.extend((partition.topic, record.offset) for record in found)
        return found

    log.read = counted
    author = authors_of(past, 1)[0]
    await at(past, author, past.cut(), store=store, log=log)
    few = len(records)
    records.clear()
    await at(past, author, past.cut(), log=log)
    assert few <= len(past.sessions), "the record before each checkpoint, to see that it is the log's"
    assert len(records) == sum(past.cut().values())


def test_damaged_checkpoints_are_passed_over(past):
    """Flipped bits, of another generation, empty: each is reported, none is used."""
    dice, cut = random.Random(3), past.cut()
    damaged = {
        name: raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 8]) + raw[len(raw) // 2 + 1 :]
        for name, raw in past.store.held.items()
    }
    damaged[dice.choice(sorted(damaged))] = b""
    author, said = authors_of(past, 1)[0], []
    _, [portfolio] = asyncio.run(at(past, author, cut, store=Shelf(damaged), said=said))
    assert_as_published(portfolio, past.profiles[author])
    assert any("passed over: the checksum does not match" in line for line in said)


def test_without_the_packs_between_two_checkpoints_it_starts_from_the_beginning(past):
    """Internal topics may have been trimmed, or lost their end: the inputs are enough."""
    only = {name: raw for name, raw in past.store.held.items() if name.startswith("catalogue")}
    log = asyncio.run(past.log())
    for (topic, _), records in log._records.items():
        if topic.startswith("paper-changes"):  # also those that came again after a crash
            records[:] = [record for record in records if decode(record.value).base > 0]
    author, said = authors_of(past, 1)[0], []
    _, [portfolio] = asyncio.run(at(past, author, past.cut(), store=Shelf(only), log=log, said=said))
    assert_as_published(portfolio, past.profiles[author])
    assert any("from the beginning" in line and "paper-changes" in line for line in said)


def test_a_replay_goes_on_to_a_later_cut(past):
    dice = random.Random(8)
    early = random_cut(past, dice)
    late = type(early)({place: dice.randint(start, past.cut()[place]) for place, start in early.items()})
    author = authors_of(past, 1)[0]
    replay, two = asyncio.run(at(past, author, early, late, store=past.store))
    for cut, portfolio in zip((early, late), two, strict=True):
        assert_as_published(portfolio, prefix(past, cut).profiles.get(author))
    if early != late:
        with pytest.raises(ValueError, match="does not include"):
            asyncio.run(replay.to(early))


def test_only_the_authors_partition_is_run_where_that_is_enough(past):
    author = authors_of(past, 1)[0]
    replay, _ = asyncio.run(at(past, author, past.cut()))
    run = [(type(node.session.stage), node.session.stage.partition) for node in replay.nodes]
    assert run == [
        (Catalogue, 0), (Catalogue, 1), (Directory, 0), (Directory, 1), (Aliases, 0), (Terms, 0),
        (Citations, 0), (Citations, 1),
        (Cohorts, 0), (Authors, replay.partition), (Profiles, replay.partition),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        replay.stage(Authors, 1 - replay.partition)


def test_nothing_is_written(past):
    log = asyncio.run(past.log())

    async def refuse(*_):
        raise AssertionError("a replay writes nothing")

    log.append = log.create = log.fence = refuse
    held = dict(past.store.held)
    asyncio.run(at(past, authors_of(past, 1)[0], past.cut(), store=past.store, log=log))
    assert past.store.held == held


def test_every_metric_of_every_author_is_explained_by_the_papers(past):
    """The explanation computes the number again, from the papers it lists."""

    stated = Counter()

    async def check():
        log = await past.log()
        for author in authors_of(past, 25, seed=2):
            _, [portfolio] = await at(past, author, past.cut(), store=past.store, log=log)
            for basis, numbers in portfolio.profile["metrics"].items():
                for metric, value in numbers.items():
                    assert reason_of(portfolio, metric, basis)["value"] == value, (author, basis, metric)
                    stated[metric] += value is not None
            for series in ("papers_by_year", "citations_by_year"):
                held = {year: n for year, n in portfolio.profile[series].items() if n}
                assert reason_of(portfolio, series, "references")["value"] == held
            with pytest.raises(UsageError, match="this profile has references"):
                reason_of(portfolio, "h_index", "counted:nobody")

    asyncio.run(check())
    assert len(EXPLAINERS) > 10
    assert stated["novelty"] > 5 and stated["ai_score"] > 5


def test_what_a_snapshot_explains_is_what_the_whole_log_explains(past):
    """From the listed papers alone: the same words, papers and next step; where the list is cut, these or
    none.
    """
    stated = Counter()

    def agree(short, metric, whole, profile):
        if short.reason is None:
            assert short.lacking.endswith(".")
            return
        assert short.value == whole["value"] == profile["metrics"][short.basis][metric]
        made = short.reason.as_json()
        if metric == "ai_score":  # of percentiles with six decimals
            assert [paper["paper_id"] for paper in made["papers"]] == [
                paper["paper_id"] for paper in whole["papers"]
            ]
            assert made["value"] == pytest.approx(whole["value"], abs=1e-3)
        else:
            assert made["sentence"] == whole["sentence"]
            assert [paper["citations"] for paper in made["papers"]] == [
                paper["citations"] for paper in whole["papers"]
            ]
            assert made["next"] is None or made["next"]["needs"] == whole["next"]["needs"]

    async def check():
        log = await past.log()
        for author in authors_of(past, 25, seed=3):
            _, [portfolio] = await at(past, author, past.cut(), store=past.store, log=log)
            profile = portfolio.profile | {"papers": portfolio.papers}
            for basis, numbers in profile["metrics"].items():
                for metric in numbers:
                    whole, short = reason_of(portfolio, metric, basis), explain_from(profile, metric, basis)
                    assert (short.reason is None) == (metric in LACKING), (metric, short.lacking)
                    agree(short, metric, whole, profile)
                    for listed in range(len(portfolio.papers)):
                        cut = explain_from(profile | {"papers": portfolio.papers[:listed]}, metric, basis)
                        agree(cut, metric, whole, profile)
                        stated[metric, basis == "references"] += cut.reason is not None
            for series in ("papers_by_year", "citations_by_year"):
                assert explain_from(profile, series).reason is not None

    asyncio.run(check())
    assert min(stated[metric, True] for metric in CORES) > 0
    assert not any(stated[metric, True] for metric in EXPLAINERS if metric not in CORES)
    assert not any(stated[metric, False] for metric in EXPLAINERS), (
        "a list is in the order of reference citations"
    )


def test_senders_come_before_receivers_and_circles_are_refused():
    order = in_order(tuple(reversed(STAGES)))
    assert order[-2:] == [Authors, Profiles] and {*order} == {*STAGES}
    assert order.index(Directory) < order.index(Aliases) < order.index(Citations) > order.index(Catalogue)

    class Circle(Authors):
        outputs = (AUTHOR_CHANGES,)

    with pytest.raises(ScholarstreamError, match="circle"):
        in_order([Catalogue, Citations, Circle])


def test_the_public_topic_is_what_the_past_published(past):
    """The yardstick of these tests: the life of crashes published what the prefix of everything publishes."""
    made = prefix(past, past.cut())
    assert {a: without_version(p) for a, p in past.profiles.items()} == {
        a: without_version(p) for a, p in made.profiles.items()
    }
    assert past.logs[Partition(AUTHOR_PROFILES.name, 0)]
