"""What a reader finds in a file: one record after another, with its place and its bytes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.errors import InputRefused

LINE_LIMIT = 64 << 20  # bytes of one record; a longer one is cut, or ends the file where nothing can be cut


class Found(NamedTuple):
    """A record of a file.

    position: rising from 1; several records of one line have one. raw: its bytes, as far as the file has
    them. record: as `services.producer.formats.containers` says; None for JSON that was not read yet, or with
    a fault. alone: whether raw is a whole line of JSON, which may pass as it is. fault: why there is no
    record. last: no other record of this position follows.
    """

    position: int
    raw: bytes
    record: Any = None
    alone: bool = False
    fault: InputRefused | None = None
    last: bool = True


Records = Iterator[Found]
