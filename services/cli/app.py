"""The Typer applications that commands register with, and the options that several commands share."""

from typing import Annotated

import typer

from services.cli.options import Group

EPILOGUE = (
    "Exit codes: 0 done, 1 something else went wrong, 2 wrong usage, 3 the input was refused, 4 verification found a difference. "
    "Every setting is also an environment variable (SCHOLARSTREAM_…); docs/operations.md lists them."
)
app = typer.Typer(
    name="scholarstream",
    cls=Group,
    help="Live author profiles from a stream of papers.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics_app = typer.Typer(help="The topics of the log.", no_args_is_help=True)
export_app = typer.Typer(help="Everything that is published, as a file.", no_args_is_help=True)
letters_app = typer.Typer(
    help="Events that were refused: look at them, send them again, drop them.", no_args_is_help=True
)
POINT = (
    "A day (YYYY-MM-DD: its end, UTC), now, or positions (papers.v1:0=1200,authors.v1:0=40); docs/history.md."
)
Author = Annotated[str, typer.Argument(metavar="AUTHOR_ID")]
AsOf = Annotated[str | None, typer.Option("--as-of", help=POINT, metavar="POINT")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Where events come from: file:PATH, - or demo:. Can be repeated."),
]
RawCells = Annotated[
    bool,
    typer.Option(
        "--raw-cells",
        help="CSV: texts as they are, also where a spreadsheet would compute them (= + - @ in front).",
    ),
]
Output = Annotated[
    str, typer.Option("--output", help="File to write, - for standard output.", metavar="FILE")
]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(help="Numbers of letters, as `dead-letters list` shows them.", metavar="NUMBER…"),
]
Everything = Annotated[bool, typer.Option("--all", help="Every open letter.")]
