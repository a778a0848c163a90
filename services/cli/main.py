"""The command line. Each command imports what it needs when it runs, so that `--help` stays quick."""

import io
import sys

# Each module registers its commands.
from services.cli import (  # noqa: F401
    dead_letters,
    ingest,
    mcp,
    merges,
    operations,
    profiles,
    services,
    topics,
    viewer_store,
    webhooks,
)
from services.cli.app import (
    INTAKE,
    OPERATION,
    PROFILES,
    app,
    export_app,
    letters_app,
    store_app,
    topics_app,
    webhooks_app,
)
from services.cli.options import INTERRUPTED, Version

app.add_typer(letters_app, name="dead-letters", rich_help_panel=INTAKE)
app.add_typer(export_app, name="export", rich_help_panel=PROFILES)
app.add_typer(store_app, name="viewer-store", rich_help_panel=OPERATION)
app.add_typer(webhooks_app, name="webhooks", rich_help_panel=PROFILES)
app.add_typer(topics_app, name="topics", rich_help_panel=OPERATION)


@app.callback()
def _options(version: Version = False) -> None:
    """Live author profiles from a stream of papers."""


def main() -> None:
    """Runs the command line. A character that a terminal cannot show is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
