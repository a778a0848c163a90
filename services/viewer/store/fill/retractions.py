"""Whether papers are retracted: a state of its own, whatever revision of the record comes."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

IS_RETRACTED = "retracted"  # the kind of paper.withdrawn; the other one is reinstated

_WRITE = """
UPDATE papers SET retracted = ?, retraction = ?, retraction_reason = ?, changed_ms = MAX(changed_ms, ?),
    revisions = revisions + ?
WHERE id = ?
"""


class Word(NamedTuple):
    """The newest word about the retraction of a paper. records: of the batch that told of it."""

    is_retracted: bool
    revision: int
    reason: str | None
    changed_ms: int
    records: int


def newest_words(events: Iterable[tuple[dict[str, Any], int]], held: Mapping[str, int]) -> dict[str, Word]:
    """By paper: of its words that of the highest revision, of equal ones the later.

    events: (event, append time), in order. held: the revision of the word that the store has, by paper.
    """
    words: dict[str, Word] = {}
    for event, changed_ms in events:
        key, revision = event["paper_id"], event["revision"]
        before = words.get(key)
        if revision >= (before.revision if before else held[key]):
            records = before.records + 1 if before else 1
            is_retracted = event["kind"] == IS_RETRACTED
            words[key] = Word(is_retracted, revision, event["reason"], changed_ms, records)
    return words


class RetractionRows:
    """The retractions of one store."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def write(self, words: Mapping[int, Word]) -> None:
        """words: by the store's number of the paper."""
        self._connection.executemany(_WRITE, [(*word, paper) for paper, word in words.items()])
