"""The log: the port (port.py) and its adapters for SQLite, Kafka and memory."""

from pathlib import Path

from shared.errors import UsageError
from shared.log.kafka.options import KafkaOptions
from shared.log.port import Log


def open_log(
    url: str, kafka: KafkaOptions | None = None, *, create: bool = True, read_only: bool = False
) -> Log:
    """Opens the log at `sqlite:///path` or `kafka://HOST:PORT,…`.

    create: make the file if it is missing; read_only: write nothing, so that a file without write access can
    be read. With read_only the file must exist. Errors: UsageError, LogUnavailable, LogDamaged.
    """
    if url.startswith("sqlite:///"):
        from shared.log.sqlite import SqliteLog
        from shared.log.sqlite_reader import SqliteReader

        path = Path(url.removeprefix("sqlite:///"))
        return SqliteReader(path, create=False) if read_only else SqliteLog(path, create=create)
    if url.startswith("kafka://"):
        from shared.log.kafka.log import KafkaLog

        return KafkaLog(url, kafka)
    raise UsageError(f"SCHOLARSTREAM_LOG: {url!r} is neither sqlite:///PATH nor kafka://HOST:PORT")
