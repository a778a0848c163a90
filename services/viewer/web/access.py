"""Who may read the viewer's answers from other origins, and how often."""

from typing import NamedTuple

from shared.settings import ANY_ORIGIN, Settings


class Access(NamedTuple):
    """origins: whose pages may read the API; ("*",) is any. rate: requests of a client in a minute; 0: any
    number.
    """

    origins: tuple[str, ...] = (ANY_ORIGIN,)
    rate: int = 0

    @classmethod
    def of(cls, settings: Settings | None) -> "Access":
        """None: any origin, any number (for tests)."""
        return cls() if settings is None else cls(settings.origins, settings.http_rate)
