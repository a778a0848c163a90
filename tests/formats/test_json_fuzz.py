"""Damaged records of the JSON formats are refused or left out: no other error, and nothing that is no
event.
"""

import copy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.producer.formats.limits import fit
from shared.errors import InputRefused
from tests.formats.examples import OWN, accept, module, records

DEEP = [[[[[[[[{"a": [{"a": None}]}]]]]]]]]
JUNK = st.sampled_from(
    (None, True, False, 0, -1, 2**53, 2**70, -(2**70), 1.5, 1e300, "", " ", "\x00", "\ud800", "null", "0",
     "W1", "<<&amp;",
     "10.5555/" + "a" * 400, "https://openalex.org/W", "9999-99-99", "0001-01-01", "x" * 60_000, "\\" * 300,
     "{" * 300,
     [], {}, [None], [[]], [{}], {"": None}, {"date-parts": [[None]]}, {"value": []}, DEEP, ["x"] * 300,
     [{"name": "y"}] * 300)
)  # fmt: skip
FORMATS = {
    "openalex": ("works.jsonl", "authors.jsonl"),
    "crossref": ("works.jsonl",),
    "semanticscholar": ("graph.jsonl", "datasets.jsonl"),
    "semanticscholar_citations": ("../semanticscholar/citations.jsonl",),
    "s2orc": ("metadata.jsonl",),
    "unarxive": ("papers.jsonl",),
    "inspire": ("literature.jsonl", "authors.jsonl"),
    "datacite": ("dois.jsonl",),
}


def places(value, path=()):
    """The path of every value within a JSON value, also its own."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from places(one, (*path, name))


@st.composite
def damaged(draw, given_records):
    """A record with one to three values lost, cut, retyped, nested or made huge."""
    record = copy.deepcopy(given_records[draw(st.integers(0, len(given_records) - 1))])
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in places(record) if path]
        if not paths:
            break
        path = draw(st.integers(0, len(paths) - 1).map(paths.__getitem__))
        inside = record
        for name in path[:-1]:
            inside = inside[name]
        old = inside[path[-1]]
        what = draw(st.sampled_from(("lost", "cut", "junk", "junk", "nested", "other")))
        if what == "lost":
            del inside[path[-1]]
        elif what == "cut" and isinstance(old, str | list):
            inside[path[-1]] = old[: draw(st.integers(0, len(old)))]
        elif what == "nested":
            inside[path[-1]] = draw(st.sampled_from((lambda v: [v], lambda v: {"a": v}, lambda v: [[v]])))(
                old
            )
        elif what == "other":
            inside[path[-1]] = copy.deepcopy(list(record.values())[draw(st.integers(0, len(record) - 1))])
        else:
            inside[path[-1]] = copy.deepcopy(draw(JUNK))  # another turn may change it
    return record


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_records_are_refused_or_left_out(name):
    fmt = module(name)
    examples = [one for file in FORMATS[name] for one in records(OWN / name.partition("_")[0] / file)]

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damaged(examples))
    def run(record):
        assert fmt.recognises(record) in (True, False)
        try:
            if hasattr(fmt, "edge"):
                edge = fmt.edge(record)
                events = [fmt.group(edge[0], [edge[1]])] if edge else []
            else:
                events = fmt.events(record)
        except InputRefused as refused:
            assert refused.hint and len(str(refused)) < 500
            return
        for event in events:
            check(event)

    run()


def check(event):
    """An event has its id and type; the contract takes it, or refuses a value that came from the record."""
    fit(event, lambda _: None, "9999-12-31")
    try:
        orjson.dumps(event)
    except TypeError:  # half of a surrogate pair, which the frame replaces
        return
    try:
        accept(event)
    except InputRefused as refused:
        assert refused.reason in ("invalid_value", "limit_exceeded"), (str(refused), event)
