"""The commands `scholarstream viewer-store …`."""

import asyncio

from services.cli.app import AsJson, store_app
from services.cli.options import LOG, with_settings
from shared.settings import Settings

WITH_STORE = (*LOG, "store", "max_event_bytes")


@store_app.command("rebuild")
@with_settings(*WITH_STORE)
def store_rebuild(settings: Settings) -> None:
    """Make the viewer's store anew from the log.

    Beside a running viewer it only asks for it: the viewer goes on with the old store until the new one is
    complete.
    """
    from services.viewer.store.commands import rebuild

    print(asyncio.run(rebuild(settings)))


@store_app.command("status")
@with_settings(*WITH_STORE)
def store_status(settings: Settings, json: AsJson = False) -> None:
    """Show what the viewer's store holds, and how far it is behind the log."""
    from services.cli.output import print_json, print_table
    from services.viewer.store.commands import status

    found = asyncio.run(status(settings))
    if json:
        print_json(found)
    else:
        print_table(("what", "value"), [(name, value) for name, value in found.items()])
