"""The OpenCitations Index and COCI as CSV: one citation a row, https://opencitations.net/index.

"oci","citing","cited","creation","timespan","journal_sc","author_sc". `citing` and `cited` are bare DOIs
(COCI) or ids with blanks between ("omid:br/061… doi:10.… pmid:…"). Rows of one citing paper need not be
neighbours: a reader brings them together (`grouping`), and this file makes one event of a group.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.opencitations import ids_of
from services.producer.formats.paper import cites
from shared.identifiers import doi as doi_of
from shared.identifiers import paper_id_of_doi

NAME = "opencitations"
CONTAINER = Container.CSV


def recognises(record: Record) -> bool:
    """Whether a row has the columns of the Index."""
    return record.keys() >= {"oci", "citing", "cited"}


def edge(record: Record, leave_out: Count = ignore) -> tuple[str, str] | None:
    """(citing paper_id, cited paper_id) of a row; None when one of them has no id, or they are one paper."""
    citing, cited = _paper(record.get("citing")), _paper(record.get("cited"))
    if citing is None or cited is None:
        leave_out(LeftOut.REFERENCE_WITHOUT_ID)
        return None
    if citing == cited:
        leave_out(LeftOut.REFERENCE_TO_ITSELF)
        return None
    return citing, cited


def group(citing: str, cited: list[str], leave_out: Count = ignore) -> Record:
    """The event paper.cites of all edges of one citing paper; each reference once, in the order of
    the file.
    """
    return cites(citing, NAME, cited, leave_out)


def _paper(cell: str | None) -> str | None:
    cell = cell if isinstance(cell, str) else ""
    if (bare := doi_of(cell)) is not None:
        return paper_id_of_doi(bare)
    return next(iter(ids_of(cell)), None)
