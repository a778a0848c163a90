"""Everything that can be reported, in any order, while sessions of every stage crash and come back from any
checkpoint of theirs.

What is published always equals the oracles: every number, series, list, flag, redirect; the scores after a
day; each change record. At the end everybody is separated from everybody, and the profiles are those of a
service that never heard of a merge.
"""

import contextlib
import random
from unittest import mock

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shared.contracts.topics import AUTHOR_PROFILES, AUTHORS, PAPERS
from shared.log.port import Partition
from shared.stages import packs
from shared.stages.stage import Layout
from tests.literature import INSTANTS
from tests.oracle import parse, valid
from tests.stages.memory import Pipeline
from tests.stages.past import without_version
from tests.stages.simulator import Actor, World

pytestmark = pytest.mark.timeout(900)  # what fails is made small first
KEYS = [f"p{n}" for n in range(10)]
IDS = ["a:x", "a:y", "a:z"]
IDENTITIES = ("author.merged", "author.separated")
WORDS = ["red", "green", "blue", "black", "white", "alpha", "beta", "gamma", "delta", "rouge"]


def texts() -> list[str | None]:
    """None, one word, titles; texts long enough for a class of their own (20 pairs), English by their words
    and not.
    """
    dice = random.Random(1)
    long = [
        dice.choices(WORDS + stops, k=60)
        for stops in (["the", "of"], ["the", "of"], ["the", "and", "of"], [], [])
    ]
    return [
        None,
        "red",
        "red green. blue, black",
        "alpha beta gamma",
        *(" ".join(words) for words in long),
        "赤い花と青い鳥",
    ]


TEXTS = texts()
LARGE = packs.PACK_BYTES
DATES = [None, "1790", "2018", "2019", "2019-05", "2020-01", "2020-02-03", "2020", "2030-01"]
CATEGORIES = [[], ["cs.LG"], ["cs.CL", "x"]]
NAMES = ["Ada", "ADA ", "Bob", "The Di Team"]
papers = st.sampled_from(KEYS)
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
writers = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES)},
    optional={
        "author_id": st.sampled_from([*IDS, None]),
        "affiliations": st.lists(st.sampled_from("UVW"), max_size=2),
    },
)
published = st.fixed_dictionaries(
    {
        "paper_id": papers,
        "revision": st.integers(0, 3),
        "title": titles,
        "published": st.sampled_from(DATES),
        "authors": st.lists(writers, max_size=4),
        "references": st.lists(st.sampled_from([*KEYS, "elsewhere"]), max_size=5),
    },
    optional={
        "abstract": st.sampled_from(TEXTS),
        "categories": st.sampled_from(CATEGORIES),
        "language": st.sampled_from(["en", "fr-CA"]),
        "authors_truncated": st.booleans(),
        "url": st.just("https://example.org/p"),
        "venue": st.sampled_from(["V", "W"]),
    },
)
counted = st.fixed_dictionaries(
    {"paper_id": papers, "source": st.sampled_from("st"), "as_of": st.sampled_from(INSTANTS),
     "citations": st.sampled_from([0, 1, 5, 12, 150])}
)  # fmt: skip
scored = st.fixed_dictionaries(
    {
        "paper_id": papers,
        "source": st.sampled_from("st"),
        "version": st.sampled_from("12"),
        "novelty": st.sampled_from([None, 0.25, 0.55]),
    }
)
described = st.fixed_dictionaries(
    {
        "author_id": st.sampled_from(IDS),
        "name": st.sampled_from(["Xenia", "X Collaboration"]),
        "revision": st.integers(0, 2),
    },
    optional={
        "orcid": st.sampled_from([None, "0000-0001"]),
        "aliases": st.lists(st.sampled_from(["X.", "Y."]), max_size=2),
    },
)
figures = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(0, 4)
        for name in ("papers", "citations", "h_index", "g_index", "i10_index", "i100_index")
    },
)
reported = st.fixed_dictionaries(
    {"author_id": st.sampled_from(IDS), "source": st.sampled_from("st"), "as_of": st.sampled_from(INSTANTS),
     "metrics": figures}
)  # fmt: skip
people = st.sampled_from([*IDS, "name:ada", "name:bob", "a:nobody"])
poison = st.sampled_from(
    [b"\x00not json", b"[1]", b"", b'{"paper_id": 7}', b'{"paper_id": "p0", "title": "t", "authors": 3}']
)
layouts = st.builds(
    lambda counts, shown: Layout(
        counts[0], counts[1], terms=counts[2], cohorts=counts[3], snapshot_papers=shown
    ),
    st.tuples(*[st.integers(1, 3)] * 4),
    st.sampled_from([2, 100]),
)


def literature(seed: int) -> list[dict]:
    """Enough papers at once for cohorts, cores and circles of citations: dated within two years, half of them
    with a long text.
    """
    dice = random.Random(seed)
    return [
        {
            "paper_id": key,
            "revision": dice.choice((0, 0, 1, 2)),
            "title": " ".join(dice.choices(WORDS, k=dice.randint(3, 6))),
            "abstract": dice.choice(TEXTS) if dice.random() < 0.5 else None,
            "published": dice.choice(DATES[3:8]),
            "categories": dice.choice(CATEGORIES[1:]),
            "authors": [
                {"author_id": dice.choice([*IDS, None]), "name": dice.choice(NAMES)}
                for _ in range(dice.randint(1, 3))
            ],
            "references": dice.sample(KEYS, dice.randint(0, 5)),
        }
        for key in dice.sample(KEYS, dice.randint(4, len(KEYS)))
    ]


class Histories(RuleBasedStateMachine):
    """Telling only appends to the log; work is done a few random steps at a time, so a crash finds every
    stage somewhere else.
    """

    @initialize(
        layout=layouts, seed=st.integers(0, 10**6), pack_bytes=st.sampled_from([1, 400, LARGE, LARGE])
    )
    def begin(self, layout, seed, pack_bytes):
        self.world = World(seed, layout=layout, script=())
        self.world.pack_bytes, self.world.crashes = pack_bytes, False  # crashes are reported, below
        self.world.ghostly = self.world.repeats = self.world.zombies = True
        self.day = 0
        self.patches = contextlib.ExitStack()
        self.patches.enter_context(self.world.limits())
        self.write(seed)

    def tell(self, event: dict) -> None:
        topic, key = (AUTHORS, event["author_id"]) if "author_id" in event else (PAPERS, event["paper_id"])
        self.world.tell(topic.name, key, orjson.dumps(event))

    # what can be reported

    @rule(seed=st.integers(0, 10**6))
    def write(self, seed):
        for event in literature(seed):
            self.tell(event)

    @rule(events=st.lists(published, min_size=1, max_size=3))
    def publish(self, events):
        for event in events:
            self.tell(event)

    @rule(paper=papers, revision=st.integers(0, 4))
    def withdraw(self, paper, revision):
        self.tell({"event": "paper.withdrawn", "paper_id": paper, "revision": revision})

    @rule(event=counted)
    def count(self, event):
        self.tell({"event": "paper.counted"} | event)

    @rule(event=scored)
    def score(self, event):
        self.tell({"event": "paper.scored"} | event)

    @rule(event=described)
    def describe(self, event):
        self.tell({"event": "author.described"} | event)

    @rule(event=reported)
    def report(self, event):
        self.tell({"event": "author.reported"} | event)

    @rule(author=people, into=people, revision=st.integers(0, 3))
    def merge(self, author, into, revision):
        self.tell({"event": "author.merged", "author_id": author, "into": into, "revision": revision})

    @rule(author=people, revision=st.integers(0, 3))
    def separate(self, author, revision):
        self.tell({"event": "author.separated", "author_id": author, "revision": revision})

    @rule(place=st.integers(0, 99))
    def repeat(self, place):
        """Anything that was reported before, perhaps an old revision."""
        stated = [event for event in map(parse, self.world.input) if valid(event)]
        if stated:
            self.tell(stated[place % len(stated)])

    @rule(raw=poison, key=papers)
    def spoil(self, raw, key):
        self.world.tell(PAPERS.name, key, raw)

    @rule(date=st.sampled_from(["2018-02-01", "2019-06-01", "2020-12-31", "2021-01-01", "2022-05-05"]))
    def tick(self, date):
        """Perhaps a day that is over, in the midst of everything."""
        self.tell({"event": "clock.ticked", "author_id": "clock", "date": date})

    # what happens to the sessions

    @rule(steps=st.integers(1, 60), seed=st.integers(0, 10**6))
    def work(self, steps, seed):
        self.world.rng.seed(seed)
        for _ in range(steps):
            self.world.step()

    @rule(place=st.integers(0, 99), which=st.sampled_from(["newest", "older", "none"]))
    def crash(self, place, which):
        """All sessions of a stage die; another one begins with that checkpoint."""
        world, role = self.world, self.world.roles[place % len(self.world.roles)]
        for actor in [actor for actor in world.actors if actor.role == role]:
            world.remove(actor)
        held = world.history.get(role)
        saved = {
            "newest": world.saved.get(role),
            "older": held[place % len(held)] if held else None,
            "none": None,
        }[which]
        world.actors.append(Actor(world, role, saved))

    # what must hold

    @rule()
    def finish(self):
        """Everything is worked off, by who is left."""
        self.drain()
        self.world.check(even=False)

    @rule(days=st.integers(1, 300))
    def pass_days(self, days):
        """The second of two days finds everything else done: the scores are exact."""
        for more in (days, 1):
            self.drain()
            self.day += more
            self.tick(date=f"{2023 + self.day // 336}-{self.day // 28 % 12 + 1:02}-{self.day % 28 + 1:02}")
        self.drain()
        self.world.check()

    def drain(self) -> None:
        for actor in [actor for actor in self.world.actors if actor.doomed]:
            self.world.remove(actor)
        self.world.drain()

    def teardown(self):
        try:
            if hasattr(self, "world"):
                self.part_everybody()
        finally:
            if hasattr(self, "patches"):
                self.patches.close()

    def part_everybody(self) -> None:
        """As if nobody had ever been merged, after a last crash of somebody."""
        world = self.world
        self.pass_days(days=1)
        stated = [event for event in map(parse, world.input) if valid(event)]
        for author in sorted({event["author_id"] for event in stated if event.get("event") in IDENTITIES}):
            self.tell({"event": "author.separated", "author_id": author, "revision": 9})
        self.crash(place=world.rng.randrange(99), which="older")
        self.pass_days(days=1)
        plain = Pipeline(world.layout, seed=1)
        events = [
            event
            for event in map(parse, world.input)
            if valid(event) and event.get("event") not in IDENTITIES
        ]
        days = events[-4:]  # reported when all else was done
        assert {event.get("event") for event in days} == {"clock.ticked"}
        with mock.patch.object(packs, "PACK_BYTES", LARGE):
            plain.tell(*events[:-4])
            for day in days:
                plain.tell(day)
        after, never = (
            self.profiles(),
            {author: lasting(profile) for author, profile in plain.profiles.items()},
        )
        assert {author: after[author] for author in never} == never
        assert not [author for author in after.keys() - never.keys() if after[author]["papers_total"]]

    def profiles(self) -> dict[str, dict]:
        logs = (
            self.world.logs[Partition(AUTHOR_PROFILES.name, number)]
            for number in range(self.world.layout.authors)
        )
        newest = (orjson.loads(record.value) for log in logs for record in log)
        return {profile["author_id"]: lasting(profile) for profile in newest}


def lasting(profile: dict) -> dict:
    """What a profile says, without when it came to say so."""
    return {name: value for name, value in without_version(profile).items() if name != "generation"}


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
