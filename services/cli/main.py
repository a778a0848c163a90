"""The command line. Every command imports what it needs when it runs, so that `--help` and short commands stay quick."""

import sys

from services.cli import dead_letters, ingest, operations, profiles, services, topics  # noqa: F401  each registers its commands
from services.cli.app import app, export_app, letters_app, topics_app
from services.cli.options import INTERRUPTED

app.add_typer(topics_app, name="topics")
app.add_typer(export_app, name="export")
app.add_typer(letters_app, name="dead-letters")


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(
            errors="backslashreplace"
        )  # a terminal that lacks a character is no reason to fail
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
