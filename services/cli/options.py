"""What every command has in common: settings as flags, errors as one line and an exit code, quiet ends."""

import contextlib
import errno
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from shared.errors import ScholarstreamError, UsageError
from shared.plain import clean, lines
from shared.settings import SettingInWords, Settings, rows

INTERRUPTED = 130  # as shells report SIGINT
NOBODY_READS = 141  # as shells report SIGPIPE

KAFKA = tuple(name for name in Settings.model_fields if name.startswith("kafka_"))
PLACE = ("data_dir", "log", "generation", *KAFKA)
PARTITIONS = ("partitions", "term_partitions", "cohort_partitions")  # of topics that are about to be made
INTAKE = (
    *PARTITIONS,
    "accept_topics",
    "max_event_bytes",
    "days_ahead",
    "refused_share",
    "refused_window",
    "refused_run",
)
SERVICE = ("host", "port", "http_connections", "log_level", "log_format", "shutdown_seconds")
ALL = tuple(Settings.model_fields)
PATHS = (
    "source",
    "to",
    "data_dir",
    "log",
    "checkpoints",
    *(name for name in KAFKA if name.endswith("_file")),
)  # any bytes make a path


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command a flag for each of these settings; it gets them, with those of the environment, as `settings`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        flags = [_flag(row) for row in rows() if row.name in names and row.flag]
        others = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for p in own.parameters.values()
            if p.name != "settings"
        ]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            def work() -> None:
                _require_text(given)
                chosen = {flag.name: given.pop(flag.name) for flag in flags}
                command(settings=_loaded(chosen), **given)

            with_exit_code(work)

        run.__signature__ = inspect.Signature([*others, *flags])
        run.__annotations__ = {p.name: p.annotation for p in (*others, *flags)}
        del run.__wrapped__
        return run

    return decorate


def _loaded(chosen: dict[str, Any]) -> Settings:
    """The settings; log lines are as they say from here on."""
    from shared.telemetry import logs

    settings = Settings.load(**chosen)
    _require_text(settings.model_dump())
    logs.configure(settings.log_level, settings.log_format)
    return settings


def _require_text(given: Mapping[str, Any]) -> None:
    """Error: UsageError for an argument that is not UTF-8 (Python hands its bytes on as surrogates), unless it names a file."""
    for name, value in given.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and name not in PATHS and not _is_text(text):
                raw = os.fsencode(text).decode(errors="backslashreplace")
                raise UsageError(f"the argument '{raw}' is not UTF-8; give names and ids in UTF-8")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def with_exit_code(action: Callable[[], None]) -> None:
    """Runs it; the errors of ours end in a line on standard error and their exit code."""
    try:
        action()
        sys.stdout.flush()
    except ScholarstreamError as error:
        quietly_flush()
        _say(str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        quietly_flush()
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _stop_writing()
        raise typer.Exit(NOBODY_READS) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            _stop_writing()
            _say(f"cannot write: {error.strerror}")
        else:
            quietly_flush()
            _say(
                f"{error.filename}: {error.strerror}"
                if error.filename is not None and error.strerror
                else str(error)
            )
        raise typer.Exit(1) from None


def _say(message: str) -> None:
    print(f"scholarstream: {lines(message)}", file=sys.stderr)


class Group(TyperGroup):
    """The command line: its own errors repeat what was typed, so they are cleaned as every message is."""

    def invoke(self, ctx: typer.Context) -> Any:
        with _clean_errors():
            return super().invoke(ctx)

    def make_context(self, *args: Any, **more: Any) -> typer.Context:
        with _clean_errors():
            return super().make_context(*args, **more)


@contextlib.contextmanager
def _clean_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = clean(message)
        raise


def quietly_flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _stop_writing()


def _stop_writing() -> None:
    """Python flushes standard output at exit: what is left goes nowhere instead of into a second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flag(row: SettingInWords) -> inspect.Parameter:
    """Values stay text: the registry checks them, whichever way they came."""
    described = (
        row.description
        + (f" In {row.unit}." if row.unit else "")
        + f" [{row.variable}; default: {row.default}]"
    )
    option = typer.Option(
        row.flag,
        help=described,
        metavar="VALUE",
        show_default=False,
        rich_help_panel="Kafka" if row.name in KAFKA else "Settings",
    )
    return inspect.Parameter(
        row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def numbers_or_all(numbers: Sequence[int] | None, all: bool, verb: str) -> Sequence[int] | None:
    """Which letters a command means: those named, or with --all every one (None). Error: UsageError when neither or both."""
    if bool(numbers) == all:
        raise UsageError(f"name the letters to {verb}, by number, or say --all for every open one")
    return None if all else numbers
