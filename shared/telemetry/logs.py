"""Log lines: structured, to standard error; those of libraries in the same form."""

import logging
import sys

import orjson
import structlog

from shared.plain import clean, safe_json

SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(level: str = "info", format: str = "auto") -> None:
    """level: debug, info, warning, error. format: console (for people), json (one object a line) or auto (console on a terminal)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    as_json = format == "json" or (format == "auto" and not sys.stderr.isatty())
    if as_json:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
    else:
        last = [_clean, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))  # libraries speak when something is wrong
    if number > logging.DEBUG:
        logging.getLogger("aiokafka").setLevel(
            logging.CRITICAL
        )  # it says line by line what the adapter says once


def _dumps(event: dict, **_) -> str:
    return safe_json(orjson.dumps(event, default=str))


def _clean(_logger, _method, event: dict) -> dict:
    """Nothing in a line for people is obeyed by their terminal."""
    return {name: clean(value) if isinstance(value, str) else value for name, value in event.items()}
