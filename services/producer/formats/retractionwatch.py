"""The Retraction Watch Database as one CSV file: retractions, expressions of concern, corrections,
reinstatements.

https://gitlab.com/crossref/retraction-watch-data. One row is one notice on one paper; a paper may have
several. It says which papers, not more: a retraction of a paper that is not in the log waits for the paper.
"""

import re
from datetime import date

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import read, withdrawn
from services.producer.text.times import milliseconds
from shared.identifiers import doi as doi_of
from shared.identifiers import paper_id_of_doi
from shared.identifiers import pmid as pmid_of

NAME = "retractionwatch"
CONTAINER = Container.CSV
_KINDS = {"retraction": "retracted", "reinstatement": "reinstated"}
_US_DATE = re.compile(r"\s*([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b")


def recognises(record: Record) -> bool:
    """Whether a row has the columns of this file."""
    return record.keys() >= {"Record ID", "RetractionNature", "OriginalPaperDOI"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """paper.withdrawn for a retraction or a reinstatement; [] for other notices and papers without an id."""
    row = {name: value.strip() for name, value in record.items() if isinstance(value, str)}
    nature = row.get("RetractionNature", "")
    kind = _KINDS.get(nature.lower())
    if kind is None:
        leave_out(LeftOut.NOTICE)
        return []
    doi, pmid = doi_of(row.get("OriginalPaperDOI")), pmid_of(row.get("OriginalPaperPubMedID"))
    if doi is None and pmid is None:
        leave_out(LeftOut.RECORD_WITHOUT_ID)
        return []
    day = read(row.get("RetractionDate"), _day, leave_out, LeftOut.DATE)
    paper_id = paper_id_of_doi(doi) if doi else f"pmid:{pmid}"
    return [withdrawn(paper_id, revision=milliseconds(day), reason=_reason(row, nature, day), kind=kind)]


def _reason(row: Record, nature: str, day: str | None) -> str:
    """Retraction 2023-08-16: Concerns About Data; … (Retraction Watch 50438; notice 10.1155/2023/9804945)"""
    reasons = [one.strip().removeprefix("+").strip() for one in row.get("Reason", "").split(";")]
    told = "; ".join(one for one in reasons if one)
    notice = doi_of(row.get("RetractionDOI"))
    source = f"Retraction Watch {row.get('Record ID', '')}".strip() + (f"; notice {notice}" if notice else "")
    when = f"{nature} {day}" if day else nature
    return f"{when}: {told} ({source})" if told else f"{when} ({source})"


def _day(text: str) -> str | None:
    """YYYY-MM-DD of "8/16/2023 0:00": month, day, year."""
    found = _US_DATE.match(text)
    try:
        return date(int(found[3]), int(found[1]), int(found[2])).isoformat() if found else None
    except ValueError:
        return None
