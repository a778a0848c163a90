"""What the service can do on this machine; README.md says how to read the figures."""

import argparse
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench import author, kafka, latency, literature, memory, merge, openalex, service, stages
from bench.measure import Figure, machine

KINDS = ("throughput", "restore", "stages", "memory", "latency", "author", "merge", "kafka", "openalex")
SMALL_SECONDS = 1.5  # of latency: more papers than its warm-up


def main(words: Sequence[str] | None = None) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it speaks of brokers that are still starting
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument(
        "kind", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; all where none is named"
    )
    options.add_argument(
        "--copies", type=int, default=10, help="copies of the anthology (19,266 papers each)"
    )
    options.add_argument("--seconds", type=float, default=60, help="how long latency is measured")
    options.add_argument("--papers", type=int, default=100_000, help="papers of the large author")
    options.add_argument(
        "--small",
        action="store_true",
        help="a few papers and tries: shows that a bench runs; its figures mean nothing",
    )
    options.add_argument("--json", type=Path, help="also write the figures here")
    chosen = options.parse_args(words)
    kinds = chosen.kind or KINDS
    if unknown := set(kinds) - set(KINDS):
        options.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    papers = literature.small() if chosen.small else None
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        events = Path(folder) / "events.jsonl"
        if papers:
            events.write_bytes(b"\n".join(papers) + b"\n")
        elif {"throughput", "restore", "stages", "memory", "kafka"} & set(kinds):
            literature.write(events, chosen.copies)
        if {"throughput", "restore"} & set(kinds):
            figures += service.throughput(Path(folder) / "data", events)
        if "restore" in kinds:
            figures += service.restore(Path(folder) / "data")
        if {"stages", "memory"} & set(kinds):
            pipeline, spent = stages.run(events)
            figures += spent if "stages" in kinds else []
            figures += memory.of(pipeline) if "memory" in kinds else []
            del pipeline
        seconds = SMALL_SECONDS if papers else chosen.seconds
        if "latency" in kinds:
            figures += latency.measure(Path(folder) / "latency", seconds, papers=papers)
        if "author" in kinds:
            figures += author.measure(50, tries=3, authors=20) if papers else author.measure(chosen.papers)
        if "merge" in kinds:
            figures += merge.measure(20, tries=2, papers=papers) if papers else merge.measure()
        if "kafka" in kinds:
            figures += kafka.measure(
                Path(folder) / "on-kafka", events, seconds, kills=1 if papers else kafka.KILLS, newest=papers
            )
        if "openalex" in kinds:
            figures += openalex.measure(200 if papers else 20_000)
    show(figures)
    if chosen.json:
        written = {"machine": machine(), "figures": [figure._asdict() for figure in figures]}
        chosen.json.write_bytes(
            orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
        )


def show(figures: list[Figure]) -> None:
    console = Console()
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()), highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("bench", "what", "value", "unit", "aim"):
        table.add_column(column, justify="right" if column in ("value", "aim") else "left")
    for f in figures:
        table.add_row(
            f.bench, f.what, f"{f.value:,.{f.digits}f}", f.unit, "" if f.aim is None else f"{f.aim:,}"
        )
    console.print(table)


if __name__ == "__main__":
    main()
