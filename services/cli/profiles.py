"""The commands that read published profiles."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.app import (
    POINT,
    PROFILES,
    AsJson,
    AsOf,
    Author,
    Basis,
    Output,
    RawCells,
    app,
    export_app,
)
from services.cli.options import LOG, with_settings
from shared.errors import ScholarstreamError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.queries.profiles import ReadPositions


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG, "checkpoints")
def profile(settings: Settings, author_id: Author, as_of: AsOf = None, json: AsJson = False) -> None:
    """Show the profile of an author, as published or as of a point of the log.

    For a merged author it names the author that has the papers now.
    """
    from services.cli.output import print_json, print_profile, reporter
    from services.history.commands import profile_as_of
    from services.queries.profiles import profile

    if as_of is None:
        found = asyncio.run(profile(settings, author_id))
    else:
        with reporter() as report:
            found = asyncio.run(profile_as_of(settings, author_id, as_of, report))
    try:
        (print_json if json else print_profile)(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ScholarstreamError(
            f"the newest snapshot of {author_id} is not a valid snapshot ({error!r}); "
            "--json prints it unchanged"
        ) from error


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG, "checkpoints")
def compare(
    settings: Settings,
    author_id: Author,
    before: Annotated[str, typer.Argument(metavar="POINT", help=POINT)],
    after: Annotated[str, typer.Argument(metavar="POINT", help="A later point; by default now.")] = "now",
    json: AsJson = False,
) -> None:
    """Show what changed for an author between two points of the log.

    It compares numbers, papers, and the citations of each paper.
    """
    from services.cli.output import print_comparison, print_json, reporter
    from services.history.commands import compare

    with reporter() as report:
        found = asyncio.run(compare(settings, author_id, before, after, report))
    (print_json if json else print_comparison)(found)


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG, "checkpoints")
def explain(
    settings: Settings,
    author_id: Author,
    metric: Annotated[
        str, typer.Argument(metavar="METRIC", help="A metric of docs/metrics.md, for example h_index.")
    ],
    as_of: AsOf = None,
    basis: Basis = "references",
    json: AsJson = False,
) -> None:
    """Explain a number of an author.

    It lists the papers that the number rests on, and what the next higher value needs.
    """
    from services.cli.output import print_json, print_reason, reporter
    from services.history.commands import explain
    from services.history.cuts import NOW

    with reporter() as report:
        found = asyncio.run(explain(settings, author_id, metric, as_of or NOW, basis, report))
    (print_json if json else print_reason)(found)


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG)
def search(
    settings: Settings,
    name: Annotated[list[str], typer.Argument(metavar="NAME…")],
    limit: Annotated[int, typer.Option("--limit", help="The most authors to list.", min=1, max=1000)] = 20,
    json: AsJson = False,
) -> None:
    """Find authors by name, best match first."""
    from services.cli.output import print_json, print_table
    from services.queries.profiles import COUNTED_MOST, find
    from shared.plain import exact, tell

    found = asyncio.run(find(settings, " ".join(name), limit))
    if json:
        print_json(found.authors)
    elif found.authors:
        print_table(
            ("h-index", "papers", "name", "author_id"),
            ((one["h_index"], one["papers"], one["name"], exact(one["author_id"])) for one in found.authors),
            right=("h-index", "papers"),
        )
    if found.authors:
        more = " or more" if found.total >= COUNTED_MOST else ""
        tell(
            f"{len(found.authors):,} of {found.total:,}{more} matches among {found.known:,} authors; "
            f"as of {found.at}"
        )
    else:
        tell(f"no author of that name among {found.known:,}; as of {found.at}")


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG)
def subscribe(
    settings: Settings,
    author: Annotated[str | None, typer.Option("--author", help="Only this author.", metavar="ID")] = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the profiles published so far.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print each profile when it is published, until Ctrl-C.

    With --json it prints one snapshot on a line.
    """
    from services.cli.output import print_json_line, snapshot_line
    from services.queries.profiles import subscribe

    async def follow() -> None:
        async for snapshot in subscribe(settings, author, from_beginning):
            if json:
                print_json_line(snapshot)
            else:
                print(snapshot_line(snapshot), flush=True)

    asyncio.run(follow())


@export_app.command("metrics")
@with_settings(*LOG)
def export_metrics(
    settings: Settings,
    basis: Basis = "references",
    format: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    to: Output = "-",
    raw_cells: RawCells = False,
) -> None:
    """Write the numbers of all authors, one row for each author."""
    from services.cli.output import output
    from services.queries.export import export_metrics
    from services.queries.profiles import ReadPositions

    read: ReadPositions = {}
    with output(to) as out:
        rows = asyncio.run(export_metrics(settings, basis, out, format, raw_cells=raw_cells, read=read))
    _report_written(rows, to, read)


@export_app.command("profiles")
@with_settings(*LOG)
def export_profiles(
    settings: Settings,
    format: Annotated[str, typer.Option("--format", help="jsonl.")] = "jsonl",
    to: Output = "-",
) -> None:
    """Write the newest snapshot of each author, one on a line."""
    from services.cli.output import output
    from services.queries.export import export_profiles
    from services.queries.profiles import ReadPositions

    read: ReadPositions = {}
    with output(to) as out:
        rows = asyncio.run(export_profiles(settings, out, format, read=read))
    _report_written(rows, to, read)


def _report_written(rows: int, to: str, read: "ReadPositions") -> None:
    from services.queries.profiles import positions_text
    from shared.plain import tell

    tell(
        f"{rows:,} author{'' if rows == 1 else 's'} written to {'standard output' if to == '-' else to}; "
        f"as of {positions_text(read)}"
    )
