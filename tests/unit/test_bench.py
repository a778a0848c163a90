"""The benchmarks run and say what they should; no figure is judged here."""

import pytest

from bench import author, literature, memory, merge, service, stages
from bench.__main__ import show
from bench.measure import Figure, calibration, machine
from services.publisher.profiles import Profiles
from services.worker import CONSUMER, PUBLISHER
from shared.stages.session import fingerprint
from shared.stages.stage import Layout
from tests.data import require
from tests.integration.literatures import simulated


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(e for e in simulated(300) if b'"paper.' in e or b'"event"' not in e) + b"\n")
    return path


def test_throughput_and_restore(events, tmp_path):
    figures = service.throughput(tmp_path / "data", events) + service.restore(tmp_path / "data")
    assert [f.bench for f in figures] == ["throughput"] * 4 + ["restore"] * 3 and all(f.value > 0 for f in figures)


def test_stages_and_memory(events, capsys):
    pipeline, figures = stages.run(events)
    assert {f.what for f in figures} >= {"catalogue", "citations", "authors", "publisher", "snapshots", "together"}
    told = {f.what: f for f in memory.of(pipeline)}
    assert set(memory.AIMS) == {name.removesuffix(", all stages") for name, f in told.items() if f.aim}
    show(figures)
    assert "together" in capsys.readouterr().out


@pytest.mark.parametrize("stage", (*CONSUMER, *PUBLISHER))
def test_every_table_that_is_named_exists(stage):
    made = stage(0, Layout(), fingerprint(Layout()))
    parts = set(made.parts()) | (set(made.progress_parts()) if isinstance(made, Profiles) else set())
    assert set(memory.FOR[stage.name]) <= parts


def test_one_more_citation():
    figures = {f.what: f.value for f in author.measure(50, tries=3, authors=20)}
    assert figures["ratio, the stage authors"] > 0 and len(figures) == 5


def test_copies_have_ids_of_their_own(tmp_path):
    require("aan")
    lines = literature.write(tmp_path / "aan.jsonl", 2).read_bytes().splitlines()
    assert len(lines) == 2 * 19_266 and lines[0].replace(b"0:", b"1:") == lines[1]


def test_what_kind_of_machine():
    assert calibration() > 0 and set(machine()) == {"date", "cores", "python", "numpy", "calibration"}
    assert Figure("a", "b", 1.0, "ms").aim is None


def test_merge():
    require("aan")
    figures = merge.measure(many=20, tries=2, papers=200)
    assert len(figures) == 4 and all(f.value > 0 for f in figures)
