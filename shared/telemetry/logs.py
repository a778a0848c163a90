"""Structured log lines on standard error. Lines of libraries get the same form."""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from shared.plain import clean, safe_json

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(level: str = "info", format: str = "auto") -> None:
    """Configures logging.

    level: debug, info, warning or error. format: console (for people), json (one object a line) or auto
    (console on a terminal, else json).
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    as_json = format == "json" or (format == "auto" and not sys.stderr.isatty())
    last: list[Processor]
    if as_json:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
    else:
        last = [_clean, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_current_stderr,
        cache_logger_on_first_use=False,
    )
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))  # libraries log only warnings and errors
    if number > logging.DEBUG:
        # aiokafka logs many lines for what the adapter logs once.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _current_stderr(*_: Any) -> structlog.PrintLogger:
    """A logger on the standard error of now: a program that runs commands may replace the stream and close
    it.
    """
    return structlog.PrintLogger(sys.stderr)


class _StderrHandler(logging.Handler):
    """Writes lines of libraries to the standard error of now."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except (OSError, ValueError):  # nothing reads standard error any more
            self.handleError(record)


def _dumps(event: EventDict, **_: Any) -> str:
    return safe_json(orjson.dumps(event, default=str))


def _clean(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The line without control characters that would act on a terminal."""
    return {name: clean(value) if isinstance(value, str) else value for name, value in event.items()}
