"""What a kind of source is: it asks for the page at a place."""

from typing import ClassVar, Protocol

from services.producer.formats.containers import Container
from services.producer.live.address import Address
from services.producer.live.fetch import Fetcher
from services.producer.live.pages import Page
from services.producer.live.place import Place


class Upstream(Protocol):
    """A kind of source.

    NAME: of its format, and the word before the plus sign. CONTAINER: how its answers hold records. GAP:
    seconds between two requests, at least. LOST: statuses that tell that a token is not known any more.
    """

    NAME: ClassVar[str]
    CONTAINER: ClassVar[Container]
    GAP: ClassVar[float]
    LOST: ClassVar[frozenset[int]]

    address: Address

    async def page(self, place: Place, fetcher: Fetcher) -> Page:
        """The page at this place. Errors: SourceFault, PlaceLost; the same call may succeed later."""
