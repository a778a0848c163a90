"""The command `scholarstream mcp`."""

import asyncio
from importlib.util import find_spec
from typing import Annotated

import typer

from services.cli.app import PROFILES, app
from services.cli.options import LOG, with_settings
from shared.errors import UsageError
from shared.settings import Settings


@app.command(rich_help_panel=PROFILES)
@with_settings(*LOG, "log_level", "log_format")
def mcp(
    settings: Settings,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Read through a running viewer; without it, read the log.", metavar="URL"),
    ] = None,
) -> None:
    """Serve profiles as tools for language models: Model Context Protocol, on standard input and output.

    The tools search, profile, explain and changes only read.
    """
    if find_spec("mcp") is None:
        raise UsageError(
            "this command needs the package mcp; install it with: pip install 'scholarstream[mcp]'"
        )
    from services.mcp.server import serve

    asyncio.run(serve(settings, url))
