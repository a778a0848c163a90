"""What every command has in common: settings as flags, errors as one line and an exit code, quiet ends."""

import errno
import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from shared.errors import ScholarstreamError
from shared.settings import Row, Settings, rows

INTERRUPTED = 130  # as shells report SIGINT
NOBODY_READS = 141  # as shells report SIGPIPE

KAFKA = tuple(name for name in Settings.model_fields if name.startswith("kafka_"))
PLACE = ("data_dir", "log", "generation", *KAFKA)
PARTITIONS = ("partitions", "term_partitions", "cohort_partitions")  # of topics that are about to be made
INTAKE = (*PARTITIONS, "accept_topics", "max_event_bytes", "refused_share", "refused_window", "refused_run")
SERVICE = ("host", "port", "http_connections", "log_level", "log_format", "shutdown_seconds")
ALL = tuple(Settings.model_fields)


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command a flag for each of these settings; it gets them, with those of the environment, as `settings`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        flags = [_flag(row) for row in rows() if row.name in names and row.flag]
        others = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own.parameters.values() if p.name != "settings"]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            chosen = {flag.name: given.pop(flag.name) for flag in flags}
            with_exit_code(lambda: command(settings=_loaded(chosen), **given))

        run.__signature__ = inspect.Signature([*others, *flags])
        run.__annotations__ = {p.name: p.annotation for p in (*others, *flags)}
        del run.__wrapped__
        return run

    return decorate


def _loaded(chosen: dict[str, Any]) -> Settings:
    """The settings; log lines are as they say from here on."""
    from shared.telemetry import logs

    settings = Settings.load(**chosen)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def with_exit_code(action: Callable[[], None]) -> None:
    """Runs it; the errors of ours end in a line on standard error and their exit code."""
    try:
        action()
        sys.stdout.flush()
    except ScholarstreamError as error:
        quietly_flush()
        print(f"scholarstream: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        quietly_flush()
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _stop_writing()
        raise typer.Exit(NOBODY_READS) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        _stop_writing()
        print(f"scholarstream: cannot write: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from None


def quietly_flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _stop_writing()


def _stop_writing() -> None:
    """Python flushes standard output at exit: what is left goes nowhere instead of into a second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flag(row: Row) -> inspect.Parameter:
    """Values stay text: the registry checks them, whichever way they came."""
    described = row.description + (f" In {row.unit}." if row.unit else "") + f" [{row.variable}; default: {row.default}]"
    option = typer.Option(
        row.flag, help=described, metavar="VALUE", show_default=False, rich_help_panel="Kafka" if row.name in KAFKA else "Settings"
    )
    return inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])


def numbers_or_all(numbers: Sequence[int] | None, all: bool, verb: str) -> Sequence[int] | None:
    """Which letters a command means: those named, or with --all every one (None). Error: UsageError when neither or both."""
    from shared.errors import UsageError

    if bool(numbers) == all:
        raise UsageError(f"name the letters to {verb}, by number, or say --all for every open one")
    return None if all else numbers
