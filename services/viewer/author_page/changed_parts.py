"""What an open page is sent: the parts that differ from those it has.

The page names its state; the server remembers what the parts of that state were. A page whose state is
forgotten, or whose name changed, gets the whole document.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.viewer.pages.html import Html, join, raw, tag
from services.viewer.pages.profile import Fresh

KEPT = 512  # states, about 20 KB each
ENTRY, WHOLE = "data_key=", "data_whole="


class _State(NamedTuple):
    """Hashes of the parts that a page has."""

    parts: Mapping[str, int]
    lead: int
    keys: Sequence[str]


class States:
    """The newest states that pages were sent."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, str], _State] = OrderedDict()

    def remember(self, of: object, fresh: Fresh) -> None:
        """of: the author and how the list is asked for."""
        key = of, fresh.state
        if key not in self._kept:
            parts = {name: hash(part) for name, part in fresh.parts.items()}
            self._kept[key] = _State(parts, hash(fresh.lead), fresh.keys)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def since(self, of: object, state: str, fresh: Fresh) -> str | None:
        """The parts of `fresh` that differ from the state. None: the whole page is needed."""
        before = self._kept.get((of, state))
        if before is None or before.lead != hash(fresh.lead):
            return None
        return _changed(before, fresh)


def _changed(before: _State, fresh: Fresh) -> str:
    """An article with a template for each part, since a template may hold a cell without a table."""
    changed = [
        (name, part)
        for name, part in fresh.parts.items()
        if (name not in before.parts if name.startswith(WHOLE) else before.parts.get(name) != hash(part))
    ]
    parts = [part for name, part in changed if not name.startswith(ENTRY)]
    entries = {name.removeprefix(ENTRY): part for name, part in changed if name.startswith(ENTRY)}
    if entries or list(fresh.keys) != list(before.keys):
        parts.append(_list(fresh.keys, entries))
    return tag(
        "article",
        [join(raw("<template>"), part, raw("</template>")) for part in parts],
        class_="profile",
        data_version=fresh.version,
        data_state=fresh.state,
        data_behind=fresh.behind,
    )


def _list(keys: Sequence[str], entries: Mapping[str, Html]) -> Html:
    """The list in its order, with the entries that changed; the others are named only."""
    return tag(
        "ol",
        [entries.get(key) or tag("li", data_key=key, data_same=True) for key in keys],
        data_list=True,
    )
