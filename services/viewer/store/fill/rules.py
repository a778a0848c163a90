"""The settings that decide what is in a store. A store of other rules is made anew."""

from typing import NamedTuple

from shared.settings import Settings, default_of


class Rules(NamedTuple):
    """The settings of these names. A consumer with other ones has other numbers."""

    kinds: str = default_of("kinds")
    retracted: str = default_of("retracted")
    max_citing_sources: int = default_of("max_citing_sources")
    days_ahead: int = default_of("days_ahead")

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        return cls(settings.kinds, settings.retracted, settings.max_citing_sources, settings.days_ahead)

    @property
    def text(self) -> str:
        """As a store keeps them."""
        return repr(tuple(self))
