"""Options of a cluster beside its address."""

from pathlib import Path
from typing import NamedTuple

BATCH_BYTES = 1 << 20  # of a batch that a producer sends; a larger record is a batch of its own


class KafkaOptions(NamedTuple):
    """Security, compression, replication and session time. Secrets are never shown.

    replication: copies of each partition when topics are made; 0: three, or as many as there are brokers.
    session_seconds: a worker without a heartbeat for this time loses its partitions.
    """

    security: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    compression: str = "none"
    replication: int = 0
    session_seconds: float = 10.0

    def __repr__(self) -> str:
        return f"KafkaOptions({self.security}, {self.sasl_mechanism}, user {self.username!r})"
