"""As of, through real services: a log that has gone on says of a point what the service published that
stopped there.
"""

import asyncio
import json
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.history.commands import profile_as_of
from services.verify_checkpoints.stages import check
from shared.settings import Settings
from tests.data import aan_events
from tests.integration.commands import Running, exported_profiles, run_to_idle, scholarstream, write_events
from tests.integration.equality import SCORES, differences
from tests.integration.literatures import simulated
from tests.oracle import oracle
from tests.stages.past import without_tables, without_version
from tests.streams import disturbed

SAVING = {
    "SCHOLARSTREAM_CHECKPOINT_SECONDS": "0",
    "SCHOLARSTREAM_KEEP_CHECKPOINTS": "100",
    "SCHOLARSTREAM_BATCH_RECORDS": "100",
}


def as_of(data, author: str, point: str) -> dict:
    return asyncio.run(
        profile_as_of(Settings.load(data_dir=str(data)), author, point, lambda line, fraction=None: None)
    )


def end_of(data) -> str:
    """The cut at which the log ends now."""
    topics = {
        one["topic"]: one
        for one in json.loads(scholarstream("topics", "describe", "--json", data_dir=data).stdout)
    }
    assert topics["papers.v1"]["partitions"] >= 1
    author = next(iter(exported_profiles(data)))
    return as_of(data, author, "now")["cut"]


@pytest.mark.parametrize(("partitions", "kills"), [(3, 0), (1, 3)])
def test_what_a_service_said_that_stopped_there(partitions, kills, tmp_path):
    events = disturbed(simulated(250), seed=12 + partitions)
    data, env, cuts = tmp_path / "data", SAVING | {"SCHOLARSTREAM_PARTITIONS": str(partitions)}, {}
    dice = random.Random(partitions)
    for part in range(3):
        first, last = part * len(events) // 3, (part + 1) * len(events) // 3
        source = write_events(tmp_path / f"part{part}.jsonl", events[first:last])
        for _ in range(kills if part == 1 else 0):
            with Running(
                "run", "--source", source, "--exit-when-idle", "--port", "0", data_dir=data, env=env
            ) as running:
                try:
                    running.process.wait(dice.uniform(0.3, 1.2))
                except subprocess.TimeoutExpired:
                    running.kill()
        run_to_idle(data, source, env=env)
        cuts[end_of(data)] = exported_profiles(data)
    assert len(cuts) == 3
    for number, (cut, published) in enumerate(cuts.items()):
        authors = dice.sample(sorted(published), 4)
        if number == 1:  # without any checkpoint it takes longer and says the same
            (data / "checkpoints").rename(data / "away")
        for author in authors:
            assert without_tables(as_of(data, author, cut)) == without_tables(published[author])
        if number == 1:
            (data / "away").rename(data / "checkpoints")
    some = next(iter(published))
    stated = json.loads(scholarstream("profile", some, "--as-of", cut, "--json", data_dir=data).stdout)
    assert (
        stated["cut"] == cut
        and stated["version"] is None
        and without_tables(stated) == without_tables(published[some])
    )
    stages = 5 * partitions + 3  # aliases, terms and cohorts have one partition
    assert (
        asyncio.run(check(Settings.load(data_dir=str(data)), lambda line, fraction=None: None)) == stages
    ), "every checkpoint is right"


def around(events: Sequence[bytes], name: str) -> list[bytes]:
    """What one author's profile rests on: his papers, those that cite them, those that they cite. The oracle
    of everybody takes long.
    """
    papers = [json.loads(event) for event in events]
    mine = {
        paper["paper_id"] for paper in papers if any(author["name"] == name for author in paper["authors"])
    }
    wanted = mine | {
        reference for paper in papers if paper["paper_id"] in mine for reference in paper["references"]
    }
    return [
        event
        for event, paper in zip(events, papers, strict=True)
        if paper["paper_id"] in wanted or not mine.isdisjoint(paper["references"])
    ]


def test_the_anthology_at_six_cuts(tmp_path):
    events, dice = aan_events(), random.Random(10)
    data = tmp_path / "data"
    run_to_idle(
        data, write_events(tmp_path / "events.jsonl", events), env={"SCHOLARSTREAM_CHECKPOINT_SECONDS": "1"}
    )
    for cut in [*sorted(dice.sample(range(100, len(events)), 5)), len(events)]:
        names = (
            author["name"]
            for event in dice.sample(events[:cut], 50)
            for author in json.loads(event)["authors"]
        )
        name, _ = Counter(names).most_common(1)[0]
        (author, expected), *_ = [
            (key, profile)
            for key, profile in oracle(around(events[:cut], name)).items()
            if profile["name"] == name and profile["papers_total"]
        ]
        assert list(differences(as_of(data, author, f"{cut},0"), expected)) == [], (cut, author)


def test_commands(tmp_path):
    """What people type, and what they see."""

    def paper(name, *authors, cites=(), **more):
        written = [{"author_id": a, "name": a.title()} for a in authors]
        return json.dumps(
            {"paper_id": name, "title": f"On {name}", "authors": written, "references": cites} | more
        ).encode()

    events = [
        paper("p", "a"), paper("q", "a"), paper("r", "b", cites=["p"]),
        paper("s", "a", "b", cites=["p", "q"], published="2020"),
        paper("q", "a", revision=1, title="On Q"),
        b'{"event": "paper.withdrawn", "paper_id": "r", "revision": 1}',
        paper("t", "c", cites=["p", "q"]),
    ]  # fmt: skip
    data = tmp_path / "data"
    run_to_idle(data, write_events(tmp_path / "events.jsonl", events))

    found = json.loads(scholarstream("compare", "a", "3", "now", "--json", data_dir=data).stdout)
    assert found["before"]["cut"].startswith("papers.v1:0=3,") and found["after"]["known"]
    assert found["metrics"]["references"]["h_index"] == {"before": 1, "after": 2}
    assert found["metrics"]["references"]["citations"] == {"before": 1, "after": 4}
    assert [one["paper_id"] for one in found["papers_added"]] == ["s"]
    assert [(one["paper_id"], one["changed"]) for one in found["papers_revised"]] == [("q", ["title"])]
    assert [(one["paper_id"], one["gained"]) for one in found["citations"]] == [("q", 2), ("p", 1)]
    assert found["years"]["papers_by_year"] == {"2020": {"before": 0, "after": 1}}
    found = json.loads(scholarstream("compare", "b", "5", "6", "--json", data_dir=data).stdout)
    assert [one["paper_id"] for one in found["papers_withdrawn"]] == ["r"] and found["papers_left"] == []
    backwards = json.loads(scholarstream("compare", "b", "6", "5", "--json", data_dir=data).stdout)
    assert [one["paper_id"] for one in backwards["papers_added"]] == ["r"]
    unknown = json.loads(scholarstream("compare", "c", "3", "--json", data_dir=data).stdout)
    assert not unknown["before"]["known"] and unknown["metrics"]["references"]["papers"] == {
        "before": None,
        "after": 1,
    }
    said = scholarstream("compare", "a", "3", data_dir=data).stdout
    assert "h_index" in said and "+3" in said and "On s" in said and "title" in said
    assert "nothing changed" in scholarstream("compare", "a", "now", "now", data_dir=data).stdout

    said = scholarstream("profile", "a", "--as-of", "3", data_dir=data).stdout
    assert "at papers.v1:0=3" in said and "h-index 1" in said
    why = json.loads(scholarstream("explain", "a", "h_index", "--json", data_dir=data).stdout)
    assert (
        why["value"] == 2
        and [one["paper_id"] for one in why["papers"]] == ["p", "q"]
        and why["next"]["value"] == 3
    )
    said = scholarstream("explain", "a", "h_index", "--as-of", "3", data_dir=data).stdout
    assert "1 paper with at least 1 citation each." in said and "For 2: " in said
    assert "citations_by_year" in scholarstream("explain", "a", "citations_by_year", data_dir=data).stdout

    for words, what in (
        (("profile", "a", "--as-of", "soon"), "names no point of this log"),
        (("compare", "a", "9"), "ends at 7"),
        (("explain", "a", "hindex"), "there are papers, citations, h_index"),
        (("explain", "a", "h_index", "--basis", "counted:x"), "this profile has references"),
    ):
        assert what in scholarstream(*words, data_dir=data, expect=2).stderr
    assert (
        "there was no author 'z'"
        in scholarstream("profile", "z", "--as-of", "now", data_dir=data, expect=1).stderr
    )
    assert (
        "there was no author 'c'"
        in scholarstream("explain", "c", "papers", "--as-of", "3", data_dir=data, expect=1).stderr
    )


def test_with_the_scores_where_a_day_was_the_last_it_read(tmp_path):
    """After a day the tables of the service are exact, as those of an answer always are: then nothing differs
    but versions.
    """
    data, dice = tmp_path / "data", random.Random(5)
    run_to_idle(data, write_events(tmp_path / "events.jsonl", disturbed(simulated(300), seed=5)), env=SAVING)
    for ahead in (1, 2):  # the first may let papers in
        day = (datetime.now(UTC).date() + timedelta(ahead)).isoformat()
        stated = json.dumps({"event": "clock.ticked", "author_id": "clock", "date": day}).encode()
        run_to_idle(data, write_events(tmp_path / f"{day}.jsonl", [stated]), env=SAVING)
    cut, published = end_of(data), exported_profiles(data)
    more = {"paper_id": "late", "title": "t", "published": "2020", "authors": [{"name": "Ada"}]}
    run_to_idle(data, write_events(tmp_path / "late.jsonl", [json.dumps(more).encode()]), env=SAVING)
    scored = [
        author
        for author, profile in published.items()
        if None not in (profile["headline"][score] for score in SCORES)
    ]
    merged = [author for author, profile in published.items() if "redirect" in profile]
    assert len(scored) > 20 and len(merged) > 5
    for author in (*dice.sample(sorted(scored), 6), *dice.sample(sorted(merged), 2)):
        assert without_version(as_of(data, author, cut)) == without_version(published[author])
