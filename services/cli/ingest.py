"""The commands that put events into the log."""

import asyncio
import sys
from typing import Annotated, Any

import typer

from services.cli.app import INTAKE as INTAKE_COMMANDS
from services.cli.app import AsJson, Namespace, app
from services.cli.options import INTAKE, LOG, with_settings
from shared.errors import InputRefused, UsageError
from shared.settings import Settings


@app.command(rich_help_panel=INTAKE_COMMANDS)
@with_settings(*LOG, *INTAKE, "kinds")
def ingest(
    settings: Settings,
    source: Annotated[
        list[str],
        typer.Argument(
            help="A path, or NAME:PATH with the format of its records (openalex:works); - is standard input. "
            "A folder is read file by file.",
            metavar="SOURCE…",
        ),
    ],
    restart: Annotated[
        bool, typer.Option("--restart", help="Send each source from its beginning again.")
    ] = False,
    namespace: Namespace = None,
    accept_refused: Annotated[
        float,
        typer.Option(
            "--accept-refused",
            help="The share of refused events with which the command still succeeds: 0.01 is one in a "
            "hundred.",
            min=0,
            max=1,
        ),
    ] = 0.0,
    json: AsJson = False,
) -> None:
    """Send events, or records of other formats, from files or standard input into the log.

    It works beside a running service, and continues where an earlier call stopped. Exit code 3 says that
    something was refused.
    """
    from services.producer.ingest import ingest

    report = asyncio.run(
        ingest(settings, source, progress=not json, restart=restart, namespace=checked(namespace))
    )
    print_sent(report, json)
    if any(one["status"] == "stopped" for one in report["sources"]):
        raise KeyboardInterrupt
    refused = report["refused"]
    if refused > accept_refused * (report["sent"] + refused):
        raise typer.Exit(InputRefused.exit_code)


def checked(namespace: str | None) -> str | None:
    """The name of a library. Error: UsageError for one that cannot be right."""
    from services.producer.formats.namespace import is_namespace

    if namespace is not None and not is_namespace(namespace):
        raise UsageError(
            f"--namespace {namespace!r}: 1 to 40 letters, digits, dots, dashes or low lines are right"
        )
    return namespace


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
    """Prints what was read, sent, left out and refused (`Counts.report`)."""
    from services.cli.output import print_json

    if json:
        print_json(report)
        return
    refused = "".join(
        f", {count:,} refused ({reason})" for reason, count in report["refused_by_reason"].items()
    )
    print(f"{report['papers']:,} events of papers and {report['authors']:,} of authors sent{refused}")
    if report["left_out"] or report["refused"] or len(report["events"]) > 1:
        for line in _table(report):
            print(line)
    if report["refused"]:
        print("`scholarstream dead-letters list` lists the refused events", file=sys.stderr)


def _table(report: dict[str, Any]) -> list[str]:
    """A row for each count, in groups: records, events by name, left out by kind, refused by reason."""
    from shared.contracts.refusals import MEANINGS, Reason

    rows = [("records", report["records"], "")]
    rows += [(kind, count, "sent") for kind, count in report["events"].items()]
    rows += [(what, count, "left out") for what, count in report["left_out"].items()]
    rows += [
        (f"{reason}: {MEANINGS[Reason(reason)]}" if reason in set(Reason) else reason, count, "refused")
        for reason, count in report["refused_by_reason"].items()
    ]
    width = max(len(f"{count:,}") for _, count, _ in rows)
    return [f"  {count:>{width},} {group:<8} {what}" for what, count, group in rows]
