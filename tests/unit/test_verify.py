"""services/verify/verifier.py over logs whose published side is written by the oracle:
silent when all is right, and it names whatever is wrong.
"""

import ast
import asyncio
import contextlib
import functools
import importlib.util
import json
import operator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.verify.memory_budget import InputSize, memory_of
from services.verify.partitioning import Slices
from services.verify.refusals import SourceLimits
from services.verify.report import SHOWN
from services.verify.sample import Sample
from services.verify.verifier import Verifier
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import LogDamaged, UsageError, VerificationFailed
from shared.ids import partitions_of
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from tests.literature import encode, event_lists
from tests.oracle import KINDS, oracle
from tests.score_oracle import add_scores

OURS = (("ce_source", b"scholarstream/publisher"),)
EVENTS = [
    encode(
        {
            "paper_id": "a",
            "title": "A",
            "authors": [{"name": "Ada", "affiliations": ["U"]}],
            "published": "2001",
            "categories": ["cs.LG"],
        }
    ),
    encode(
        {
            "paper_id": "b",
            "title": "B",
            "authors": [{"name": "Ada"}, {"name": "Bob"}],
            "published": "2003-05",
            "references": ["a"],
        }
    ),
    encode(
        {
            "paper_id": "c",
            "title": "C",
            "authors": [{"author_id": "x", "name": "Cyd"}],
            "published": "2004",
            "references": ["a", "b"],
        }
    ),
    encode(
        {"event": "paper.counted", "paper_id": "a", "source": "s", "as_of": "2026-01-01", "citations": 12}
    ),
    encode(
        {
            "event": "author.reported",
            "author_id": "x",
            "source": "r",
            "as_of": "2026-01-01",
            "metrics": {"h_index": 7},
        }
    ),
    encode({"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"}),
    b"garbage",
]


SMALL = 100_000  # bytes: several slices of `literature`
MERGED = [(5, 9), (9, 17), (7, 3), (30, 31), (31, 30)]  # a chain, one that does not last, a loop


class Published:
    """A log with events in it and what the oracle says about them, which a test may spoil before it is
    verified.
    """

    def __init__(self, events, partitions=1):
        self.truth = oracle(events)
        add_scores(self.truth, events)
        self.partitions, self.max_event_bytes, self.days_ahead, self.source_limits = (
            partitions,
            8 << 20,
            2,
            None,
        )
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
        self.batches.setdefault(at, []).append(Message(author.encode(), json.dumps(snapshot).encode(), OURS))

    def letter(self, topic, partition, offset, raw=b"{}"):
        place = (
            ("source_topic", topic),
            ("source_partition", str(partition)),
            ("source_offset", str(offset)),
            ("reason", "r"),
        )
        message = Message(None, raw, tuple((name, value.encode()) for name, value in place))
        self.batches.setdefault(Partition(DEAD_LETTERS.name, 0), []).append(message)

    def newest(self, author):
        """The newest snapshot of an author with the version a spoiled successor would have."""
        profile = json.loads(json.dumps(snapshot_of(self.truth[author], 1_000)))
        return profile

    def verify(self, sample=None, memory=1 << 30):
        """What was compared. `verifier` is kept: how it went can be asked when this raises, too."""

        async def run():
            log = MemoryLog()
            try:
                topics = (PAPERS, AUTHORS, AUTHOR_PROFILES, AUTHOR_METRICS, DEAD_LETTERS)
                # nothing is compacted away here: what verify says about versions, it says about those that
                # are still there
                await log.create(
                    [topic.spec(self.partitions, 1)._replace(compacted=False) for topic in topics]
                )
                await log.append(self.batches)
                self.verifier = Verifier(
                    log,
                    self._hear,
                    max_event_bytes=self.max_event_bytes,
                    days_ahead=self.days_ahead,
                    sample=sample,
                    memory=memory,
                    source_limits=self.source_limits,
                    kinds=KINDS,
                )
                await self.verifier.note_ends()
                return await self.verifier.run()
            finally:
                await log.close()

        self.heard = []
        return asyncio.run(run())

    def _hear(self, line, fraction=None):
        assert fraction is None or 0 <= fraction <= 1
        self.heard.append(line)

    def found(self, **options):
        """(subject, what, published, recomputed) of everything that is wrong."""
        with contextlib.suppress(VerificationFailed):
            self.verify(**options)
        assert self.verifier.differences.count == len(self.verifier.differences.first) < SHOWN
        return sorted(map(str, self.verifier.differences.first))


def key_of(event):
    if event.get("event", "paper.").startswith("paper."):
        return event["paper_id"], PAPERS.name
    return event["author_id"], AUTHORS.name


def snapshot_of(profile, version):
    references = profile["metrics"]["references"]
    headline = {metric: references[metric] for metric in ("h_index", "papers", "citations")} | {
        "basis": "references"
    }
    scores = {metric: references[metric] for metric in ("novelty", "ai_score")}
    return profile | {
        "name": profile["name"] or profile["author_id"],
        "generation": 1,
        "version": version,
        "provenance": {
            "coverage": {"references": profile["coverage"], "novelty": profile["coverage_novelty"]}
        },
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
        "events": 7, "papers": 3, "authorships": 4, "citations": 3, "authors": 3, "snapshots": 3,
        "dead_letters": 1,
    }  # fmt: skip


SPOILED = {
    "papers_total: published 9, recomputed 2": lambda s: s.update(papers_total=9),
    "field: published CL, recomputed LG": lambda s: s.update(field="CL"),
    "name: published ada, recomputed Ada": lambda s: s.update(name="ada"),
    "metrics.references.h_index: published 2, recomputed 1": lambda s: s["metrics"]["references"].update(
        h_index=2
    ),
    "metrics.references.g_index: published nothing, recomputed 1": lambda s: s["metrics"]["references"].pop(
        "g_index"
    ),
    "metrics.references.papers: published nothing, recomputed 2": lambda s: s.pop("metrics"),
    "metrics.counted:s.citations: published 11, recomputed 12": lambda s: s["metrics"]["counted:s"].update(
        citations=11
    ),
    "metrics.counted:s.papers_counted: published nothing, recomputed 1": lambda s: s["metrics"].pop(
        "counted:s"
    ),
    "metrics.counted:t.papers_counted: published 1, recomputed 0": lambda s: s["metrics"].update(
        {"counted:t": {"papers_counted": 1}}
    ),
    "papers_by_year.2001: published 0, recomputed 1": lambda s: s["papers_by_year"].pop("2001"),
    "citations_by_year.1999: published 4, recomputed 0": lambda s: s["citations_by_year"].update({"1999": 4}),
    "papers listed: published 1, recomputed 2": lambda s: s["papers"].pop(),
    "papers[0].paper_id: published b, recomputed a": lambda s: s["papers"].reverse(),
    "papers[0].citations (a): published 1, recomputed 2": lambda s: s["papers"][0].update(citations=1),
    "papers[0].title (a): published Z, recomputed A": lambda s: s["papers"][0].update(title="Z"),
    "papers[0].affiliations (a): published [], recomputed ['U']": lambda s: s["papers"][0].update(
        affiliations=[]
    ),
    "papers[0].citations_by_source (a): published nothing, recomputed {'s': 12}": lambda s: s["papers"][
        0
    ].pop("citations_by_source"),
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


@pytest.mark.parametrize("value", [None, 7, "x", [7], {"x": 7}], ids=repr)
def test_a_snapshot_of_any_form_is_compared(value):
    """Another client may have written it: verify says what differs, and goes on with the other authors."""
    whole = Published(EVENTS).newest("name:ada")
    for part in ([], ["papers", 0], ["headline"], ["provenance"], ["metrics", "references"]):
        for field in functools.reduce(operator.getitem, part, whole):
            published = Published(EVENTS)
            wrong = published.newest("name:ada")
            functools.reduce(operator.getitem, part, wrong)[field] = value
            published.snapshot("name:ada", wrong)
            published.snapshot("x", published.newest("x") | {"papers_total": 99})
            found = published.found()
            assert any("papers_total: published 99" in one for one in found), (part, field, found)
    for field in ("papers", "metrics", "headline", "flags"):
        published = Published(EVENTS)
        published.snapshot("name:ada", published.newest("name:ada") | {field: 7})
        assert any("name:ada" in one for one in published.found()), field


def test_names_wrong_reported_figures():
    published = Published(EVENTS)
    wrong = published.newest("x")
    wrong["reported"][0]["h_index"] = 102
    published.snapshot("x", wrong)
    with pytest.raises(VerificationFailed, match="102"):
        published.verify()


def test_names_a_check_that_is_not_reported_or_wrongly_stated():
    for codes in ([], ["h_index_exceeds_papers", "h_index_exceeds_computed_papers"]):
        published = Published(EVENTS)
        wrong = published.newest("x")
        assert wrong["reported"][0]["violations"] == ["h_index_exceeds_computed_papers"], (
            "an h-index of 7, and fewer papers in the log"
        )
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
        (
            lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"version": 1, "name": "B"}),
            "one value for one version",
        ),
        (lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"version": 0}), "something above (1, 1)"),
        (
            lambda p: p.snapshot("name:ada", p.newest("name:ada") | {"generation": 0}),
            "something above (1, 1)",
        ),
        (lambda p: p.snapshot("a:nobody", p.newest("name:ada") | {"author_id": "a:nobody"}), "a:nobody"),
        (
            lambda p: p.batches[Partition(AUTHOR_PROFILES.name, 0)].append(Message(b"name:ada", b"", OURS)),
            "a JSON object",
        ),
        (lambda p: p.batches[Partition(AUTHOR_PROFILES.name, 0)].pop(0), "snapshot: published nothing"),
        (
            lambda p: p.letter("papers.v1", 0, 0, EVENTS[0]),
            "dead letter: published refused, recomputed a good event",
        ),
        (lambda p: p.batches.pop(Partition(DEAD_LETTERS.name, 0)), "dead letter: published nothing"),
    ],
)
def test_names_what_is_wrong_with_the_topics(spoil, message):
    published = Published(EVENTS)
    if message == "each version once":
        published.snapshot("name:ada", published.newest("name:ada") | {"version": 1})
        published.batches[Partition(AUTHOR_PROFILES.name, 0)][-1] = published.batches[
            Partition(AUTHOR_PROFILES.name, 0)
        ][0]
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


@pytest.mark.parametrize("memory", [1 << 30, SMALL])
def test_an_event_dated_far_ahead_must_be_a_dead_letter(memory):
    """By its append time: without the limit the same events count, and a letter of theirs is one too many."""
    far = [
        {"event": "paper.counted", "paper_id": "a", "source": "s", "as_of": "2206-01-01", "citations": 99},
        {
            "event": "author.reported",
            "author_id": "x",
            "source": "r",
            "as_of": "2206-01-01",
            "metrics": {"h_index": 1},
        },
        {"event": "clock.ticked", "author_id": "clock", "date": "9999-12-31"},
    ]
    published, places = Published(EVENTS), []
    for event in far:
        key, topic = key_of(event)
        batch = published.batches[Partition(topic, 0)]
        places.append((topic, 0, len(batch)))
        batch.append(Message(key.encode(), encode(event)))
    assert [line.split("\n")[0].strip() for line in published.found(memory=memory)] == sorted(
        f"{topic}[{partition}] offset {offset}" for topic, partition, offset in places
    )
    for place, event in zip(places, far, strict=True):
        published.letter(*place, encode(event))
    assert published.verify(memory=memory)["dead_letters"] == 4
    published.days_ahead = 1 << 40
    with pytest.raises(VerificationFailed, match="published refused, recomputed a good event"):
        published.verify(memory=memory)
    assert Published([*EVENTS, *map(encode, far)]).found(memory=memory), "the same log without letters"


def test_an_event_above_the_limit_must_be_a_dead_letter():
    published = Published(
        [*EVENTS[:3], encode({"paper_id": "d", "title": "D" * 999, "authors": [{"name": "Ada"}]})]
    )
    published.max_event_bytes = 999
    with pytest.raises(VerificationFailed, match="oversize"):
        published.verify()


def test_events_of_sources_there_is_no_room_for_must_be_dead_letters():
    counts = [
        {"event": "paper.counted", "paper_id": "a", "source": f"s{n}", "as_of": "2026-01-01", "citations": n}
        for n in range(10)
    ]
    published = Published([*EVENTS[:3], *map(encode, counts)])
    published.source_limits = SourceLimits(8, 8, 8)
    assert [line.split("\n")[0].strip() for line in published.found()] == [
        "papers.v1[0] offset 11",
        "papers.v1[0] offset 12",
    ]
    assert "too_many_sources" in published.found()[0] or "room for 8" in published.found()[0]
    for offset in (11, 12):
        published.letter(PAPERS.name, 0, offset)
    for memory in (1 << 30, SMALL):
        assert published.verify(memory=memory)["dead_letters"] == 2


def test_many_differences_are_counted_but_not_all_listed():
    events = [
        encode({"paper_id": f"p{n}", "title": "T", "authors": [{"name": f"Author {n}"}]}) for n in range(50)
    ]
    published = Published(events)
    published.batches.pop(Partition(AUTHOR_PROFILES.name, 0))
    with pytest.raises(VerificationFailed, match="50 differences, 50 authors") as failed:
        published.verify()
    assert str(failed.value).count(
        "snapshot: published nothing"
    ) == SHOWN and f"and {50 - SHOWN} more" in str(failed.value)


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
            assert chosen.has(author) and f"{author}\n    metrics.references.tori: published 9.0" in str(
                failed
            )
            found += 1
        else:
            assert not chosen.has(author)
    assert found == 2 and whole["authors"] == 3


@pytest.mark.parametrize("memory", [1 << 30, SMALL])
def test_a_sample_compares_what_depends_on_the_papers_of_everybody(memory):
    published = Published(literature())
    assert 0 < published.verify(Sample.of("5%"), memory)["authors"] < 40
    sample = Sample.of("5%")
    author = next(
        name
        for name in published.truth
        if sample.has(name) and published.truth[name]["papers"][0]["novelty"] is not None
    )
    wrong = published.newest(author)
    wrong["papers"][0]["novelty"] += 0.25
    published.snapshot(author, wrong)
    (difference,) = published.found(sample=sample, memory=memory)
    assert author in difference and f"novelty ({wrong['papers'][0]['paper_id']})" in difference


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "200%", "many", "0%"])
def test_a_sample_that_cannot_be_is_said_so(text):
    with pytest.raises(UsageError, match="share of the authors"):
        Sample.of(text)


# slices


def test_silent_slice_by_slice():
    published = Published(literature(), partitions=3)
    whole = published.verify()
    assert published.verifier.slices == 1 and not any("slice" in line for line in published.heard)
    assert published.verify(memory=SMALL) == whole
    slices = published.verifier.slices
    assert slices > 3
    for step in (
        "reading",
        "counting words",
        "counting citations",
        "scoring",
        "comparing author-profiles.v1",
    ):
        heard = [line for line in dict.fromkeys(published.heard) if line.startswith(f"{step}, slice")]
        assert heard == [f"{step}, slice {number} of {slices}" for number in range(1, slices + 1)]


@settings(max_examples=100, deadline=None)
@given(event_lists, st.data())
def test_slices_find_what_one_reading_finds(events, data):
    published, metric = Published([encode(event) for event in events], partitions=2), None
    if published.truth:
        author = data.draw(st.sampled_from(sorted(published.truth)))
        wrong = published.newest(author)
        metric = data.draw(st.sampled_from(sorted(wrong["metrics"]["references"])))
        wrong["metrics"]["references"][metric] = 77
        published.snapshot(author, wrong)
    whole = published.found()
    assert published.found(memory=750) == whole
    assert whole or metric in (None, "novelty")  # where nobody has a paper, no scorer has been seen at work


FALSIFIED = {
    "metrics.references.citations_self": lambda s: s["metrics"]["references"].update(citations_self=9),
    "metrics.references.tori": lambda s: s["metrics"]["references"].update(tori=9.5),
    "scores: novelty": lambda s: s["metrics"]["references"].update(novelty=0.987),
    "scores: ai_score": lambda s: s["metrics"]["references"].update(ai_score=98.7),
    "'immature': 77": lambda s: s["scores"]["ai_score"].update(immature=77),
    "'provisional': None": lambda s: s["scores"]["novelty"].update(provisional=None),
    "scores: coverage.novelty": lambda s: s["provenance"]["coverage"].update(novelty=0.123),
    "scores: ai_score by t": lambda s: s["scores"].update(ai_score_by_source={"t": {"ranked": 3}}),
    "standing_by_source (": lambda s: s["papers"][0].update(standing_by_source={"t": {"percentile": 0.5}}),
    "flags: self_citations_included": lambda s: s["flags"].append("self_citations_included"),
    "standing by citations (": lambda s: s["papers"][0]["standing"]["citations"].update(percentile=0.987),
    "novelty (": lambda s: s["papers"][0].update(novelty=0.987),
    "new_pairs (": lambda s: s["papers"][0]["standing"]["novelty"].update(new_pairs=77),
    "papers[0].title (": lambda s: s["papers"][0].update(title="Z"),
    "provenance.coverage.references": lambda s: s["provenance"]["coverage"].update(references=0.123),
    "reported[r]": lambda s: s["reported"].append({"source": "r", "as_of": "2026-01-01", "h_index": 3}),
    "redirect": lambda s: s.update(redirect="name:author 0"),
}


@pytest.mark.parametrize("what", FALSIFIED)
def test_a_falsified_snapshot_is_found_in_every_slice(what):
    published = Published(literature())
    slices = Slices(in_slices(published))
    with_papers = [author for author, profile in published.truth.items() if profile["papers"]]
    one_of_each = {slices.number(author): author for author in with_papers}
    assert len(one_of_each) == slices.count
    for author in one_of_each.values():
        wrong = published.newest(author)
        FALSIFIED[what](wrong)
        published.snapshot(author, wrong)
    found = published.found(memory=SMALL)
    assert found == published.found() and len(found) >= slices.count
    assert all(any(author in line and what in line for line in found) for author in one_of_each.values())


def test_a_missing_snapshot_is_found_in_every_slice():
    published = Published(literature())
    slices = Slices(in_slices(published))
    one_of_each = {slices.number(author): author for author in published.truth}
    at = Partition(AUTHOR_PROFILES.name, 0)
    published.batches[at] = [
        message for message in published.batches[at] if message.key.decode() not in one_of_each.values()
    ]
    found = published.found(memory=SMALL)
    assert found == published.found() and len(found) == slices.count == len(one_of_each)


def test_merged_and_withdrawn_are_found_where_they_come_to_lie_in_other_slices():
    published = Published(literature())
    slices = Slices(in_slices(published))
    merged = {old: profile["redirect"] for old, profile in published.truth.items() if profile["redirect"]}
    assert any(slices.number(old) != slices.number(new) for old, new in merged.items())
    assert any(
        slices.number("p20") != slices.number(author) for author in ("name:author 20", "name:author 5")
    )
    for author, change in (
        ("name:author 5", {"redirect": None, "papers_total": 1}),  # as if nobody had merged him
        ("name:author 17", {"papers_total": 1}),  # as if nobody had been merged into him
        ("name:author 20", {"papers_total": 9}),  # as if nothing of his had been withdrawn
    ):
        published.snapshot(author, published.newest(author) | change)
    found = published.found(memory=SMALL)
    assert found == published.found()
    for author in ("name:author 5", "name:author 17", "name:author 20"):
        assert any(author in line and "papers_total" in line for line in found)


def test_what_does_not_fit_at_all_is_said():
    with pytest.raises(UsageError, match=r"--memory: this log takes [\d,]+MB at least, in 256 slices"):
        InputSize(papers=10**9).slices(10**6)


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500 * 10**6), ("2GiB", 2 << 30), ("1.5gb", 1_500_000_000), ("4096", 4096)]
)
def test_sizes_of_memory(text, size):
    assert memory_of(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "1 parsec", "0"])
def test_a_memory_that_cannot_be_is_said_so(text):
    with pytest.raises(UsageError, match="such as 500MB"):
        memory_of(text)


def test_shares_nothing_with_what_it_checks():
    """The modules that recompute import no stage, no consumer, no metric, whatever way."""
    seen, waiting = (
        set(),
        [
            "services.verify.verifier",
        ],
    )
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text())
        for node in ast.walk(tree):
            names = (
                [node.module]
                if isinstance(node, ast.ImportFrom)
                else [one.name for one in getattr(node, "names", ()) if isinstance(node, ast.Import)]
            )
            waiting += [name for name in names if name.split(".")[0] in ("services", "shared")]
    assert seen >= {
        "services.verify.papers",
        "services.verify.scores",
        "services.verify.word_pairs",
        "services.verify.partitioning",
    }
    assert not [
        name
        for name in seen
        if name.startswith(("shared.stages", "shared.metrics"))
        or (name.startswith("services.") and not name.startswith("services.verify."))
    ], seen


def in_slices(published):
    """How many a verification with little memory makes."""
    published.verify(memory=SMALL)
    return published.verifier.slices


def literature():
    """Enough papers that each has a novelty and a place among all; merged authors, withdrawn and revised
    papers.
    """
    words = ["red", "green", "blue", "black", "white", "alpha", "beta"]
    events = [
        {"paper_id": f"p{n}", "title": " ".join(words[n % 5 :] + words[: n % 3]),
         "published": str(2000 + n // 110),
         "authors": [{"name": f"Author {n}"}, {"name": f"Author {n // 4}"}],
         "references": [f"p{n // 2}", f"p{n // 3}"]}
        for n in range(240)
    ]  # fmt: skip
    events.append(
        events[40] | {"revision": 1, "title": "red beta white alpha", "authors": [{"name": "Author 41"}]}
    )
    events += [{"event": "paper.withdrawn", "paper_id": f"p{n}", "revision": 1} for n in (20, 33)]
    events += [
        {"event": "author.merged", "author_id": f"name:author {n}", "into": f"name:author {into}"}
        for n, into in MERGED
    ]
    events.append({"event": "author.separated", "author_id": "name:author 7", "revision": 1})
    events.append({"event": "author.described", "author_id": "name:author 8", "name": "A. U. Thor"})
    events.append(
        {
            "event": "author.reported",
            "author_id": "a:only-reported",
            "source": "r",
            "as_of": "2026-01-01",
            "metrics": {"papers": 1},
        }
    )
    events.append({"event": "paper.scored", "paper_id": "p9", "source": "s", "version": "1", "novelty": 0.5})
    events += [
        {"event": "paper.counted", "paper_id": f"p{n}", "source": "s", "as_of": "2026-01-01",
         "citations": n * 7 % 13}
        for n in range(0, 240, 2)
    ]  # fmt: skip
    events.append({"event": "clock.ticked", "author_id": "clock", "date": "2003-11-23"})
    return [encode(event) for event in events]
