"""Names of papers, authors and sources, and the numbers that senders use for them."""

from collections.abc import Mapping

from services.consumer.citations.row_columns import strings
from shared.columns.dictionary import Dictionary
from shared.columns.table import State
from shared.stages.packs import Rows
from shared.stages.stage import ChannelMap


class Keys(State):
    """The dictionaries of the stage, and for each input channel the map from number to slot (rule C8)."""

    def __init__(self) -> None:
        self.papers, self.authors, self.sources = Dictionary(), Dictionary(), Dictionary()
        self.paper_slots, self.author_slots, self.source_slots = ChannelMap(), ChannelMap(), ChannelMap()

    def bind(self, channel: str, kinds: Mapping[str, Rows]) -> None:
        """Gives the next numbers of a channel to the keys that a pack defines."""
        for kind, names, slots in (
            ("paper_key", self.papers, self.paper_slots),
            ("author_key", self.authors, self.author_slots),
            ("source_key", self.sources, self.source_slots),
        ):
            if kind in kinds:
                slots.bind(channel, names.intern(strings(kinds[kind], "key")))
