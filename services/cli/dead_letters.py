"""The commands `scholarstream dead-letters …`."""

import asyncio
import sys
from typing import Annotated

import typer

from services.cli.app import AsJson, Everything, Numbers, letters_app
from services.cli.options import LOG, numbers_or_all, with_settings
from shared.settings import Settings


@letters_app.command("list")
@with_settings(*LOG)
def letters_list(
    settings: Settings,
    all: Annotated[bool, typer.Option("--all", help="List closed dead letters too.")] = False,
    json: AsJson = False,
) -> None:
    """List open dead letters, oldest first."""
    from services.admin.dead_letters import letters
    from services.cli.output import exactly, print_json, print_table

    found = asyncio.run(letters(settings, all=all))
    if json:
        print_json(found)
    elif found:
        columns = ("number", "state", "reason", "key", "bytes", "detail")
        source = ("source_topic", "source_partition", "source_offset")
        print_table(
            (*columns, "from"),
            (
                (*(exactly(one[c]) for c in columns), exactly("/".join(str(one[part]) for part in source)))
                for one in found
            ),
            right=("number", "bytes"),
        )
    else:
        print("no dead letters" if all else "no open dead letters", file=sys.stderr)


@letters_app.command("show")
@with_settings(*LOG)
def letters_show(
    settings: Settings, number: Annotated[int, typer.Argument(metavar="NUMBER")], json: AsJson = False
) -> None:
    """Show one dead letter in full, with the refused bytes."""
    from services.admin.dead_letters import show
    from services.cli.output import exactly, print_json

    letter = asyncio.run(show(settings, number))
    if json:
        print_json(letter)
        return
    for name, value in letter.items():
        print(f"{name:<18}{exactly(value)}")


@letters_app.command("replay")
@with_settings(*LOG, "max_event_bytes", "days_ahead")
def letters_replay(
    settings: Settings, number: Numbers = None, all: Everything = False, json: AsJson = False
) -> None:
    """Send dead letters again. A letter that is refused again stays open."""
    from services.admin.dead_letters import replay
    from services.cli.output import print_json

    count = asyncio.run(replay(settings, numbers_or_all(number, all, "replay")))
    print_json({"replayed": count}) if json else print(f"{count:,} sent again")


@letters_app.command("drop")
@with_settings(*LOG)
def letters_drop(
    settings: Settings, number: Numbers = None, all: Everything = False, json: AsJson = False
) -> None:
    """Close dead letters without sending them."""
    from services.admin.dead_letters import drop
    from services.cli.output import print_json

    count = asyncio.run(drop(settings, numbers_or_all(number, all, "drop")))
    print_json({"dropped": count}) if json else print(f"{count:,} dropped")
