"""What all commands share: settings as flags, errors as one line and an exit code."""

import contextlib
import errno
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from shared.errors import ScholarstreamError, UsageError
from shared.plain import clean, lines
from shared.settings import SettingInWords, Settings, rows

PANELS = ("Services", "Intake", "Profiles", "Operation")  # the groups of commands in --help, in order
INTERRUPTED = 130  # as shells report SIGINT
PIPE_CLOSED = 141  # as shells report SIGPIPE

KAFKA = tuple(name for name in Settings.model_fields if name.startswith("kafka_"))
LOG = ("data_dir", "log", "generation", *KAFKA)
PARTITIONS = ("partitions", "term_partitions", "cohort_partitions")  # for topics that do not exist yet
INTAKE = (
    *PARTITIONS,
    "accept_topics",
    "max_event_bytes",
    "days_ahead",
    "refused_share",
    "refused_window",
    "refused_run",
)
LIVE = ("poll_seconds", "contact")  # sources that never end
PUSH = (
    "intake",
    "intake_tokens",
    "intake_body_bytes",
    "intake_unpacked_bytes",
    "intake_events",
    "http_hosts",
)
SERVICE = ("host", "port", "http_connections", "log_level", "log_format", "shutdown_seconds")
VIEWER = ("public_url", "http_hosts", "http_rate", "cors_origins", "store", "max_event_bytes")
ALL = tuple(Settings.model_fields)
# Arguments that may hold any bytes, because they name files.
PATHS = (
    "source",
    "file",
    "to",
    "data_dir",
    "log",
    "checkpoints",
    "store",
    "intake_tokens",
    *(name for name in KAFKA if name.endswith("_file")),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"scholarstream {metadata.version('scholarstream')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
]


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command a flag for each named setting, and `--version`.

    The command gets the settings, from flags and from the environment, as its argument `settings`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        flags = [_flag(row) for row in rows() if row.name in names and row.flag]
        version = inspect.Parameter(
            "version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Version
        )
        others = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for p in own.parameters.values()
            if p.name != "settings"
        ]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            def work() -> None:
                _require_text(given)
                given.pop(version.name, None)
                chosen = {flag.name: given.pop(flag.name) for flag in flags}
                command(settings=_loaded(chosen), **given)

            with_exit_code(work)

        every = [*others, *flags, version]
        setattr(run, "__signature__", inspect.Signature(every))  # noqa: B010 - mypy knows no such attribute
        run.__annotations__ = {p.name: p.annotation for p in every}
        del run.__wrapped__
        return run

    return decorate


def _loaded(chosen: dict[str, Any]) -> Settings:
    """The settings. Sets up log lines as the settings say."""
    from shared.telemetry import logs

    settings = Settings.load(**chosen)
    _require_text(settings.model_dump())
    logs.configure(settings.log_level, settings.log_format)
    return settings


def _require_text(given: Mapping[str, Any]) -> None:
    """Error: UsageError for an argument that is not UTF-8, unless it names a file.

    Python passes bytes that are not UTF-8 on as surrogates.
    """
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
    """Runs `action`. A ScholarstreamError becomes one line on standard error and its exit code."""
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
        raise typer.Exit(PIPE_CLOSED) from None
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


class CommandLine(TyperGroup):
    """The top command. Its error messages repeat what was typed, so they are cleaned like all messages."""

    def invoke(self, ctx: Any) -> Any:
        with _clean_errors():
            return super().invoke(ctx)

    def make_context(self, *args: Any, **more: Any) -> Any:
        with _clean_errors():
            return super().make_context(*args, **more)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, by their group in --help."""

        def panel(name: str) -> int:
            return PANELS.index(getattr(self.commands[name], "rich_help_panel"))  # noqa: B009 - typer's attribute

        return sorted(super().list_commands(ctx), key=panel)


@contextlib.contextmanager
def _clean_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            setattr(error, "message", clean(message))  # noqa: B010 - an attribute of click's errors alone
        raise


def quietly_flush() -> None:
    """Writes out standard output. If the reader has gone, the rest is discarded."""
    try:
        sys.stdout.flush()
    except OSError:
        _stop_writing()


def _stop_writing() -> None:
    """Discards the rest of standard output, so that the flush at exit raises no second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flag(row: SettingInWords) -> inspect.Parameter:
    """The flag of a setting. Its value stays text: Settings checks it like an environment variable."""
    described = (
        row.description
        + (f" Unit: {row.unit}." if row.unit else "")
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
    """The dead letters that a command means: those named, or None for all open ones (--all).

    Error: UsageError when neither or both are given.
    """
    if bool(numbers) == all:
        raise UsageError(f"name the dead letters to {verb} by number, or give --all for every open one")
    return None if all else numbers
