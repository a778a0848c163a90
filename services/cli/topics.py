"""The commands `scholarstream topics …`."""

import asyncio
from typing import Annotated

import typer

from services.cli.app import AsJson, topics_app
from services.cli.options import PARTITIONS, PLACE, with_settings
from shared.settings import Settings


@topics_app.command("create")
@with_settings(*PLACE, *PARTITIONS, "accept_topics")
def topics_create(settings: Settings) -> None:
    """Makes the topics that are missing. Partition counts are fixed from then on."""
    from services.admin.topics import create

    made = asyncio.run(create(settings))
    print("\n".join(made) if made else "all topics are there")


@topics_app.command("check")
@with_settings(*PLACE, *PARTITIONS)
def topics_check(settings: Settings, json: AsJson = False) -> None:
    """What of the topics is not as it must be. Exit code 1: something may lose data, or is missing."""
    from services.admin.topics import check
    from services.cli.output import print_json, print_table

    found = asyncio.run(check(settings))
    if json:
        print_json([one._asdict() for one in found])
    elif found:
        print_table(("topic", "what", "is", "must be", "loses data"), found)
    else:
        print("all topics are as they must be")
    if any(one.loses or one.what == "topic" for one in found):
        raise typer.Exit(1)


@topics_app.command("drop")
@with_settings(*PLACE)
def topics_drop(settings: Settings, old: Annotated[int, typer.Argument(metavar="GENERATION", min=1)]) -> None:
    """Deletes the internal topics of a generation that is over, when nothing works on it any more."""
    from services.admin.topics import drop

    gone = asyncio.run(drop(settings, old))
    print("\n".join(gone) if gone else f"there are no topics of generation {old}")


@topics_app.command("dump")
@with_settings(*PLACE)
def topics_dump(
    settings: Settings,
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    partition: Annotated[int, typer.Option("--partition", help="Which one.", min=0)] = 0,
    offset: Annotated[int, typer.Option("--from", help="The first position.", metavar="OFFSET", min=0)] = 0,
    limit: Annotated[int, typer.Option("--limit", help="Records, at most.", min=1)] = 20,
    rows: Annotated[int, typer.Option("--rows", help="Rows shown of each kind in a pack.", min=0)] = 3,
) -> None:
    """Records as JSON, one a line; packs of internal topics are decoded."""
    from services.admin.topics import dump
    from services.cli.output import print_json_line

    async def show() -> None:
        async for record in dump(settings, topic, partition, offset, limit, rows):
            print_json_line(record)

    asyncio.run(show())


@topics_app.command("describe")
@with_settings(*PLACE)
def topics_describe(settings: Settings, json: AsJson = False) -> None:
    """Every topic: its partitions, how it is kept, what it holds."""
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
