"""The commands that start a service."""

import asyncio
from typing import Annotated

import typer

from services.cli.app import AsJson, Sources, app
from services.cli.ingest import _tell_sent
from services.cli.options import ALL, INTAKE, PARTITIONS, PLACE, SERVICE, with_settings
from services.runtime.process import run_stages
from services.runtime.topology import CONSUMER, SCORER
from shared.settings import Settings


async def run_publisher(settings) -> None:
    """`scholarstream publisher` as one process: until a signal or an error."""
    from services.runtime.process import run_stages
    from services.runtime.topology import PUBLISHER

    await run_stages(settings, "publisher", PUBLISHER)


@app.command()
@with_settings(*ALL)
def run(
    settings: Settings,
    source: Sources = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="One real author, and a simulated literature that goes on citing him."),
    ] = False,
    exit_when_idle: Annotated[
        bool,
        typer.Option("--exit-when-idle", help="End once all sources are read and everything is published."),
    ] = False,
    no_port: Annotated[bool, typer.Option("--no-port", help="No page, no HTTP API, no metrics.")] = False,
) -> None:
    """All services in one process. Without --demo and --source: what is in the log, and what others put into it."""
    from services.cli.run_all import run

    asked = "port" in settings.model_fields_set and settings.port != 0
    open_port = not no_port and (asked or not exit_when_idle)
    asyncio.run(
        run(
            settings,
            sources=source or [],
            demo=demo,
            exit_when_idle=exit_when_idle,
            open_port=open_port,
            announce=_announce("scholarstream"),
        )
    )


@app.command()
@with_settings(*PLACE, *INTAKE, *SERVICE)
def producer(settings: Settings, source: Sources = None, json: AsJson = False) -> None:
    """Puts events into the log and keeps the clock: until its sources end; without a source until it is stopped."""
    from services.producer.main import run_producer

    _tell_sent(asyncio.run(run_producer(settings, source or [])), json)


@app.command()
@with_settings(*ALL)
def consumer(settings: Settings) -> None:
    """Computes: catalogue, directory, citations, cohorts, authors."""

    asyncio.run(run_consumer(settings))


@app.command()
@with_settings(*ALL)
def scorer(settings: Settings) -> None:
    """Reads texts for novelty; without it papers have none."""

    asyncio.run(run_scorer(settings))


@app.command()
@with_settings(*ALL)
def publisher(settings: Settings) -> None:
    """Publishes profiles and what changed in them."""

    asyncio.run(run_publisher(settings))


@app.command()
@with_settings(*PLACE, *PARTITIONS, "accept_topics", "http_hosts", *SERVICE)
def viewer(settings: Settings) -> None:
    """Serves the page, the HTTP API and live events."""
    from services.viewer.main import run_viewer

    asyncio.run(run_viewer(settings))


def _announce(what: str):
    return lambda address: print(f"{what} is live at {address.rstrip('/')}/ — Ctrl-C stops it", flush=True)


async def run_consumer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await run_stages(settings, "consumer", CONSUMER)


async def run_scorer(settings) -> None:
    """Runs until a signal or an error. Errors: AlreadyRunning, LogError, ProtocolViolation."""
    await run_stages(settings, "scorer", SCORER)
