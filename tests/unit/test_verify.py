"""services/verify.py over logs whose published side is written by the oracle: silent when all is right, and it names whatever is wrong."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sample import Sample
from services.verify import SHOWN, Verifier
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import LogDamaged, UsageError, VerificationFailed
from shared.ids import partitions_of
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from tests.literature import encode, event_lists
from tests.oracle import oracle
from tests.score_oracle import add_scores

EVENTS = [
    encode(
        {"paper_id": "a", "title": "A", "authors": [{"name": "Ada", "affiliations": ["U"]}], "published": "2001", "categories": ["cs.LG"]}
    ),
    encode({"paper_id": "b", "title": "B", "authors": [{"name": "Ada"}, {"name": "Bob"}], "published": "2003-05", "references": ["a"]}),
    encode({"paper_id": "c", "title": "C", "authors": [{"author_id": "x", "name": "Cyd"}], "published": "2004", "references": ["a", "b"]}),
    encode({"event": "paper.counted", "paper_id": "a", "source": "s", "as_of": "2026-01-01", "citations": 12}),
    encode({"event": "author.reported", "author_id": "x", "source": "r", "as_of": "2026-01-01", "metrics": {"h_index": 7}}),
    encode({"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"}),
    b"garbage",
]


class Published:
    """A log with events in it and what the oracle says about them, which a test may spoil before it is verified."""

    def __init__(self, events, partitions=1):
        self.truth = oracle(events)
        add_scores(self.truth, events)
        self.partitions, self.max_event_bytes = partitions, 8 << 20
        self.batches: dict[Partition, list[Message]] = {}
        for event in events:
            try:
                key, topic = key_of(json.loads(event))
            except ValueError:
                key, topic = "?", PAPERS.name
            number = int(partitions_of([key.encode()], partitions)[0])
            batch = self.batches.setdefault(Partition(topic, number), [])
            if topic == PAPERS.name and key == "?":
                self.letter(PAPERS.name, number, len(batch), event)
            batch.append(Message(key.encode(), event))
        for version, (author, profile) in enumerate(self.truth.items(), 1):
            self.snapshot(author, snapshot_of(profile, version))

    def snapshot(self, author, snapshot):
        at = Partition(AUTHOR_PROFILES.name, 0)
        self.batches.setdefault(at, []).append(Message(author.encode(), json.dumps(snapshot).encode()))

    def letter(self, topic, partition, offset, raw=b"{}"):
        place = (("source_topic", topic), ("source_partition", str(partition)), ("source_offset", str(offset)), ("reason", "r"))
        message = Message(None, raw, tuple((name, value.encode()) for name, value in place))
        self.batches.setdefault(Partition(DEAD_LETTERS.name, 0), []).append(message)

    def newest(self, author):
        """The newest snapshot of an author with the version a spoiled successor would have."""
        profile = json.loads(json.dumps(snapshot_of(self.truth[author], 1_000)))
        return profile

    def verify(self, sample=None):
        async def run():
            log = MemoryLog()
            try:
                topics = (PAPERS, AUTHORS, AUTHOR_PROFILES, AUTHOR_METRICS, DEAD_LETTERS)
                # nothing is compacted away here: what verify says about versions, it says about those that are still there
                await log.create([topic.spec(self.partitions, 1)._replace(compacted=False) for topic in topics])
                await log.append(self.batches)
                verifier = Verifier(log, lambda line, fraction=None: None, max_event_bytes=self.max_event_bytes, sample=sample)
                await verifier.note_ends()
                return await verifier.run()
            finally:
                await log.close()

        return asyncio.run(run())


def key_of(event):
    if event.get("event", "paper.").startswith("paper."):
        return event["paper_id"], PAPERS.name
    return event["author_id"], AUTHORS.name


def snapshot_of(profile, version):
    references = profile["metrics"]["references"]
    headline = {metric: references[metric] for metric in ("h_index", "papers", "citations")} | {"basis": "references"}
    scores = {metric: references[metric] for metric in ("novelty", "ai_score")}
    return profile | {
        "name": profile["name"] or profile["author_id"],
        "generation": 1,
        "version": version,
        "provenance": {"coverage": {"references": profile["coverage"]}},
        "headline": headline | scores,
    }


@settings(max_examples=150, deadline=None)
@given(event_lists)
def test_silent_when_all_is_right(events):
    raw = [encode(event) for event in events]
    for partitions in (1, 3):
        counts = Published(raw, partitions).verify()
        assert counts["events"] == len(raw) and counts["dead_letters"] == 0


def test_counts_what_it_compared():
    counts = Published(EVENTS).verify()
    assert counts == {
        "events": 7, "papers": 3, "authorships": 4, "citations": 3, "authors": 3, "snapshots": 3, "dead_letters": 1,
    }  # fmt: skip


SPOILED = {
    "papers_total: published 9, recomputed 2": lambda s: s.update(papers_total=9),
    "field: published CL, recomputed LG": lambda s: s.update(field="CL"),
    "name: published ada, recomputed Ada": lambda s: s.update(name="ada"),
    "metrics.references.h_index: published 2, recomputed 1": lambda s: s["metrics"]["references"].update(h_index=2),
    "metrics.references.g_index: published nothing, recomputed 1": lambda s: s["metrics"]["references"].pop("g_index"),
    "metrics.counted:s.citations: published 11, recomputed 12": lambda s: s["metrics"]["counted:s"].update(citations=11),
    "metrics.counted:s.papers_counted: published nothing, recomputed 1": lambda s: s["metrics"].pop("counted:s"),
    "metrics.counted:t.papers_counted: published 1, recomputed 0": lambda s: s["metrics"].update({"counted:t": {"papers_counted": 1}}),
    "papers_by_year.2001: published 0, recomputed 1": lambda s: s["papers_by_year"].pop("2001"),
    "citations_by_year.1999: published 4, recomputed 0": lambda s: s["citations_by_year"].update({"1999": 4}),
    "papers listed: published 1, recomputed 2": lambda s: s["papers"].pop(),
    "papers[0].paper_id: published b, recomputed a": lambda s: s["papers"].reverse(),
    "papers[0].citations (a): published 1, recomputed 2": lambda s: s["papers"][0].update(citations=1),
    "papers[0].title (a): published Z, recomputed A": lambda s: s["papers"][0].update(title="Z"),
    "papers[0].affiliations (a): published [], recomputed ['U']": lambda s: s["papers"][0].update(affiliations=[]),
    "papers[0].citations_by_source (a): published nothing, recomputed {'s': 12}": lambda s: s["papers"][0].pop("citations_by_source"),
    "headline.citations: published 4, recomputed 3": lambda s: s["headline"].update(citations=4),
    "offset 3: published name:eve, recomputed name:ada": lambda s: s.update(author_id="name:eve"),
    "offset 3: published (1, None), recomputed two integers": lambda s: s.update(version=None),
}


@pytest.mark.parametrize("message", SPOILED)
def test_names_a_wrong_snapshot(message):
    published = Published(EVENTS)
    wrong = published.newest("name:ada")
    SPOILED[message](wrong)
    published.snapshot("name:ada", wrong)
    with pytest.raises(VerificationFailed) as failed:
        published.verify()
    assert message in str(failed.value) and ("name:ada" in str(failed.value))


def test_names_wrong_reported_figures():
    published = Published(EVENTS)
    wrong = published.newest("x")
    wrong["reported"][0]["h_index"] = 102
    published.snapshot("x", wrong)
    with pytest.raises(VerificationFailed, match="102"):
        published.verify()


def test_names_a_check_that_is_not_told_or_wrongly_told():
    for codes in ([], ["h_index_exceeds_papers", "h_index_exceeds_computed_papers"]):
        published = Published(EVENTS)
        wrong = published.newest("x")
        assert wrong["reported"][0]["violations"] == ["h_index_exceeds_computed_papers"], "an h-index of 7, and fewer papers in the log"
        wrong["reported"][0]["violations"] = codes
        published.snapshot("x", wrong)
        with pytest.raises(VerificationFailed, match=r"reported\[r\]"):
            published.verify()


def test_only_the_newest_snapshot_counts():
    published = Published(EVENTS)
    published.snapshot("name:ada", published.newest("name:ada") | {"name": "wrong for a while"})
    published.snapshot("name:ada", published.newest("name:ada") | {"version": 1_001})
    assert published.verify()["snapshots"] == 3


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"version": 1}), "each version once"),
        (lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"version": 1, "name": "B"}), "one value for one version"),
        (lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"version": 0}), "something above (1, 1)"),
        (lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"generation": 0}), "something above (1, 1)"),
        (lambda p: p.snapshot("a:nobody", p.newest("name:ada") | {"author_id": "a:nobody"}), "a:nobody"),
        (lambda p: p.batches[Partition(AUTHOR_PROFILES.name, 0)].append(Message(b"name:ada", b"")), "a JSON object"),
        (lambda p: p.batches[Partition(AUTHOR_PROFILES.name, 0)].pop(0), "snapshot: published nothing"),
        (lambda p: p.letter("papers.v1", 0, 0), "dead letter: published refused, recomputed a good event"),
        (lambda p: p.batches.pop(Partition(DEAD_LETTERS.name, 0)), "dead letter: published nothing"),
    ],
)
def test_names_what_is_wrong_with_the_topics(spoil, message):
    published = Published(EVENTS)
    if message == "each version once":
        published.snapshot("name:ada", published.newest("name:ada") | {"version": 1})
        published.batches[Partition(AUTHOR_PROFILES.name, 0)][-1] = published.batches[Partition(AUTHOR_PROFILES.name, 0)][0]
    else:
        spoil(published)
    with pytest.raises(VerificationFailed) as failed:
        published.verify()
    assert message in str(failed.value)


def test_a_letter_seen_twice_is_one_letter():
    published = Published(EVENTS)
    published.letter("papers.v1", 0, 4, b"garbage")
    assert published.verify()["dead_letters"] == 1


def test_a_record_under_a_wrong_key_must_be_a_dead_letter():
    published = Published(EVENTS)
    published.batches[Partition(PAPERS.name, 0)].append(Message(b"other", EVENTS[0]))
    with pytest.raises(VerificationFailed, match="dead letter: published nothing"):
        published.verify()
    published.letter("papers.v1", 0, 5)
    assert published.verify()["dead_letters"] == 2


def test_a_record_in_a_wrong_partition_must_be_a_dead_letter():
    published = Published(EVENTS[:3], partitions=3)
    home = int(partitions_of([b"a"], 3)[0])
    published.batches.setdefault(Partition(PAPERS.name, (home + 1) % 3), []).append(Message(b"a", EVENTS[0]))
    with pytest.raises(VerificationFailed, match="wrong_partition"):
        published.verify()


def test_an_event_above_the_limit_must_be_a_dead_letter():
    published = Published([*EVENTS[:3], encode({"paper_id": "d", "title": "D" * 999, "authors": [{"name": "Ada"}]})])
    published.max_event_bytes = 999
    with pytest.raises(VerificationFailed, match="oversize"):
        published.verify()


def test_many_differences_are_counted_but_not_all_listed():
    events = [encode({"paper_id": f"p{n}", "title": "T", "authors": [{"name": f"Author {n}"}]}) for n in range(50)]
    published = Published(events)
    published.batches.pop(Partition(AUTHOR_PROFILES.name, 0))
    with pytest.raises(VerificationFailed, match="50 differences, 50 authors") as failed:
        published.verify()
    assert str(failed.value).count("snapshot: published nothing") == SHOWN and f"and {50 - SHOWN} more" in str(failed.value)


def test_a_trimmed_truth_is_no_truth():
    class Trimmed(MemoryLog):
        async def bounds(self, partitions):
            return {partition: (1, end) for partition, (_, end) in (await super().bounds(partitions)).items()}

    async def run():
        log = Trimmed()
        await log.create([PAPERS.spec(1, 1), AUTHORS.spec(1, 1)])
        await Verifier(log, print).note_ends()

    with pytest.raises(LogDamaged, match=r"begins at 1"):
        asyncio.run(run())


# samples


@settings(max_examples=100, deadline=None)
@given(event_lists, st.sampled_from(["50%", "0.3", "2", "1"]))
def test_a_sample_is_silent_when_all_is_right(events, sample):
    raw = [encode(event) for event in events]
    for partitions in (1, 3):
        counts = Published(raw, partitions).verify(Sample.of(sample))
        assert counts["authors"] <= (int(sample) if sample.isdigit() else counts["snapshots"])


def test_a_sample_names_what_is_wrong_with_its_authors_and_no_others():
    whole = Published(EVENTS).verify()
    found = 0
    for author in ("name:ada", "name:bob", "x"):
        published = Published(EVENTS)
        wrong = published.newest(author)
        wrong["metrics"]["references"]["tori"] = 9.0
        published.snapshot(author, wrong)
        chosen = Sample.of("2")
        try:
            assert published.verify(chosen)["authors"] == 2
        except VerificationFailed as failed:
            assert chosen.has(author) and f"{author}\n    metrics.references.tori: published 9.0" in str(failed)
            found += 1
        else:
            assert not chosen.has(author)
    assert found == 2 and whole["authors"] == 3


def test_a_sample_reads_into_memory_only_what_its_authors_need():
    events = [encode({"paper_id": f"p{n}", "title": "T", "authors": [{"name": f"Author {n}"}]}) for n in range(200)]
    events.append(encode({"paper_id": "q", "title": "T", "authors": [{"name": "Author 0"}], "references": ["p1", "p2"]}))
    sample = Sample.of("5%")
    counts = Published(events).verify(sample)
    assert 0 < counts["authors"] < 40 and counts["papers"] <= counts["authors"] + 3


def test_a_sample_leaves_out_what_depends_on_the_papers_of_everybody():
    """With enough papers each has a novelty and a place among all; a sample does not read them, and must not complain."""
    words = ["red", "green", "blue", "black", "white", "alpha", "beta"]
    events = [
        encode({"paper_id": f"p{n}", "title": " ".join(words[n % 5 :] + words[: n % 3]), "authors": [{"name": f"Author {n}"}],
                "published": str(2000 + n // 110), "references": [f"p{n // 2}"]})
        for n in range(220)
    ]  # fmt: skip
    published = Published(events)
    assert sum(profile["metrics"]["references"]["novelty"] is not None for profile in published.truth.values()) > 50
    assert 0 < published.verify(Sample.of("5%"))["authors"] < 40
    assert published.verify()["authors"] == 220


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "200%", "many", "0%"])
def test_a_sample_that_cannot_be_is_said_so(text):
    with pytest.raises(UsageError, match="share of the authors"):
        Sample.of(text)
