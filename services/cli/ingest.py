"""The commands that put events into the log."""

import asyncio
import sys
from typing import Annotated

import typer

from services.cli.app import AsJson, app
from services.cli.options import INTAKE, PLACE, with_settings
from shared.errors import UsageError
from shared.settings import Settings


@app.command()
@with_settings(*PLACE, *INTAKE)
def ingest(
    settings: Settings,
    source: Annotated[
        list[str], typer.Argument(help="file:PATH (or a path), - for standard input.", metavar="SOURCE…")
    ],
    restart: Annotated[
        bool, typer.Option("--restart", help="Send from the beginning what was sent before.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Puts events into the log, also beside a running service. Goes on where an earlier call stopped."""
    from services.producer.ingest import ingest

    report = asyncio.run(ingest(settings, source, progress=not json, restart=restart))
    _tell_sent(report, json)
    if any(one["status"] == "stopped" for one in report["sources"]):
        raise KeyboardInterrupt


@app.command()
@with_settings(*PLACE, *INTAKE)
def simulate(
    settings: Settings,
    papers: Annotated[int, typer.Option("--papers", help="How many.", min=1)] = 1000,
    rate: Annotated[float, typer.Option("--rate", help="Events a second; 0: as fast as it goes.", min=0)] = 0,
    seed: Annotated[
        int, typer.Option("--seed", help="A seed gives the same literature every time.", min=0)
    ] = 1,
    to: Annotated[
        str | None,
        typer.Option(
            "--output",
            help="Write the events to a file (- for standard output), not to the log.",
            metavar="FILE",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """A simulated literature, for load and for trying things out."""
    from services.cli.output import output
    from services.producer.simulation import command as simulate
    from shared.plain import tell

    if to is None:
        _tell_sent(
            asyncio.run(simulate.stream(settings, papers, rate or None, seed, progress=not json)), json
        )
        return
    if rate:
        raise UsageError("--rate is for sending into the log; a file is written as fast as it goes")
    with output(to) as out:
        count = 0
        for event in simulate.simulate(papers, seed):
            out.write(event.decode() + "\n")
            count += 1
    tell(f"{count:,} events written to {'standard output' if to == '-' else to}")


def _tell_sent(report: dict, json: bool) -> None:
    from services.cli.output import print_json

    if json:
        print_json(report)
        return
    refused = "".join(
        f", {count:,} refused ({reason})" for reason, count in report["refused_by_reason"].items()
    )
    print(f"{report['papers']:,} events of papers and {report['authors']:,} of authors sent{refused}")
    if report["refused"]:
        print("`scholarstream dead-letters list` shows what was refused", file=sys.stderr)
