"""Small legal events that touch very much: a step has a bound in memory, state and output one by names,
chains have a linear cost.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consumer.aliases.claims import Resolver
from services.consumer.catalogue import stage as catalogue
from services.consumer.citations import limits as citations_limits
from services.consumer.citations.states import NO_SLOTS
from services.publisher.snapshot_json import current
from services.publisher.stage import Profiles
from services.verify.events import AuthorEvents
from services.verify.refusals import SourceLimits, source_limits_of
from shared.columns.column import parts_of
from shared.columns.dictionary import Dictionary
from shared.errors import InputRefused
from shared.stages import packs
from shared.stages.packs import Kind, Outbox, decode
from shared.stages.stage import Layout
from tests.literature import encode
from tests.oracle import canonical, taken
from tests.stages import bombs
from tests.stages.memory import Pipeline
from tests.stages.test_merges import assert_equal, merged, separated
from tests.stages.test_pipeline import paper

MOST_MB = 150  # above rest; in one piece these took 1,100 MB to more than 9 GB


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["square", "full-square", "crowd"])
def test_a_step_takes_little_memory_whatever_one_event_touches(name):
    done = subprocess.run(
        [sys.executable, "-m", "tests.stages.bombs", name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for number, step in enumerate(json.loads(done.stdout)["steps"]):
        assert step["above_begin"] < MOST_MB, (number, step)


@given(st.lists(st.integers(0, 9)), st.integers(1, 20))
def test_parts_are_neighbours_of_about_so_much(sizes, limit):
    parts = list(parts_of(sizes, limit))
    assert [size for part in parts for size in sizes[part]] == sizes
    assert all(part.stop - part.start == 1 or sum(sizes[part]) <= limit for part in parts)
    assert all(sum(sizes[one.start : other.start + 1]) > limit for one, other in pairwise(parts))


# ---- the same results in parts


@pytest.fixture(params=[1, 7], ids=["one by one", "by seven"])
def in_parts(request):
    with (
        mock.patch.object(citations_limits, "AT_ONCE", request.param),
        mock.patch.object(citations_limits, "LARGE", 1),
        mock.patch.object(packs, "SEALED_BYTES", 100),
        mock.patch.object(catalogue, "DECODED_BYTES", 300),
    ):
        yield


def history(dice: random.Random) -> list[dict]:
    people, papers, log = [f"a{n}" for n in range(7)], [f"p{n}" for n in range(5)], []
    for _ in range(30):
        about = {"paper_id": dice.choice(papers), "revision": dice.randint(0, 4)}
        match dice.choices(["published", "withdrawn", "merged", "separated", "day"], [12, 2, 5, 2, 1])[0]:
            case "published":
                authors = [{"author_id": one, "name": one} for one in dice.sample(people, dice.randint(0, 6))]
                year = dice.choice([None, "1999", "2000", "2001"])
                log.append(
                    {
                        "title": "t",
                        "authors": authors,
                        "references": dice.sample(papers, 3),
                        "published": year,
                    }
                    | about
                )
            case "withdrawn":
                log.append({"event": "paper.withdrawn"} | about)
            case "merged":
                log.append(merged(dice.choice(people), dice.choice(people), dice.randint(0, 4)))
            case "separated":
                log.append(separated(dice.choice(people), dice.randint(0, 4)))
            case "day":
                log.append(
                    {
                        "event": "clock.ticked",
                        "author_id": "clock",
                        "date": f"{dice.randint(2000, 2006)}-06-01",
                    }
                )
    return log


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("layout", [(1, 1), (2, 3)], ids=["one partition", "several"])
def test_in_parts_everything_is_what_the_oracle_says(seed, layout, in_parts):
    log, made = history(random.Random(seed)), Pipeline(Layout(*layout), seed)
    for at in range(0, len(log), 6):
        made.tell(*log[at : at + 6])
        assert_equal(made, [encode(event) for event in log[: at + 6]])
    assert made.counter("citations", "citations_missing") == 0


def test_what_is_packed_early_is_the_same_rows_in_the_same_order():
    outboxes = []
    for limit in (1 << 30, 40):
        outbox = Outbox([Kind("x"), Kind("y")], 2)
        outbox.name, numbers = ("f", "s", 3, ("a", "b")), []
        with mock.patch.object(packs, "SEALED_BYTES", limit):
            for flush in range(3):
                for step in range(4):
                    outbox.add(
                        step % 2,
                        {"x": {"v": NO_SLOTS + 1, "w": NO_SLOTS}, "y": {"v": list("ab")}},
                    )
                end = Counter()
                for target, raw in outbox.flush("f", "s", 3, ("a", "b")):
                    pack = decode(raw)
                    assert (pack.fingerprint, pack.stage, pack.partition) == ("f", "s", 3)
                    numbers += [
                        (flush, target, kind, n, v)
                        for kind, rows in pack.kinds.items()
                        for n, v in zip(rows["n"], rows["v"], strict=True)
                    ]
                    assert pack.base == end.get(target, pack.base)
                    end[target] = pack.end
                assert [end[0], end[1]] == outbox.sent == outbox.flushed
        outboxes.append(sorted(numbers))
    assert outboxes[0] == outboxes[1] and len(outboxes[0]) == 24


# ---- names


def counted(name: str, source: str, day: int = 1) -> dict:
    return {
        "event": "paper.counted",
        "paper_id": name,
        "source": source,
        "as_of": f"2026-01-{day:02}",
        "citations": day,
    }


def scored(name: str, source: str, version: str = "1", value: float | None = 0.5) -> dict:
    return {"event": "paper.scored", "paper_id": name, "source": source, "version": version, "novelty": value}


def reported(author: str, source: str, day: int = 1) -> dict:
    about = {"event": "author.reported", "author_id": author, "source": source, "as_of": f"2026-01-{day:02}"}
    return about | {"metrics": {"h_index": day}}


FEW = Layout(max_counting_sources=2, max_scorers=2, max_reporting_sources=2)


def test_the_first_sources_have_a_place_and_keep_it():
    made = Pipeline(FEW).tell(paper("p", "a"), paper("q", "b"))
    made.tell(
        counted("p", "s"), counted("p", "t"), counted("q", "u"), counted("q", "s"), counted("p", "s", 2)
    )
    made.tell(
        scored("p", "s", value=None),
        scored("p", "t"),
        scored("q", "t", "2"),
        scored("q", "s"),
        scored("q", "t"),
    )
    made.tell(
        reported("a", "s"), reported("a", "t"), reported("a", "u"), reported("a", "s", 2), reported("b", "u")
    )
    letters = [(json.loads(letter.value), dict(letter.headers)) for letter in made.letters]
    right = counted("q", "u"), scored("q", "s"), reported("a", "u")
    assert sorted(json.dumps(event) for event, _ in letters) == sorted(map(json.dumps, right))
    assert {headers["reason"] for _, headers in letters} == {b"too_many_sources"}
    assert all(b"2" in headers["detail"] for _, headers in letters), "how many there may be"
    assert made.profiles["a"]["metrics"].keys() == {"references", "counted:s", "counted:t"}
    assert [entry["source"] for entry in made.profiles["a"]["reported"]] == ["s", "t"]
    assert [entry["source"] for entry in made.profiles["b"]["reported"]] == ["u"]


def test_the_source_of_the_headline_always_has_a_place():
    made = Pipeline(FEW._replace(headline_basis="counted:mine", headline_novelty="reported:mine@1"))
    made.tell(paper("p", "a"), *(counted("p", source) for source in ("s", "t", "u", "mine", "v")))
    made.tell(*(scored("p", source) for source in ("s", "t", "u", "mine", "v")))
    assert sorted(json.loads(letter.value)["source"] for letter in made.letters) == ["u", "u", "v", "v"]
    assert made.profiles["a"]["headline"]["basis"] == "counted:mine"


def cites(name: str, source: str, revision: int = 0) -> dict:
    about = {"event": "paper.cites", "paper_id": name, "source": source, "revision": revision}
    return about | {"references": ["q"]}


names = st.sampled_from("stuvwxyz")
said = st.one_of(
    st.builds(counted, st.sampled_from("pq"), names, st.integers(1, 3)),
    st.builds(scored, st.sampled_from("pq"), names, st.sampled_from("12"), st.sampled_from([None, 0.5])),
    st.builds(cites, st.sampled_from("pq"), names, st.integers(0, 3)),
    st.builds(reported, st.sampled_from("ab"), names, st.integers(1, 3)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(said, max_size=40), st.integers(1, 4), st.integers(0, 99))
def test_stages_verify_and_the_oracle_refuse_the_same(events, most, seed):
    layout = Layout(
        max_counting_sources=most,
        max_scorers=most,
        max_reporting_sources=most,
        max_citing_sources=most,
        headline_basis="counted:z",
    )
    made, limits, refused = (
        Pipeline(layout, seed).tell(paper("p", "a"), paper("q", "b"), *events),
        source_limits_of(layout),
        [],
    )
    for event in events:
        try:
            limits.check(0, {"novelty": None} | event)
        except InputRefused as refusal:
            assert refusal.reason == "too_many_sources"
            refused.append(json.dumps(event))
    assert sorted(json.dumps(json.loads(letter.value)) for letter in made.letters) == sorted(refused)
    plain = SourceLimits(most, most, most, most)
    with mock.patch.multiple("tests.oracle", COUNTING=most, SCORING=most, REPORTING=most, CITING=most):
        right = list(taken(map(encode, events)))
    for event in events:
        try:
            plain.check(0, {"novelty": None} | event)
        except InputRefused:
            continue
        assert json.loads(encode(event)) == right.pop(0)
    assert not right


def test_memory_and_what_is_written_follow_the_places_not_the_names():
    sizes, written = [], []
    for sources in (8, 100):
        made = Pipeline().tell(*(paper(f"p{n}", f"a{n % 50}") for n in range(300)))
        made.tell(*(counted("p1", f"s{n}") for n in range(sources)))
        before = sum(len(record.value) for log in made.logs.values() for record in log)
        for n in range(sources):
            made.tell(reported("a1", f"s{n}"), scored("p1", f"s{n}"))
        written.append(
            (sum(len(record.value) for log in made.logs.values() for record in log) - before) / sources
        )
        sizes.append(sum(session.stage.nbytes for session in made.sessions))
    assert sizes[1] < 1.1 * sizes[0]
    assert written[1] < 3 * written[0], "bytes an event"


def test_a_source_costs_what_it_counts():
    """Eight sources that count one paper each, among 20,000 papers of 15,000 authorships and more."""
    sizes = []
    with bombs.Run() as run:
        for events in bombs.counting_sources(20_000, 8):
            run.tell(events)
            run.work(lambda stage: None)
            sizes.append(sum(session.stage.nbytes for session in run.sessions))
    assert sizes[1] - sizes[0] < 1_000_000
    [profiles] = [session.stage for session in run.sessions if isinstance(session.stage, Profiles)]
    author = json.loads(current(profiles, profiles.authors.names.index("a1")))
    assert author["metrics"].keys() == {"references", *(f"counted:s{n}" for n in range(8))}


# ---- chains of merges

PEOPLE = [f"n{n}" for n in range(9)]
claims = st.lists(st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 8)), max_size=12), max_size=8)


def resolver_of(names: list[str]) -> Resolver:
    keys = Dictionary()
    keys.intern(names)
    resolver = Resolver(keys)
    resolver.resize(len(names))
    return resolver


@given(st.permutations(PEOPLE), claims)
def test_claims_that_come_together_end_as_if_followed_from_the_start(names, packs_of_claims):
    resolver, into, people = resolver_of(names), {}, AuthorEvents()
    for together in packs_of_claims:
        before = resolver.canonical.view.tolist()
        changed = resolver.claim_all(together)
        for author, target in together:
            if target < 0:
                into.pop(names[author], None)
                people.take(separated(names[author]))
            else:
                into[names[author]] = names[target]
                people.take(merged(names[author], names[target], 2))
        after = resolver.canonical.view.tolist()
        right = [canonical(name, into) for name in names]
        assert [names[other] for other in after] == right
        assert changed == {one: before[one] for one in range(len(names)) if before[one] != after[one]}
        found = people.identities()
        assert [found.get(name, name) for name in names] == right and all(
            one != other for one, other in found.items()
        )


class Asked(dict):
    """Counts how often it is asked."""

    asked = 0

    def get(self, *args):
        self.asked += 1
        return super().get(*args)


LONG = 3_000
ORDERS = {
    "from the end": range(LONG - 1, -1, -1),
    "from the beginning": range(LONG),
    "mixed": random.Random(1).sample(range(LONG), LONG),
}


@pytest.mark.parametrize("loop", [False, True], ids=["chain", "loop"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_a_long_chain_is_followed_once(order, loop):
    names = [f"a{n:05}" for n in range(LONG + 1)]
    targets = [(n + 1) % (LONG + (not loop)) for n in range(LONG)]
    resolver = resolver_of(names)
    resolver._claimed_by = Asked()
    resolver.claim_all([(n, targets[n]) for n in order])
    assert resolver._claimed_by.asked <= 2 * LONG
    assert set(resolver.canonical.view[:LONG].tolist()) == {0 if loop else LONG}
    people = AuthorEvents()
    people.claims = Asked()
    for n in order:
        people.claims[names[n]] = (1, names[targets[n]])
    found = people.identities()
    assert set(found.values()) == {names[0 if loop else LONG]} and len(found) == LONG - loop
    assert people.claims.asked <= 2 * LONG + 1
