"""The commands that put events into the log."""

import asyncio
import sys
from typing import Annotated, Any

import typer

from services.cli.app import INTAKE as INTAKE_COMMANDS
from services.cli.app import AsJson, app
from services.cli.options import INTAKE, LOG, with_settings
from shared.errors import UsageError
from shared.settings import Settings


@app.command(rich_help_panel=INTAKE_COMMANDS)
@with_settings(*LOG, *INTAKE)
def ingest(
    settings: Settings,
    source: Annotated[
        list[str], typer.Argument(help="file:PATH (or a path); - is standard input.", metavar="SOURCE…")
    ],
    restart: Annotated[
        bool, typer.Option("--restart", help="Send each source from its beginning again.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Send events from files or standard input into the log.

    It works beside a running service, and continues where an earlier call stopped.
    """
    from services.producer.ingest import ingest

    report = asyncio.run(ingest(settings, source, progress=not json, restart=restart))
    print_sent(report, json)
    if any(one["status"] == "stopped" for one in report["sources"]):
        raise KeyboardInterrupt


@app.command(rich_help_panel=INTAKE_COMMANDS)
@with_settings(*LOG, *INTAKE)
def simulate(
    settings: Settings,
    papers: Annotated[int, typer.Option("--papers", help="How many papers.", min=1)] = 1000,
    rate: Annotated[
        float, typer.Option("--rate", help="Events a second; 0 is as fast as possible.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same papers.", min=0)] = 1,
    to: Annotated[
        str | None,
        typer.Option(
            "--output",
            help="Write the events to a file (- is standard output) instead of the log.",
            metavar="FILE",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Send simulated papers, for load tests and trials."""
    from services.cli.output import output
    from services.producer import simulate
    from shared.plain import tell

    if to is None:
        print_sent(
            asyncio.run(simulate.stream(settings, papers, rate or None, seed, progress=not json)), json
        )
        return
    if rate:
        raise UsageError("--rate works for the log only; leave it out with --output")
    with output(to) as out:
        count = 0
        for event in simulate.simulate(papers, seed):
            out.write(event.decode() + "\n")
            count += 1
    tell(f"{count:,} events written to {'standard output' if to == '-' else to}")


def print_sent(report: dict[str, Any], json: bool) -> None:
    """Prints how many events were sent and refused (`Counts.report`)."""
    from services.cli.output import print_json

    if json:
        print_json(report)
        return
    refused = "".join(
        f", {count:,} refused ({reason})" for reason, count in report["refused_by_reason"].items()
    )
    print(f"{report['papers']:,} events of papers and {report['authors']:,} of authors sent{refused}")
    if report["refused"]:
        print("`scholarstream dead-letters list` lists the refused events", file=sys.stderr)
