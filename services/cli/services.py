"""The commands that start a service."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from services.cli.app import SERVICES, AsJson, Namespace, Sources, app
from services.cli.ingest import checked, print_sent
from services.cli.options import ALL, INTAKE, LIVE, LOG, PARTITIONS, PUSH, SERVICE, VIEWER, with_settings
from shared.settings import Settings


@app.command(rich_help_panel=SERVICES)
@with_settings(*ALL)
def run(
    settings: Settings,
    source: Sources = None,
    namespace: Namespace = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Load one real author, and simulated papers that keep citing him."),
    ] = False,
    exit_when_idle: Annotated[
        bool,
        typer.Option("--exit-when-idle", help="Stop when all sources are read and everything is published."),
    ] = False,
    no_port: Annotated[
        bool, typer.Option("--no-port", help="Serve no page, no HTTP API and no metrics.")
    ] = False,
) -> None:
    """Run all services in one process.

    Without --demo and --source it processes what is in the log, and what other processes add to it.
    """
    from services.cli.run_all import run

    port_given = "port" in settings.model_fields_set and settings.port != 0
    open_port = not no_port and (port_given or not exit_when_idle)
    asyncio.run(
        run(
            settings,
            sources=source or [],
            namespace=checked(namespace),
            demo=demo,
            exit_when_idle=exit_when_idle,
            open_port=open_port,
            announce=_announce("scholarstream"),
        )
    )


@app.command(rich_help_panel=SERVICES)
@with_settings(*LOG, *INTAKE, "kinds", *LIVE, *PUSH, *SERVICE)
def producer(
    settings: Settings, source: Sources = None, namespace: Namespace = None, json: AsJson = False
) -> None:
    """Send events from sources into the log, and add a clock event each day.

    It stops when its sources end; without a source it runs until you stop it.
    """
    from services.producer.main import run_producer

    print_sent(asyncio.run(run_producer(settings, source or [], checked(namespace))), json)


@app.command(rich_help_panel=SERVICES)
@with_settings(*ALL)
def consumer(settings: Settings) -> None:
    """Compute authors' numbers: catalogue, directory, aliases, citations, cohorts, authors."""
    _run_stages(settings, "consumer")


@app.command(rich_help_panel=SERVICES)
@with_settings(*ALL)
def scorer(settings: Settings) -> None:
    """Compute the novelty of texts. Without a scorer, papers have no novelty."""
    _run_stages(settings, "scorer")


@app.command(rich_help_panel=SERVICES)
@with_settings(*ALL)
def publisher(settings: Settings) -> None:
    """Publish profiles, and a record of what changed in each."""
    _run_stages(settings, "publisher")


@app.command(rich_help_panel=SERVICES)
@with_settings(*LOG, *PARTITIONS, "accept_topics", *VIEWER, *SERVICE)
def viewer(settings: Settings) -> None:
    """Serve the page, the HTTP API and live updates."""
    from services.viewer.main import run_viewer

    asyncio.run(run_viewer(settings))


def _announce(what: str) -> Callable[[str], None]:
    return lambda address: print(f"{what} is live at {address.rstrip('/')}/ — Ctrl-C stops it", flush=True)


def _run_stages(settings: Settings, role: str) -> None:
    """Runs the stages of a role until a signal or an error. Errors: AlreadyRunning, LogError,
    ProtocolViolation.
    """
    from services.runtime.process import run_stages
    from services.runtime.topology import STAGES_OF

    asyncio.run(run_stages(settings, role, STAGES_OF[role]))
