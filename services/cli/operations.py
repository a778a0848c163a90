"""The commands to operate a log: status, verification, generated documents."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.app import OPERATION, AsJson, app
from services.cli.options import LOG, with_settings
from shared.errors import ScholarstreamError, VerificationFailed
from shared.settings import Settings

if TYPE_CHECKING:
    from services.runtime.progress import StageStatus


@app.command(rich_help_panel=OPERATION)
@with_settings(*LOG)
def status(
    settings: Settings,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait-idle",
            help="Wait until everything is published, up to this long.",
            metavar="SECONDS",
            min=0,
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show how far each stage is behind the log, and how far live sources are read.

    Sources are those of the data folder.
    """
    from services.admin.live_sources import live_sources
    from services.admin.status import positions, status, wait_idle
    from services.cli.output import print_json, print_table
    from services.runtime.progress import trouble
    from shared.plain import tell

    now = asyncio.run(status(settings) if wait is None else wait_idle(settings, wait))
    tell(f"generation {now['generation']}, {len(now['stages'])} stages; as of {positions(now) or 'no input'}")
    sources = live_sources(settings)
    if json:
        print_json({**now, "sources": [source._asdict() for source in sources]})
        return
    print_table(
        ("stage", "partition", "lag", "state"),
        ((one["stage"], one["partition"], one["lag"], _state(one)) for one in now["stages"]),
        right=("partition", "lag"),
    )
    if sources:
        print_table(
            ("source", "records", "place", "last page"),
            ((one.source, one.position, one.place, one.at) for one in sources),
            right=("records",),
        )
    if now["idle"]:
        calm = f"; {now['calm']:,} authors moved by comparison alone, and wait" if now["calm"] else ""
        print(f"idle: everything in the log is published{calm}")
    else:
        print(trouble(now) or f"{now['lag']:,} records wait")


@app.command(rich_help_panel=OPERATION)
@with_settings(*LOG, "checkpoints")
def verify(
    settings: Settings,
    no_checkpoints: Annotated[
        bool, typer.Option("--no-checkpoints", help="Do not compare checkpoints.")
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            help="Compare only a share of the authors (0.01 or 1%) or a number of them (500), always "
            "the same ones, and no checkpoints.",
            metavar="SHARE|N",
        ),
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            "--memory",
            help="Memory for the recomputation, about; a larger log is recomputed in slices, with temporary "
            "files.",
            metavar="SIZE",
        ),
    ] = "1GB",
    json: AsJson = False,
) -> None:
    """Recompute all profiles with independent code and compare them with the published ones.

    Exit code 4: they differ.
    """
    from services.cli.output import print_json, reporter
    from services.verify.command import verify
    from services.verify.memory_budget import memory_of
    from services.verify.sample import Sample
    from shared.plain import tell

    left_out: list[str] = []
    chosen, budget = None if sample is None else Sample.of(sample), memory_of(memory)
    try:
        with reporter() as report:
            counts = asyncio.run(
                verify(
                    settings,
                    checkpoints=not no_checkpoints,
                    sample=chosen,
                    memory=budget,
                    report=report,
                    left_out=left_out,
                )
            )
    except VerificationFailed as error:
        if json:
            print_json({"equal": False, "differences": str(error), "not_compared": left_out})
        raise
    finally:
        if left_out:
            tell(f"not compared: {'; '.join(left_out)}")
    if json:
        print_json({"equal": True} | counts | {"not_compared": left_out})
    else:
        print(
            "published and recomputed are equal: "
            + ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items())
        )


@app.command(rich_help_panel=OPERATION)
@with_settings()
def schema(
    settings: Settings,
    write: Annotated[bool, typer.Option("--write", help="Write outdated documents anew.")] = False,
) -> None:
    """Check the generated parts of docs/: JSON Schemas, AsyncAPI and tables.

    It needs a checkout of the source.
    """
    from services.admin import generated_docs as documents

    stale = documents.stale()
    if write:
        documents.write()
        print("\n".join(stale) or "all current")
    elif stale:
        raise ScholarstreamError(
            f"not current: {', '.join(stale)}; `scholarstream schema --write` writes them"
        )
    else:
        print("all current")


def _state(stage: "StageStatus") -> str:
    if stage["state"] == "restoring" and stage["fraction"] is not None:
        return f"restoring {stage['fraction']:.0%}"
    return stage["state"]
