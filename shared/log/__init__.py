"""The log: a port (port.py) and its homes."""

from pathlib import Path

from shared.errors import UsageError
from shared.log.kafka.options import KafkaOptions
from shared.log.port import Log


def open_log(url: str, kafka: KafkaOptions | None = None, *, create: bool = True) -> Log:
    """The log at `sqlite:///path` or `kafka://HOST:PORT,…`. create: make the file where it is missing.

    Errors: UsageError, LogUnavailable, LogDamaged.
    """
    if url.startswith("sqlite:///"):
        from shared.log.sqlite import SqliteLog

        return SqliteLog(Path(url.removeprefix("sqlite:///")), create=create)
    if url.startswith("kafka://"):
        from shared.log.kafka.log import KafkaLog

        return KafkaLog(url, kafka)
    raise UsageError(f"SCHOLARSTREAM_LOG: {url!r} is neither sqlite:///PATH nor kafka://HOST:PORT")
