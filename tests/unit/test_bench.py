"""The benchmarks run and say what they should; no figure is judged here. Those on Kafka:
tests/integration/test_bench_on_kafka.py.
"""

import orjson
import pytest

from bench import literature, memory, pair
from bench.__main__ import KINDS, main
from bench.measure import Figure, calibration, machine
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from shared.stages.session import fingerprint
from shared.stages.stage import Layout
from tests.data import require

FIGURES = {"throughput": 4, "restore": 3, "latency": 4, "author": 5, "merge": 4, "openalex": 4}


def small(folder, *kinds: str) -> list[dict]:
    """The figures of `python -m bench KIND… --small`."""
    main([*kinds, "--small", "--json", str(folder / "figures.json")])
    return orjson.loads((folder / "figures.json").read_bytes())["figures"]


@pytest.mark.parametrize(
    "kinds", [("throughput", "restore"), ("latency",), ("author",), ("merge",), ("openalex",)]
)
def test_a_bench_runs_in_small(tmp_path, kinds):
    figures = small(tmp_path, *kinds)
    assert [f["bench"] for f in figures] == [kind for kind in kinds for _ in range(FIGURES[kind])]
    assert all(f["value"] > 0 or f["what"].startswith("memory") for f in figures)


def test_stages_and_memory_run_in_small(tmp_path, capsys):
    figures = small(tmp_path, "stages", "memory")
    assert {f["bench"] for f in figures} == {"stages", "memory"}
    assert {f["what"] for f in figures} >= {
        "catalogue",
        "citations",
        "authors",
        "publisher",
        "snapshots",
        "together",
    }
    aimed = {f["what"].removesuffix(", all stages") for f in figures if f["aim"] and f["bench"] == "memory"}
    assert aimed == set(memory.AIMS)
    assert "together" in capsys.readouterr().out


def test_two_trees_are_compared_in_small(capsys):
    pair.main([str(pair.HERE), "--small"])
    out = capsys.readouterr().out
    ratios = {line[:30].strip(): float(line.split()[-1]) for line in out.splitlines()}
    assert ratios["everything"] == 1 and {"catalogue", "snapshots", pair.LONE} <= set(ratios)


def test_every_kind_is_run_in_small():
    assert set(KINDS) == {
        *FIGURES,
        "stages",
        "memory",
        "kafka",
    }  # kafka: tests/integration/test_bench_on_kafka.py


@pytest.mark.parametrize("stage", STAGES)
def test_every_table_that_is_named_exists(stage):
    made = stage(0, Layout(), fingerprint(Layout()))
    parts = set(made.parts()) | (set(made.progress_parts()) if isinstance(made, Profiles) else set())
    tables = {name.rsplit(".", depth)[0] for name in parts for depth in range(1, name.count(".") + 1)}
    assert set(memory.FOR[stage.name]) <= parts | tables


def test_copies_have_ids_of_their_own(tmp_path):
    require("aan")
    lines = literature.write(tmp_path / "aan.jsonl", 2).read_bytes().splitlines()
    assert len(lines) == 2 * 19_266 and lines[0].replace(b"0:", b"1:") == lines[1]


def test_what_kind_of_machine():
    assert calibration() > 0 and set(machine()) == {"date", "cores", "python", "numpy", "calibration"}
    assert Figure("a", "b", 1.0, "ms").aim is None
