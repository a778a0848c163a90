"""An event on its way from a source into the log."""

from typing import NamedTuple

from shared.errors import InputRefused


class SourceItem(NamedTuple):
    """One event as it goes into the log.

    position: rising from 1; for files the number of the line or record. A record may make several events.
    number: of the event at its position, from 1. last: no other event of this position follows. raw: b"" for
    a record that makes no event. origin: the bytes of the foreign record that the event is made of; a dead
    letter has them. refusal: why the record is refused; raw is then its bytes. told: (source, id) of the
    CloudEvent that the event came in; None: the intake makes them.
    """

    position: int
    raw: bytes
    number: int = 1
    last: bool = True
    origin: bytes | None = None
    refusal: InputRefused | None = None
    told: tuple[str, str] | None = None
