"""Fixtures of formats: records beside the events that they must become.

A file FIXTURE stands beside FIXTURE.expected.json: {"events": […], "left_out": {member of LeftOut: count}};
"release" is the folder of a data set that its path must have.
Our own fixtures, with invented people, are in `fixtures`; those of real records are outside the repository,
and a test that needs them is skipped where they are absent.
"""

import csv
import json
from collections import Counter
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from services.producer.formats.left_out import LeftOut
from shared.contracts import authors, papers

OWN = Path(__file__).parent / "fixtures"
REAL = Path(__file__).parents[3] / "shared" / "data" / "fixtures" / "intake"
RELEASE = "2026-02-01"  # of our own fixtures


def fixtures(name):
    """The files of a format that have expected events: own ones, then real ones, or one skipped place for
    them.
    """
    own = sorted((OWN / name).glob("*.expected.json"))
    real = sorted((REAL / name).glob("*.expected.json")) or [
        pytest.param(None, marks=pytest.mark.skip(reason="the real records are not here"), id=f"real-{name}")
    ]
    return [path if hasattr(path, "marks") else pytest.param(path, id=path.name[:-14]) for path in own + real]


def records(path):
    """The records of a JSON, JSON Lines or CSV file."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    data = path.read_bytes()
    return (
        [orjson.loads(line) for line in data.splitlines()]
        if path.suffix == ".jsonl"
        else [orjson.loads(data)]
    )


def module(name):
    return import_module(f"services.producer.formats.{name}")


def check(path, *formats, **options):
    """Checks that the records of a fixture become its events, that the contract takes them, and what is left
    out.

    formats: modules that read the file; each record goes to the one that recognises it.
    """
    expected = json.loads(path.read_text())
    left_out = Counter()
    events = made(records(path.with_name(path.name[:-14])), formats, left_out, options)
    assert [bare(event) for event in events] == [as_told(event, path) for event in expected["events"]]
    for event in events:
        accept(event)
    if "left_out" in expected:
        assert {reason.name: count for reason, count in left_out.items()} == expected["left_out"]


def made(all_records, formats, left_out, options):
    events, groups = [], {}
    for record in all_records:
        chosen = next(one for one in formats if one.recognises(record))
        if hasattr(chosen, "edge"):
            edge = chosen.edge(record, _count(left_out))
            if edge:
                groups.setdefault(edge[0], []).append(edge[1])
            continue
        for event in chosen.events(record, _count(left_out), **options):
            if event not in events:  # "given twice is once": the log keeps one
                events.append(event)
    return events + [
        formats[-1].group(citing, cited, _count(left_out)) for citing, cited in sorted(groups.items())
    ]


def _count(left_out):
    def count(reason):
        assert isinstance(reason, LeftOut)
        left_out[reason] += 1

    return count


def accept(event):
    """The contract takes the event. paper.cites comes with its own contract."""
    accepted(orjson.dumps(event))


def accepted(raw):
    """The event in some bytes, which the contract takes. paper.cites comes with its own contract."""
    event = orjson.loads(raw)
    if event["event"] != "paper.cites":
        (authors if event["event"].startswith("author") else papers).decode(raw)
    return event


def bare(value):
    """A JSON value without fields that are null or empty: they may be left out."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if one not in (None, "", [], {})}
    return [bare(one) for one in value] if isinstance(value, list) else value


def cites_of(event, source):
    """paper.cites for an expected group of edges. The real fixtures are older than this event."""
    return {
        "event": "paper.cites",
        "paper_id": event["join"].removeprefix("references of "),
        "source": source,
        "references": event["references"],
    }


def as_told(event, path):
    """The expected event; the real fixtures are older than the field `kind` of paper.withdrawn."""
    if "join" in event:
        return cites_of(event, "semanticscholar")
    event = bare(event)
    if (
        REAL in path.parents
        and event["event"] == "paper.withdrawn"
        and event["reason"].startswith("retracted")
    ):
        event["kind"] = "retracted"
    return event
