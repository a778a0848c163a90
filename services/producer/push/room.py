"""How many requests with events are in progress at once, and how many bytes of them are in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from services.producer.push.answers import busy

MOST_REQUESTS = 64
MOST_BYTES = 64 << 20
FULL = "There are too many requests with events at once; send this one again in a few seconds."


class Place:
    """The room of one request."""

    def __init__(self, room: "Room"):
        self._room, self.bytes = room, 0

    def require(self, more: int) -> None:
        """Error: HTTPException 429 when so many more bytes have no room."""
        if self._room.bytes + more > MOST_BYTES:
            raise busy(FULL)

    def add(self, more: int) -> None:
        """Takes room for bytes that came. Error: HTTPException 429."""
        self.require(more)
        self.bytes += more
        self._room.change(more)


class Room:
    """The room of all requests. gauge: shows its bytes."""

    def __init__(self, gauge: Gauge):
        self.requests = self.bytes = 0
        self._gauge = gauge

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for one request. Error: HTTPException 429 when there is none."""
        if self.requests >= MOST_REQUESTS:
            raise busy(FULL)
        place = Place(self)
        self.requests += 1
        try:
            yield place
        finally:
            self.requests -= 1
            self.change(-place.bytes)

    def change(self, more: int) -> None:
        self.bytes += more
        self._gauge.set(self.bytes)
