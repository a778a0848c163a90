"""Semantic Scholar's data set `citations`: one edge a line, the same edge often twice.

{"citationid", "citingcorpusid": 202, "citedcorpusid": 101, "isinfluential", "contexts", "intents"}.
`citedcorpusid` is null for a reference that is not resolved. Lines of one paper need not be neighbours: a
reader brings them together (`grouping`), and this file makes one event of a group.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import cites
from services.producer.formats.shapes import Key, Shape, shaped

NAME = "semanticscholar"
CONTAINER = Container.JSON


class Edge(Shape):
    citingcorpusid: Key = None
    citedcorpusid: Key = None


def recognises(record: Record) -> bool:
    """Whether a line is an edge of this data set, or the key of a deleted one."""
    return "citingcorpusid" in record or record.keys() == {"citationid"}


def edge(record: Record, leave_out: Count = ignore) -> tuple[str, str] | None:
    """(citing paper_id, cited paper_id) of a line; None when one of them is not known, or they are one paper.

    Error: InputRefused for a field with another type.
    """
    read = shaped(record, Edge, "Semantic Scholar")
    citing, cited = (str(end).strip() for end in (read.citingcorpusid, read.citedcorpusid))
    if not (citing.isdecimal() and cited.isdecimal() and len(citing) < 30 and len(cited) < 30):
        leave_out(LeftOut.REFERENCE_WITHOUT_ID)
        return None
    if citing == cited:
        leave_out(LeftOut.REFERENCE_TO_ITSELF)
        return None
    return "s2:" + citing, "s2:" + cited


def group(citing: str, cited: list[str], leave_out: Count = ignore) -> Record:
    """The event paper.cites of all edges of one citing paper; each reference once, in the order of
    the file.
    """
    return cites(citing, NAME, cited, leave_out)
