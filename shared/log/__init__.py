"""The log: a port (port.py) and its homes."""

from pathlib import Path

from shared.errors import UsageError
from shared.log.port import Log


def open_log(url: str, *, create: bool = True) -> Log:
    """The log at `sqlite:///path`. create: make the file where it is missing. Errors: UsageError, LogUnavailable, LogDamaged."""
    if url.startswith("sqlite:///"):
        from shared.log.sqlite import SqliteLog

        return SqliteLog(Path(url.removeprefix("sqlite:///")), create=create)
    if url.startswith("kafka://"):
        raise UsageError("kafka:// comes with the next release; use sqlite:///PATH for now")
    raise UsageError(f"SCHOLARSTREAM_LOG: {url!r} is neither sqlite:///PATH nor kafka://HOST:PORT")
