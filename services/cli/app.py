"""The Typer applications that commands register with, and the options that several commands share."""

from typing import Annotated

import typer

from services.cli.options import PANELS, CommandLine, Version

SERVICES, INTAKE, PROFILES, OPERATION = PANELS

EPILOGUE = (
    "Exit codes: 0 success, 1 another error, 2 wrong usage, 3 input refused, 4 verification found a "
    "difference. Every setting is also an environment variable (SCHOLARSTREAM_…); docs/operations.md lists "
    "them."
)
app = typer.Typer(
    name="scholarstream",
    cls=CommandLine,
    help="Live author profiles from a stream of papers.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _group(summary: str) -> typer.Typer:
    """A group of commands, with `--version` like every command."""

    def options(version: Version = False) -> None:
        pass

    return typer.Typer(help=summary, no_args_is_help=True, callback=options)


topics_app = _group("Show, check and create the topics of the log.")
export_app = _group("Write all published profiles or numbers to a file.")
store_app = _group("Show the viewer's store, or make it anew.")
letters_app = _group("Show refused events, send them again, or drop them.")
webhooks_app = _group("Tell other services when an author's numbers change.")
POINT = (
    "A day (YYYY-MM-DD, its end in UTC), now, or offsets (papers.v1:0=1200,authors.v1:0=40); "
    "see docs/history.md."
)
Author = Annotated[str, typer.Argument(metavar="AUTHOR_ID")]
AsOf = Annotated[str | None, typer.Option("--as-of", help=POINT, metavar="POINT")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Where events come from: file:PATH, - or demo:. Can be repeated."),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        help="Name of your library, for ids that mean something in one file only: citation keys of BibTeX.",
        metavar="NAME",
    ),
]
RawCells = Annotated[
    bool,
    typer.Option(
        "--raw-cells",
        help="CSV: write texts unchanged, even those that a spreadsheet runs as formulas (= + - @ in front).",
    ),
]
Basis = Annotated[str, typer.Option("--basis", help="Whose counts: references or counted:SOURCE.")]
Output = Annotated[str, typer.Option("--output", help="File to write; - is standard output.", metavar="FILE")]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(help="Numbers of dead letters, from `dead-letters list`.", metavar="NUMBER…"),
]
Everything = Annotated[bool, typer.Option("--all", help="Every open dead letter.")]
