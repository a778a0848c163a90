"""Papers as CSV and JSON."""

import csv
import io
from collections.abc import Sequence

import orjson

from services.viewer.store.rows import PaperCard

COLUMNS = (
    "paper_id", "title", "authors", "authors_total", "published", "field", "venue", "kind", "doi", "url",
    "citations", "novelty", "retracted",
)  # fmt: skip
CSV_HEAD = ",".join(COLUMNS) + "\r\n"
JSON_BEGIN, JSON_END = '{"papers":[', "]}\n"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute a cell that begins so


def write_csv(papers: Sequence[PaperCard], last: bool) -> str:
    """The rows (RFC 4180). authors: their names, with "; " between.

    An apostrophe stands before a text that a spreadsheet would take for a formula (OWASP, CSV injection).
    """
    text = io.StringIO()
    writer = csv.writer(text)
    for paper in papers:
        cells = {**paper, "authors": "; ".join(person["name"] for person in paper["authors"])}
        writer.writerow([_cell(cells[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_json(papers: Sequence[PaperCard], last: bool) -> str:
    """The papers as /api/v1 has them, with commas between."""
    written = ",\n".join(orjson.dumps(paper).decode() for paper in papers)
    return written + ("" if last or not written else ",\n")
