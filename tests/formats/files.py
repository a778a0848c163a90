"""Reads files of formats as `ingest` does: the reader of the container, the format, the contract's limits."""

import json
from collections import Counter
from typing import NamedTuple

from services.producer.formats.left_out import LeftOut
from services.producer.sources.file import FileSource
from shared.errors import InputRefused
from tests.formats.examples import REAL, accepted, bare, cites_of


class Read(NamedTuple):
    """What a file gave. fault: why reading ended before its end."""

    events: list[dict]
    left_out: Counter[str]
    refused: list[InputRefused]
    fault: InputRefused | None


def read(path, name=None, namespace=None):
    """All events of a file, in order. The contract takes each of them."""
    source, events, refused, fault = FileSource(path, name, namespace), [], [], None
    try:
        for item in source.items():
            if item.refusal is not None:
                refused.append(item.refusal)
            elif item.raw:
                events.append(accepted(item.raw))
    except InputRefused as error:
        fault = error
    assert all(isinstance(reason, LeftOut) for reason in source.left_out)
    return Read(events, Counter({reason.name: n for reason, n in source.left_out.items()}), refused, fault)


def check_file(path, name, *, refused=0):
    """Checks that a file becomes its events, with its format named and without.

    path: of its FILE.expected.json. refused: records that are refused.
    """
    expected = json.loads(path.read_text())
    file = path.with_name(path.name.removesuffix(".expected.json"))
    namespace = expected.get("namespace", "lib")
    for named in (name, None):
        found = read(file, named, namespace)
        assert in_order(map(lean, found.events)) == in_order(
            _told(event, path) for event in expected["events"]
        )
        assert found.fault is None
        assert len(found.refused) == refused
        if "left_out" in expected:
            assert found.left_out == expected["left_out"]


def lean(event):
    """The event without fields that are null, empty or false: they may be left out."""
    return {name: value for name, value in bare(event).items() if value is not False}


def in_order(events):
    """The events as they came; groups of citations come sorted, so their order tells nothing."""
    events = list(events)
    groups = [event for event in events if event["event"] == "paper.cites"]
    return sorted(groups, key=lambda event: event["paper_id"]) if groups else events


def _told(event, path):
    """The expected event. The real fixtures are older than `kind` of paper.withdrawn, and than
    paper.cites.
    """
    event = lean(event)
    if "join" in event:
        return cites_of(event, "opencitations")
    if path.parent == REAL / "retraction_watch" and event["event"] == "paper.withdrawn":
        event["kind"] = "retracted"
    return event
