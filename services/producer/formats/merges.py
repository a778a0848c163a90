"""Merge files: which author ids are one person, as people keep them in a table.

A CSV file with the columns `author_id` (the id that goes) and `into` (the id that stays). `revision` may
stand beside them: of two statements about one id the higher counts. Other columns are for people; they are
not read. `scholarstream suggest-merges` writes such files.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.paper import merged
from shared.contracts.refusals import Reason
from shared.ids import folded_id

NAME = "merges"
CONTAINER = Container.CSV
MOST = 2**62  # of a revision
_GUARDED = ("'=", "'+", "'-", "'@")  # how a cell begins that a spreadsheet would compute without it


def recognises(record: Record) -> bool:
    """Whether a row has the columns of this file."""
    return record.keys() >= {"author_id", "into"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """author.merged. Error: InputRefused for a row without two different ids, or with a wrong revision."""
    row = Fields(record, "merge")
    old, into = _id(row, "author_id"), _id(row, "into")
    if folded_id(old) == folded_id(into):
        row.refuse("into", "must be another id than author_id", Reason.INVALID_VALUE)
    given = (row.optional_text("revision") or "").strip()
    if given and not (given.isascii() and given.isdecimal() and len(given) < 20 and int(given) <= MOST):
        row.refuse("revision", f"must be an integer from 0 to {MOST}", Reason.INVALID_VALUE)
    return [merged(old, into, revision=int(given or 0))]


def _id(row: Fields, name: str) -> str:
    text = row.text(name).strip()
    if not text:
        row.refuse(name, "must be given", Reason.MISSING_FIELD)
    return text[1:] if text.startswith(_GUARDED) else text
