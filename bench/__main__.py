"""What the service can do on this machine; README.md says how to read the figures."""

import argparse
import tempfile
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench import author, latency, literature, memory, merge, service, stages
from bench.measure import Figure, machine

KINDS = ("throughput", "restore", "stages", "memory", "latency", "author", "merge")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("kind", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; all where none is named")
    options.add_argument("--copies", type=int, default=10, help="copies of the anthology (19,266 papers each)")
    options.add_argument("--seconds", type=float, default=60, help="how long latency is measured")
    options.add_argument("--papers", type=int, default=100_000, help="papers of the large author")
    options.add_argument("--json", type=Path, help="also write the figures here")
    chosen = options.parse_args()
    kinds = chosen.kind or KINDS
    if unknown := set(kinds) - set(KINDS):
        options.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if {"throughput", "restore", "stages", "memory"} & set(kinds):
            events = literature.write(Path(folder) / "events.jsonl", chosen.copies)
        if {"throughput", "restore"} & set(kinds):
            figures += service.throughput(Path(folder) / "data", events)
        if "restore" in kinds:
            figures += service.restore(Path(folder) / "data")
        if {"stages", "memory"} & set(kinds):
            pipeline, spent = stages.run(events)
            figures += spent if "stages" in kinds else []
            figures += memory.of(pipeline) if "memory" in kinds else []
            del pipeline
        if "latency" in kinds:
            figures += latency.measure(Path(folder) / "latency", chosen.seconds)
        if "author" in kinds:
            figures += author.measure(chosen.papers)
        if "merge" in kinds:
            figures += merge.measure()
    show(figures)
    if chosen.json:
        told = {"machine": machine(), "figures": [figure._asdict() for figure in figures]}
        chosen.json.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))


def show(figures: list[Figure]) -> None:
    console = Console()
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()), highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("bench", "what", "value", "unit", "aim"):
        table.add_column(column, justify="right" if column in ("value", "aim") else "left")
    for f in figures:
        table.add_row(f.bench, f.what, f"{f.value:,.{f.digits}f}", f.unit, "" if f.aim is None else f"{f.aim:,}")
    console.print(table)


if __name__ == "__main__":
    main()
