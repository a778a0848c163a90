"""Leaves out records that a source tells again without a change: a pass overlaps with the one before."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import orjson

from services.producer.items import SourceItem

MOST = 200_000  # papers and authors remembered; the longest unseen are forgotten


class Unchanged:
    """Remembers for each paper and author the last record that spoke of it.

    A record is left out when it was the last one for everything that it speaks of. So a record that came
    before another of the same paper is sent again.
    """

    def __init__(self, most: int = MOST):
        self._most = most
        self._last: OrderedDict[bytes, bytes] = OrderedDict()

    def is_known(self, items: Sequence[SourceItem]) -> bool:
        """Whether these items of one record change nothing. Refused ones are never known."""
        if not items or any(item.refusal is not None or not item.raw for item in items):
            return False
        digest = _digest(b"\n".join(item.raw for item in items))
        subjects = {_subject(item.raw) for item in items}
        known = all(self._last.get(subject) == digest for subject in subjects)
        for subject in subjects:
            self._last[subject] = digest
            self._last.move_to_end(subject)
        while len(self._last) > self._most:
            self._last.popitem(last=False)
        return known


def _subject(raw: bytes) -> bytes:
    event = orjson.loads(raw)
    return _digest(str(event.get("paper_id") or event.get("author_id")).encode())


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
