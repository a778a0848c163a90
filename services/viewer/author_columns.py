"""The authors that the viewer knows: one slot for each author, one column for each fact."""

from array import array

UNKNOWN = -1


class AuthorColumns:
    """Columns by author slot, and the map from key to slot. An erased author leaves an unused slot behind."""

    def __init__(self) -> None:
        self.slots: dict[bytes, int] = {}
        self.keys: list[bytes] = []
        self.names: list[bytes] = []  # JSON, as in the snapshot
        self.generation, self.version = array("i"), array("q")
        self.partition, self.offset = array("h"), array("q")  # of the newest snapshot in author-profiles.v1
        self.h_index, self.papers = array("i"), array("i")
        self.redirects: dict[int, str] = {}  # merged author slot → id of the canonical author
        self.aliases: dict[int, bytes] = {}  # author slot → JSON array

    def add(self, key: bytes, name: bytes) -> int:
        """The slot of a new author."""
        slot = self.slots[key] = len(self.keys)
        self.keys.append(key)
        self.names.append(name)
        numbers = (self.generation, self.version, self.partition, self.offset, self.h_index, self.papers)
        for column in numbers:
            column.append(UNKNOWN)
        return slot

    def remove(self, key: bytes) -> int:
        """Removes an erased author and returns the slot.

        If the author is published again, it is a new author here.
        """
        slot = self.slots.pop(key)
        self.names[slot] = b"null"
        self.redirects.pop(slot, None)
        self.aliases.pop(slot, None)
        return slot

    def canonical(self, slot: int) -> int:
        """The slot of the author that this one is merged into, or the slot itself."""
        return self.slots.get(self.redirects[slot].encode(), slot) if slot in self.redirects else slot
