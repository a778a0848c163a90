"""OpenAlex's tables of ids that ended: CSV files beside the snapshot.

`merged_ids/authors/*.csv` and `merged_ids/works/*.csv` have `merge_date,id,merge_into_id`;
`works/deleted_ids.csv` has `work_id,deleted_date`. An id merged into a grave (the "Deleted Work", the
"Deleted Author", the null author) was deleted: a merge would make one person of all deleted people.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.openalex import DELETED_WORK, NOBODY, PREFIX, short_id
from services.producer.formats.paper import merged, withdrawn
from services.producer.text.times import milliseconds
from shared.contracts.refusals import Reason

NAME = "openalex"
CONTAINER = Container.CSV


def recognises(record: Record) -> bool:
    """Whether a row has the columns of one of these tables."""
    return record.keys() >= {"merge_date", "id", "merge_into_id"} or record.keys() >= {
        "work_id",
        "deleted_date",
    }


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """author.merged for an author, paper.withdrawn for a work. Error: InputRefused for a row without ids."""
    fields = Fields(record, "OpenAlex")
    if "work_id" in record:
        return [
            _deleted(
                _id(fields, "work_id"),
                fields.optional_text("deleted_date"),
                "deleted (OpenAlex deleted_ids)",
            )
        ]
    old, into = _id(fields, "id"), _id(fields, "merge_into_id")
    day = fields.optional_text("merge_date")
    if old.startswith(PREFIX + "W"):
        what = "deleted" if into == DELETED_WORK else f"merged into {into.removeprefix(PREFIX)}"
        return [_deleted(old, day, f"{what} (OpenAlex merged_ids)")]
    if not old.startswith(PREFIX + "A"):
        leave_out(LeftOut.NO_EVENT)
    elif into in NOBODY:
        leave_out(LeftOut.MERGE)
    else:
        return [merged(old, into, revision=milliseconds(day))]
    return []


def _id(fields: Fields, name: str) -> str:
    found = short_id(fields.text(name))
    return found or fields.refuse(name, "must be an id such as W2741809807", Reason.INVALID_VALUE)


def _deleted(paper_id: str, day: str | None, reason: str) -> Record:
    return withdrawn(paper_id, revision=milliseconds(day), reason=reason)
