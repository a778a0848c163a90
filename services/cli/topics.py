"""The commands `scholarstream topics …`."""

import asyncio
from typing import Annotated

import typer

from services.cli.app import AsJson, topics_app
from services.cli.options import LOG, PARTITIONS, with_settings
from shared.settings import Settings


@topics_app.command("create")
@with_settings(*LOG, *PARTITIONS, "accept_topics")
def topics_create(settings: Settings) -> None:
    """Create missing topics. Their partition counts stay fixed afterwards."""
    from services.admin.topics import create

    made = asyncio.run(create(settings))
    print("\n".join(made) if made else "all topics exist")


@topics_app.command("check")
@with_settings(*LOG, *PARTITIONS)
def topics_check(settings: Settings, json: AsJson = False) -> None:
    """Compare the settings of topics with what they must be.

    Exit code 1: a topic is missing, or a setting may lose data.
    """
    from services.admin.topics import check
    from services.cli.output import print_json, print_table

    found = asyncio.run(check(settings))
    if json:
        print_json([one._asdict() for one in found])
    elif found:
        print_table(("topic", "what", "is", "must be", "loses data"), found)
    else:
        print("all topics are set up correctly")
    if any(one.loses or one.what == "topic" for one in found):
        raise typer.Exit(1)


@topics_app.command("drop")
@with_settings(*LOG)
def topics_drop(settings: Settings, old: Annotated[int, typer.Argument(metavar="GENERATION", min=1)]) -> None:
    """Delete the internal topics of an old generation.

    Stop all processes that work on that generation first.
    """
    from services.admin.topics import drop

    gone = asyncio.run(drop(settings, old))
    print("\n".join(gone) if gone else f"generation {old} has no topics")


@topics_app.command("dump")
@with_settings(*LOG)
def topics_dump(
    settings: Settings,
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    partition: Annotated[int, typer.Option("--partition", help="The partition.", min=0)] = 0,
    offset: Annotated[int, typer.Option("--from", help="The first offset.", metavar="OFFSET", min=0)] = 0,
    limit: Annotated[int, typer.Option("--limit", help="The most records to print.", min=1)] = 20,
    rows: Annotated[int, typer.Option("--rows", help="How many rows of each kind in a pack.", min=0)] = 3,
) -> None:
    """Print records as JSON, one on a line. Packs of internal topics are decoded."""
    from services.admin.topics import dump
    from services.cli.output import print_json_line

    async def show() -> None:
        async for record in dump(settings, topic, partition, offset, limit, rows):
            print_json_line(record)

    asyncio.run(show())


@topics_app.command("describe")
@with_settings(*LOG)
def topics_describe(settings: Settings, json: AsJson = False) -> None:
    """List all topics: partitions, records, retention, key and contents."""
    from services.admin.topics import describe
    from services.cli.output import print_json, print_table

    found = asyncio.run(describe(settings))
    if json:
        print_json(found)
        return
    print_table(
        ("topic", "partitions", "records", "kept", "key", "what"),
        (
            (one["topic"], one["partitions"], one["records"], one["kept"], one["key"], one["summary"])
            for one in found
        ),
        right=("partitions", "records"),
    )
