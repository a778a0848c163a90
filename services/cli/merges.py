"""The commands that join author ids of one person, and that suggest which may be joined."""

import asyncio
from typing import Annotated, Any

import typer

from services.cli.app import INTAKE as INTAKE_COMMANDS
from services.cli.app import AsJson, Output, app
from services.cli.options import LOG, with_settings
from shared.errors import InputRefused, UsageError
from shared.settings import Settings

LIMITS = ("max_event_bytes", "days_ahead", "refused_share", "refused_window", "refused_run")


@app.command(rich_help_panel=INTAKE_COMMANDS)
@with_settings(*LOG, *LIMITS)
def merge(
    settings: Settings,
    old: Annotated[str | None, typer.Argument(metavar="OLD", help="The author id that goes.")] = None,
    into: Annotated[str | None, typer.Argument(metavar="INTO", help="The author id that stays.")] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            help="A merge file: CSV with the columns author_id and into; - is standard input.",
            metavar="FILE",
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the merge of OLD, or of every pair of the file, back.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Join two author ids of one person: the papers of OLD count for INTO.

    It works beside a running service. --undo makes both profiles as if the merge had never happened.
    """
    from services.admin import merges
    from services.cli.ingest import print_sent

    if file is not None:
        if old is not None:
            raise UsageError("give OLD and INTO, or --file with pairs of ids, not both")
        report = asyncio.run(merges.merge_file(settings, file, undo=undo, progress=not json))
        print_sent(report, json)
        if report["refused"]:
            raise typer.Exit(InputRefused.exit_code)
    elif old is not None and undo:
        _print_told(asyncio.run(merges.separate(settings, old)), json)
    elif old is not None and into is not None:
        _print_told(asyncio.run(merges.merge_pair(settings, old, into)), json)
    else:
        raise UsageError("name the id that goes and the id that stays: scholarstream merge OLD INTO")


def _print_told(report: dict[str, Any], json: bool) -> None:
    from services.cli.output import print_json
    from shared.plain import exact, tell

    old, into = exact(report["author_id"]), exact(report["into"] or "")
    if report["refused"]:
        raise InputRefused(next(iter(report["refused_by_reason"])), "", f"no such ids can be: {old}, {into}")
    is_undone = "author.separated" in report["events"]
    for unknown in report.get("unknown", ()):
        tell(f"no profile of {exact(unknown)} is published; `scholarstream search NAME` finds ids")
    if is_undone and not into:
        tell(f"the published profile of {old} is not merged into another, or there is none")
    if json:
        print_json(report)
    elif is_undone:
        print(f"{old} is an author of its own" + (f", no longer {into}" if into else ""))
    else:
        print(f"{old} is merged into {into}")


@app.command("suggest-merges", rich_help_panel=INTAKE_COMMANDS)
@with_settings(*LOG)
def suggest_merges(
    settings: Settings,
    names: Annotated[
        bool, typer.Option("--names", help="Also pairs in which one id is a bare name (name:…).")
    ] = False,
    to: Output = "-",
) -> None:
    """Print pairs of author ids that may be one person, as a merge file to look through.

    The evidence: one ORCID iD, or the same place and name in two records of one work. Nothing is merged;
    `scholarstream merge --file` merges the rows that you leave in the file.
    """
    from services.admin.merge_suggestions import suggest_merges
    from services.cli.output import output
    from shared.plain import tell

    with output(to) as out:
        found = asyncio.run(suggest_merges(settings, out, names=names))
    tell(f"{found.written:,} pairs suggested; nothing is merged")
    if found.bare_names and not names:
        tell(f"{found.bare_names:,} more join a bare name to an author with an id: --names shows them")
